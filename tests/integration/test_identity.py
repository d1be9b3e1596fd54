"""An edge that asks who comes: every way in, every refusal, and nothing secret anywhere."""
import itertools
import json
import os
import pathlib
import re
import subprocess
import threading
import time
import urllib.error
import urllib.request

import pytest
import websockets

from house import BIN, SLOW, House, say, wait_until
from raw_ws import BINARY, TEXT, RawWs, frame
from tokens import api_key_line, jwt
from wire import Ws

SECRET = b"a-secret-of-at-least-thirty-two-bytes-for-tests"
KEY, UPLOADER, SNOOP = ("earshot_" + letter * 40 for letter in "kus")
ALL = ["stream", "room.join", "room.say", "jobs"]
CHUNK = b"\1\2" * 320
START = {"sample_rate": 16000, "format": "pcm16"}
shown = set()  # every secret that was shown: none may be in a log


def token(**claims):
    made = jwt(SECRET, **{"rights": ALL, **claims})
    shown.add(made)
    return made


def bearer(secret):
    shown.add(secret)
    return {"Authorization": f"Bearer {secret}"}


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    keys = tmp_path_factory.mktemp("keys")
    (keys / "jwt.secret").write_bytes(SECRET)
    (keys / "api").write_text(api_key_line("ci", KEY, "stream") + api_key_line("uploads", UPLOADER, "jobs")
                               + api_key_line("snoop", SNOOP, "jobs"))
    for file in keys.iterdir():
        os.chmod(file, 0o600)
    env = {"EARSHOT_AUTH_TIMEOUT": "2s", "EARSHOT_MAX_TOKEN_CONNECTIONS": "3", "EARSHOT_MAX_STRANGERS": "4", "EARSHOT_LOG_LEVEL": "debug"}
    with House("--rooms", "1", "--jobs", "1", "--jwt-key", str(keys / "jwt.secret"), "--api-keys", str(keys / "api"), env=env) as running:
        operator = (pathlib.Path(running.data) / "operator.token").read_text().strip()
        running.operator = bearer(operator)
        yield running


def ask(house, method, path, headers=None, body=None):
    """(status, headers, JSON or text)"""
    request = urllib.request.Request(house.url + path, method=method, headers=headers or {}, data=body)
    try:
        with urllib.request.urlopen(request, timeout=20 * SLOW) as answer:
            status, heads, said = answer.status, answer.headers, answer.read().decode()
    except urllib.error.HTTPError as error:
        status, heads, said = error.code, error.headers, error.read().decode()
    return status, heads, json.loads(said) if heads.get_content_type() == "application/json" else said


def figures(house):
    text = ask(house, "GET", "/metrics", house.operator)[2]
    return {name: float(value) for name, value in re.findall(r"^(earshot_[^ ]+) ([0-9.e+]+)$", text, re.M)}


def rises(house, name, by=1):
    """How much a figure has risen can be asked of what this returns."""
    before = figures(house).get(name, 0)
    return lambda: wait_until(lambda: figures(house).get(name, 0) >= before + by, 5, f"{name} to rise by {by}")


def ticket(house, secret):
    status, headers, said = ask(house, "POST", "/api/ticket", bearer(secret))
    assert status == 200 and said["expires_in"] == 30 and headers["Cache-Control"] == "no-store"
    shown.add(said["ticket"])
    return said["ticket"]


def closed(ws, code=1008):
    with pytest.raises(websockets.ConnectionClosed) as end:
        ws.recv(8)
    assert end.value.rcvd.code == code, end.value
    return end.value.rcvd.reason


def welcomed(house, secret, **options):
    ws = Ws(house.ws + "/ws", extra_headers=bearer(secret), **options)
    return ws, ws.expect("welcome")


# ---- HTTP

def test_pages_and_health_are_for_all(house):
    for path in ("/healthz", "/api/audio/health", "/readyz", "/", "/dashboard", "/openapi.json", "/web/earshot.js"):
        assert ask(house, "GET", path)[0] == 200, path


