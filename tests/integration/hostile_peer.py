"""What nobody should say to earshot's sockets: messages that PROTOCOL.md refuses, messages that it takes and that make no sense, bytes that are no ZMTP, and
peers that say nothing at all."""
import os
import pathlib
import random
import socket
import sys
import threading

import msgpack
import zmq

from house import SLOW
from wire import Ws

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "interop"))
import envelope  # noqa: E402

KIND = {name: number for number, (name, _, _) in envelope.KINDS.items()}
KEY = envelope.KEYS
STRANGER = b"badbadbadbadbad0"
MAX = 2**64 - 1
PORTS = {"frontend": 0, "backend": 1, "results": 2, "publish": 3}
CHUNK = b"\1\2" * 320


# ---- envelopes

def pack(kind, meta=None, epoch=1, seq=1, **other):
    return msgpack.packb([other.get("version", 1), kind, epoch, seq, other.get("time_us", 1), other.get("trace"), meta])


def start_frame(client=None):
    meta = {KEY["flags"]: 1, KEY["pos"]: 0, KEY["base"]: 0, KEY["committed"]: 0, KEY["service"]: "transcribe"}
    return pack(KIND["FRAME"], meta | ({KEY["client"]: client} if client else {}))


def wrong_shapes():
    good = [1, KIND["CLOSE"], 1, 1, 1, None, None]
    whole = start_frame()
    yield from (whole[:n] for n in range(len(whole)))
    yield from (whole + tail for tail in (b"\0", b"\xc0", whole, bytes(4000)))
    yield from (b"\xc1", b"\xdd\xff\xff\xff\xff", b"\xdf\xff\xff\xff\xff", b"\xdb\xff\xff\xff\xff", b"\xc6\xff\xff\xff\xff", b"\xc9\xff\xff\xff\xff\1")
    yield from (b"\x91" * n for n in (9, 100, 4000, 4096, 5000, 70000))
    yield from (b"\x81\1" * n for n in (9, 2000))
    yield from (msgpack.packb(value) for value in (None, 1, "x", {}, [], good[:6], {1: good}, [good]))
    for place in range(len(good)):
        for wrong in (None, "x", b"x", -1, 1.5, True, [], {}, MAX, [[]]):
            if (place, wrong) not in ((5, None), (6, None), (6, {})):
                yield msgpack.packb(good[:place] + [wrong] + good[place + 1:])
    yield from (pack(KIND["CLOSE"], version=version) for version in (0, 2, MAX))
    yield from (pack(KIND["CLOSE"], trace=bytes(n)) for n in (0, 24, 26, 255))


def wrong_fields():
    """Every field of the meta map with what it must not be."""
    for key, (_, kind, limit) in envelope.FIELDS.items():
        wrong = [None, True, -1, 1.5, [], {}, {"uint": "1", "str": b"x", "bin": "x"}[kind]]
        if kind != "uint":
            wrong.append(("x" if kind == "str" else b"x") * (limit + 1))
        elif limit < MAX:
            wrong.append(limit + 1)
        yield from (pack(KIND["CLOSE"], {key: value}) for value in wrong)
    for bad in (b"\xff\xfe", b"\xc0\x80", b"\xed\xa0\x80", b"\xf5\x80\x80\x80"):
        yield pack(KIND["CLOSE"]).removesuffix(b"\xc0") + b"\x81" + msgpack.packb(KEY["text"]) + bytes((0xa0 | len(bad),)) + bad
    twice = msgpack.packb(KEY["pos"]) + b"\1"
    yield pack(KIND["CLOSE"]).removesuffix(b"\xc0") + b"\x82" + twice + twice
    yield from (pack(KIND["CLOSE"], {key: 1}) for key in ("x", -1, 1.5, None))
    yield pack(KIND["CLOSE"], {key: 1 for key in range(1000, 2400)})  # too long


def wrong_kinds():
    yield from (pack(kind) for kind in (0, 4, 15, 63, 127, 128, 2**32 - 1, 2**32, MAX))
    yield from (pack(kind) for kind, (_, needed, _) in envelope.KINDS.items() if needed)
    frame = {KEY["flags"]: 0, KEY["pos"]: 0, KEY["committed"]: 0}
    yield from (pack(KIND["FRAME"], frame, **numbers) for numbers in ({"epoch": 0}, {"seq": 0}))
    yield pack(KIND["FRAME"], frame | {KEY["flags"]: 1})


