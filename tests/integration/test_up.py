"""`earshot up`: fixed names, supervision, order of the end."""
import contextlib
import os
import pathlib
import pty
import re
import select
import shutil
import signal
import socket
import subprocess
import threading
import urllib.request

import pytest

from house import BIN, SLOW, House, Lines, wait_until
from wire import Ws

CHUNK = b"\1\2" * 320


def alive(pid):
    try:
        os.kill(pid, 0)
        return True
    except ProcessLookupError:
        return False


def heard(house, count=1):
    with Ws(house.ws + "/api/audio/ws") as ws:
        for _ in range(count):
            ws.send(CHUNK)
        ws.send("stop")
        return len([m for m in ws.until(lambda m: m.get("done")) if "transcription" in m])


def test_pid_files_and_a_clean_end():
    with House(transcribers=2) as house:
        pids = {a: house.pid(a) for a in ("broker", "edge", "transcriber-1", "transcriber-2", "analysis-1", "room-1", "jobs-1")}
        assert len(set(pids.values())) == 7
        assert heard(house, 10) == 10
        house.stop()
        wait_until(lambda: not any(alive(p) for p in pids.values()), 5, "all actors gone")


def test_where_the_dashboard_is():
    for where in ((), ("--host", "0.0.0.0", "--insecure")):
        with House(*where) as house:
            house.out.await_line(f"^dashboard {house.url}/dashboard .its token is in {house.data}/operator.token.$")
            token = (pathlib.Path(house.data) / "operator.token").read_text().strip()
            assert token not in house.out.text() + house.log.text()


@pytest.mark.parametrize("how", ["flag", "environment", ".env"])
def test_the_dashboard_of_a_token_that_lies_elsewhere(tmp_path, how):
    """One of before in the data directory opens nothing any more."""
    file = tmp_path / "token"
    file.write_text("an-operators-token\n")
    file.chmod(0o600)
    setting = {"EARSHOT_OPERATOR_TOKEN_FILE": str(file)}
    house = House(*(["--operator-token-file", file] if how == "flag" else []), env=setting if how == "environment" else None)
    stale = pathlib.Path(house.data) / "operator.token"
    stale.write_text("an-old-token-of-before\n")
    stale.chmod(0o600)
    if how == ".env":
        (pathlib.Path(house.data) / ".env").write_text(f"EARSHOT_OPERATOR_TOKEN_FILE={file}\n")
    with house:
        house.out.await_line(f"^dashboard {house.url}/dashboard .its token is in {file}.$")
        asked = urllib.request.Request(house.url + "/api/house", headers={"Authorization": f"Bearer {file.read_text().strip()}"})
        with urllib.request.urlopen(asked, timeout=10 * SLOW) as answer:
            assert answer.status == 200


def test_at_a_terminal_the_dashboard_comes_with_its_token(tmp_path):
    ours, theirs = pty.openpty()
    process = subprocess.Popen([BIN / "earshot", "up", "--port", "0", "--engine", "mock", "--data", tmp_path], stdin=subprocess.DEVNULL,
                               stdout=theirs, stderr=subprocess.PIPE)
    os.close(theirs)
    log = Lines(process.stderr)
    try:
        shown = b""
        while b"dashboard " not in shown or not shown.endswith(b"\n"):
            assert select.select([ours], [], [], 30 * SLOW)[0], log.text()
            shown += os.read(ours, 4096)
        token = (tmp_path / "operator.token").read_text().strip()
        assert f"/dashboard#token={token}" in shown.decode() and token not in log.text()
    finally:
        process.terminate()
        assert process.wait(30 * SLOW) == 0
        os.close(ours)


@pytest.mark.parametrize("actor", ["broker", "edge", "transcriber-1", "analysis-1", "room-1", "jobs-1"])
def test_the_dead_are_restarted(actor):
    with House() as house:
        old = house.kill(actor)
        house.await_restart(actor, old)
        wait_until(lambda: ready(house), 20, "ready again")
        assert heard(house) == 1


@pytest.mark.parametrize("actor", ["broker", "edge", "transcriber-1", "room-1", "jobs-1"])
def test_who_stands_still_is_ended_and_restarted(actor):
    seconds = int(2 * SLOW)
    with House("--watchdog", f"{seconds}s") as house:
        old = house.kill(actor, signal.SIGSTOP)
        house.log.await_line(f"{actor} has not turned for {seconds}.0 s: killed .--watchdog", 30)
        house.await_restart(actor, old)
        wait_until(lambda: ready(house), 20, "ready again")
        assert heard(house) == 1
        assert len([line for line in house.log.lines if "has not turned" in line]) == 1


