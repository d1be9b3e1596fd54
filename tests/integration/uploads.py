"""Uploads for the tests: a fleet with upload_peer.py as its jobs actor, and a client that sends bytes exactly as told."""
import contextlib
import http.client
import json
import pathlib
import random
import select
import socket
import sqlite3
import sys

from fleet import Actor, Fleet
from house import BIN, SLOW, wait_until

HERE = pathlib.Path(__file__).parent


class UploadFleet(Fleet):
    """Broker, edge and the peer as `jobs-1`, which is started again where it dies."""

    def __init__(self, capacity=64, commit=4 << 20, edge=(), **more):
        super().__init__(rooms=0, edge=["--upload-wait", f"{int(3 * SLOW)}s", "--drain-timeout", "1s", *edge], **more)
        self.spool, self._peer = self.data / "spool", ["--capacity", capacity, "--commit", commit]
        self.spool.mkdir()

    def _add(self, kind, name, *args):
        super()._add(kind, name, *args)
        if kind == "broker":
            self.start_jobs()

    def start_jobs(self):
        self._start_jobs([sys.executable, HERE / "upload_peer.py", "--broker", f"ipc://{self.data}/broker", "--spool", self.spool, *self._peer])

    def _start_jobs(self, command):
        self.actors["jobs-1"] = Actor("jobs-1", command, self.data / "jobs-1.log", self.env)
        self.actors["jobs-1"].start()

    def __enter__(self):
        super().__enter__()
        wait_until(lambda: any(w["service"] == "upload" for w in self.status()["workers"]), 20, "an upload actor")
        return self

    @property
    def address(self):
        host, port = self.urls[0].removeprefix("ws://").split(":")
        return host, int(port)

    def file(self, job):
        return (self.spool / job).read_bytes()

    def head(self, job):
        return json.loads((self.spool / f"{job}.json").read_text())

    def halves(self):
        return [*self.spool.glob("*.part"), *self.spool.glob("*.head")]

    def await_nothing_left(self):
        """Neither half a file nor an upload."""
        wait_until(lambda: not self.halves(), 30, "no half files")
        wait_until(lambda: self.metrics()["earshot_edge_uploads"] == 0, 10, "no uploads open")


class JobsFleet(UploadFleet):
    """The same with the real jobs actor."""

    def __init__(self, analyses=0, **more):
        super().__init__(**more)
        self._analyses = analyses

    def start_jobs(self):
        self._start_jobs([BIN / "earshot-jobs", "--name", "jobs-1", "--broker", f"ipc://{self.data}/broker", "--data", self.data,
                          "--spool-floor", "0", "--part-keep", "10s"])
        for n in range(1, self._analyses + 1):
            self._add("analysis", f"analysis-{n}")

    def file(self, job):
        return (self.spool / "files" / job).read_bytes()

    def halves(self):
        return list((self.spool / "parts").iterdir())

    def jobs(self):
        """Rows of the store."""
        with contextlib.closing(sqlite3.connect(f"file:{self.data}/jobs.db?mode=ro", uri=True)) as db:
            db.row_factory = sqlite3.Row
            return [dict(row) for row in db.execute("SELECT * FROM job")]

    def head(self, job):
        row = next(row for row in self.jobs() if row["id"] == job)
        return {**row, "size": row["bytes"], "delete_after_analysis": bool(row["delete_after"])}


def noise(size, seed=1):
    return random.Random(seed).randbytes(size)


def form(parts, boundary="XxX"):
    """parts: (name, value) or (name, file name, type, bytes)."""
    out = b""
    for part in parts:
        out += f'--{boundary}\r\nContent-Disposition: form-data; name="{part[0]}"'.encode()
        if len(part) == 4:
            out += f'; filename="{part[1]}"\r\nContent-Type: {part[2]}'.encode()
        out += b"\r\n\r\n" + (part[-1] if isinstance(part[-1], bytes) else part[-1].encode()) + b"\r\n"
    return f"multipart/form-data; boundary={boundary}", out + f"--{boundary}--\r\n".encode()


def post(address, path, body, headers=None, deadline=120):
    """(status, headers, JSON). body: bytes, or an iterator of pieces, which goes chunked."""
    connection = http.client.HTTPConnection(*address, timeout=deadline * SLOW)
    with contextlib.closing(connection):
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            connection.request("POST", path, body, headers or {"Content-Type": "audio/wav"}, encode_chunked=not isinstance(body, bytes))
        answer = connection.getresponse()
        text = answer.read()
        return answer.status, answer.headers, json.loads(text)


def upload(address, body, session="s", **headers):
    return post(address, f"/session/{session}/upload", body, {"Content-Type": "audio/wav", **headers})


class Raw:
    """One connection, bytes as they are."""

    def __init__(self, address, deadline=60, origin=None):
        self.socket = socket.create_connection(address, timeout=deadline * SLOW, source_address=origin and (origin, 0))
        self.got = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data if isinstance(data, bytes) else data.encode("latin-1"))

    def head(self, session="s", length=None, kind="audio/wav", **more):
        lines = [f"POST /session/{session}/upload HTTP/1.1", "Host: edge", f"Content-Type: {kind}"]
        lines.append(f"Content-Length: {length}" if length is not None else "Transfer-Encoding: chunked")
        self.send("\r\n".join(lines + [f"{name.replace('_', '-')}: {value}" for name, value in more.items()]) + "\r\n\r\n")

    def line(self):
        while b"\r\n" not in self.got:
            piece = self.socket.recv(65536)
            assert piece, "the connection ended: " + repr(self.got)
            self.got += piece
        line, self.got = self.got.split(b"\r\n", 1)
        return line.decode()

    def answer(self):
        """(status, headers, JSON)"""
        status, headers = int(self.line().split()[1]), {}
        while line := self.line():
            name, value = line.split(":", 1)
            headers[name.lower()] = value.strip()
        if status == 100:
            return status, headers, None
        size = int(headers["content-length"])
        while len(self.got) < size:
            piece = self.socket.recv(65536)
            assert piece, "the answer is cut"
            self.got += piece
        body, self.got = self.got[:size], self.got[size:]
        return status, headers, json.loads(body)

    def silent(self, seconds):
        """Nothing comes for so long."""
        return not select.select([self.socket], [], [], seconds)[0]

    def push(self, data, seconds):
        """Sends until nothing more is taken for so long. Returns the bytes taken."""
        sent = 0
        while sent < len(data) and select.select([], [self.socket], [], seconds)[1]:
            sent += self.socket.send(data[sent:sent + 65536], socket.MSG_DONTWAIT)
        return sent


__all__ = ["JobsFleet", "UploadFleet", "Raw", "form", "noise", "post", "upload"]