def noise(count=150, seed=20261126):
    """Good envelopes with some bytes changed, as a seed says."""
    rng = random.Random(seed)
    for _ in range(count):
        data = bytearray(start_frame("0123456789abcdef"))
        for _ in range(rng.randrange(1, 6)):
            data[rng.randrange(len(data))] = rng.randrange(256)
        yield bytes(data)


def refused(parts):
    """Does PROTOCOL.md say that this message is dropped and counted?"""
    if not 2 <= len(parts) <= 3 or not 1 <= len(parts[0]) <= 128:
        return True
    try:
        return envelope.check(envelope.decode(parts[1]), len(parts[2]) if len(parts) == 3 else 0) != "OK"
    except envelope.Refused:
        return True


def refused_messages(key):
    """[parts] that every socket must drop and count, all with a key of somebody's."""
    close = pack(KIND["CLOSE"])
    messages = [[key, data] for make in (wrong_shapes, wrong_fields, wrong_kinds, noise) for data in make()]
    messages += [[key] * n for n in range(1, 21)] + [[key, *[close] * n] for n in range(2, 20)] + [[b""] * n for n in range(1, 21)]
    messages += [[wrong, close] for wrong in (b"", b"k" * 129, b"\xff" * 5000, bytes(70000))]
    messages += [[key, close, b"x"], [key, start_frame().replace(b"\x01\x01\x02\x00", b"\x01\x05\x02\x00"), b"\0" * 640]]
    messages += [[key, pack(kind, {KEY[field]: sample(field) for field in needed}), bytes(body + 1)]
                 for kind, (_, needed, body) in envelope.KINDS.items() if body < 2**20]
    return [parts for parts in messages if refused(parts)]


def sample(field):
    """A value that a field may have."""
    return {"uint": 1, "str": "0123456789abcdef"[:16], "bin": b"x"}[envelope.FIELDS[KEY[field]][1]]


def absurd_messages():
    """Messages that are well-formed, of every kind, about nothing that is there, with the numbers at their ends and bodies that are no lists."""
    bodies = (b"", b"\xc1" * 64, b"\xdd\xff\xff\xff\xff", b"\x91" * 4000, b"{" * 4000, b"[" * 4000, msgpack.packb([[None] * 9] * 9), os.urandom(512))
    for kind, (name, needed, limit) in envelope.KINDS.items():
        for number in (0, 1, 2**31, MAX):
            meta = {KEY[field]: min(number, envelope.FIELDS[KEY[field]][2]) if envelope.FIELDS[KEY[field]][1] == "uint" else sample(field)
                    for field in sorted(needed)}
            if name == "FRAME":
                meta |= {KEY["flags"]: number & ~5}
            for body in bodies if limit else (b"",):
                for key in (STRANGER, b"*", b"room/nobody\0", b"jobs/nothing", b"jobs/*"):
                    yield [key, pack(kind, meta, max(number, 1), max(number, 1)), *([body] if body else [])]


def odd_frames():
    """Streams that begin at the end of all numbers, with checkpoints of nobody and audio that is none; each is closed again."""
    number = 0
    for flags in (1, 3, 5, 9, MAX & ~4):
        for at in (0, 1, 2**63, MAX):
            for body in (b"", b"x", b"{}", b"{" * 999, os.urandom(641), bytes(2**20 + 1)):
                number += 1
                key = b"%016x" % (0xbad0000000000000 + number)
                meta = {KEY["flags"]: flags, KEY["pos"]: at, KEY["base"]: at, KEY["committed"]: at, KEY["service"]: "transcribe",
                        KEY["checkpoint"]: os.urandom(256), KEY["language"]: "\x1b[2J", KEY["priority"]: at % 2**32, KEY["deaths"]: at % 2**32}
                for epoch, seq in ((1, 1), (1, MAX), (MAX, at or 1), (MAX, (at + 1) % 2**64 or 1)):
                    yield [key, pack(KIND["FRAME"], meta, epoch, seq), *([body] if body else [])]
                yield [key, pack(KIND["CLOSE"], None, MAX, MAX)]


