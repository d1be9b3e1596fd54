"""What an operator sees of each process: its figures, its health with the reason, what it tells systemd, and what it gave up."""
import contextlib
import json
import os
import pathlib
import pwd
import random
import re
import resource
import shutil
import signal
import socket
import subprocess

import pytest

from house import BIN, ROOT, SLOW, House, Lines, wait_until
from prometheus import get, parse
from wire import Ws

DASHBOARD = ROOT / "deploy" / "grafana" / "earshot.json"
ACTORS = ("broker", "edge", "transcriber-1", "room-1", "jobs-1", "analysis-1")


def url_of(data, name):
    path = pathlib.Path(data) / "run" / f"{name}.metrics"
    return wait_until(lambda: path.exists() and path.read_text().strip(), 20, f"{name} with an address for metrics")


def health(url):
    status, body = get(url + "/healthz")
    return status, json.loads(body)


@pytest.fixture(scope="module")
def seen():
    """A house that somebody has used, with --metrics."""
    with House("--metrics", "127.0.0.1:0", "--health-lag", "2s") as house:
        with Ws(house.ws + "/api/audio/ws") as ws:
            for _ in range(5):
                ws.send(b"\1\2" * 320)
                ws.until(lambda m: "transcription" in m)
        yield house


@contextlib.contextmanager
def actor(kind, data, *args, env=None, **more):
    command = [BIN / f"earshot-{kind}", "--data", data, *args]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                               env={**os.environ, **(env or {})}, **more)
    process.log = Lines(process.stderr)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGCONT)
        process.terminate()
        try:
            process.wait(20 * SLOW)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def test_each_actor_has_a_page_and_is_well(seen):
    pages = {}
    for name in ACTORS:
        url = url_of(seen.data, name)
        assert seen.out.await_line(f"^metrics .*{name}={re.escape(url)}")
        wait_until(lambda: get(url + "/readyz")[0] == 200, 10, f"{name} ready")
        wait_until(lambda: health(url)[1]["status"] == "ok", 10, f"{name} well")
        pages[name] = parse(get(url + "/metrics")[1])
        assert pages[name]["earshot_loop_beat_age_seconds"][None] < 5 * SLOW
        assert pages[name]["process_open_fds"][None] > 5
        assert pages[name]["process_resident_memory_bytes"][None] > 1e6
    assert pages["transcriber-1"]["earshot_worker_frames_total"][None] >= 5
    assert pages["broker"]["earshot_broker_workers"][None] == 5  # the jobs actor is two of them
    assert pages["broker"]["earshot_broker_places_free"][None] > 1000
    assert 'reason="origin"' in pages["edge"]["earshot_edge_refused_total"]
    assert pages["room-1"]["earshot_room_rooms"][None] == 0
    assert 'state="queued"' in pages["jobs-1"]["earshot_jobs_state"]
    assert "earshot_analysis_documents_total" in pages["analysis-1"]


def test_the_dashboard_names_what_is_there(seen):
    there = {name for actor_name in ACTORS for name in parse(get(url_of(seen.data, actor_name) + "/metrics")[1])}
    board = json.loads(DASHBOARD.read_text())
    asked = [target["expr"] for panel in board["panels"] for target in panel.get("targets", [])]
    assert len(asked) > 20
    named = {name for expr in asked for name in re.findall(r"\b(?:earshot|process)_\w+", expr)}
    assert named - there == set()
    ids = [panel["id"] for panel in board["panels"]]
    assert len(ids) == len(set(ids)) and board["uid"] == "earshot"


def test_health_says_why(seen):
    edge, worker = url_of(seen.data, "edge"), url_of(seen.data, "transcriber-1")
    pid = seen.kill("broker", signal.SIGSTOP)
    try:
        status, told = wait_until(lambda: health(edge) if health(edge)[0] == 503 else None, 15, "an edge that is not well")
        assert told["status"] == "late" and told["lag_ms"] > 2000
        assert re.match(r"no probe through a broker has come back for \d+\.\d s: is ipc://.*broker running\?", told["reason"])
        told = wait_until(lambda: health(worker)[1] if health(worker)[0] == 503 else None, 15, "a worker that is not well")
        assert re.match(r"no broker has been heard for \d+\.\d s", told["reason"])
        assert get(edge + "/metrics")[0] == 200
    finally:
        os.kill(pid, signal.SIGCONT)
    for url in (edge, worker):
        wait_until(lambda: health(url)[0] == 200, 15, "well again")


