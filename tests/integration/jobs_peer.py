"""A broker and jobs actors as processes, and a peer that uploads and asks as an edge does: written from proto/PROTOCOL.md alone."""
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid

import zmq

from house import BIN, SLOW, Lines, wait_until
from room_peer import unbundled

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "interop"))
import envelope  # noqa: E402

KIND = {name: number for number, (name, _, _) in envelope.KINDS.items()}
NAME = {number: name for name, number in KIND.items()}
START, EOS, FAILED = 1, 2, 32
PIECE = 65536


class Jobs:
    """A broker with jobs actors, all in one directory."""

    def __init__(self, *names, options=()):
        self.data = tempfile.mkdtemp(prefix="es-")
        self.options, self.processes, self.logs = options, {}, {}
        try:
            self._start("broker", "earshot-broker")
            for name in names:
                self.start(name)
        except BaseException as error:
            self.__exit__(type(error), error, None)
            raise

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

    def start(self, name, *options):
        self._start(name, "earshot-jobs", *self.options, *options)
        self.logs[name].await_line("serving")

    def kill(self, name, how=signal.SIGKILL):
        self.processes[name].send_signal(how)
        return self.processes[name].wait(20 * SLOW)

    def restart(self, name, how=signal.SIGKILL, *options):
        self.kill(name, how)
        self.start(name, *options)

    @property
    def spool(self):
        return pathlib.Path(self.data) / "spool"

    def files(self):
        return sorted(p.name for p in (self.spool / "files").iterdir())

    def parts(self):
        return sorted(p.name for p in (self.spool / "parts").iterdir())


class Upload:
    """A stream of service `upload` as its sender has it: retained until committed, begun anew where its receiver is gone."""

    def __init__(self, peer, data, late=b"", **head):
        self.peer, self.key = peer, peer.new_key()
        self.job = head.get("job") or str(uuid.uuid4())
        head = {"job": self.job, "session": "s-1", **head}
        self.frames = [(0, 0, json.dumps(head).encode())]
        self.frames += [(0, at, data[at:at + PIECE]) for at in range(0, len(data), PIECE)]
        self.frames.append((EOS, len(data), late))
        self.epoch, self.base, self.inc, self.checkpoint = 0, 0, None, None
        self.sent, self.expected, self.result, self.refusal, self.quiet = 0, 1, None, None, 0.0
        self.raises = 0
        self.raise_epoch()

    def raise_epoch(self):
        self.epoch, self.inc, self.sent, self.expected = self.epoch + 1, None, self.base, self.base + 1
        self.heard()
        self.raises += 1

    def heard(self):
        self.quiet = time.monotonic()

    def transmit(self, seq):
        flags, pos, body = self.frames[seq - 1]
        meta = {"flags": flags, "pos": pos, "committed": self.base}
        if seq == self.base + 1:
            meta.update(flags=flags | START, base=self.base, service="upload")
            if self.checkpoint:
                meta["checkpoint"] = self.checkpoint
        self.peer.send(self.key, "FRAME", self.epoch, seq, body, **meta)

    def pump(self, until=None, window=16):
        """Sends what the window allows, at most up to frame `until`."""
        last = min(len(self.frames), until or len(self.frames))
        if self.over:
            return
        while self.sent < last and self.sent < self.expected - 1 + window:
            if self.sent > self.base and self.inc is None:
                break  # of a new epoch only the START until somebody answers
            self.sent += 1
            self.transmit(self.sent)
        silence = time.monotonic() - self.quiet
        if silence > 1.2:
            self.raise_epoch()
        elif silence > 0.4 and self.expected <= self.sent:
            self.sent = self.expected - 1

    @property
    def over(self):
        return self.result is not None or self.refusal is not None

    def take(self, message):
        if message["epoch"] != self.epoch or self.over:
            return
        kind, meta = message["kind"], message["meta"]
        self.heard()
        if kind in ("ACK", "FINAL"):
            if self.inc not in (None, meta["inc"]):
                return self.raise_epoch()
            self.inc = meta["inc"]
            self.expected = max(self.expected, meta["expected"])
        if kind in ("WORKER_LOST",) or (kind == "REWIND" and "expected" not in meta):
            self.raise_epoch()
        elif kind == "REWIND":
            self.sent = meta["expected"] - 1
        elif kind == "FINAL" and meta["from"] == self.base + 1:
            self.base, self.checkpoint = meta["to"], meta.get("checkpoint")
            if meta.get("flags", 0) & FAILED:
                self.refusal = json.loads(meta["text"])
            elif self.base == len(self.frames):
                self.result = json.loads(meta["text"])["job"]

    def close(self):
        self.peer.send(self.key, "CLOSE", self.epoch, 0)

    def run(self, deadline=30, until=None):
        """Until it is over (or `until` frames are committed); the job's id or the refusal."""
        def step():
            self.pump(until)
            self.peer.listen(5)
            return self.over or (until and self.base >= until)
        wait_until(step, deadline, "the end of an upload")
        if self.over:
            self.close()
        return self.result or self.refusal