def kind_of(parts):
    return msgpack.unpackb(parts[1], strict_map_key=False)[1]


def bundles():
    """BUNDLEs whose sequence of items is not one."""
    bundle, close = pack(KIND["BUNDLE"], None, 0, 0), pack(KIND["CLOSE"])
    item = b"\x10" + STRANGER + len(close).to_bytes(2, "big") + close + bytes(4)
    inner = b"\1*" + len(bundle).to_bytes(2, "big") + bundle + (100).to_bytes(4, "big") + bytes(100)
    wrong = [b"\1", b"\0\0\0\0\0\0\0", b"\xff" * 64, b"\x01a\xff\xff", item[:-1], inner, inner * 500, os.urandom(4000),
             b"\x10" + STRANGER + b"\0\1\xc1\xff\xff\xff\xff", item * 2 + b"\x80"]
    return [[b"*", bundle, body] for body in wrong]


def topics():
    """Subscriptions and their ends, of every length, and what is neither."""
    for size in (*range(0, 140), 255, 256, 1000):
        for first in (b"\0", b"\1"):
            yield [first + b"a" * size]
    yield from ([bytes((first,)) + b"a"] for first in (2, 3, 127, 255))
    yield from ([b""], [b"\1a", b"b"], [b"x"] * 20, [os.urandom(300)], [b"\1" + os.urandom(100)])


# ---- peers

class Peer:
    """One socket to each of a broker's; `base` as of --broker."""
    TYPES = {"frontend": zmq.PUSH, "backend": zmq.DEALER, "results": zmq.XPUB, "publish": zmq.XSUB}

    def __init__(self, base, prepare=lambda made: None, hwm=100000, route=STRANGER):
        self.base, self.hwm, self.route = base, hwm, route
        self.sockets = {name: self._socket(name, prepare) for name in PORTS}

    def _socket(self, name, prepare):
        made = zmq.Context.instance().socket(self.TYPES[name])
        for option, value in ((zmq.LINGER, 0), (zmq.SNDHWM, self.hwm), (zmq.IMMEDIATE, 1), (zmq.SNDTIMEO, int(20000 * SLOW))):
            made.setsockopt(option, value)
        if name == "backend":
            made.setsockopt(zmq.ROUTING_ID, self.route)
        prepare(made)
        host, _, port = self.base.removeprefix("tcp://").partition(":")
        made.connect(f"tcp://{host}:{int(port) + PORTS[name]}" if self.base.startswith("tcp://") else f"{self.base}-{name}")
        return made

    def await_open(self, *names):
        """These sockets are connected: nothing that is said from now on is lost."""
        for name in names:
            if name == "publish":
                self.send(name, [b"\1sys/"])
            assert self.sockets[name].poll(20000 * SLOW, zmq.POLLIN if name in ("results", "publish") else zmq.POLLOUT), f"no connection to {name}"

    def send(self, name, parts):
        self.sockets[name].send_multipart(parts)

    def close(self):
        for made in self.sockets.values():
            made.close()


class Liar:
    """A worker that takes every stream, claims those of others, and does nothing: not even answer a PING."""

    INC = int(STRANGER, 16)

    def __init__(self, base):
        self.peer, self.inc = Peer(base), self.INC
        self.peer.await_open("results")

    def hello(self, *claims, capacity=2**32 - 1):
        meta = {KEY["inc"]: self.inc, KEY["service"]: "transcribe", KEY["capacity"]: capacity, KEY["load"]: 0, KEY["name"]: "liar"}
        self.peer.send("backend", [STRANGER, pack(KIND["HELLO"], meta, 0, 0), msgpack.packb([[claim, MAX] for claim in claims])])

    def speak_for(self, client):
        """Results for a stream of another worker, in epochs of which some are its own."""
        for epoch in (1, 2, 3, 2**63, MAX):
            told = {KEY["inc"]: self.inc, KEY["expected"]: 2**40, KEY["committed"]: 2**40, KEY["from"]: 1, KEY["to"]: 1, KEY["text"]: "lies"}
            for kind in ("ACK", "REWIND", "FINAL", "PARTIAL"):
                self.peer.send("results", [client.encode(), pack(KIND[kind], told, epoch, 1)])

    def farewell(self, inc):
        """GOODBYE in the name of another one."""
        self.peer.send("backend", [b"%016x" % inc, pack(KIND["GOODBYE"], {KEY["inc"]: inc}, 0, 0)])

    def close(self):
        self.peer.close()


