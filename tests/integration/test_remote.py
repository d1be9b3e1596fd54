"""A transcriber on another host joins over tcp with one flag."""
import os
import signal
import subprocess

import pytest

from house import BIN, House, wait_until
from wire import Ws


@pytest.fixture
def namespace():
    """A network namespace joined by a veth pair; (name, our address)."""
    name, link, net = f"es{os.getpid() % 10000}", f"esv{os.getpid() % 10000}", os.getpid() % 200
    host, peer = f"10.213.{net}.1", f"10.213.{net}.2"

    def ip(*args):
        return subprocess.run(["ip", *args], capture_output=True, text=True)
    try:
        made = ip("netns", "add", name)
    except OSError as error:
        pytest.skip(f"no ip command: {error}")
    if made.returncode:
        pytest.skip(f"network namespaces cannot be made here: {made.stderr.strip()}")
    try:
        for args in (["link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", name],
                     ["addr", "add", host + "/24", "dev", link], ["link", "set", link, "up"],
                     ["-n", name, "addr", "add", peer + "/24", "dev", "eth0"], ["-n", name, "link", "set", "eth0", "up"],
                     ["-n", name, "link", "set", "lo", "up"]):
            done = ip(*args)
            if done.returncode:
                pytest.skip(f"ip {' '.join(args)}: {done.stderr.strip()}")
        yield name, host
    finally:
        ip("link", "del", link)
        ip("netns", "del", name)


def test_a_transcriber_in_another_namespace(namespace, tmp_path):
    name, host = namespace
    port = 20000 + (os.getpid() * 4) % 20000
    with House("--tcp", f"{host}:{port}") as house:
        remote = subprocess.Popen(["ip", "netns", "exec", name, BIN / "earshot-transcriber", "--engine", "mock", "--name", "remote",
                                   "--data", tmp_path, "--broker", f"tcp://{host}:{port}"], stderr=subprocess.DEVNULL)
        try:
            wait_until(lambda: {"remote", "transcriber-1"} <= {w["name"] for w in house.status()["workers"]}, 15, "both workers")
            clients = [Ws(house.ws + "/api/audio/ws") for _ in range(10)]
            for ws in clients:
                ws.send(b"\0\0" * 320)
            for ws in clients:
                ws.until(lambda m: "transcription" in m)
            served = {w["name"]: w["streams"] for w in house.status()["workers"]}
            assert served == wait_until(lambda: served if sum(served.values()) == 10 else None, 1)
            assert served["remote"] == 5 and served["transcriber-1"] == 5
            # and when the host vanishes, its streams go on here
            os.kill(remote.pid, signal.SIGKILL)
            for ws in clients:
                ws.send(b"\0\0" * 320)
            for ws in clients:
                ws.until(lambda m: "transcription" in m and m["seq"] == 2)
                ws.close()
        finally:
            remote.kill()
            remote.wait()
