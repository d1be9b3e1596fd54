"""A running earshot for a test: started with `earshot up` on a drawn port, looked at, disturbed and stopped."""
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("EARSHOT_BIN", ROOT / "build" / "bin"))
SPEECH = pathlib.Path(os.environ.get("EARSHOT_SPEECH", ROOT.parent / "shared" / "speech"))
SLOW = float(os.environ.get("EARSHOT_SLOW", "1"))  # sanitizer builds stretch every deadline


def wait_until(condition, deadline=10.0, what="the condition"):
    """Poll until condition() is truthy and return its value; fail after `deadline` seconds."""
    pause, end = threading.Event(), time.monotonic() + deadline * SLOW
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < end, f"{what} did not come true within {deadline * SLOW:.0f} s"
        pause.wait(0.02)


def is_stopped(pid):
    """Each thread of it: some go on for a moment after SIGSTOP, where the machine is busy."""
    tasks = pathlib.Path(f"/proc/{pid}/task").iterdir()
    return all((task / "stat").read_text().rpartition(")")[2].split()[0] == "T" for task in tasks)


class Lines:
    """Reads a pipe in the background; lines can be awaited."""

    def __init__(self, pipe):
        self.lines, self.ended, self._cond = [], False, threading.Condition()
        self._thread = threading.Thread(target=self._read, args=(pipe,), daemon=True)
        self._thread.start()

    def _read(self, pipe):
        for raw in pipe:
            with self._cond:
                self.lines.append(raw.decode("utf-8", "replace").rstrip("\n"))
                self._cond.notify_all()
        with self._cond:
            self.ended = True
            self._cond.notify_all()
        pipe.close()

    def await_line(self, pattern, deadline=20.0):
        """The first line that matches, or a failure with all that was read."""
        end, seen = time.monotonic() + deadline * SLOW, 0
        with self._cond:
            while True:
                while seen < len(self.lines):
                    match = re.search(pattern, self.lines[seen])
                    seen += 1
                    if match:
                        return match
                left = end - time.monotonic()
                assert not self.ended and left > 0, f"no line matches {pattern!r} in:\n" + "\n".join(self.lines[-60:])
                self._cond.wait(left)

    def text(self):
        with self._cond:
            return "\n".join(self.lines)


def name_of(role, number):
    return role if number == 1 else f"{role}-{number}"


class House:
    """`earshot up` in a directory of its own."""

    def __init__(self, *args, engine="mock", transcribers=1, brokers=1, edges=1, env=None, tls=None, confine=None):
        """tls: a Certificate that its edges show."""
        self.data = tempfile.mkdtemp(prefix="es-")
        self.args = ["up", "--port", "0", "--engine", engine, "--transcribers", str(transcribers), "--brokers", str(brokers),
                     "--edges", str(edges), "--data", self.data, *args, *(tls.flags if tls else [])]
        self.tls, self._confine = tls, confine
        self.brokers = [name_of("broker", n) for n in range(1, brokers + 1)]
        self.env = {**os.environ, **(env or {})}
        self.process, self.url, self.urls = None, None, []

    def __enter__(self):
        self.process = subprocess.Popen([BIN / "earshot", *self.args], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, cwd=self.data, env=self.env, preexec_fn=self._confine)
        self.out, self.log = Lines(self.process.stdout), Lines(self.process.stderr)
        try:
            self.urls = self.out.await_line(r"^ready (https?://.+)", 60).group(1).split()
            self.url = self.urls[0]
        except AssertionError as error:
            self.process.kill()
            raise AssertionError(f"{error}\nstderr:\n{self.log.text()}") from None
        return self

    def __exit__(self, kind, _value, _trace):
        try:
            if self.process.poll() is None:
                self.stop(check=kind is None)
        finally:
            if kind is not None:
                print("\n".join(self.log.lines[-80:]))
            shutil.rmtree(self.data, ignore_errors=True)

    def stop(self, check=True):
        self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(30 * SLOW)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError("earshot up did not end within 30 s of SIGTERM\n" + self.log.text()) from None
        if check:
            assert status == 0, f"earshot up ended with {status}\n" + self.log.text()

    @property
    def ws(self):
        return self.url.replace("http", "ws", 1)

    def pid(self, actor):
        return int((pathlib.Path(self.data) / "run" / f"{actor}.pid").read_text())

    def kill(self, actor, how=signal.SIGKILL):
        pid = self.pid(actor)
        os.kill(pid, how)
        if how == signal.SIGSTOP:
            wait_until(lambda: is_stopped(pid), 10, f"{actor} stands still")
        return pid

    def await_restart(self, actor, old_pid, deadline=15):
        def fresh():
            try:
                pid = self.pid(actor)
            except (OSError, ValueError):
                return None
            return pid if pid != old_pid else None
        return wait_until(fresh, deadline, f"{actor} with a new pid")

    def get(self, path):
        """(status, headers, body) of a GET."""
        try:
            with urllib.request.urlopen(self.url + path, timeout=10 * SLOW, context=self.tls and self.tls.trusting()) as answer:
                return answer.status, dict(answer.headers), answer.read()
        except urllib.error.HTTPError as error:
            return error.code, dict(error.headers), error.read()

    def metrics(self):
        return {name: float(value) for name, value in
                re.findall(r"^(earshot_[^ ]+) ([0-9.e+]+)$", self.get("/metrics")[2].decode(), re.M)}

    def status(self, broker=None):
        """As this broker (a name) sees the house; without one, as the first that is heard does."""
        asked = ["--broker", f"ipc://{self.data}/{broker}"] if broker else []
        done = subprocess.run([BIN / "earshot", "status", "--json", "--data", self.data, *asked], capture_output=True, timeout=20 * SLOW)
        assert done.returncode == 0, done.stderr.decode()
        return json.loads(done.stdout)

    def busy_worker(self, deadline=10):
        """Name of a transcriber that serves a stream now."""
        def find():
            return next((w["name"] for w in self.status()["workers"] if w["streams"]), None)
        return wait_until(find, deadline, "a worker with a stream")


