"""Recordings as jobs, over HTTP: made, uploaded, followed to their end."""
import contextlib
import http.client
import json
import os
import pathlib
import time
import wave

from house import SLOW, SPEECH, wait_until

RATE = 16000
OVER = ("COMPLETED", "FAILED", "CANCELLED")


def pcm(path):
    """Samples of a recording at 16 kHz mono, as bytes."""
    with wave.open(str(path)) as w:
        assert (w.getframerate(), w.getnchannels(), w.getsampwidth()) == (RATE, 1, 2)
        return w.readframes(w.getnframes())


def repeat(path, unit, seconds):
    """Writes a WAV of `unit` (bytes) over and over, so many times that it lasts for at least so long. Returns how many times."""
    times = -(-int(seconds * RATE * 2) // len(unit))
    with wave.open(str(path), "wb") as w:
        w.setnchannels(1), w.setsampwidth(2), w.setframerate(RATE)
        for _ in range(times):
            w.writeframesraw(unit)
    return times


def speech():
    """Recorded speech, less than half a minute, with pauses between."""
    found = [SPEECH / name for name in ("digits-10001-90210-01803.wav", "librispeech-1995-1837-0001.wav")]
    return b"".join(map(padded, map(pcm, found))) if all(path.exists() for path in found) else None


def padded(samples):
    """With a second of silence or more after it, to a whole one: said again, it is cut into the same frames, and heard as it was before."""
    second = RATE * 2
    return samples + bytes(second + -len(samples) % second)


class Door:
    """An edge's HTTP."""

    def __init__(self, url):
        host, port = url.split("://")[1].rstrip("/").split(":")
        self.address = host, int(port)

    def ask(self, method, path, body=None, headers=None, deadline=30):
        """(status, headers, body)"""
        with contextlib.closing(http.client.HTTPConnection(*self.address, timeout=deadline * SLOW)) as connection:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()

    def upload(self, path, session="s", query="", deadline=120):
        """A file, in pieces. (status, JSON, seconds between its last byte and the answer)"""
        with contextlib.closing(http.client.HTTPConnection(*self.address, timeout=deadline * SLOW)) as connection:
            connection.putrequest("POST", f"/session/{session}/upload{query}")
            for name, value in (("Content-Type", "audio/wav"), ("Content-Length", os.path.getsize(path))):
                connection.putheader(name, value)
            connection.endheaders()
            with open(path, "rb") as file:
                while piece := file.read(1 << 16):
                    connection.send(piece)
            sent = time.monotonic()
            answer = connection.getresponse()
            said = json.loads(answer.read())
            return answer.status, said, time.monotonic() - sent

    def submit(self, path, **options):
        """The id of a job of that file."""
        status, said, _ = self.upload(path, **options)
        assert status == 202 and said["status"] == "QUEUED", said
        return said["jobId"]

    def job(self, job):
        """As it is now; None while nobody answers for it."""
        try:
            status, _, body = self.ask("GET", f"/jobs/{job}")
        except (OSError, http.client.HTTPException):
            return None
        assert status in (200, 503), body
        return json.loads(body) if status == 200 else None

    def transcript(self, job, form="json"):
        def read():
            status, _, body = self.ask("GET", f"/jobs/{job}/transcript?format={form}")
            assert status in (200, 503), body
            return body.decode() if status == 200 else None
        text = wait_until(read, 20, "a transcript")
        return json.loads(text) if form == "json" else text

    def await_end(self, job, deadline, look=lambda job: None):
        """Its last state. `look` sees it each time."""
        def over():
            state = self.job(job)
            if state:
                look(state)
            return state if state and state["status"] in OVER else None
        return wait_until(over, deadline, f"the end of job {job}")


def cpu_seconds(name, data):
    """Processor time, by pid, of the processes of this name that live now and were started with this directory."""
    ticks, found = os.sysconf("SC_CLK_TCK"), {}
    for path in pathlib.Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            head, _, rest = path.read_text().rpartition(")")
            if head.partition("(")[2] == name and str(data).encode() in path.with_name("cmdline").read_bytes():
                fields = rest.split()
                found[int(path.parent.name)] = (int(fields[11]) + int(fields[12])) / ticks
    return found