def test_all_else_wants_a_right(house):
    wanted = [("GET", "/jobs", "dashboard"), ("GET", "/api/house", "dashboard"), ("GET", "/metrics", "dashboard"),
              ("GET", "/jobs/00000000-0000-4000-8000-000000000000", "jobs"), ("POST", "/session/a/upload", "jobs"),
              ("GET", "/session/a/job-status", "jobs")]
    risen = rises(house, 'earshot_edge_forbidden_total{right="jobs"}', 3)
    for method, path, right in wanted:
        status, headers, said = ask(house, method, path)
        assert status == 401 and headers["WWW-Authenticate"].startswith("Bearer") and said["error"] == "unauthorized"
        status, headers, said = ask(house, method, path, bearer(token(rights=["stream"])))
        assert status == 403 and said["error"] == "forbidden" and f"right {right};" in said["message"]
        assert f'scope="{right}"' in headers["WWW-Authenticate"]
        assert ask(house, method, path, house.operator)[0] not in (401, 403)
    risen()


WRONG = {
    "malformed_token": lambda: "a.b.c",
    "forged_token": lambda: jwt(b"another secret of more than 32 bytes", rights=ALL),
    "expired_token": lambda: token(exp=int(time.time()) - 3600),
    "early_token": lambda: token(nbf=int(time.time()) + 3600),
    "unknown_token": lambda: "earshot_" + "x" * 40,
}


@pytest.mark.parametrize("code", WRONG)
def test_credentials_that_are_no_good(house, code):
    wrong = WRONG[code]()
    risen = rises(house, f'earshot_edge_auth_refused_total{{reason="{code}"}}', 4)
    status, headers, said = ask(house, "GET", "/jobs", bearer(wrong))
    assert status == 401 and said["error"] == code and "invalid_token" in headers["WWW-Authenticate"]
    assert ask(house, "POST", "/api/ticket", bearer(wrong))[2]["error"] == code
    with Ws(house.ws + "/ws", extra_headers=bearer(wrong)) as ws:
        ws.expect("error", code=code)
        assert closed(ws)
    with Ws(house.ws + "/ws") as ws:
        ws.expect("session.wanted", within_ms=2000)
        ws.send(("session.auth", {"token": wrong}))
        ws.expect("error", code=code)
        assert closed(ws)
    risen()


# ---- WebSockets: the ways in

def answer(ws, kind, **fields):
    """The next message like this, whatever rooms say meanwhile."""
    while not ((message := ws.recv())["type"] == kind and fields.items() <= message["payload"].items()):
        assert message["type"].startswith("room."), message
    return message["payload"]


def streams(ws):
    ws.send(("audio.start", START))
    ws.send(CHUNK)
    ws.expect("ack", seq=1)
    ws.send(("audio.stop", {}))
    while ws.recv()["type"] != "audio.done":
        pass


def test_authorization(house):
    for secret in (token(), KEY):
        ws, _ = welcomed(house, secret)
        with ws:
            streams(ws)


def test_a_ticket_is_good_once(house):
    drawn = ticket(house, KEY)
    with Ws(f"{house.ws}/ws?ticket={drawn}") as ws:
        ws.expect("welcome")
        streams(ws)
    with Ws(f"{house.ws}/ws?ticket={drawn}") as ws:
        ws.expect("error", code="unknown_token")
        closed(ws)
    with Ws(f"{house.ws}/api/audio/ws?rate=8000&ticket={ticket(house, KEY)}&partials=0") as ws:
        ws.send(CHUNK)
        ws.expect(seq=1, chunk_size=640)