# ---- bytes that are no ZMTP

GREETING = b"\xff" + bytes(8) + b"\x7f\3\0NULL" + bytes(16 + 1 + 31)
READY = b"\4\x1a\5READY\x0bSocket-Type\0\0\0\4PUSH"
GARBAGE = [b"", b"\0", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\xff" * 64, bytes(64), GREETING[:10], GREETING[:11], GREETING, GREETING[:12] + b"CURVE" + bytes(47),
           GREETING[:12] + b"PLAIN" + bytes(47), GREETING[:12] + b"NONSENSE" + bytes(44), GREETING + b"\6" + b"\xff" * 8, GREETING + b"\4\xff" + bytes(255),
           GREETING + READY, GREETING + READY + b"\2" + b"\xff" * 8, GREETING + READY + b"\2" + (2**40).to_bytes(8, "big") + bytes(4000),
           GREETING + READY + b"\2" + (2**21 + 1).to_bytes(8, "big") + bytes(2**21 + 1), GREETING + READY + b"\1\xff" * 64, GREETING + READY + b"\4\7\4PING\0\0", GREETING + READY + b"\4\1\0", GREETING + READY + os.urandom(4000),
           b"\1\0", b"\1\0\1x" * 100, b"\x7f" * 100, os.urandom(4000)]

CURVE = GREETING[:12] + b"CURVE" + bytes(15) + bytes(32)
HELLO = b"\4\xc8\5HELLO\1\0" + bytes(192)
# Handshakes of CURVE that end somewhere, or go wrong.
HALF = [b"", CURVE[:10], CURVE[:11], CURVE, CURVE + HELLO[:100], CURVE + HELLO, CURVE + b"\4\xff" + bytes(255), CURVE + HELLO[:9] + os.urandom(193), CURVE + HELLO * 9,
        CURVE + b"\6" + (2**21 - 1).to_bytes(8, "big") + bytes(5000), CURVE + READY, CURVE + b"\2" + bytes(8), GREETING + READY]


def subscription(size):
    """A whole SUB that subscribes to one topic of so many bytes: libzmq's own client could not even forget it again."""
    return GREETING + READY.replace(b"PUSH", b"XSUB") + b"\2" + (size + 1).to_bytes(8, "big") + b"\1" + b"a" * size


def gone(peer):
    """Has the other side closed?"""
    peer.setblocking(False)
    try:
        while peer.recv(4096):
            pass
    except BlockingIOError:
        return False
    except OSError:
        pass
    return True


def connect_raw(port, data=b"", host="127.0.0.1"):
    """A TCP connection that has said this and will say no more."""
    made = socket.create_connection((host, port), timeout=10 * SLOW)
    try:
        made.sendall(data)
    except OSError:  # it was told no already
        pass
    return made


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


# ---- who must not notice

class Beside:
    """A client that streams all the while: each chunk must be answered, in order and once."""

    def __init__(self, url, pause=0.01):
        self.url, self.pause, self.spoken, self.trouble, self.client = url, pause, 0, None, None
        self._over, self._begun = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self):
        try:
            with Ws(self.url) as ws:
                while not self._over.wait(self.pause):
                    ws.send(CHUNK)
                    self.client = ws.expect(seq=self.spoken + 1, chunk_size=len(CHUNK), deadline=30)["client_id"]
                    self.heard = ws.expect(seq=self.spoken + 1, deadline=30)["transcription"]
                    self.spoken += 1
                    self._begun.set()
        except BaseException as trouble:
            self.trouble = trouble
        finally:
            self._begun.set()

    def __enter__(self):
        self._thread.start()
        assert self._begun.wait(30 * SLOW) and not self.trouble, self.trouble
        return self

    def __exit__(self, kind, *_):
        self._over.set()
        self._thread.join(60 * SLOW)
        assert kind or (not self.trouble and not self._thread.is_alive()), f"after {self.spoken} chunks: {self.trouble!r}"
