"""A house that asks who comes, with short deadlines, to be attacked; and what it says of itself."""
import base64
import hashlib
import hmac
import json
import os
import pathlib
import re
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

import zmq.auth

from fake_broker import figures_at
from fleet import rss_kb
from house import SLOW, House, Lines
from key_house import Ring, four_ports

HERE = pathlib.Path(__file__).parent
SECRET = b"a secret of forty bytes, for these tests"
AUDIENCE = "ground"


def short(seconds):
    return f"{int(seconds * SLOW * 1000)}ms"


def encoded(value):
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def token(secret=SECRET, alg="HS256", **claims):
    """A JWT; claims that are None are left out. Its signature is always HMAC-SHA256 with `secret`, empty without one."""
    claims = {"sub": "ann", "aud": AUDIENCE, "exp": int(time.time()) + 600, "rights": ["stream", "room.join", "room.say", "jobs"]} | claims
    head = encoded({"alg": alg, "typ": "JWT"}) + "." + encoded({k: v for k, v in claims.items() if v is not None})
    return head + "." + (encoded(hmac.new(secret, head.encode(), hashlib.sha256).digest()) if secret else "")


def dear():
    """A JWT that nobody signed: numbers that an edge must reckon with to find out."""
    numbers = b"".join(b"\0" + os.urandom(47) for _ in range(2))
    return ".".join(map(encoded, ({"alg": "ES384"}, {"sub": "eve", "exp": int(time.time()) + 600}, numbers)))


class Ground(House):
    """Everybody needs a token, and on the broker's tcp ports, of which `tcp` is the first, a key."""

    def __init__(self):
        self.keys = tempfile.TemporaryDirectory(prefix="es-")
        at = pathlib.Path(self.keys.name)
        (at / "hs.key").write_bytes(SECRET)
        (at / "hs.key").chmod(0o600)
        subprocess.run(["openssl", "genpkey", "-quiet", "-algorithm", "RSA", "-out", at / "rsa.pem"], check=True)
        subprocess.run(["openssl", "pkey", "-in", at / "rsa.pem", "-pubout", "-out", at / "rsa.pub"], check=True)
        subprocess.run(["openssl", "genpkey", "-quiet", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384", "-out", at / "ec.pem"], check=True)
        subprocess.run(["openssl", "pkey", "-in", at / "ec.pem", "-pubout", "-out", at / "ec.pub"], check=True)
        self.public = (at / "rsa.pub").read_bytes()
        self.tcp = four_ports()
        env = {"JWT_KEY": f"{at}/hs.key,{at}/rsa.pub,{at}/ec.pub", "JWT_AUDIENCE": AUDIENCE, "JWT_LEEWAY": "0s", "HEAD_TIMEOUT": short(1), "BODY_TIMEOUT": short(1),
               "KEEP_ALIVE": short(1), "SEND_TIMEOUT": short(1), "AUTH_TIMEOUT": short(1), "PING_INTERVAL": f"{max(1, int(SLOW))}s",
               "CLOSE_TIMEOUT": short(1), "MESSAGE_RATE": "2000", "BYTE_RATE": "4000000", "RATE_PATIENCE": short(2),
               "METRICS": "127.0.0.1:0"}
        super().__init__("--tcp", f"127.0.0.1:{self.tcp}", env={f"EARSHOT_{name}": value for name, value in env.items()})

    def __enter__(self):
        self.ring = Ring(pathlib.Path(self.data) / "keys")
        self.ring.make("broker")
        for role in ("transcriber", "room"):
            self.ring.let_in(role, f"evil-{role}")
        super().__enter__()
        self.operator = (pathlib.Path(self.data) / "operator.token").read_text().strip()
        self.host, self.port = self.url.removeprefix("http://").split(":")
        return self

    def __exit__(self, *what):
        super().__exit__(*what)
        self.keys.cleanup()

    def get(self, path, bearer=None, data=None):
        """(status, headers, body), as the operator unless somebody else is named."""
        request = urllib.request.Request(self.url + path, data=data, headers={"Authorization": "Bearer " + (bearer or self.operator)})
        try:
            with urllib.request.urlopen(request, timeout=20 * SLOW) as answer:
                return answer.status, dict(answer.headers), answer.read()
        except urllib.error.HTTPError as error:
            return error.code, dict(error.headers), error.read()

    def figures(self):
        """Those of the edge and of the broker."""
        told = re.findall(r"^(earshot_\S+) ([0-9.e+]+)$", self.get("/metrics")[2].decode(), re.M)
        return {name: float(value) for name, value in told} | figures_at(pathlib.Path(self.data) / "run" / "broker.metrics")

    def dress(self, secret, broker=None):
        """What puts this key on a socket of pyzmq."""
        public, private = zmq.auth.load_certificate(secret)
        server, _ = zmq.auth.load_certificate(broker or self.ring.path / "broker.pub")

        def put_on(made):
            made.curve_publickey, made.curve_secretkey, made.curve_serverkey = public, private, server
        return put_on

    def connect(self, data=b"", port=None):
        made = socket.create_connection((self.host, int(port or self.port)), timeout=20 * SLOW)
        if data:
            made.sendall(data)
        return made

    def answer(self, data, port=None):
        """The status that this request gets, 0 where the connection ends without one; of another edge where a port is named."""
        with self.connect(port=port) as made:
            got = b""
            try:
                made.sendall(data)
                while b"\r\n" not in got and (piece := made.recv(65536)):
                    got += piece
            except OSError:
                pass
            return int(got.split(b" ")[1]) if got.startswith(b"HTTP/1.") else 0

    def processes(self):
        """{name: (descriptors, resident kB)}"""
        pids = {path.stem: int(path.read_text()) for path in (pathlib.Path(self.data) / "run").glob("*.pid")}
        return {name: (len(os.listdir(f"/proc/{pid}/fd")), rss_kb(pid)) for name, pid in pids.items()}


class Undisturbed:
    """The clients of undisturbed.py, streaming while this is entered; `found` is what they found."""

    def __init__(self, ground, count=50):
        self.command = [sys.executable, HERE / "undisturbed.py", ground.ws, token(sub="undisturbed"), str(count), str(SLOW)]

    def __enter__(self):
        self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.out = Lines(self.process.stdout)
        self.out.await_line("^streaming$", 30)
        return self

    def __exit__(self, kind, *_):
        self.process.stdin.close()
        try:
            self.found = json.loads(self.out.await_line(r"^{.*}$", 60).group(0))
            self.process.wait(10 * SLOW)
        finally:
            self.process.kill()
            self.process.wait()