class Peer:
    """One edge."""

    def __init__(self, jobs, prefix="abcdef"):
        self.prefix, self.count, self.seq = prefix, 0, 0
        self.key = prefix + "f" * 10
        context = zmq.Context.instance()
        self.push, self.sub = context.socket(zmq.PUSH), context.socket(zmq.SUB)
        for socket, name in ((self.push, "frontend"), (self.sub, "publish")):
            socket.setsockopt(zmq.LINGER, 0)
            socket.setsockopt(zmq.SNDHWM if name == "frontend" else zmq.RCVHWM, 100000)
            socket.connect(f"ipc://{jobs.data}/broker-{name}")
        for topic in (prefix.encode(), b"jobs/"):
            self.sub.setsockopt(zmq.SUBSCRIBE, topic)
        self.uploads, self.told, self.news, self.stats, self.probed = {}, {}, [], [], False
        wait_until(self._reached, 20, "an answer of the broker")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.push.close()
        self.sub.close()

    def _reached(self):
        self.send(self.key, "PROBE", 0, 0, service="upload")
        self.listen(50)
        return self.probed

    def new_key(self):
        self.count += 1
        return f"{self.prefix}{self.count:010x}"

    def send(self, key, kind, epoch, seq, body=b"", **meta):
        message = {"kind": KIND[kind], "epoch": epoch, "seq": seq, "time_us": time.time_ns() // 1000, "trace": None, "meta": meta}
        self.push.send_multipart([key.encode(), envelope.encode(message)] + ([body] if body else []))

    def upload(self, data, late=b"", **head):
        upload = Upload(self, data, late, **head)
        self.uploads[upload.key] = upload
        return upload

    def listen(self, ms=20):
        """Takes what has come, waiting at most so long for the first."""
        while self.sub.poll(ms):
            key, *rest = self.sub.recv_multipart()
            ms = 0
            for item_key, raw, body in (unbundled(rest) if key.endswith(b"*") and not key.startswith(b"jobs/")
                                        else [(key, rest[0], b"".join(rest[1:]))]):
                self._take(item_key.decode(), envelope.decode(raw), body)

    def _take(self, key, message, body):
        assert envelope.check(message, len(body)) == "OK", message
        message["kind"] = NAME[message["kind"]]
        if message["kind"] == "PROBED":
            self.probed = message["meta"]["load"] > 0
        elif message["kind"] == "JOB_TOLD":
            self.told[message["seq"]] = (message["meta"], body)
        elif message["kind"] == "JOB_NEWS":
            self.news.append(json.loads(body))
        elif message["kind"] == "JOB_STATS":
            self.stats.append((message["meta"]["name"], json.loads(body)))
        elif key in self.uploads:
            self.uploads[key].take(message)

    def ask(self, verb, deadline=20, raw=None, **body):
        """(status, meta, body) of the answer."""
        self.seq += 1
        seq, asked = self.seq, [0.0, 0]

        def answer():
            if time.monotonic() - asked[0] > 0.5:
                asked[0], asked[1] = time.monotonic(), asked[1] + 1
                self.send(f"jobs/{self.key}-{(seq + asked[1]) % 64}", "JOB_ASK", 0, seq, raw if raw is not None else json.dumps(body).encode(),
                          client=self.key, name=verb)
            self.listen(10)
            return self.told.pop(seq, None)
        meta, got = wait_until(answer, deadline, f"an answer to {verb}")
        return meta["count"], meta, got

    def get(self, verb, status=200, **body):
        got, _, text = self.ask(verb, **body)
        assert got == status, (got, text)
        return json.loads(text)


def noise(size):
    return os.urandom(size)