def test_a_stopped_transcriber_makes_words_late(seen):
    edge = url_of(seen.data, "edge")
    ws = Ws(seen.ws + "/api/audio/ws")
    ws.send(b"\1\2" * 320)
    ws.until(lambda m: "transcription" in m)
    pid = seen.kill("transcriber-1", signal.SIGSTOP)
    try:
        ws.send(b"\1\2" * 320)
        told = wait_until(lambda: health(edge)[1] if health(edge)[0] == 503 else None, 20, "an edge that is late")
        assert re.match(r"the oldest audio has waited \d+\.\d s: \d+ streams", told["reason"]), told
    finally:
        os.kill(pid, signal.SIGCONT)
    ws.until(lambda m: "transcription" in m)
    ws.close()
    wait_until(lambda: health(edge)[0] == 200, 20, "well again")


def test_a_broker_says_that_places_are_missing():
    with House("--metrics", "127.0.0.1:0", "--health-lag", "1s", "--capacity", "1") as house:
        broker = url_of(house.data, "broker")
        clients = [Ws(house.ws + "/api/audio/ws") for _ in range(2)]
        for ws in clients:
            ws.send(b"\1\2" * 320)
        told = wait_until(lambda: health(broker)[1] if health(broker)[0] == 503 else None, 20, "a broker that is late")
        assert re.match(r"a live stream has waited \d+\.\d s for a place: [12] streams wait", told["reason"]), told
        for ws in clients:
            ws.close()
        wait_until(lambda: health(broker)[0] == 200, 20, "well again")


def test_beyond_this_machine_it_takes_a_token(tmp_path):
    broker = [BIN / "earshot-broker", "--data", tmp_path]
    done = subprocess.run([*broker, "--metrics", "0.0.0.0:0"], capture_output=True, text=True, timeout=20 * SLOW)
    assert done.returncode == 2 and "--metrics-token-file" in done.stderr and "--insecure" in done.stderr
    done = subprocess.run([*broker, "--metrics", "9100"], capture_output=True, text=True, timeout=20 * SLOW)
    assert done.returncode == 2 and "write 127.0.0.1:9100" in done.stderr
    token = tmp_path / "token"
    token.write_text("short\n")
    token.chmod(0o600)
    done = subprocess.run([*broker, "--metrics", "0.0.0.0:0", "--metrics-token-file", token], capture_output=True, text=True,
                          timeout=20 * SLOW)
    assert done.returncode == 1 and "16 to 256 characters" in done.stderr and "short" not in done.stderr
    token.write_text("0123456789abcdef0123\n")
    with actor("broker", tmp_path, "--metrics", "0.0.0.0:0", "--metrics-token-file", token):
        url = url_of(tmp_path, "broker")
        assert get(url + "/metrics")[0] == 401
        assert get(url + "/metrics", "0123456789abcdef0124")[0] == 401
        assert get(url + "/metrics", "0123456789abcdef0123")[0] == 200
        assert get(url + "/healthz")[0] == 200


