"""The flat protocol on /api/audio/ws, as transcripts of send and expect."""
import pytest

from house import House, wait_until
from wire import Ws

CHUNK = b"\1\2" * 320


def flat(house, query=""):
    return Ws(house.ws + "/api/audio/ws" + query)


def test_every_chunk_is_acknowledged_and_transcribed(house):
    with flat(house) as ws:
        ws.send(CHUNK)
        ack = ws.expect(seq=1, chunk_size=640)
        assert len(ack["client_id"]) == 16
        ws.expect(seq=1, transcription=f"mock transcription for client {ack['client_id']} msg#1 (binary 640 bytes)")
        for n in range(2, 202):
            ws.send(CHUNK[: 2 * n])
        got = [ws.recv() for _ in range(400)]
        assert [m["seq"] for m in got if "chunk_size" in m] == list(range(2, 202))
        assert [m["transcription"].split(" msg")[1] for m in got if "transcription" in m] == [
            f"#{n} (binary {2 * n} bytes)" for n in range(2, 202)]


@pytest.mark.parametrize("stop", ["stop", '{"type":"stop"}'])
def test_stop_flushes_and_the_connection_goes_on(house, stop):
    with flat(house) as ws:
        for _ in range(3):
            ws.send(CHUNK)
        ws.send(stop)
        got = ws.until(lambda m: m.get("done"))
        assert [m["seq"] for m in got if "transcription" in m] == [1, 2, 3]
        assert got[-1] == {"done": True, "seq": 3}
        ws.send(CHUNK)
        ws.expect(seq=4, chunk_size=640)
        assert ws.recv()["seq"] == 4


@pytest.mark.parametrize("bad, hint", [
    (b"", "empty"), (b"\0" * 641, "odd"), ("{", "JSON"), ('{"type":"nonsense"}', "nonsense"), ("[1]", ""), ('{"type":5}', "type"),
    ("hello", ""), (b"\0" * (1 << 20) + b"\0\0", "")],
    ids=["empty", "odd", "cut JSON", "unknown type", "array", "type of type", "plain text", "oversize"])
def test_bad_input_is_answered_and_harms_nobody(house, bad, hint):
    with flat(house) as other, flat(house) as ws:
        ws.send(CHUNK)
        ws.until(lambda m: "transcription" in m)
        ws.send(bad)
        error = ws.recv()
        assert list(error) == ["error"] and len(error["error"]) > 15, error
        assert hint.lower() in error["error"].lower(), error
        ws.send(CHUNK)
        ws.expect(seq=2, chunk_size=640)
        other.send(CHUNK)
        other.expect(seq=1)


def test_rates_are_resampled_or_refused(house):
    for rate in (8000, 16000, 24000, 44100, 48000):
        with flat(house, f"?rate={rate}") as ws:
            for _ in range(10):
                ws.send(b"\0\0" * (rate // 50))
            ws.send("stop")
            got = ws.until(lambda m: m.get("done"))
            assert len([m for m in got if "transcription" in m]) == 10, rate
            assert got[-1]["seq"] == 10
            assert f"(binary {2 * (rate // 50)} bytes)" in [m for m in got if "transcription" in m][0]["transcription"]


def test_invalid_utf8_closes_1007(house):
    import socket
    import base64
    import os
    host, port = house.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), 10) as s:
        key = base64.b64encode(os.urandom(16)).decode()
        s.sendall(f"GET /api/audio/ws HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                  f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode())
        head = b""
        while b"\r\n\r\n" not in head:
            head += s.recv(1)
        assert b" 101 " in head
        s.sendall(b"\x81\x82\0\0\0\0\xff\xfe")
        data = b""
        while len(data) < 4:
            piece = s.recv(100)
            assert piece, "closed without a Close frame"
            data += piece
    assert data[0] == 0x88 and int.from_bytes(data[2:4], "big") == 1007


def test_oversize_message_closes_1009(house):
    with flat(house) as ws:
        ws.send(b"\0" * (4 << 20))
        assert ws.await_close()[0] == 1009


def test_a_client_that_goes_leaves_nothing(house):
    before = house.metrics()
    for _ in range(50):
        ws = flat(house)
        ws.send(CHUNK)
        ws.recv()
        ws.abort()
    name = next(n for n in before if n.startswith("earshot_edge_clients") or n == "earshot_edge_connections")
    wait_until(lambda: house.metrics()[name] == before[name], 10, "all clients gone")
    wait_until(lambda: all(w["streams"] == 0 for w in house.status()["workers"]), 15, "all streams closed")


def test_queue_of_one_client_does_not_hold_up_another():
    with House("--delay-ms", "300") as house, flat(house) as ws:
        slow = flat(house)
        for _ in range(100):
            slow.send(CHUNK)
        ws.send(CHUNK)
        ws.expect(seq=1, chunk_size=640)
        ws.expect(deadline=10, seq=1)  # one after another took 30 s
        slow.abort()
