#!/usr/bin/env python3
"""An actor of your own in Python: says for every second of audio how loud it was. `level.py --broker tcp://10.0.0.1:5570`

Needs pyzmq and msgpack. The rules that Stream keeps are those of a receiver in proto/PROTOCOL.md, "Streams"."""
import argparse, array, math, os, secrets, signal, time, msgpack, zmq, zmq.auth

FRAME, CLOSE, BUNDLE, ACK, REWIND, FINAL = 1, 2, 3, 16, 17, 18
HELLO, HEARTBEAT, GOODBYE, PING, WHO_ARE_YOU, DROP = range(32, 38)
FLAGS, POS, BASE, COMMITTED, INC, EXPECTED, FROM, TO, TEXT, START, END, SERVICE, CAPACITY, LOAD, NAME = (
    1, 2, 3, 4, 6, 7, 8, 9, 10, 11, 12, 13, 16, 17, 19)
F_START, F_EOS, F_MARK, F_SILENCE = 1, 2, 4, 16
RUNTIME = os.environ.get("XDG_RUNTIME_DIR", "")  # where a house of this machine is unless it was told another place
DATA = os.environ.get("EARSHOT_DATA") or (f"{RUNTIME}/earshot" if os.access(RUNTIME, os.W_OK) else f"/tmp/earshot-{os.geteuid()}")

def endpoint(base, name, offset):
    host, _, port = base.removeprefix("tcp://").partition(":")
    return f"tcp://{host}:{int(port or 5570) + offset}" if base.startswith("tcp://") else f"{base}-{name}"

class Stream:
    """What a receiver remembers of a stream: it may all be lost at any moment, the sender mends that."""
    def __init__(self, actor, key, epoch, base, pos):
        self.actor, self.key, self.epoch = actor, key, epoch
        self.expected, self.committed, self.kept = base + 1, base, []  # kept: finals that the sender may not have yet
        self.start, self.end, self.squares, self.said, self.rewound, self.news = pos, pos, 0, 0.0, 0.0, False  # news: taken, not acknowledged yet

    def say(self, kind, meta={}):
        self.said, self.news = time.monotonic(), False
        meta = {EXPECTED: self.expected, COMMITTED: self.committed, **meta}
        self.actor.results.send_multipart([self.key, self.actor.pack(kind, self.epoch, meta)])

    def take(self, seq, meta, pcm):  # a frame of our epoch: again, too early, or the expected one
        self.kept = [final for final in self.kept if final[TO] > meta[COMMITTED]]
        if seq < self.expected:
            for final in [{}, *self.kept]:
                self.say(FINAL if final else ACK, final)
        elif seq > self.expected and time.monotonic() > self.rewound + 0.1:
            self.rewound = time.monotonic()
            self.say(REWIND)
        elif seq == self.expected:
            samples = array.array("h", pcm)
            self.expected, self.news, self.end = seq + 1, True, meta[POS] + len(samples)
            self.squares += sum(s * s for s in samples)
            if self.end - self.start >= 16000 or meta[FLAGS] & (F_EOS | F_MARK):
                self.final(seq)

    def final(self, to_seq):
        count = self.end - self.start
        level = 10 * math.log10(max(self.squares / max(count, 1) / 32768**2, 1e-9))
        self.kept.append({FROM: self.committed + 1, TO: to_seq, START: self.start, END: self.end,
                          TEXT: f"{level:.0f} dBFS" if count else "", FLAGS: 0 if count else F_SILENCE})
        self.committed, self.start, self.squares = to_seq, self.end, 0
        self.say(FINAL, self.kept[-1])

