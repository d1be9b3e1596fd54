"""The actors of a house one by one, several edges and room actors among them; whoever dies is started again, as by a supervisor."""
import ctypes
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
import urllib.request

from house import BIN, SLOW, is_stopped, name_of, wait_until

PR_SET_PDEATHSIG = 1
STOPPED_FIRST = ("edge", "jobs", "analysis", "transcriber", "room", "broker")


def die_with_parent():
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Actor:
    def __init__(self, name, command, log, env):
        self.name, self.command, self.env, self.starts, self.process = name, [str(c) for c in command], env, 0, None
        self.away_until = 0.0  # not started again before this
        self.killed = None  # the last process that a test has killed: where the end comes at once, nobody has started the next
        self._log = open(log, "ab")

    def start(self):
        self.started = time.monotonic()
        self.starts += 1
        self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=self._log, stderr=self._log, env=self.env,
                                        preexec_fn=die_with_parent)

    def close(self):
        self._log.close()


class Fleet:
    """`flags`: of all actors of a kind, as in room=["--member-grace", "1s"]."""

    def __init__(self, edges=1, rooms=1, transcribers=0, brokers=1, jobs_actors=0, analysts=0, env=None, **flags):
        self.data = pathlib.Path(tempfile.mkdtemp(prefix="es-"))
        self.env = {**os.environ, **(env or {})}
        self.actors, self._flags, self._lock, self._stopping, self._over = {}, flags, threading.Lock(), False, threading.Event()
        self.bases = ",".join(f"ipc://{self.data}/{name_of('broker', n)}" for n in range(1, brokers + 1))
        self._counts = {"broker": brokers, "transcriber": transcribers, "room": rooms, "analysis": analysts, "jobs": jobs_actors,
                        "edge": edges}
        self._watch = threading.Thread(target=self._supervise, daemon=True)

    def add(self, kind, name, *args, bases=None):
        """One more, perhaps by other ways to the brokers."""
        with self._lock:
            self._add(kind, name, *args, bases=bases)

    def _add(self, kind, name, *args, bases=None):
        bases = bases or (f"ipc://{self.data}/{name}" if kind == "broker" else self.bases)
        command = [BIN / f"earshot-{kind}", "--data", self.data, "--name", name, "--broker", bases, *args, *self._flags.get(kind, [])]
        self.actors[name] = Actor(name, command, self.data / f"{name}.log", self.env)
        self.actors[name].start()

    def __enter__(self):
        try:
            for kind, count in self._counts.items():
                for n in range(1, count + 1):
                    name = f"{kind}-{n}" if kind != "broker" else name_of(kind, n)
                    self._add(kind, name, *(["--port", "0", "--addr-file", self.data / f"{name}.addr"] if kind == "edge" else []))
            self.urls = [self._address(f"edge-{n}") for n in range(1, self._counts["edge"] + 1)]
            for n, url in enumerate(self.urls, 1):  # the same port again after a death
                command = self.actors[f"edge-{n}"].command
                command[command.index("--port") + 1] = url.rsplit(":", 1)[1]
            wait_until(lambda: all(self._ready(url) for url in self.urls), 20, "ready edges")
        except BaseException:
            self.__exit__(AssertionError, None, None)
            raise
        self._watch.start()
        return self

    def _address(self, name):
        path = self.data / f"{name}.addr"
        return wait_until(lambda: path.exists() and path.read_text().strip(), 20, f"{name} with an address").rstrip("/").replace("http", "ws", 1)

    def _ready(self, url):
        try:
            with urllib.request.urlopen(url.replace("ws", "http", 1) + "/healthz", timeout=5) as answer:
                return answer.status == 200
        except OSError:
            return False

    def _supervise(self):
        """To the very end: actors die with the thread that started them (PR_SET_PDEATHSIG)."""
        while not self._over.wait(0.02):
            with self._lock:
                for actor in self.actors.values():
                    if not self._stopping and time.monotonic() >= actor.away_until and actor.process.poll() is not None:
                        actor.start()

    def __exit__(self, kind, _value, _trace):
        with self._lock:
            self._stopping, statuses = True, {}
            for role in STOPPED_FIRST:
                group = [a for a in self.actors.values() if a.name.startswith(role)]
                # Who was started just now dies of the signal itself: it does not wait for signals yet.
                young = {a.name for a in group if time.monotonic() - a.started < 2 * SLOW}
                for actor in group:
                    actor.process.send_signal(signal.SIGTERM)
                for actor in group:
                    status = self._end(actor)
                    wanted = status == -signal.SIGTERM and actor.name in young or status == -signal.SIGKILL and actor.killed is actor.process
                    statuses[actor.name] = 0 if wanted else status
        self._over.set()
        if kind is not None:
            print("\n".join(f"{name}: {line}" for name in self.actors for line in self.log(name).splitlines()[-40:]))
        shutil.rmtree(self.data, ignore_errors=True)
        assert kind is not None or not any(statuses.values()), statuses

    @staticmethod
    def _end(actor):
        try:
            return actor.process.wait(20 * SLOW)
        except subprocess.TimeoutExpired:
            actor.process.kill()
            actor.process.wait()
            return "did not end"
        finally:
            actor.close()

    def log(self, name):
        return (self.data / f"{name}.log").read_text(errors="replace")

    def pid(self, name):
        return self.actors[name].process.pid

    def kill(self, name, how=signal.SIGKILL, away=0.0):
        """Where it ends by that, it is started again after `away` seconds. Returns how often it had been started."""
        with self._lock:
            actor = self.actors[name]
            actor.away_until = time.monotonic() + away
            actor.process.send_signal(how)
            if how == signal.SIGKILL:
                actor.killed = actor.process
            if how == signal.SIGSTOP:
                wait_until(lambda: actor.process.poll() is not None or is_stopped(actor.process.pid), 10, f"{name} stands still")
            return actor.starts

    def bring_back(self, name):
        """One that was to be away for longer."""
        self.actors[name].away_until = 0.0

    def status(self, broker="broker"):
        """As this broker sees the house."""
        done = subprocess.run([BIN / "earshot", "status", "--json", "--broker", f"ipc://{self.data}/{broker}", "--data", self.data],
                              capture_output=True, timeout=20 * SLOW)
        assert done.returncode == 0, done.stderr.decode()
        return json.loads(done.stdout)

    def await_restart(self, name, starts):
        wait_until(lambda: self.actors[name].starts > starts, 15, f"{name} started again")

    def metrics(self, n=0):
        """Of one of the edges."""
        with urllib.request.urlopen(self.urls[n].replace("ws", "http", 1) + "/metrics", timeout=10 * SLOW) as answer:
            return {name: float(value) for name, value in re.findall(r"^(earshot_[^ ]+) ([0-9.e+]+)$", answer.read().decode(), re.M)}


def memory_kb(pid, what):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(status.split(f"{what}:")[1].split()[0])


def rss_kb(pid):
    return memory_kb(pid, "VmRSS")


def peak_kb(pid):
    """The most that it ever had."""
    return memory_kb(pid, "VmHWM")
