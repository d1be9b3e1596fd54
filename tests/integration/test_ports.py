"""One port for several edges, and what SIGHUP means."""
import asyncio
import collections
import http.client
import json
import os
import pty
import signal
import socket
import subprocess
import threading
import urllib.error
import urllib.request

import websockets

from house import BIN, SLOW, House, wait_until


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def ask(port):
    """Status of a health check, or None where the connection was not taken or reset."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10 * SLOW)
    try:
        connection.request("GET", "/healthz", headers={"Connection": "close"})
        return connection.getresponse().status
    except (ConnectionError, http.client.BadStatusLine):
        return None
    finally:
        connection.close()


async def speak(url):
    """The prefix of the edge that answers."""
    async with websockets.connect(url + "/api/audio/ws") as ws:
        await ws.send(bytes(640))
        said = [json.loads(await ws.recv()) for _ in range(2)]
        assert {m["seq"] for m in said} == {1}
        return next(m["client_id"] for m in said if "client_id" in m)[:6]


def test_edges_share_a_port():
    port = free_port()
    with House("--port", str(port), "--reuse-port", edges=3) as house:
        assert house.urls == [f"http://127.0.0.1:{port}"]

        async def crowd():
            return await asyncio.gather(*(speak(house.ws) for _ in range(60)))
        edges = collections.Counter(asyncio.run(crowd()))
        assert len(edges) == 3, f"the kernel deals them out: {edges}"

        answers, over = [], threading.Event()

        def keep_asking():
            while not over.is_set():
                answers.append(ask(port))
        asking = [threading.Thread(target=keep_asking) for _ in range(4)]
        for thread in asking:
            thread.start()
        for edge in ("edge", "edge-2", "edge-3"):
            pid = house.kill(edge, signal.SIGTERM)
            house.await_restart(edge, pid)
        over.set()
        for thread in asking:
            thread.join()
        assert len(answers) > 100 and set(answers) <= {200, None}, collections.Counter(answers)
        # One may come between the last look at the queue and its end.
        assert answers.count(None) <= 3, f"{answers.count(None)} of {len(answers)} were refused"


def test_a_port_is_shared_by_all_or_by_nobody():
    port = free_port()
    with House("--port", str(port)) as house:
        done = subprocess.run([BIN / "earshot-edge", "--port", str(port), "--reuse-port", "--name", "edge-9", "--data", house.data],
                              capture_output=True, timeout=20 * SLOW)
        assert done.returncode == 1 and b"each has --reuse-port" in done.stderr + done.stdout
    done = subprocess.run([BIN / "earshot", "up", "--reuse-port", "--port", "0"], capture_output=True, timeout=20 * SLOW)
    assert done.returncode == 2 and b"--reuse-port wants the port" in done.stderr


def test_keys_of_tokens_are_read_anew(tmp_path):
    keys = tmp_path / "keys"

    def draw(name):
        done = subprocess.run([BIN / "earshot", "token", "--api-key", name, "--rights", "dashboard", "--api-keys", keys], check=True,
                              capture_output=True, timeout=20 * SLOW)
        return done.stdout.decode().split()[0]

    draw("first")
    with House(env={"EARSHOT_API_KEYS": str(keys)}) as house:
        def may(key):
            request = urllib.request.Request(house.url + "/jobs", headers={"Authorization": f"Bearer {key}"})
            try:
                return urllib.request.urlopen(request, timeout=10 * SLOW).status == 200
            except urllib.error.HTTPError as error:
                assert error.code == 401
                return False
        second = draw("second")
        assert not may(second)
        house.process.send_signal(signal.SIGHUP)
        wait_until(lambda: may(second), 10, "the new key is known")
        keys.write_text("nonsense\n")
        house.process.send_signal(signal.SIGHUP)
        house.log.await_line("the keys of tokens are not changed")
        assert may(second)


def test_a_terminal_that_goes_takes_with_it_what_was_started_there(tmp_path):
    """Where there is no terminal, or it is still there, SIGHUP asks to reload."""
    shell, master = pty.fork()
    if shell == 0:
        os.execv(BIN / "earshot-broker", ["earshot-broker", "--data", str(tmp_path)])
    pidfile = tmp_path / "run" / "broker.pid"
    wait_until(pidfile.exists, 10, "a broker")
    os.kill(shell, signal.SIGHUP)
    said = b""
    while b"asked to read files anew" not in said:
        said += os.read(master, 4096)
    assert os.waitpid(shell, os.WNOHANG) == (0, 0)
    os.close(master)
    _, status = os.waitpid(shell, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    wait_until(lambda: not pidfile.exists(), 10, "its end")
