#!/usr/bin/env python3
"""A bot in a room: greets who comes, answers `!time` and `!count`. `room_bot.py --room lobby --broker tcp://10.0.0.1:5570`
Needs pyzmq and msgpack. Member does what an edge does for each of its members: proto/PROTOCOL.md, "Rooms"."""
import argparse, os, secrets, signal, time, msgpack, zmq

BUNDLE, JOIN, LEAVE, SAY, MEMBERS, FETCH, NEWS, DONE, REFUSED, EVENTS, STATE = 3, 64, 65, 66, 69, 70, 80, 81, 82, 83, 84
BASE, FROM, TEXT, REASON, NAME, COUNT, CLIENT, SESSION, MSG_ID, LOG, RSEQ, FLOOR = 3, 8, 10, 15, 19, 23, 25, 26, 27, 29, 30, 31
JOINED, MESSAGE, WINDOW, KEPT = 1, 3, 32, 256  # types of events; operations under way; kept
RUNTIME = os.environ.get("XDG_RUNTIME_DIR", "")  # where a house of this machine is unless it was told another place
DATA = os.environ.get("EARSHOT_DATA") or (f"{RUNTIME}/earshot" if os.access(RUNTIME, os.W_OK) else f"/tmp/earshot-{os.geteuid()}")

def endpoint(base, name, offset):
    host, _, port = base.removeprefix("tcp://").partition(":")
    return f"tcp://{host}:{int(port or 5570) + offset}" if base.startswith("tcp://") else f"{base}-{name}"

class Member:
    """In one room. What it says is there once, and event() gets all that happens after its coming, in order and once, whatever dies meanwhile."""
    def __init__(self, broker, room, name):
        self.room, self.name, self.session, self.prefix = room, name, secrets.token_hex(16), secrets.token_hex(3)
        self.client, self.key = self.prefix + "0000000001", f"room/{room}\0".encode()
        self.log, self.at, self.last = None, 0, 0  # heard up to event `at` of `log`; there are events up to `last`
        self.operations, self.drawn, self.sent = {}, 0, 0  # not answered: number -> (kind, meta); the last number drawn, sent
        self.wait, self.again, self.announce, self.fetch, self.running = 0.3, 0.0, 0.0, 0.0, True
        self.push, self.sub = zmq.Context.instance().socket(zmq.PUSH), zmq.Context.instance().socket(zmq.SUB)
        self.sub.subscribe(self.prefix.encode()), self.sub.subscribe(self.key)
        for socket, *where in ((self.push, "frontend", 0), (self.sub, "publish", 3)):
            for option, value in ((zmq.LINGER, 250), (zmq.IMMEDIATE, 1), (zmq.RECONNECT_IVL_MAX, 3000)):
                socket.setsockopt(option, value)
            socket.connect(endpoint(broker, *where))

    def tell(self, kind, seq, meta, *body):
        if self.push.poll(0, zmq.POLLOUT):  # else not connected; everything is said again
            self.push.send_multipart([self.key, msgpack.packb([1, kind, 0, seq, time.time_ns() // 1000, None, meta]), *body])

    def operation(self, kind, meta={}):
        if len(self.operations) < KEPT:
            self.drawn += 1
            self.operations[self.drawn] = kind, {CLIENT: self.client, SESSION: self.session, NAME: self.name, **meta}
            self.send()

    def send(self, again=False):  # what was not sent yet, or all of it: in order, and nothing overtakes a JOIN
        for number, (kind, meta) in list(self.operations.items())[:WINDOW]:
            if again or number > self.sent:
                self.tell(kind, number, {**meta, BASE: min(self.operations)})
                self.sent = max(self.sent, number)
            if kind == JOIN:
                break

    def answered(self, kind, number, meta):
        asked, what = self.operations.pop(number, (None, None))
        self.wait, self.again = 0.3, time.monotonic() + 0.3
        if kind == REFUSED and asked == SAY and meta[REASON] == "not_member":  # it was away for too long
            self.operation(JOIN), self.operation(SAY, what)
        elif kind == REFUSED and asked:
            raise SystemExit(f"{self.name} is refused by room {self.room}: {meta[REASON]}")
        self.send()

    def state(self, meta):  # of another log the past is not known here
        self.at, self.last = (self.at, self.last) if meta[LOG] == self.log else (meta[RSEQ], 0)
        self.log, self.last = meta[LOG], max(self.last, meta[RSEQ])

    def events(self, rows):
        for rseq, kind, _, member, name, text, *_ in rows:
            self.last = max(self.last, rseq)
            if rseq == self.at + 1:  # else old, a partial (0), or beyond a gap: fetched
                self.at = rseq
                if member != self.session:
                    self.event(rseq, kind, name, text)

    def message(self, key, envelope, body=b""):
        _, kind, _, seq, _, _, meta = msgpack.unpackb(envelope, strict_map_key=False)[:7]
        while kind == BUNDLE and body:  # small messages in one: u8 length, key, u16 length, envelope, u32 length, body
            parts = []
            for head in (1, 2, 4):
                size = head + int.from_bytes(body[:head], "big")
                parts, body = parts + [body[head:size]], body[size:]
            self.message(*parts)
        if kind in (DONE, STATE):
            self.state(meta)
        if kind in (DONE, REFUSED):
            self.answered(kind, seq, meta)
        if kind in (NEWS, EVENTS) and meta[LOG] == self.log:
            if kind == EVENTS:  # below the floor all is gone
                self.at, self.last, self.fetch = max(self.at, meta[FLOOR] - 1), max(self.last, meta[RSEQ]), 0.0
            self.events(msgpack.unpackb(body) if body else ())

    def tick(self, now):
        if self.operations and now > self.again:
            self.wait, self.again = min(2 * self.wait, 3.0), now + self.wait
            self.send(again=True)
        if self.log and self.running and now > self.announce:
            self.announce = now + 2
            self.tell(MEMBERS, 0, {CLIENT: self.prefix + "0" * 10}, msgpack.packb([[self.client, self.session, self.name]]))
        if self.at < self.last and now > self.fetch:
            self.fetch = now + 0.2
            self.tell(FETCH, self.at + 1, {CLIENT: self.client, FROM: self.at + 1, COUNT: 256})

    def run(self):
        self.operation(JOIN)
        while self.running:
            if self.sub.poll(50):
                self.message(*self.sub.recv_multipart())
            self.tick(time.monotonic())
        self.operation(LEAVE)  # said once: where it is lost, the room notices within 10 s

class Bot(Member):
    heard = 0
    def event(self, number, kind, name, text):
        self.heard += kind == MESSAGE
        commands = {"!time": time.strftime("It is %H:%M:%S UTC.", time.gmtime()), "!count": f"{self.heard} messages since I came."}
        answer = f"Hello, {name}." if kind == JOINED else commands.get(text) if kind == MESSAGE else None
        if answer:
            self.operation(SAY, {MSG_ID: f"{self.log:x}-{number}", TEXT: answer})  # said again with the same id it is still there once
if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    for flag, default in (("--broker", os.environ.get("BROKER_URL", f"ipc://{DATA}/broker")), ("--room", "lobby"), ("--name", "bot")):
        parser.add_argument(flag, default=default)
    bot = Bot(**vars(parser.parse_args()))
    for ending in (signal.SIGTERM, signal.SIGINT):
        signal.signal(ending, lambda *_: setattr(bot, "running", False))
    bot.run()
