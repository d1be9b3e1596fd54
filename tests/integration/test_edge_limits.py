"""What a client may do to the edge: come and go ten thousand times, never read, send faster than anybody listens."""
import asyncio
import http.client
import json
import pathlib
import signal
import threading

import pytest
import websockets

from house import SLOW, House, wait_until
from raw_ws import BINARY, CLOSE, PING, PONG, TEXT, RawWs, frame, frames_of
from wire import Ws

CHUNK = b"\1\2" * 320


def rss_kb(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0])


async def visit(house, number):
    """One client: connects, streams a chunk, leaves politely or not."""
    flat = number % 2
    ws = await websockets.connect(house.ws + ("/api/audio/ws?rate=44100" if flat else "/ws"), compression=None)
    if not flat:
        await ws.recv()
        await ws.send(json.dumps({"type": "audio.start", "payload": {"sample_rate": 48000, "format": "pcm16"}, "timestamp": 1}))
    await ws.send(CHUNK)
    await ws.recv()
    if number % 3:
        await ws.close()
    else:
        ws.transport.abort()


async def visits(house, first, count):
    for start in range(first, first + count, 50):
        await asyncio.wait_for(asyncio.gather(*(visit(house, n) for n in range(start, start + 50))), 60 * SLOW)


def test_ten_thousand_clients_leave_no_trace():
    with House() as house:
        asyncio.run(visits(house, 0, 2000))  # whatever grows once has grown
        before = rss_kb(house.pid("edge"))
        asyncio.run(visits(house, 2000, 10000))
        wait_until(lambda: house.metrics()["earshot_edge_clients"] == 0, 20, "all clients gone")
        assert house.metrics()["earshot_edge_streams"] == 0
        assert house.metrics()["earshot_edge_connections_total"] == 12000
        if SLOW == 1:  # sanitizers keep freed memory on purpose
            assert rss_kb(house.pid("edge")) - before < 2048


def test_who_does_not_read_is_not_read_or_closed_and_others_are_not_disturbed(house):
    wait_until(lambda: house.metrics()["earshot_edge_clients"] == 0, 10, "nobody is there")

    def limited():
        now = house.metrics()
        return now["earshot_edge_throttled_total"] + now['earshot_edge_closed_total{reason="slow"}']
    before, start = limited(), rss_kb(house.pid("edge"))
    chunk = b"\x82\x82\0\0\0\0\1\2"  # 8 bytes, answered by 180
    left = memoryview(chunk * 50000)
    with Ws(house.ws + "/api/audio/ws") as other, RawWs(house.ws + "/api/audio/ws", receive_buffer=4096) as deaf:
        deaf.sock.setblocking(False)

        def flood():
            nonlocal left
            try:
                left = left[deaf.sock.send(left):]
            except OSError:  # nothing goes out now, or the edge has hung up
                pass
            return limited() > before
        wait_until(flood, 30, "the edge reads no more")
        other.send(CHUNK)
        other.expect(seq=1, chunk_size=640)
        if SLOW == 1:
            assert rss_kb(house.pid("edge")) - start < 16384


RATES = {"EARSHOT_MESSAGE_RATE": "2000", "EARSHOT_BYTE_RATE": "4000000", "EARSHOT_RATE_PATIENCE": f"{int(2 * SLOW)}s"}
STRICT = {**RATES, "EARSHOT_PING_INTERVAL": f"{int(SLOW)}s", "EARSHOT_CLOSE_TIMEOUT": "1s"}


@pytest.fixture(scope="module")
def unhurried():
    """Who is not called for a while, and so answers no PING, stays."""
    with House("--jobs", "0", env=RATES) as running:
        yield running


@pytest.fixture(scope="module")
def strict():
    with House("--jobs", "0", env=STRICT) as running:
        yield running


def closed(house, reason):
    return house.metrics()[f'earshot_edge_closed_total{{reason="{reason}"}}']


def test_after_close_nothing_is_said_and_who_does_not_answer_it_is_cut(strict):
    before, cut = closed(strict, "not_utf8"), closed(strict, "close_unanswered")
    with RawWs(strict.ws + "/api/audio/ws") as raw:
        raw.send(200 * frame(BINARY, CHUNK) + frame(TEXT, b"\xff\xff"))
        assert raw.end(answer=False) == (1007, "the text is not UTF-8")
        assert all(opcode == TEXT for opcode, _ in frames_of(raw.got)[:-1])
    wait_until(lambda: strict.metrics()["earshot_edge_clients"] == 0, 20, "it is gone")
    assert (closed(strict, "not_utf8"), closed(strict, "close_unanswered")) == (before + 1, cut + 1)


def refused(house, data, reason, codes, path="/ws"):
    """This is closed with one of the codes, and counted. None: the Close may be lost where the client sends on."""
    before = closed(house, reason)
    with RawWs(house.ws + path) as raw:
        raw.send(data)
        code, said = raw.end()
    assert code in codes, (code, said)
    wait_until(lambda: closed(house, reason) == before + 1, 10, f"{reason} is counted")


LONG = b'"' + b"a" * 40000


