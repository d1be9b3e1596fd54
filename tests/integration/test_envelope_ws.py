"""The envelope protocol on /ws."""
import http.client

import pytest

from wire import Ws

CHUNK = b"\1\2" * 1600
START = ("audio.start", {"sample_rate": 16000, "format": "pcm16"})


def connect(house):
    ws = Ws(house.ws + "/ws")
    welcome = ws.expect("welcome")
    assert len(welcome["client_id"]) == 16 and welcome["session"] and welcome["token"] and welcome["limits"]
    return ws, welcome


def transcripts(messages):
    return [m["payload"] for m in messages if m["type"] == "transcript"]


def test_a_stream_from_start_to_done(house):
    ws, welcome = connect(house)
    with ws:
        ws.send(START)
        for n in range(1, 4):
            ws.send(CHUNK)
        ws.send(("audio.stop", {}))
        got = ws.until(lambda m: m["type"] == "audio.done")
        acks = [m["payload"] for m in got if m["type"] == "ack"]
        assert [(a["seq"], a["chunk_size"], a["client_id"]) for a in acks] == [(n, 3200, welcome["client_id"]) for n in (1, 2, 3)]
        finals = transcripts(got)
        assert [(f["from_seq"], f["to_seq"], f["final"]) for f in finals] == [(n, n, True) for n in (1, 2, 3)]
        assert "msg#2 (binary 3200 bytes)" in finals[1]["text"]
        assert {"client_id", "seq", "text", "final", "from_seq", "to_seq", "start_ms", "end_ms"} <= set(finals[0])
        assert isinstance(got[0]["timestamp"], int)
        # another stream on the same connection
        ws.send(START)
        ws.send(CHUNK)
        ws.send(("audio.stop", {}))
        assert len(transcripts(ws.until(lambda m: m["type"] == "audio.done"))) == 1


def test_marks_come_back_in_place(house):
    ws, _ = connect(house)
    with ws:
        ws.send(START)
        ws.send(CHUNK)
        ws.send(("audio.mark", {"id": "first"}))
        ws.send(CHUNK)
        ws.send(("audio.mark", {"id": "second"}))
        got = ws.until(lambda m: m["type"] == "audio.marked" and m["payload"]["id"] == "second")
        order = [m["payload"].get("id") or "text" for m in got if m["type"] in ("audio.marked", "transcript")]
        assert order == ["text", "first", "text", "second"]


def test_ping(house):
    ws, _ = connect(house)
    with ws:
        ws.send(("ping", {}))
        ws.expect("pong")


@pytest.mark.parametrize("bad", [
    b"\0\0", "not json", "[]", "{}", '{"type":"ping"}x', '{"type":"audio.start","payload":{}}',
    ("audio.start", {"sample_rate": 16001, "format": "pcm16"}), ("audio.start", {"sample_rate": "16000", "format": "pcm16"}),
    ("audio.start", {"sample_rate": 16000, "format": "mp3"}), ("audio.stop", {}), ("audio.mark", {"id": "x"}), ("audio.mark", {}),
    ("nonsense", {}), '{"type":"ping","payload":{},"timestamp":"now"}', '{"type":"ping","type":"ping","payload":{}}'])
def test_bad_input_gets_an_error_and_the_connection_stays(house, bad):
    ws, _ = connect(house)
    with ws:
        ws.send(bad)
        error = ws.expect("error")
        assert error["code"] and len(error["message"]) > 15
        ws.send(START)
        ws.send(b"\0\0\0")
        assert "odd" in ws.expect("error")["message"]
        ws.send(START)
        assert ws.expect("error")["code"]
        ws.send(CHUNK)
        assert ws.expect("ack")["seq"] == 1
        assert transcripts([ws.recv()])[0]["seq"] == 1


def test_foreign_origin_is_refused(house):
    asked = http.client.HTTPConnection(house.url.removeprefix("http://"), timeout=10)
    asked.request("GET", "/ws", headers={
        "Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
        "Origin": "http://evil.example"})
    assert asked.getresponse().status == 403
    asked.close()
    with Ws(house.ws + "/ws", origin=house.url) as ws:
        ws.expect("welcome")
