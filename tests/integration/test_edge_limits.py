"""What a client may do to the edge: come and go ten thousand times, never read, send faster than anybody listens."""
import asyncio
import json
import pathlib
import signal
import socket

import websockets

from house import SLOW, House, wait_until
from wire import Ws

CHUNK = b"\1\2" * 320
HEAD = ("GET /api/audio/ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n").encode()


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
    host, port = house.url.removeprefix("http://").split(":")
    wait_until(lambda: house.metrics()["earshot_edge_clients"] == 0, 10, "nobody is there")
    def limited():
        now = house.metrics()
        return now["earshot_edge_throttled_total"] + now["earshot_edge_culled_total"]
    before, start = limited(), rss_kb(house.pid("edge"))
    chunk = b"\x82\x82\0\0\0\0\1\2"  # 8 bytes, answered by 180
    left = memoryview(chunk * 50000)
    with Ws(house.ws + "/api/audio/ws") as other, socket.socket() as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.connect((host, int(port)))
        deaf.sendall(HEAD)
        answer = b""
        while not answer.endswith(b"\r\n\r\n"):
            answer += deaf.recv(1)
        assert b" 101 " in answer
        deaf.setblocking(False)

        def flood():
            nonlocal left
            try:
                left = left[deaf.send(left):]
            except OSError:  # nothing goes out now, or the edge has hung up
                pass
            return limited() > before
        wait_until(flood, 30, "the edge reads no more")
        other.send(CHUNK)
        other.expect(seq=1, chunk_size=640)
        if SLOW == 1:
            assert rss_kb(house.pid("edge")) - start < 16384


def frames_of(data):
    """(opcode, payload) of unmasked frames."""
    frames = []
    while data:
        short = data[1] & 127
        head = 2 if short < 126 else 4 if short == 126 else 10
        length = int.from_bytes(data[2:head], "big") if head > 2 else short
        frames.append((data[0] & 15, data[head:head + length]))
        data = data[head + length:]
    return frames


def test_after_close_nothing_is_said_and_who_does_not_answer_it_is_cut(house):
    host, port = house.url.removeprefix("http://").split(":")
    wait_until(lambda: house.metrics()["earshot_edge_clients"] == 0, 10, "nobody is there")
    with socket.create_connection((host, int(port)), 10 * SLOW) as raw:
        chunk = b"\x82\xfe" + len(CHUNK).to_bytes(2, "big") + bytes(4) + CHUNK
        raw.sendall(HEAD + 200 * chunk + b"\x81\x82" + bytes(4) + b"\xff\xff")
        got = b""
        raw.settimeout(20 * SLOW)
        while piece := raw.recv(65536):
            got += piece
    said = frames_of(got.split(b"\r\n\r\n", 1)[1])
    assert said[-1] == (8, b"\x03\xefthe text is not UTF-8")
    assert all(opcode == 1 for opcode, _ in said[:-1])
    wait_until(lambda: house.metrics()["earshot_edge_clients"] == 0, 20, "it is gone")


def test_a_full_house_pushes_back_and_loses_nothing():
    with House() as house, Ws(house.ws + "/api/audio/ws") as ws:
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
        finally:
            house.kill("transcriber-1", signal.SIGCONT)
        ws.send("stop")
        got = ws.until(lambda m: m.get("done"), 60)
        assert [m["seq"] for m in got if "chunk_size" in m] == list(range(2, sent + 1))
        assert [m["seq"] for m in got if "transcription" in m] == list(range(2, sent + 1))
        assert not [m for m in got if "error" in m]
        assert house.metrics()["earshot_edge_overruns_total"] == 0
