"""A house whose actors reach their broker over tcp alone, each with a key that `earshot keygen` made, in a directory of its own as on a host of its own."""
import json
import os
import pathlib
import shutil
import socket
import subprocess
import tempfile
import urllib.error
import urllib.request

import zmq.auth

from fake_broker import figures_at
from house import BIN, SLOW, Lines, wait_until


class Ring:
    """A keys directory and the commands that work on it."""

    def __init__(self, path):
        self.path = pathlib.Path(path)
        self.allowed = self.path / "allowed"

    def run(self, *args):
        return subprocess.run([BIN / "earshot", *map(str, args), "--keys", self.path], capture_output=True, text=True, timeout=20 * SLOW)

    def ok(self, *args):
        done = self.run(*args)
        assert done.returncode == 0, done.stderr
        assert not done.stderr
        return done.stdout

    def refused(self, status, *args):
        done = self.run(*args)
        assert done.returncode == status, (done.returncode, done.stdout, done.stderr)
        return done.stderr

    def make(self, role, name=None):
        self.ok("keygen", role, *([name] if name else []))
        return self.path / f"{name or role}.pub"

    def let_in(self, role, name=None):
        self.ok("keys", "add", self.make(role, name))

    def names(self):
        return [(key["role"], key["name"]) for key in json.loads(self.ok("keys", "list", "--json"))["keys"]]


def four_ports():
    """Four free ports in a row."""
    for base in range(20000 + os.getpid() % 1000 * 8, 32000, 4):
        held = []
        try:
            for n in range(4):
                held.append(socket.create_server(("127.0.0.1", base + n)))
            return base
        except OSError:
            continue
        finally:
            for one in held:
                one.close()
    raise AssertionError("no four free ports in a row")


class KeyHouse:
    """`with KeyHouse("edge", "transcriber", ...)`: names are roles, or a role and a number (transcriber-2)."""
    MORE = {"edge": ["--port", "0"], "transcriber": ["--engine", "mock"]}

    def __init__(self, *names, host="127.0.0.1", port=None):
        self.data = pathlib.Path(tempfile.mkdtemp(prefix="es-"))
        self.names, self.host, self.port = names, host, port or four_ports()
        self.base = f"tcp://{host}:{self.port}"
        self.ring, self.processes, self.logs = Ring(self.data / "keys"), {}, {}

    def __enter__(self):
        try:
            self.ring.make("broker")
            for name in self.names:
                self.ring.let_in(name.partition("-")[0], name)
            self.start("broker", "--tcp", f"{self.host}:{self.port}", "--metrics", "127.0.0.1:0", base=f"ipc://{self.data}/broker", keys=self.ring.path)
            for name in self.names:
                self.start(name)
            if "edge" in self.names:
                self.url = wait_until(self._address, 20, "an address").rstrip("/")
                wait_until(lambda: self.get("/readyz")[0] == 200, 20 * SLOW, "an edge that is ready")
        except BaseException:
            self.__exit__(AssertionError, None, None)
            raise
        return self

    def _address(self):
        path = self.data / "edge" / "addr"
        return path.exists() and path.read_text().strip()

    def __exit__(self, kind, *_):
        for process in self.processes.values():
            process.kill()
            process.wait()
        if kind:
            for name, log in self.logs.items():
                print(f"--- {name}\n" + "\n".join(log.lines[-40:]))
        shutil.rmtree(self.data, ignore_errors=True)

    def own(self, name):
        """The directory of an actor, with what it needs to come: its key and the broker's."""
        home = self.data / name
        (home / "keys").mkdir(parents=True, exist_ok=True)
        for file in (self.ring.path / "broker.pub", self.ring.path / f"{name}.key"):
            shutil.copy(file, home / "keys")
        return home

    def start(self, name, *args, base=None, keys=None):
        role = name.partition("-")[0]
        home = self.own(name) if name != "broker" else self.data
        more = [*self.MORE.get(role, []), *(["--addr-file", home / "addr"] if role == "edge" else [])]
        command = [BIN / f"earshot-{role}", "--data", home, "--keys", keys or home / "keys", "--name", name, "--broker", base or self.base, *more, *args]
        self.processes[name] = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
        self.logs[name] = Lines(self.processes[name].stderr)

    @property
    def ws(self):
        return self.url.replace("http", "ws", 1)

    def get(self, path):
        try:
            with urllib.request.urlopen(self.url + path, timeout=10 * SLOW) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()
        except OSError:
            return 0, b""

    def status(self):
        done = subprocess.run([BIN / "earshot", "status", "--json", "--data", self.data, "--broker", f"ipc://{self.data}/broker"],
                              capture_output=True, timeout=20 * SLOW)
        return json.loads(done.stdout) if done.returncode == 0 else {"workers": [], "edges": []}

    def figures(self):
        """The broker's."""
        return figures_at(self.data / "run" / "broker.metrics")

    def workers(self):
        return {worker["name"]: worker for worker in self.status()["workers"]}

    def dress(self, name, secret=None, broker=None):
        """What puts a key on a socket of pyzmq, for hostile_peer.Peer and the like."""
        public, private = zmq.auth.load_certificate(secret or self.ring.path / f"{name}.key")
        server, _ = zmq.auth.load_certificate(broker or self.ring.path / "broker.pub")

        def put_on(made):
            made.curve_publickey, made.curve_secretkey, made.curve_serverkey = public, private, server
        return put_on
