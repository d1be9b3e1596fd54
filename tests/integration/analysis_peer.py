"""A broker and an analysis actor as processes, and a sender of transcripts: written from proto/PROTOCOL.md alone."""
import json
import os
import pathlib
import secrets
import shutil
import subprocess
import sys
import tempfile
import time

import zmq

from house import BIN, SLOW, Lines, wait_until

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "interop"))
import envelope  # noqa: E402

KIND = {name: number for number, (name, _, _) in envelope.KINDS.items()}
START, EOS, FAILED, PIECE = 1, 2, 32, 65536


class Analysis:
    def __init__(self, *options, env=None):
        self.data = tempfile.mkdtemp(prefix="es-")
        self.processes, self.logs, self.options, self.env = {}, {}, options, {**os.environ, **(env or {})}
        self._start("broker", "earshot-broker", "--settle", "0ms")
        self.start()
        self.sub = zmq.Context.instance().socket(zmq.SUB)
        self.push = zmq.Context.instance().socket(zmq.PUSH)
        self.prefix = secrets.token_hex(3)
        for socket, name in ((self.push, "frontend"), (self.sub, "publish")):
            socket.setsockopt(zmq.LINGER, 0)
            socket.connect(f"ipc://{self.data}/broker-{name}")
        self.sub.setsockopt(zmq.SUBSCRIBE, self.prefix.encode())
        wait_until(self._reached, 20, "an answer of the broker")

    def _reached(self):
        """What the broker publishes from here on reaches us."""
        probe = {"kind": KIND["PROBE"], "epoch": 0, "seq": 0, "time_us": 0, "trace": None, "meta": {"service": "analyze"}}
        self.push.send_multipart([self.prefix.encode() + b"0" * 10, envelope.encode(probe)])
        workers = [envelope.decode(self.sub.recv_multipart()[1])["meta"]["load"] for _ in range(10) if self.sub.poll(50)]
        return workers and workers[-1]

    def __enter__(self):
        return self

    def __exit__(self, kind, _value, _trace):
        self.push.close()
        self.sub.close()
        for process in self.processes.values():
            if process.poll() is None:
                process.kill()
                process.wait()
        if kind is not None:
            for name, log in self.logs.items():
                print(f"--- {name}\n{log.text()}")
        shutil.rmtree(self.data, ignore_errors=True)

    def _start(self, name, binary, *options):
        self.processes[name] = subprocess.Popen([BIN / binary, "--name", name, "--data", self.data, *options], env=self.env,
                                                stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, cwd=self.data)
        self.logs[name] = Lines(self.processes[name].stderr)

    def start(self, name="analysis-1"):
        self._start(name, "earshot-analysis", *self.options)
        self.logs[name].await_line("serving")

    def stream(self):
        return Stream(self)

    def ask(self, document, deadline=30):
        """(flags, analysis or None, reason) of a transcript: a dict, or bytes as they are."""
        stream = self.stream()
        stream.push(document if isinstance(document, bytes) else json.dumps(document).encode())
        return stream.final(deadline)


class Stream:
    """A sender in small: says everything again until a final covers it."""

    def __init__(self, house):
        self.house, self.epoch, self.frames, self.result, self._said = house, 0, [], None, 0.0
        self.key = house.prefix + secrets.token_hex(5)

    def push(self, data):
        self.frames = [data[i:i + PIECE] for i in range(0, len(data), PIECE)] + [b""]

    def _say(self):
        self._said = time.monotonic()
        self.epoch += 1
        for seq, piece in enumerate(self.frames, 1):
            flags = (START if seq == 1 else 0) | (EOS if seq == len(self.frames) else 0)
            meta = {"flags": flags, "pos": 0, "committed": 0}
            if seq == 1:
                meta.update(base=0, service="analyze", priority=1)
            data = envelope.encode({"kind": KIND["FRAME"], "epoch": self.epoch, "seq": seq, "time_us": 0, "trace": None, "meta": meta})
            self.house.push.send_multipart([self.key.encode(), data, piece])

    def _hear(self):
        while self.house.sub.poll(20):
            key, data, *body = self.house.sub.recv_multipart()
            if key == self.house.prefix.encode() + b"*":
                for item in unbundle(body[0]):
                    self._take(*item)
            else:
                self._take(key, data, body[0] if body else b"")

    def _take(self, key, data, body):
        message = envelope.decode(data)
        if key == self.key.encode() and message["kind"] == KIND["FINAL"]:
            meta = message["meta"]
            assert meta["to"] == len(self.frames)
            self.result = meta.get("flags", 0), json.loads(body) if body else None, meta.get("reason", "")

    def _turn(self, again):
        if time.monotonic() > self._said + again:
            self._say()
        self._hear()
        return self.result

    def final(self, deadline=30, again=5.0):
        return wait_until(lambda: self._turn(again * SLOW), deadline, "an analysis")

    def close(self):
        data = envelope.encode({"kind": KIND["CLOSE"], "epoch": self.epoch, "seq": 0, "time_us": 0, "trace": None, "meta": {}})
        self.house.push.send_multipart([self.key.encode(), data])


def unbundle(data):
    at = 0
    while at < len(data):
        parts = []
        for width in (1, 2, 4):
            size = int.from_bytes(data[at:at + width], "big")
            parts.append(data[at + width:at + width + size])
            at += width + size
        yield parts