def test_others_cannot_say_that_it_turns():
    seconds = int(2 * SLOW)
    with House("--watchdog", f"{seconds}s") as house:
        old = house.kill("transcriber-1", signal.SIGSTOP)
        environ = pathlib.Path(f"/proc/{old}/environ").read_bytes()
        name = re.search(rb"NOTIFY_SOCKET=@([^\0]+)", environ).group(1)
        over, word = threading.Event(), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)

        def forge():
            while not over.wait(0.1):
                with contextlib.suppress(BlockingIOError):
                    word.sendto(b"WATCHDOG=1", b"\0" + name)
        forger = threading.Thread(target=forge)
        forger.start()
        try:
            house.log.await_line("transcriber-1 has not turned", 30)
            house.await_restart("transcriber-1", old)
        finally:
            over.set()
            forger.join()
            word.close()


def test_without_a_watchdog_nobody_is_ended():
    with House("--watchdog", "0s") as house:
        for actor in ("edge", "transcriber-1"):
            environ = pathlib.Path(f"/proc/{house.pid(actor)}/environ").read_bytes()
            assert b"NOTIFY_SOCKET=" not in environ and b"WATCHDOG_USEC=" not in environ


def ready(house):
    try:
        return house.get("/readyz")[0] == 200
    except OSError:
        return False


def test_threads_do_the_same():
    with House("--threads") as house:
        assert heard(house, 50) == 50
        house.stop()


def test_several_brokers_and_edges():
    with House(brokers=2, edges=2, transcribers=2) as house:
        pids = {house.pid(a) for a in ("broker", "broker-2", "edge", "edge-2", "transcriber-1", "transcriber-2", "room-1")}
        assert len(pids) == 7 and len(set(house.urls)) == 2
        assert [(pathlib.Path(house.data) / "run" / f"{a}.addr").read_text().strip() for a in ("edge", "edge-2")] == house.urls
        for url in house.urls:
            with Ws(url.replace("http://", "ws://") + "/api/audio/ws") as ws:
                ws.send(CHUNK)
                ws.until(lambda m: "transcription" in m)
        for broker in house.brokers:
            view = house.status(broker)
            assert view["name"] == broker
            assert {w["name"] for w in view["workers"]} == {"transcriber-1", "transcriber-2", "analysis-1", "room-1", "jobs-1"}
            wait_until(lambda name=broker: {"edge", "edge-2"} <= {e["name"] for e in house.status(name)["edges"]}, 5, "both edges report")
        old = house.kill("edge-2")  # it keeps its port
        house.await_restart("edge-2", old)
        wait_until(lambda: answers(house.urls[1]), 20, "edge-2 answers where it did")


def answers(url):
    try:
        return urllib.request.urlopen(url + "/readyz", timeout=5).status == 200
    except OSError:
        return False


def test_secrets_are_not_on_command_lines(tmp_path):
    """They go by the environment, where what `up` was told outdoes what it found there itself."""
    store, other = tmp_path / "secret.db", tmp_path / "other.db"
    with House("--store", f"sqlite:{store}", env={"EARSHOT_STORE": f"sqlite:{other}",
                                                  "EARSHOT_LLM_URL": "http://bob:secret@127.0.0.1:1/v1"}) as house:
        for actor in ("broker", "edge", "transcriber-1", "analysis-1", "room-1", "jobs-1"):
            assert b"secret" not in pathlib.Path(f"/proc/{house.pid(actor)}/cmdline").read_bytes(), actor
        assert house.log.await_line("summaries are asked for.*bob:\\*{6}@127")
        assert store.exists()
        old = house.kill("jobs-1")
        for file in tmp_path.glob("secret.db*"):
            file.unlink()
        house.await_restart("jobs-1", old)
        wait_until(store.exists, 20, "the same store")
        assert not other.exists() and "secret" not in house.log.text()


def test_a_second_up_in_the_same_directory_is_refused(house):
    done = subprocess.run([BIN / "earshot", "up", "--port", "0", "--data", house.data], capture_output=True, timeout=30)
    assert done.returncode != 0 and house.data in done.stderr.decode()
    assert heard(house) == 1


def test_a_second_broker_is_refused(house):
    done = subprocess.run([BIN / "earshot-broker", "--data", house.data], capture_output=True, timeout=30)
    assert done.returncode == 1 and "broker" in done.stderr.decode()
    assert heard(house) == 1