def test_the_first_message(house):
    with Ws(house.ws + "/ws") as ws:
        ws.expect("session.wanted")
        ws.send(("audio.start", START))
        ws.expect("error", code="unauthorized")
        ws.send(CHUNK)
        ws.expect("error", code="unauthorized")
        ws.send(("session.auth", {"token": token()}))
        ws.expect("session.authenticated", principal="jwt:alice")
        ws.expect("welcome")
        streams(ws)
    with Ws(house.ws + "/api/audio/ws") as ws:
        ws.send(CHUNK)
        assert "who you are" in ws.recv()["error"]
        ws.send({"type": "auth", "token": KEY})
        assert ws.recv() == {"type": "authenticated", "principal": "key:ci"}
        ws.send(CHUNK)
        ws.expect(seq=1)


def test_what_follows_the_first_message_at_once_waits_for_it(house):
    """A JWT is not checked where it comes in; what comes in behind it is taken afterwards."""
    said = [frame(TEXT, json.dumps({"type": kind, "payload": payload, "timestamp": 0}).encode()) for kind, payload in
            (("session.auth", {"token": token()}), ("audio.start", START))]
    with RawWs(house.ws + "/ws") as raw:
        raw.send(b"".join(said) + frame(BINARY, CHUNK) * 20)
        frames = raw.until(lambda frames: sum(b'"type":"ack"' in payload for _, payload in frames) == 20)
    kinds = [json.loads(payload)["type"] for opcode, payload in frames if opcode == TEXT]
    assert kinds[:3] == ["session.wanted", "session.authenticated", "welcome"] and "error" not in kinds


def test_who_says_nothing_is_closed_and_keeps_nobody_out(house):
    late, pushed = rises(house, "earshot_edge_strangers_late_total", 4), rises(house, "earshot_edge_strangers_pushed_out_total", 2)
    wait_until(lambda: figures(house)["earshot_edge_strangers"] == 0, 10, "no strangers")
    silent = [Ws(house.ws + path) for path in ("/ws", "/api/audio/ws") * 3]  # two more than may be silent at once
    for ws in silent:
        with ws, pytest.raises(websockets.ConnectionClosed) as end:
            while True:
                ws.recv(8)
        assert end.value.rcvd.code == 1008
    late(), pushed()


def test_what_a_stranger_says_is_bounded(house):
    with Ws(house.ws + "/ws") as ws:
        ws.expect("session.wanted")
        ws.send(b"\0" * 20000)
        closed(ws, 1009)


def test_only_so_many_connections_of_one(house):
    open_ones = [welcomed(house, token(sub="busy"))[0] for _ in range(3)]
    with Ws(house.ws + "/ws", extra_headers=bearer(token(sub="busy"))) as ws:
        ws.expect("error", code="too_many_connections")
        closed(ws)
    open_ones.pop().close()

    def let_in():
        with Ws(house.ws + "/ws", extra_headers=bearer(token(sub="busy"))) as ws:
            return ws.recv()["type"] == "welcome"
    wait_until(let_in, 5, "room for another")
    for ws in open_ones:
        ws.close()


# ---- rights

def test_what_a_token_does_not_give(house):
    asks = [("audio.start", START, "stream"), ("room.join", {"room": "lobby", "name": "A"}, "room.join"),
            ("job.watch", {"session_id": "desk"}, "jobs"), ("job.watch", {"all": True}, "dashboard"), ("house.watch", {}, "dashboard")]
    ws, _ = welcomed(house, token(rights=[]))
    with ws:
        for kind, payload, right in asks:
            ws.send((kind, payload))
            assert f"right {right}" in ws.expect("error", code="forbidden", ref=kind)["message"]
        ws.send(("house.watch", {"token": house.operator["Authorization"].split()[1]}))
        ws.expect("house.state")
    ws, _ = welcomed(house, token(rights=["dashboard"]))
    with ws:
        ws.send(("house.watch", {}))
        ws.expect("house.state")
    with Ws(house.ws + "/api/audio/ws", extra_headers=bearer(UPLOADER)) as ws:
        ws.send(CHUNK)
        assert "right stream" in ws.recv()["error"]


