"""A broker and room actors as processes, and a peer that speaks to rooms as an edge does: written from proto/PROTOCOL.md alone."""
import pathlib
import shutil
import struct
import subprocess
import sys
import tempfile
import time

import msgpack
import zmq

from house import BIN, SLOW, Lines, wait_until

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "interop"))
import envelope  # noqa: E402

KIND = {name: number for number, (name, _, _) in envelope.KINDS.items()}
NAME = {number: name for name, number in KIND.items()}
JOINED, LEFT, MESSAGE, CAPTION, PARTIAL = 1, 2, 3, 4, 5


class Rooms:
    """A broker with room actors, all in one directory."""

    def __init__(self, *names, options=()):
        self.data = tempfile.mkdtemp(prefix="es-")
        self.options, self.processes, self.logs = options, {}, {}
        self._start("broker", "earshot-broker")
        for name in names:
            self.start(name)

    def __enter__(self):
        return self

    def __exit__(self, kind, _value, _trace):
        for process in self.processes.values():
            if process.poll() is None:
                process.kill()
                process.wait()
        if kind is not None:
            for name, log in self.logs.items():
                print(f"--- {name}\n{log.text()}")
        shutil.rmtree(self.data, ignore_errors=True)

    def _start(self, name, binary, *options):
        self.processes[name] = subprocess.Popen([BIN / binary, "--name", name, "--data", self.data, *options],
                                                stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, cwd=self.data)
        self.logs[name] = Lines(self.processes[name].stderr)

    def start(self, name):
        self._start(name, "earshot-room", *self.options)
        self.logs[name].await_line("serving")

    def kill(self, name, how):
        self.processes[name].send_signal(how)

    def end(self, name, deadline=20):
        return self.processes[name].wait(deadline * SLOW)


class Peer:
    """One edge: its prefix, its subscriptions, and what it has heard."""

    def __init__(self, rooms, prefix, *topics):
        self.prefix, self.key = prefix, prefix + "0" * 10
        context = zmq.Context.instance()
        self.push, self.sub = context.socket(zmq.PUSH), context.socket(zmq.SUB)
        for socket, name in ((self.push, "frontend"), (self.sub, "publish")):
            socket.setsockopt(zmq.LINGER, 0)
            socket.connect(f"ipc://{rooms.data}/broker-{name}")
        for topic in (prefix.encode(), *(room_key(room) for room in topics)):
            self.sub.setsockopt(zmq.SUBSCRIBE, topic)
        self.news, self.answers = [], []  # (log, event), messages
        wait_until(self._reached, 20, "an answer of the broker")
        self.answers.clear()

    def _reached(self):
        """What the broker publishes from here on reaches us: it answers on the first of our subscriptions, which came together."""
        probe = {"kind": KIND["PROBE"], "epoch": 0, "seq": 0, "time_us": 0, "trace": None, "meta": {}}
        self.push.send_multipart([self.key.encode(), envelope.encode(probe)])
        self.listen()
        return self.answers

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.push.close()
        self.sub.close()

    def client(self, number):
        return f"{self.prefix}{number:010x}"

    def send(self, room, kind, seq=0, body=None, **meta):
        message = {"kind": KIND[kind], "epoch": 0, "seq": seq, "time_us": time.time_ns() // 1000, "trace": None, "meta": meta}
        parts = [room_key(room), envelope.encode(message)]
        self.push.send_multipart(parts + ([msgpack.packb(body)] if body is not None else []))

    def listen(self, ms=50):
        """Takes what has come, waiting at most so long for the first."""
        while self.sub.poll(ms):
            key, *rest = self.sub.recv_multipart()
            ms = 0
            for item_key, raw, body in (unbundled(rest) if key.endswith(b"*") else [(key, rest[0], b"".join(rest[1:]))]):
                message = envelope.decode(raw)
                assert envelope.check(message, len(body)) == "OK", message
                message.update(kind=NAME[message["kind"]], key=item_key.decode(), body=msgpack.unpackb(body) if body else [])
                if message["kind"] == "ROOM_NEWS":
                    self.news += [(message["meta"]["log"], event) for event in message["body"]]
                else:
                    self.answers.append(message)

    def ask(self, room, kind, seq, client, deadline=20, **meta):
        """Sends until it is answered; the answer."""
        asked = [0.0]

        def answer():
            if time.monotonic() - asked[0] > 0.3:
                asked[0] = time.monotonic()
                self.send(room, kind, seq, client=client, **meta)
            self.listen()
            return next((m for m in self.answers if m["key"] == client and m["seq"] == seq), None)
        found = wait_until(answer, deadline, f"an answer to {kind} {seq}")
        self.answers.clear()
        return found

    def join(self, room, number, seq=1):
        client = self.client(number)
        return self.ask(room, "ROOM_JOIN", seq, client, session=f"s{number}", name=f"Name {number}", base=seq)

    def leave(self, room, number, seq):
        return self.ask(room, "ROOM_LEAVE", seq, self.client(number), session=f"s{number}", base=seq)

    def say(self, room, number, seq, text, msg_id=None):
        return self.ask(room, "ROOM_SAY", seq, self.client(number), session=f"s{number}", name=f"Name {number}", base=seq,
                        msg_id=msg_id or text, text=text)

    def fetch(self, room, first=1, count=256):
        return self.ask(room, "ROOM_FETCH", 7, self.key, **{"from": first, "count": count})

    def announce(self, room, *numbers):
        rows = [[self.client(number), f"s{number}", f"Name {number}"] for number in numbers]
        self.send(room, "ROOM_MEMBERS", client=self.key, body=rows)


def room_key(room):
    return b"room/" + room.encode() + b"\0"


def unbundled(parts):
    items, at = parts[1], 0
    while at < len(items):
        fields = []
        for form, size in (("B", 1), (">H", 2), (">I", 4)):
            length = struct.unpack_from(form, items, at)[0]
            fields.append(items[at + size:at + size + length])
            at += size + length
        yield fields


def texts(events):
    return [event[5] for event in events if event[1] in (MESSAGE, CAPTION)]
