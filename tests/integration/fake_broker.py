"""A broker that says whatever a test wants, and the actors of a house that listen to it."""
import pathlib
import re
import shutil
import subprocess
import tempfile
import threading
import urllib.request

import msgpack
import zmq

import hostile_peer as hostile
from fleet import rss_kb
from house import BIN, SLOW, Lines, wait_until

KIND, KEY = hostile.KIND, hostile.KEY


class FakeBroker:
    """Learns who is there: `workers` by service (incarnation as bytes), `prefixes` of edges. Answers nothing by itself."""

    def __init__(self, base):
        self.workers, self.prefixes, self.beats, self._over = {}, set(), {}, threading.Event()
        kinds = {"frontend": zmq.PULL, "backend": zmq.ROUTER, "results": zmq.SUB, "publish": zmq.XPUB}
        self.sockets = {name: self._socket(kind, f"{base}-{name}") for name, kind in kinds.items()}
        self.sockets["results"].setsockopt(zmq.SUBSCRIBE, b"")

    @staticmethod
    def _socket(kind, endpoint):
        made = zmq.Context.instance().socket(kind)
        made.setsockopt(zmq.LINGER, 0)
        made.setsockopt(zmq.SNDHWM, 100000)
        made.bind(endpoint)
        return made

    def close(self):
        for made in self.sockets.values():
            made.close()

    def hear(self):
        """Takes what waits."""
        for name, made in self.sockets.items():
            while made.poll(0):
                self._take(name, made.recv_multipart())

    def _take(self, name, parts):
        if name == "publish" and len(parts[0]) == 7 and parts[0][0] == 1:
            self.prefixes.add(parts[0][1:])
        if name != "backend" or len(parts) < 3:
            return
        _, kind, _, _, _, _, meta = msgpack.unpackb(parts[2], strict_map_key=False)[:7]
        if kind == KIND["HELLO"]:
            self.workers[meta[KEY["service"]]] = parts[0]
        if kind == KIND["HEARTBEAT"]:
            self.beats[parts[0]] = self.beats.get(parts[0], 0) + 1

    def tell(self, worker, parts):
        self.sockets["backend"].send_multipart([worker, *parts])

    def publish(self, parts):
        self.sockets["publish"].send_multipart(parts)

    def await_workers(self, *services):
        wait_until(lambda: (self.hear(), set(services) <= set(self.workers) and self.prefixes)[1], 20, f"HELLO of {services} and an edge")

    def await_beats(self):
        """Each worker has come to the end of what it was told, and answers."""
        before = dict(self.beats)
        for worker in self.workers.values():
            self.tell(worker, [worker, hostile.pack(KIND["PING"], None, 0, 0)])
        wait_until(lambda: (self.hear(), all(self.beats.get(w, 0) > before.get(w, 0) for w in self.workers.values()))[1], 30, "a heartbeat of each worker")

    def overfeed(self):
        """Each gets a message that is larger than any may be, hangs up, and comes back."""
        for worker in self.workers.values():
            self.tell(worker, [worker, hostile.pack(KIND["CLOSE"]), bytes(2**21 + 1)])
        for prefix in self.prefixes:
            self.publish([prefix + b"0123456789", hostile.pack(KIND["CLOSE"]), bytes(2**21 + 1)])
        before = dict(self.beats)

        def back():
            for worker in self.workers.values():
                self.tell(worker, [worker, hostile.pack(KIND["PING"], None, 0, 0)])
            self.hear()
            return all(self.beats.get(worker, 0) > before.get(worker, 0) for worker in self.workers.values())
        wait_until(back, 20, "every worker, back again")


class Talker(FakeBroker):
    """Says beacons with whatever `state` holds, all the time."""

    def __init__(self, base):
        super().__init__(base)
        self.state, self._thread = b"", threading.Thread(target=self._run, daemon=True)

    def _run(self):
        head = {KEY["inc"]: 1, KEY["name"]: "fake"}
        while not self._over.wait(0.02):
            self.hear()
            self.publish([b"sys/0000000000000001", hostile.pack(KIND["BEACON"], head, 0, 0), *([self.state] if self.state else [])])

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        self._thread.join()
        self.close()


def figures_at(path):
    """What an actor tells of itself at the address that it has left in this file (--metrics)."""
    url = wait_until(lambda: path.exists() and path.read_text().strip(), 10, f"an address in {path}")
    with urllib.request.urlopen(url.rstrip("/") + "/metrics", timeout=10 * SLOW) as answer:
        return {name: float(value) for name, value in re.findall(r"^(earshot_[^ ]+) ([0-9.e+]+)$", answer.read().decode(), re.M)}


class Actors:
    """An edge, a transcriber, a room, a jobs and an analysis actor that know a broker by its address."""
    ROLES = ("transcriber", "room", "jobs", "analysis", "edge")

    def __init__(self):
        self.data = pathlib.Path(tempfile.mkdtemp(prefix="es-"))
        self.base, self.processes, self.logs = f"ipc://{self.data}/broker", {}, {}

    def start(self, role, *args):
        more = ["--port", "0", "--addr-file", self.data / "addr"] if role == "edge" else ["--engine", "mock"] if role == "transcriber" else []
        process = subprocess.Popen([BIN / f"earshot-{role}", "--data", self.data, "--name", role, "--broker", self.base, "--metrics", "127.0.0.1:0", *more,
                                    *args],
                                   stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, cwd=self.data)
        self.processes[role], self.logs[role] = process, Lines(process.stderr)

    def __enter__(self):
        for role in self.ROLES:
            self.start(role)
        self.url = wait_until(lambda: (self.data / "addr").exists() and (self.data / "addr").read_text().strip().rstrip("/"), 20, "an address")
        return self

    def __exit__(self, kind, *_):
        for process in self.processes.values():
            process.kill()
            process.wait()
        if kind:
            for role, log in self.logs.items():
                print(f"--- {role}\n" + "\n".join(log.lines[-30:]))
        shutil.rmtree(self.data, ignore_errors=True)

    def alive(self):
        return {role: process.poll() for role, process in self.processes.items()}

    def memory_kb(self):
        return {role: rss_kb(process.pid) for role, process in self.processes.items()}

    def figures(self, role):
        """Of one of them, as it tells them itself."""
        return figures_at(self.data / "run" / f"{role}.metrics")

    def ready(self):
        try:
            return self.get("/readyz")[0] == 200
        except OSError:
            return False

    def get(self, path):
        with urllib.request.urlopen(self.url + path, timeout=10 * SLOW) as answer:
            return answer.status, answer.read()