def test_rooms_by_pattern(house):
    ws, _ = welcomed(house, token(rooms=["team-*", "lobby"], rights=["room.join", "stream"]))
    with ws:
        for room in ("team-1", "lobby"):
            ws.send(("room.join", {"room": room, "name": "A"}))
            answer(ws, "room.joined", room=room)
        for room in ("team", "lobby2", "Lobby", "other"):
            ws.send(("room.join", {"room": room, "name": "A"}))
            answer(ws, "error", code="forbidden", room=room)
        ws.send(("room.say", {"room": "team-1", "text": "hello", "msg_id": "m1"}))
        assert "right room.say" in answer(ws, "error", code="forbidden", room="team-1", msg_id="m1")["message"]
        ws.send(("audio.start", {**START, "room": "team-1"}))
        answer(ws, "error", code="forbidden", room="team-1", ref="audio.start")


def test_an_upload_and_its_job(house, tmp_path):
    wav = say(tmp_path / "talk.wav", "one two").read_bytes()
    status, _, said = ask(house, "POST", "/session/desk/upload", {**bearer(UPLOADER), "Content-Type": "audio/wav"}, wav)
    assert status == 202
    assert ask(house, "GET", f"/jobs/{said['jobId']}")[0] == 401
    assert ask(house, "GET", f"/jobs/{said['jobId']}", bearer(UPLOADER))[0] == 200
    assert ask(house, "POST", f"/jobs/{said['jobId']}/cancel", {**bearer(UPLOADER), "Origin": "http://evil.example"})[0] == 403


def upload(house, secret, session, wav):
    headers = {**bearer(secret), "Content-Type": "audio/wav", "Idempotency-Key": "the-same"}
    status, _, said = ask(house, "POST", f"/session/{session}/upload", headers, wav)
    assert status == 202
    return said["jobId"]


def test_jobs_are_their_principals(house, tmp_path):
    wav = say(tmp_path / "talk.wav", "one two").read_bytes()
    hers, his = upload(house, UPLOADER, "cli", wav), upload(house, SNOOP, "cli", wav)
    assert his != hers == upload(house, UPLOADER, "cli", wav)
    for secret, seen in ((UPLOADER, [hers]), (SNOOP, [his])):
        status, _, said = ask(house, "GET", "/session/cli/job-status", bearer(secret))
        assert status == 200 and [job["jobId"] for job in said["jobs"]] == seen
    said = ask(house, "GET", "/session/cli/job-status", house.operator)[2]
    assert [job["jobId"] for job in said["jobs"]] == [his, hers] and said["jobs"][1]["principal"] == "key:uploads"
    assert ask(house, "GET", "/session/cli/job-status", bearer(token(sub="eve")))[0] == 404
    for method, path in (("GET", ""), ("GET", "/transcript"), ("GET", "/audio"), ("POST", "/cancel"), ("POST", "/retry"), ("DELETE", "")):
        assert ask(house, method, f"/jobs/{hers}{path}", bearer(SNOOP))[0] == 404, (method, path)
    for secret in (bearer(UPLOADER), house.operator):
        assert ask(house, "GET", f"/jobs/{hers}", secret)[0] == 200


def test_watches_are_their_principals(house, tmp_path):
    wav = say(tmp_path / "talk.wav", "one two").read_bytes()
    spy, _ = welcomed(house, SNOOP)
    boss, _ = welcomed(house, house.operator["Authorization"].split()[1])
    with spy, boss:
        for ws in (spy, boss):
            ws.send(("job.watch", {"session_id": "watched"}))
            ws.expect("job.watching", session_id="watched")
        hers = upload(house, UPLOADER, "watched", wav)
        while (told := boss.expect(deadline=30))["type"] != "job.completed":
            assert told["payload"]["job_id"] == hers
        spy.send(("job.watch", {"job_id": hers}))
        spy.expect("job.watching", job_id=hers)
        spy.expect("error", code="not_found", job_id=hers)
        his = upload(house, SNOOP, "watched", wav)
        while (told := spy.expect(deadline=30))["type"] != "job.completed":
            assert told["payload"]["job_id"] == his
        assert told["payload"]["job"]["principal"] == "key:snoop"


# ---- time

