#!/usr/bin/env python3
"""A jobs actor for uploads alone, on the actor of actors/examples/level.py. Files go to --spool: `<job>.part` while they come, `<job>` and `<job>.json` (the
head with its late options) once they are whole. The session of an upload says how it is treated: `stall` is never committed, `refuse` is refused at its head, `full`
after 1 MiB, `odd` is answered with nonsense; all others become files."""
import argparse
import json
import os
import pathlib
import signal
import sys
import time

import msgpack

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "actors/examples"))
import level  # noqa: E402
from level import (ACK, BASE, CAPACITY, CLOSE, COMMITTED, F_EOS, F_START, FINAL, FLAGS, FROM, HELLO, NAME, REWIND, SERVICE,  # noqa: E402
                   TEXT, TO)

CHECKPOINT, FAILED, MIB = 5, 32, 1 << 20
REFUSAL = {"status": 507, "retry_after": 60, "code": "spool_full", "message": "The spool is full."}


class Upload(level.Stream):
    """A stream whose commit is an fsync; its checkpoint says which file goes on, and how much of it is safe."""

    def __init__(self, actor, key, epoch, base, checkpoint):
        super().__init__(actor, key, epoch, base, 0)
        self.head, self.file, self.bytes, self.safe, self.over, self.first = None, None, 0, 0, False, 0.0
        if checkpoint:
            job, self.bytes = json.loads(checkpoint)
            self.open(json.loads((actor.spool / f"{job}.head").read_text()))

    def open(self, head):
        self.head, self.path = head, self.actor.spool / head["job"]
        (self.actor.spool / f"{head['job']}.head").write_text(json.dumps(head))
        self.file = open(f"{self.path}.part", "r+b" if self.bytes else "w+b")
        self.file.truncate(self.bytes)
        self.file.seek(self.bytes)
        self.safe = self.bytes

    def take(self, seq, meta, body):
        self.kept = [final for final in self.kept if final[TO] > meta[COMMITTED]]
        if seq < self.expected:
            for final in [{}, *self.kept]:
                self.say(FINAL if final else ACK, final)
        elif seq > self.expected and time.monotonic() > self.rewound + 0.1:
            self.rewound = time.monotonic()
            self.say(REWIND)
        elif seq == self.expected and not self.over:
            self.expected, self.news, self.first = seq + 1, True, self.first or time.monotonic()
            self.piece(seq, meta[FLAGS], body)

    def piece(self, seq, flags, body):
        if self.head is None:
            self.open(json.loads(body))
        elif not flags & F_EOS:
            self.file.write(body)
            self.bytes += len(body)
        session = self.head["session"]
        if session == "refuse" or (session == "full" and self.bytes >= MIB):
            self.commit(seq, json.dumps(REFUSAL), FAILED)
            self.drop()
        elif flags & F_EOS and session != "stall":
            self.finish(seq, json.loads(body) if body else {})
        elif session != "stall" and self.bytes - self.safe >= self.actor.every:
            self.commit(seq)
        elif seq % 8 == 0:
            self.say(ACK)

    def commit(self, seq, text="", flags=0):
        self.file.flush()
        os.fsync(self.file.fileno())
        self.kept.append({FROM: self.committed + 1, TO: seq, TEXT: text, FLAGS: flags,
                          CHECKPOINT: json.dumps([self.head["job"], self.bytes]).encode()})
        self.committed, self.first, self.safe = seq, 0.0, self.bytes
        self.say(FINAL, self.kept[-1])

    def finish(self, seq, late):
        if not self.path.exists():
            self.file.flush()
            os.fsync(self.file.fileno())
            pathlib.Path(f"{self.path}.json").write_text(json.dumps({**self.head, **late}))
            os.rename(f"{self.path}.part", self.path)
        self.commit(seq, "what?" if self.head["session"] == "odd" else json.dumps({"job": self.head["job"]}))
        self.clear()

    def drop(self):
        """What there is of the file goes."""
        if self.head and not self.over:
            pathlib.Path(f"{self.path}.part").unlink(missing_ok=True)
            self.clear()

    def clear(self):
        self.over = True
        self.file.close()
        pathlib.Path(f"{self.path}.head").unlink(missing_ok=True)

    def tick(self, now):
        if self.first and now > self.first + 0.5 and not self.over and self.head["session"] != "stall":
            self.commit(self.expected - 1)
        elif self.news and now > self.said + 0.1:
            self.say(ACK)


class Actor(level.Actor):
    def __init__(self, broker, name, capacity, spool, commit):
        super().__init__(broker, name, capacity)
        self.spool, self.every = pathlib.Path(spool), commit

    def frame(self, key, epoch, seq, meta, body):
        stream = self.streams.get(key)
        if meta[FLAGS] & F_START and (stream is None or epoch > stream.epoch):
            stream = self.streams[key] = Upload(self, key, epoch, meta[BASE], meta.get(CHECKPOINT))
        if stream and epoch == stream.epoch and meta[COMMITTED] <= stream.committed:
            stream.take(seq, meta, body)
        elif (not stream or epoch >= stream.epoch) and time.monotonic() > self.refused + 0.1:
            self.refused = time.monotonic()
            self.results.send_multipart([key, self.pack(REWIND, epoch, {})])

    def message(self, key, envelope, body=b""):
        if msgpack.unpackb(envelope, strict_map_key=False)[1] == CLOSE and key in self.streams:
            self.streams[key].drop()
        super().message(key, envelope, body)

    def tick(self, now):
        for stream in self.streams.values():
            stream.tick(now)
        if now > self.heard + 1.5 and now > self.hello:
            self.hello = now + 0.5
            self.tell(HELLO, {SERVICE: "upload", NAME: self.name, CAPACITY: self.capacity},
                      msgpack.packb([[key.decode(), stream.epoch] for key, stream in self.streams.items()]))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--broker", required=True)
    parser.add_argument("--name", default="jobs-1")
    parser.add_argument("--capacity", type=int, default=64)
    parser.add_argument("--spool", required=True)
    parser.add_argument("--commit", type=int, default=4 * MIB)
    actor = Actor(**vars(parser.parse_args()))
    for ending in (signal.SIGTERM, signal.SIGINT):
        signal.signal(ending, lambda *_: setattr(actor, "running", False))
    actor.run()