def test_up_survives_being_killed():
    first = House()
    with first:
        data = first.data
        pids = [first.pid(a) for a in ("broker", "edge", "transcriber-1", "analysis-1", "room-1", "jobs-1")]
        first.process.kill()
        first.process.wait()
        wait_until(lambda: not any(alive(p) for p in pids), 10, "children end with their parent")
        with House() as again:
            again.stop()
        done = subprocess.Popen([BIN / "earshot", "up", "--port", "0", "--engine", "mock", "--data", data],
                                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        assert b"ready" in done.stdout.readline()
        done.send_signal(signal.SIGTERM)
        assert done.wait(30) == 0


def test_sigterm_flushes_and_closes_1001():
    with House("--delay-ms", "300") as house:
        with Ws(house.ws + "/api/audio/ws") as ws:
            for _ in range(5):
                ws.send(CHUNK)
            for _ in range(5):
                assert "chunk_size" in ws.recv()
            house.process.send_signal(signal.SIGTERM)
            got = [ws.recv() for _ in range(5)]
            assert [m["seq"] for m in got if "transcription" in m] == [1, 2, 3, 4, 5]
            assert ws.await_close()[0] == 1001
        assert house.process.wait(20) == 0
        log = house.log.text()
        order = [log.rfind(f"{a}") for a in ("edge", "jobs-1", "transcriber-1", "broker")]
        assert all(place >= 0 for place in order)


def test_malformed_configuration_is_refused_with_the_range():
    for args, words in (["--port", "70000"], ("port", "70000", "65535")), (["--prot", "1"], ("prot", "port")), \
                       (["--watchdog", "1s"], ("--watchdog", "2s", "0s")), (["--engine", "magic"], ("magic", "mock", "pocketsphinx")), (["--transcribers", "x"], ("transcribers", "x")), \
                       (["--rooms", "9"], ("rooms", "9", "8")), (["--jobs", "9"], ("jobs", "9", "8")), (["--analysis", "17"], ("analysis", "17", "16")), (["--brokers", "9"], ("brokers", "9", "8")), \
                       (["--brokers", "2", "--broker", "tcp://127.0.0.1:5570"], ("--brokers", "--broker")), \
                       (["--threads", "--edges", "2"], ("--threads", "--edges")), \
                       (["--tcp", "0.0.0.0:5570"], ("0.0.0.0:5570", "earshot keygen broker", "--insecure")), \
                       (["--broker", "tcp://192.0.2.1:5570"], ("192.0.2.1:5570", "earshot keygen operator", "--insecure")), \
                       (["--port", "65535", "--edges", "2"], ("--port", "65535")):
        done = subprocess.run([BIN / "earshot", "up", *args], capture_output=True, timeout=10)
        assert done.returncode == 2, args
        for word in words:
            assert word in done.stderr.decode(), (args, done.stderr)
    done = subprocess.run([BIN / "earshot-edge", "--help"], env={**os.environ, "EARSHOT_PORT": "x"}, capture_output=True, timeout=10)
    assert done.returncode in (0, 2)
    done = subprocess.run([BIN / "earshot-edge"], env={**os.environ, "EARSHOT_PORT": "x"}, capture_output=True, timeout=10)
    assert done.returncode == 2 and b"EARSHOT_PORT" in done.stderr


def with_actors(directory, script):
    """An `earshot` whose actors are this shell script."""
    shutil.copy(BIN / "earshot", directory)
    for actor in ("broker", "edge", "transcriber", "analysis", "room", "jobs"):
        path = directory / f"earshot-{actor}"
        path.write_text("#!/bin/sh\n" + script)
        path.chmod(0o755)
    return subprocess.Popen([directory / "earshot", "up", "--port", "0", "--engine", "mock", "--data", directory / "data"],
                            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, cwd=directory)


def test_actors_that_never_stop_talking(tmp_path):
    up = with_actors(tmp_path, "exec yes no end of it")
    log = Lines(up.stderr)
    log.await_line("broker +. no end of it")
    up.terminate()
    assert up.wait(30 * SLOW) == 0
    wait_until(lambda: log.ended, 10)


def test_last_words_of_an_actor_that_ends_at_once(tmp_path):
    up = with_actors(tmp_path, "case $0 in *edge) ;; *) exec tail -f /dev/null ;; esac\n"
                               "head -c 5000 /dev/zero | tr '\\0' x; printf bye; exit 2\n")
    log = Lines(up.stderr)
    assert up.wait(30 * SLOW) == 1
    wait_until(lambda: log.ended, 10)
    lines = [line.split(" | ", 1)[1] for line in log.lines if line.startswith("edge")]
    assert lines == ["x" * 4096, "x" * 904 + "bye"]
    assert "edge ended with exit code 2" in log.text() and "giving up on edge" in log.text()