def test_it_expires_in_the_middle_and_can_be_renewed(house):
    risen = rises(house, "earshot_edge_expired_total")
    soon = int(time.time()) - 28  # and 30 s of leeway
    ws, _ = welcomed(house, token(exp=soon, sub="short"))
    other, _ = welcomed(house, token(exp=soon, sub="long"))
    with ws, other:
        other.send(("session.auth", {"token": token(sub="somebody")}))
        other.expect("error", code="other_principal")
        other.send(("session.auth", {"token": token(sub="long")}))
        assert other.expect("session.authenticated", principal="jwt:long")["expires"] > time.time() + 3000
        ws.send(("audio.start", START))
        ws.send(CHUNK)
        kinds = [message["type"] for message in itertools.takewhile(lambda m: m["type"] != "error", iter(ws.recv, None))]
        assert "ack" in kinds
        assert "expired" in closed(ws)
        streams(other)
    risen()


# ---- sessions

def test_a_session_is_of_no_use_to_another(house):
    risen = rises(house, "earshot_edge_sessions_refused_total")
    ws, greeting = welcomed(house, token(sub="ann"))
    ws.close()
    ws, _ = welcomed(house, token(sub="bob"))
    with ws:
        ws.send(("session.resume", {"token": greeting["token"]}))
        assert "not issued to you" in ws.expect("session.resumed", ok=False)["reason"]
    risen()
    ws, _ = welcomed(house, token(sub="ann", rights=["stream"]))
    with ws:
        ws.send(("session.resume", {"token": greeting["token"]}))
        assert ws.expect("session.resumed", ok=True)["session"] == greeting["session"]


# ---- the command line

def run(house, *args, env=None, **kind):
    environment = {**os.environ, **(env or {})}
    return subprocess.run([BIN / "earshot", *args], capture_output=True, text=True, timeout=60 * SLOW, env=environment, **kind)


def test_commands_show_a_token(house, tmp_path):
    wav, file = say(tmp_path / "talk.wav", "one two"), tmp_path / "token"
    file.write_text(token() + "\n")
    stream = ("stream", "--fast", "--url", house.ws + "/ws")
    assert run(house, *stream, "--token-file", file, wav).returncode == 0
    assert run(house, *stream, wav, env={"EARSHOT_TOKEN": token()}).returncode == 0
    done = run(house, *stream, wav)
    assert done.returncode == 1 and "asks who you are" in done.stderr
    done = run(house, *stream, wav, env={"EARSHOT_TOKEN": WRONG["unknown_token"]()})
    assert done.returncode == 1 and "unknown_token" in done.stderr
    chat = ("chat", "--url", house.ws + "/ws", "--name", "A", "lobby")
    assert run(house, *chat, env={"EARSHOT_TOKEN": token()}, input="hello\n").returncode == 0
    done = run(house, *chat, env={"EARSHOT_TOKEN": WRONG["unknown_token"]()}, input="hello\n")
    assert done.returncode == 1 and "unknown_token" in done.stderr
    jobs = ("jobs", "submit", "--url", house.url, "--patience", "5s")
    assert run(house, *jobs, "--wait", wav, env={"EARSHOT_TOKEN": UPLOADER}).returncode == 0
    done = run(house, *jobs, wav)
    assert done.returncode == 1 and "--token-file" in done.stderr
    assert run(house, "jobs", "list", "--data", house.data).returncode == 0


# ---- last: what was written

def test_nothing_secret_is_in_logs_or_figures(house):
    pages = [str(ask(house, "GET", path, house.operator)[2]) for path in ("/metrics", "/api/house", "/jobs")]
    house.stop()
    log = house.log.text()
    assert "credentials of a WebSocket client are refused" in log and len(shown) > 20
    text = "\n".join([log, house.out.text(), *pages])
    for secret in shown:
        for part in (secret, secret[:40], secret[-40:], secret.rpartition(".")[2]):
            assert len(part) < 16 or part not in text, part
    assert "ticket=" not in text