class Stream:
    """`earshot stream --json` in the background; it knows all edges."""

    def __init__(self, house, path, *args):
        urls = ",".join(url.replace("http", "ws", 1) + "/ws" for url in house.urls)
        self.process = subprocess.Popen([BIN / "earshot", "stream", "--json", "--url", urls, *args, path],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.out, self.err = Lines(self.process.stdout), Lines(self.process.stderr)

    def events(self):
        return [json.loads(line) for line in list(self.out.lines)]

    def finals(self):
        return [e for e in self.events() if e["type"] == "transcript" and e["final"]]

    def await_acks(self, count, deadline=60):
        """So many chunks (of 100 ms) are under way."""
        wait_until(lambda: sum(e["type"] == "ack" for e in self.events()) >= count or self.process.poll() is not None, deadline,
                   f"{count} acknowledged chunks")
        assert self.process.poll() is None, "the stream ended too soon: " + self.err.text()

    def end(self, deadline=90):
        """Waits for the end; returns the text. Fails unless the server confirmed the end."""
        try:
            status = self.process.wait(deadline * SLOW)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise AssertionError(f"earshot stream did not end in {deadline} s; so far: {self.out.text()}\n{self.err.text()}") from None
        wait_until(lambda: self.out.ended, 5)
        assert status == 0, f"earshot stream ended with {status}: {self.err.text()}\n{self.out.text()}"
        check_contiguous(self.finals())
        return " ".join(e["text"] for e in self.finals() if e["text"])


def check_contiguous(finals):
    """Finals come in order, none twice, and times never run backwards."""
    last_seq, last_end = 0, 0
    for event in finals:
        assert event["from_seq"] > last_seq, f"covers a frame twice: {event} after {last_seq}"
        assert event["to_seq"] >= event["from_seq"]
        assert event["start_ms"] >= last_end, f"time runs backwards: {event} after {last_end} ms"
        last_seq, last_end = event["to_seq"], event["end_ms"]


def transcribe(house, path, *args):
    return Stream(house, path, *args).end()


def say(path, *phrases, voice="rms", gap=0.9, pad=0.5):
    """Writes a 16 kHz mono WAV of flite saying the phrases."""
    import wave
    pcm = b"\0\0" * int(16000 * pad)
    for i, phrase in enumerate(phrases):
        part = str(path) + f".{i}.wav"
        subprocess.run(["flite", "-voice", voice, "-t", phrase, "-o", part], check=True, stdout=subprocess.DEVNULL)
        with wave.open(part) as w:
            assert w.getframerate() == 16000 and w.getnchannels() == 1
            pcm += w.readframes(w.getnframes())
        os.unlink(part)
        pcm += b"\0\0" * int(16000 * (gap if i + 1 < len(phrases) else pad))
    with wave.open(str(path), "wb") as w:
        w.setnchannels(1), w.setsampwidth(2), w.setframerate(16000)
        w.writeframes(pcm)
    return path


def word_errors(said, heard):
    """Levenshtein distance in words."""
    a, b = said.split(), heard.split()
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        row, old = [i], row
        for j, y in enumerate(b, 1):
            row.append(min(old[j] + 1, row[j - 1] + 1, old[j - 1] + (x != y)))
    return row[-1]