@pytest.mark.parametrize("data, reason, code", [
    pytest.param(frame(TEXT, b"a" * 16384, announced=65537), "text_too_large", 1009, id="a text announced too large"),
    pytest.param(frame(TEXT, LONG, fin=False) + frame(0, LONG), "text_too_large", 1009, id="a text too large in fragments"),
    pytest.param(frame(BINARY, b"a" * 16384, announced=1 << 62), "message_too_large", 1009, id="an endless message"),
    pytest.param(frame(BINARY, b"", fin=False) + frame(0, b"", fin=False) * 1024, "too_many_fragments", 1009, id="fragments"),
    pytest.param(frame(TEXT, b"\xc0\x80"), "not_utf8", 1007, id="text that is not UTF-8"),
    pytest.param(frame(3, b"ab"), "violation", 1002, id="an opcode that is none"),
    pytest.param(frame(0, b"ab"), "violation", 1002, id="a continuation of nothing"),
    pytest.param(frame(BINARY, b"ab", fin=False) + frame(BINARY, b"ab"), "violation", 1002, id="a message in a message"),
    pytest.param(frame(PING, b"ab", fin=False), "violation", 1002, id="a ping in fragments"),
    pytest.param(frame(BINARY, b"ab", reserved=4), "violation", 1002, id="a compressed message"),
    pytest.param(frame(BINARY, b"ab", reserved=1), "violation", 1002, id="a reserved bit"),
])
def test_what_is_no_message_closes_with_the_code_and_nothing_follows(strict, data, reason, code):
    acked = frame(TEXT, b'{"type":"ping","payload":{},"timestamp":0}') * 20  # answers that must not follow Close
    refused(strict, acked + data, reason, (code, None))


@pytest.mark.parametrize("data", [frame(PING, b"a") * 2000, frame(PONG) * 2000, frame(PONG, b"abc") * 2000, frame(BINARY) * 2000,
                                  frame(BINARY, b"ab" * 10000) * 10, frame(TEXT, b'{"type":"ping"}') * 500],
                         ids=["pings", "empty pongs", "pongs", "empty messages", "bytes", "messages"])
def test_a_flood_is_held_back_and_then_closed_and_others_are_not_disturbed(unhurried, data):
    before = closed(unhurried, "flood")
    with Ws(unhurried.ws + "/api/audio/ws") as other, RawWs(unhurried.ws + "/api/audio/ws") as raw:
        assert raw.flood(data)[0] in (1008, None)
        other.send(CHUNK)
        other.expect(seq=1, chunk_size=640)
    wait_until(lambda: closed(unhurried, "flood") == before + 1, 10, "the flood is counted")
    assert unhurried.metrics()["earshot_edge_held_total"] > 0


def post_megabytes(sock):
    body = b"z" * 60000
    for _ in range(50):
        sock.sendall(b"POST /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        answer = http.client.HTTPResponse(sock)
        answer.begin()
        answer.read()


def test_requests_before_a_websocket_are_no_flood_in_it(strict):
    before = closed(strict, "flood")
    with RawWs(strict.ws + "/api/audio/ws", before=post_megabytes) as raw:
        raw.until(lambda frames: [opcode for opcode, _ in frames].count(PING) == 2)  # the edge has looked twice
        assert {opcode for opcode, _ in frames_of(raw.got)} == {PING} and closed(strict, "flood") == before
        assert raw.flood(frame(PING, b"a") * 2000)[0] in (1008, None)
    wait_until(lambda: closed(strict, "flood") == before + 1, 10, "the flood is counted")


def test_who_answers_no_ping_is_gone_and_who_answers_stays(strict):
    before, seen = closed(strict, "silent"), []

    def fall_silent():
        with RawWs(strict.ws + "/api/audio/ws") as raw:
            frames = raw.until(lambda frames: len(frames) == 1)
            raw.send(frame(PONG, frames[0][1]))
            raw.until(lambda frames: len(frames) == 2)
            seen.extend([raw.end(), [opcode for opcode, _ in frames_of(raw.got)]])

    silent = threading.Thread(target=fall_silent)
    with Ws(strict.ws + "/api/audio/ws", ping_interval=None) as alive:
        silent.start()
        while silent.is_alive():  # the library answers only while it is called
            alive.send({"type": "ping"})
            alive.until(lambda message: message.get("type") == "pong")
            silent.join(0.2)
    assert seen == [(None, ""), [PING] * 3]
    assert closed(strict, "silent") == before + 1


@pytest.mark.parametrize("memory, most, paused", [(2 ** 30, 9, 0), (2 ** 20, 2, 1)], ids=["its own bound", "that of all"])
def test_a_full_house_pushes_back_and_loses_nothing(memory, most, paused):
    with House(env={"EARSHOT_STREAM_MEMORY": str(memory)}) as house, Ws(house.ws + "/api/audio/ws") as ws:
        ws.send(CHUNK)
        ws.until(lambda m: "transcription" in m)
        house.kill("transcriber-1", signal.SIGSTOP)
        sent = 1

        def throttled():
            nonlocal sent
            if house.metrics()["earshot_edge_throttled_total"]:
                return True
            for _ in range(20):
                ws.send(b"\0" * 65536)
                sent += 1
            return False
        try:
            wait_until(throttled, 20, "the edge stops reading")
            wait_until(lambda: 2 ** 20 < house.metrics()["earshot_edge_stream_memory_bytes"] < most * 2 ** 20, 5, "it is counted")
        finally:
            house.kill("transcriber-1", signal.SIGCONT)
        ws.send("stop")
        got = ws.until(lambda m: m.get("done"), 60)
        assert [m["seq"] for m in got if "chunk_size" in m] == list(range(2, sent + 1))
        assert [m["seq"] for m in got if "transcription" in m] == list(range(2, sent + 1))
        assert not [m for m in got if "error" in m]
        assert house.metrics()["earshot_edge_overruns_total"] == 0
        assert min(house.metrics()["earshot_edge_streams_paused_total"], 1) == paused