def test_systemd_is_told(tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.settimeout(20 * SLOW)

        def await_word(pattern):
            while True:
                word = systemd.recv(4096).decode()
                if re.fullmatch(pattern, word):
                    return word

        with actor("broker", tmp_path, env={"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "6000000"}) as process:
            await_word("READY=1")
            assert (tmp_path / "run" / "broker.pid").exists()
            await_word("STATUS=ok: 0 streams, 0 waiting, 0 workers")
            await_word("WATCHDOG=1")
            process.terminate()
            await_word("STOPPING=1")


def test_a_house_tells_systemd_when_all_of_it_is_ready(tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.setblocking(False)
        with House("--threads", "--metrics", "127.0.0.1:0", env={"NOTIFY_SOCKET": str(tmp_path / "notify")}) as house:
            words = []

            def heard(word):
                with contextlib.suppress(BlockingIOError):
                    while True:
                        words.append(systemd.recv(4096).decode())
                return word in words

            wait_until(lambda: heard("READY=1"), 20, "READY=1")
            page = parse(get(url_of(house.data, "up") + "/metrics")[1])  # one for all
            assert {"earshot_broker_streams", "earshot_edge_streams", "earshot_room_rooms", "earshot_jobs_state"} <= set(page)
            assert get(url_of(house.data, "up") + "/readyz")[0] == 200
            house.stop()
            wait_until(lambda: heard("STOPPING=1"), 20, "STOPPING=1")


def limits(pid):
    return pathlib.Path(f"/proc/{pid}/limits").read_text()


def status_of(pid):
    return dict(line.split(":\t", 1) for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines() if ":\t" in line)


def allow_cores():
    hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
    resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))


@pytest.mark.parametrize("more,dumps", [((), False), (("--core-dumps",), True)])
def test_nothing_is_left_in_core_files(tmp_path, more, dumps):
    with actor("broker", tmp_path, *more, preexec_fn=allow_cores) as process:
        process.log.await_line("msg=serving")
        assert status_of(process.pid)["NoNewPrivs"] == "1"
        soft, hard = re.search(r"Max core file size\s+(\S+)\s+(\S+)", limits(process.pid)).groups()
        assert soft == (hard if dumps else "0")
        # What is not to be dumped belongs to root in /proc, and to nobody else.
        if os.geteuid() != 0:
            assert (os.stat(f"/proc/{process.pid}/environ").st_uid == os.geteuid()) == dumps


def test_commands_leave_nothing_in_core_files_either():
    with socket.create_server(("127.0.0.1", 0)) as mute:
        mute.settimeout(20 * SLOW)
        url = f"http://127.0.0.1:{mute.getsockname()[1]}"
        process = subprocess.Popen([BIN / "earshot", "jobs", "list", "--session", "a", "--url", url], env={**os.environ, "EARSHOT_TOKEN": "secret"},
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec_fn=allow_cores)
        try:
            with mute.accept()[0]:
                assert re.search(r"Max core file size\s+0\s", limits(process.pid)) and status_of(process.pid)["NoNewPrivs"] == "1"
        finally:
            process.kill()
            process.wait()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_root_becomes_a_user_and_keeps_low_ports():
    nobody = pwd.getpwnam("nobody")
    home = pathlib.Path(f"/tmp/es-user-{os.getpid()}")
    home.mkdir(mode=0o755)
    data, port = home / "data", random.randrange(700, 1000)
    try:
        with actor("edge", data, "--user", "nobody", "--port", str(port), "--metrics", "127.0.0.1:0") as process:
            wait_until(lambda: process.poll() is not None or (data / "run" / "edge.pid").exists(), 20, "an edge that serves")
            if process.poll() is not None and "Address already in use" in process.log.text():
                pytest.skip(f"port {port} is taken")
            told = status_of(process.pid)
            assert set(told["Uid"].split()) == {str(nobody.pw_uid)} and set(told["Gid"].split()) == {str(nobody.pw_gid)}
            assert int(told["CapPrm"], 16) in (0, 1 << 10)  # CAP_NET_BIND_SERVICE
            made = [data, *data.rglob("*")]
            assert len(made) > 4 and {path.lstat().st_uid for path in made} == {nobody.pw_uid}
    finally:
        shutil.rmtree(home, ignore_errors=True)


def test_a_user_that_cannot_be(tmp_path):
    for name, why in (("no-such-user-here", "there is no such user"), ("root", "every right")):
        done = subprocess.run([BIN / "earshot-broker", "--data", tmp_path, "--user", name], capture_output=True, text=True,
                              timeout=20 * SLOW)
        assert done.returncode == 2 and why in done.stderr
