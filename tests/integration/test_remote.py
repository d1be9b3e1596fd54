"""A transcriber on another host joins over tcp. Without keys, which is insisted on here; test_hosts.py does it with them."""
import os
import signal
import subprocess

import pytest

from house import BIN, House, wait_until
from wire import Ws


@pytest.fixture
def namespace():
    """A network namespace joined by a veth pair; (name, our address, our end of the pair)."""
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
        yield name, host, link
    finally:
        ip("link", "del", link)
        ip("netns", "del", name)


def transcriber(name, host, port, data):
    return subprocess.Popen(["ip", "netns", "exec", name, BIN / "earshot-transcriber", "--engine", "mock", "--name", "remote",
                             "--data", data, "--insecure", "--broker", f"tcp://{host}:{port}"], stderr=subprocess.DEVNULL)


def test_a_transcriber_in_another_namespace(namespace, tmp_path):
    name, host, _ = namespace
    port = 20000 + (os.getpid() * 4) % 20000
    with House("--insecure", "--tcp", f"{host}:{port}") as house:
        remote = transcriber(name, host, port, tmp_path)
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


def lossy(link):
    """Loses a twentieth of the packets that we send, and delays the others by 20 ms, where the kernel can."""
    return subprocess.run(["tc", "qdisc", "replace", "dev", link, "root", "netem", "loss", "5%", "delay", "20ms"],
                          capture_output=True).returncode == 0


def test_a_network_that_comes_and_goes(namespace, tmp_path):
    """The link to one transcriber is cut for longer than three heartbeats, again and again: its streams go on here, and what it still says when the
    link is back is old."""
    name, host, link = namespace
    port = 20000 + (os.getpid() * 4 + 2000) % 20000
    with House("--insecure", "--tcp", f"{host}:{port}") as house:
        remote = transcriber(name, host, port, tmp_path)
        try:
            def both():
                return {"remote", "transcriber-1"} <= {w["name"] for w in house.status()["workers"]}
            print("netem:", lossy(link))
            wait_until(both, 15, "both workers")
            clients, heard, sent = [Ws(house.ws + "/api/audio/ws") for _ in range(8)], [[] for _ in range(8)], 0

            def say(frames):
                nonlocal sent
                sent += frames
                for ws in clients:
                    for _ in range(frames):
                        ws.send(b"\0\0" * 320)

            def hear():
                for ws, got in zip(clients, heard):
                    if got[-1:] != [sent]:
                        messages = ws.until(lambda m: m.get("seq") == sent and "transcription" in m)
                        got += [m["seq"] for m in messages if "transcription" in m]
            for _ in range(3):
                wait_until(both, 15, "both workers")
                say(5)
                hear()
                subprocess.run(["ip", "link", "set", link, "down"], check=True)
                say(5)
                wait_until(lambda: not both(), 15, "the loss of the far one")
                say(5)
                subprocess.run(["ip", "link", "set", link, "up"], check=True)
                say(5)
                hear()
            for ws, got in zip(clients, heard):
                assert got == list(range(1, sent + 1))
                ws.close()
        finally:
            remote.kill()
            remote.wait()
