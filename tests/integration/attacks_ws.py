"""Attacks on the WebSockets of an edge: frames, floods and JSON that are not to be had, and clients that do not read."""
import contextlib
import re
import socket
import struct
import time
import urllib.request

from attack import Attack, closed, error, http, open_edge, opened, request
from house import SLOW, wait_until
from raw_ws import BINARY, PING, PONG, TEXT, RawWs, frame


def ended(data, path="/ws", **options):
    """Sends this; the code of the Close that ends the connection, or `cut`: one that sends on may be reset before it can read it."""
    def play(ground, _):
        with opened(ground, path, **options) as raw:
            with contextlib.suppress(OSError):
                raw.send(data)
            return str(raw.end()[0] or "cut")
    return play


def flood(data):
    def play(ground, _):
        with opened(ground, "/api/audio/ws") as raw:
            return str(raw.flood(data)[0] or "cut")
    return play


def said(text):
    """An error is said, and the connection goes on."""
    def play(ground, _):
        with opened(ground) as raw:
            raw.send(frame(TEXT, text))
            frames = raw.until(lambda frames: any(b'"error"' in payload for _, payload in frames))
            raw.send(frame(TEXT, b'{"type":"ping","payload":{},"timestamp":0}'))
            raw.until(lambda frames: any(b'"pong"' in payload for _, payload in frames))
            told = next(payload for _, payload in frames if b'"error"' in payload)
            return told.split(b'"code":"')[1].split(b'"')[0].decode()
    return play


def never_reads(ground, sizes):
    """They ask and ask, and read nothing: their own sockets fill up, nobody else's. More of them would share the processor and fill them later. Most are cut in the middle of a frame."""
    asks = [(f"/{path}", frame(TEXT, b'{"type":"' + b"x" * 60 + b'","payload":{},"timestamp":0}') * 100) for path in ("ws", "api/audio/ws")]
    deaf = [opened(ground, asks[n % 2][0], receive_buffer=4096) for n in range(min(sizes["crowd"], int(20 / SLOW)))]
    left = dict(enumerate(deaf))
    for raw in deaf:
        raw.sock.setblocking(False)
    give_up = time.monotonic() + 30 * SLOW
    while left and time.monotonic() < give_up:
        for n, raw in list(left.items()):
            try:
                raw.sock.send(asks[n % 2][1])
            except BlockingIOError:
                continue
            except OSError:
                left.pop(n)
    for raw in deaf:
        raw.sock.close()
    return "still open" if left else "cut"


def takes_nothing(ground, sizes):
    """Requests one after another, whose answers nobody takes. More of them would take longer than a second to fill what the kernel keeps for each."""
    left = []
    for _ in range(min(sizes["crowd"], 20)):
        left.append(ground.connect())
        left[-1].setblocking(False)
    before, figure = ground.figures(), http("send_slow")
    give_up = time.monotonic() + 20 * SLOW
    while time.monotonic() < give_up and ground.figures()[figure] - before[figure] < len(left):
        for made in left:
            with contextlib.suppress(OSError):
                made.send(request("GET /dashboard HTTP/1.1") * 20)
    for made in left:
        made.close()
    return "cut" if time.monotonic() < give_up else "still open"


def figure(url, name):
    with urllib.request.urlopen(url + "/metrics", timeout=20 * SLOW) as answer:
        return int(re.search(f"^{re.escape(name)} (.+)$", answer.read().decode(), re.M).group(1))


def speak(crowd, chunk=frame(BINARY, bytes(65536))):
    """crowd: {RawWs: what is left of its chunk}. Each says what its kernel takes."""
    for raw, left in crowd.items():
        with contextlib.suppress(BlockingIOError):
            crowd[raw] = (left or memoryview(chunk))[raw.sock.send(left or chunk):]


def leaves_unread(ground, sizes):
    """They speak to an edge for which nobody transcribes, until it reads none of them, and go, every other one with a reset: their places are free."""
    with open_edge(ground, "--ping-interval", "1s", "--stream-memory", str(2 ** 20), broker=f"ipc://{ground.keys.name}/nobody") as url:
        crowd = {RawWs(url.replace("http", "ws", 1) + "/api/audio/ws"): b"" for _ in range(sizes["crowd"])}
        for raw in crowd:
            raw.sock.setblocking(False)
        wait_until(lambda: speak(crowd) or figure(url, "earshot_edge_throttled_total") == len(crowd), 20, "an edge that reads nobody")
        for n, raw in enumerate(crowd):
            raw.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", n % 2, 0))
            raw.sock.close()
        wait_until(lambda: figure(url, closed("gone")) == len(crowd), 20, "all of them gone")
        return "still there" if figure(url, "earshot_edge_clients") else "cut"