class Actor:
    def __init__(self, broker, name, capacity=32, key=None, broker_key=None):
        self.name, self.capacity, self.streams, self.running, self.inc = name, capacity, {}, True, secrets.randbits(64)
        self.id, self.heard, self.hello, self.refused = b"%016x" % self.inc, 0.0, 0.0, 0.0
        self.dealer, self.results = zmq.Context.instance().socket(zmq.DEALER), zmq.Context.instance().socket(zmq.PUB)
        self.dealer.setsockopt(zmq.ROUTING_ID, self.id)
        self.dialled, self.legs = time.monotonic(), ((self.dealer, endpoint(broker, "backend", 1)), (self.results, endpoint(broker, "results", 2)))
        for socket, at in self.legs:
            for option, value in ((zmq.LINGER, 250), (zmq.IMMEDIATE, 1), (zmq.RECONNECT_IVL_MAX, 3000)):
                socket.setsockopt(option, value)
            if key:  # of `earshot keygen transcriber`; the other one is the broker's
                socket.curve_publickey, socket.curve_secretkey = zmq.auth.load_certificate(key)
                socket.curve_serverkey = zmq.auth.load_certificate(broker_key)[0]
            socket.connect(at)

    def pack(self, kind, epoch, meta):
        return msgpack.packb([1, kind, epoch, meta.get(TO, 0), time.time_ns() // 1000, None, {INC: self.inc, **meta}])

    def tell(self, kind, meta, *body):
        if self.dealer.poll(0, zmq.POLLOUT):  # else not connected; HELLO is said again
            self.dealer.send_multipart([self.id, self.pack(kind, 0, meta), *body])

    def frame(self, key, epoch, seq, meta, pcm):
        stream = self.streams.get(key)
        if meta[FLAGS] & F_START and (stream is None or epoch > stream.epoch):
            stream = self.streams[key] = Stream(self, key, epoch, meta[BASE], meta[POS])
        if stream and epoch == stream.epoch and meta[COMMITTED] <= stream.committed:
            stream.take(seq, meta, pcm)
        elif (not stream or epoch >= stream.epoch) and time.monotonic() > self.refused + 0.1:
            self.refused = time.monotonic()
            self.results.send_multipart([key, self.pack(REWIND, epoch, {})])  # no state: the sender begins anew

    def message(self, key, envelope, body=b""):
        _, kind, epoch, seq, _, _, meta = msgpack.unpackb(envelope, strict_map_key=False)[:7]
        self.heard = time.monotonic()
        if kind == FRAME:
            self.frame(key, epoch, seq, meta, body)
        while kind == BUNDLE and body:  # small messages of any streams: u8 length, key, u16 length, envelope, u32 length, body
            parts = []
            for head in (1, 2, 4):
                size = head + int.from_bytes(body[:head], "big")
                parts, body = parts + [body[head:size]], body[size:]
            self.message(*parts)
        if kind in (CLOSE, DROP):
            self.streams.pop(key, None)
        elif kind == WHO_ARE_YOU:
            self.heard = self.hello = 0.0
        elif kind == PING:
            self.tell(HEARTBEAT, {LOAD: len(self.streams)}), [stream.say(ACK) for stream in self.streams.values()]

    def tick(self, now):
        for stream in [s for s in self.streams.values() if s.news and now > s.said + 0.1]:
            stream.say(ACK)
        if now > max(self.heard, self.dialled) + 5:  # libzmq does not try again where a key is refused; it may be allowed by now
            self.dialled = now
            [(socket.disconnect(at), socket.connect(at)) for socket, at in self.legs]
        if now > self.heard + 1.5 and now > self.hello:
            self.hello = now + 0.5
            self.tell(HELLO, {SERVICE: "transcribe", NAME: self.name, CAPACITY: self.capacity},
                      msgpack.packb([[key.decode(), stream.epoch] for key, stream in self.streams.items()]))

    def run(self):
        while self.running:
            if self.dealer.poll(50):
                self.message(*self.dealer.recv_multipart())
            self.tick(time.monotonic())
        self.tell(GOODBYE, {})
if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--broker", default=os.environ.get("BROKER_URL", f"ipc://{DATA}/broker"))
    parser.add_argument("--name", default="level-py")
    parser.add_argument("--key", help="our key file, where the broker is on tcp with keys")
    parser.add_argument("--broker-key", help="and the broker's .pub")
    actor = Actor(**vars(parser.parse_args()))
    for ending in (signal.SIGTERM, signal.SIGINT):
        signal.signal(ending, lambda *_: setattr(actor, "running", False))
    actor.run()