CHAIN = frame(BINARY, fin=False) + frame(0, fin=False) * 2000
DEEP = b'{"type":"ping","payload":' + b'{"a":' * 2000 + b"1" + b"}" * 2000 + b',"timestamp":0}'
SOCKETS = [
    Attack("an endless message", ended(frame(BINARY, b"a" * 16384, announced=1 << 62)), "1009", closed("message_too_large"), 1),
    Attack("an oversize message in pieces", ended(frame(BINARY, bytes(600000), fin=False) + frame(0, bytes(600000))), "1009 cut", closed("message_too_large"), 1),
    Attack("an oversize text", ended(frame(TEXT, b"a" * 70000)), "1009 cut", closed("text_too_large"), 1),
    Attack("endless fragments", ended(CHAIN), "1009 cut", closed("too_many_fragments"), 1),
    Attack("text that is not UTF-8", ended(frame(TEXT, b"\xed\xa0\x80")), "1007", closed("not_utf8"), 1),
    Attack("a compressed message", ended(frame(BINARY, b"ab", reserved=4)), "1002", closed("violation"), 1),
    Attack("reserved bits", ended(frame(BINARY, b"ab", reserved=3)), "1002", closed("violation"), 1),
    Attack("an opcode that is none", ended(frame(11, b"ab")), "1002", closed("violation"), 1),
    Attack("a ping in fragments", ended(frame(PING, b"ab", fin=False)), "1002", closed("violation"), 1),
    Attack("a flood of pings", flood(frame(PING, b"a") * 2000), "1008 cut", closed("flood"), 1),
    Attack("a flood of empty pongs", flood(frame(PONG) * 2000), "1008 cut", closed("flood"), 1),
    Attack("a flood of empty messages", flood(frame(BINARY) * 2000), "1008 cut", closed("flood"), 1),
    Attack("a flood of requests", flood(frame(TEXT, b'{"type":"ping"}') * 500), "1008 cut", closed("flood"), 1),
    Attack("a flood of audio", flood(frame(BINARY, bytes(60000)) * 10), "1008 cut", closed("flood"), 1),
    Attack("who does not take an answer", takes_nothing, "cut", http("send_slow"), 10),
    Attack("who reads nothing", never_reads, "cut", "earshot_edge_throttled_total", 1),
    Attack("who leaves a full stream", leaves_unread, "cut", closed("gone"), 0),  # of the open edge: `leaves_unread` has looked
    Attack("who answers no ping", ended(b""), "cut", closed("silent"), 1),
    Attack("who does not answer Close", lambda ground, _: unanswered(ground), "1007", closed("close_unanswered"), 1),
    Attack("JSON nested two thousand deep", said(DEEP), "json_too_deep", error("json_too_deep"), 1),
    Attack("a name twice", said(b'{"type":"ping","type":"ping","payload":{},"timestamp":0}'), "invalid_json", error("invalid_json"), 1),
    Attack("a huge number", said(b'{"type":"ping","payload":{},"timestamp":1e99999}'), "invalid_json", error("invalid_json"), 1),
    Attack("a number of 60 000 digits", said(b'{"type":"ping","payload":{},"timestamp":' + b"9" * 60000 + b"}"), "invalid_json", error("invalid_json"), 1),
    Attack("half of a surrogate pair", said(b'{"type":"\\ud800","payload":{},"timestamp":0}'), "invalid_json", error("invalid_json"), 1),
    Attack("four thousand names", said(b'{"type":"ping","payload":{' + b",".join(b'"%d":1' % n for n in range(4000)) + b'},"timestamp":0}'), "unknown_field",
           error("other"), 1),
]


def unanswered(ground):
    with opened(ground, "/api/audio/ws") as raw:
        raw.send(frame(TEXT, b"\xff"))
        return str(raw.end(answer=False)[0])
