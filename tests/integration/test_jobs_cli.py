"""`earshot jobs`: what it sends and prints, and the exit codes that --help promises; against a house that is not there but behaves."""
import hashlib
import json
import os
import pathlib
import re
import signal
import socket
import subprocess

import pytest

from fake_jobs import FakeHouse
from house import BIN, Lines, wait_until
from screen import Screen

UUID = r"[0-9a-f]{8}-[0-9a-f-]{27}"
STEPS = [dict(version=2, status="TRANSCRIBING", progress=20.0, doneMs=12000, text="go forward"),
         dict(version=3, status="TRANSCRIBING", progress=60.0, doneMs=36000, text="ten meters"),
         dict(version=4, status="ANALYZING", progress=99.0), dict(version=5, status="COMPLETED", progress=100.0)]


def jobs(*args, house=None, timeout=60, **more):
    url = ["--url", house.url] if house else []
    return subprocess.run([BIN / "earshot", "jobs", *map(str, args[:1]), *url, *map(str, args[1:])], capture_output=True, timeout=timeout,
                          text=True, **more)


@pytest.fixture
def talk(tmp_path):
    path = tmp_path / "talk one.wav"
    path.write_bytes(os.urandom(3_000_000))
    return path


@pytest.fixture
def token(tmp_path):
    path = tmp_path / "operator.token"
    path.write_text("operator-token-1234\n")
    return path


def closed_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{s.getsockname()[1]}"


def test_a_recording_is_sent_as_it_is(talk):
    with FakeHouse() as house:
        done = jobs("submit", "--session", "s.1", "--language", "en", "--priority", "-3", "--attempts", "2", "--delete-after-analysis", "--webhook",
                    "http://h/x?y=1&z=2", talk, house=house)
        assert done.returncode == 0 and re.fullmatch(UUID + "\n", done.stdout), done
        upload = house.uploads[0]
        assert upload["sha"].hexdigest() == hashlib.sha256(talk.read_bytes()).hexdigest()
        assert upload["target"] == ("/session/s.1/upload?file_name=talk%20one.wav&language=en&priority=-3&attempts=2"
                                    "&webhook=http%3A%2F%2Fh%2Fx%3Fy%3D1%26z%3D2&delete_after_analysis=true")
        assert upload["headers"]["content-type"] == "audio/wav" and upload["headers"]["content-length"] == "3000000"
        assert re.fullmatch("[0-9a-f]{32}", upload["headers"]["idempotency-key"])


def test_an_edge_that_dies_in_the_middle(talk):
    with FakeHouse(upload=lambda n: 1_000_000 if n < 3 else None) as house:
        done = jobs("submit", talk, house=house)
        assert done.returncode == 0 and len(house.uploads) == 3 and len(house.jobs) == 1
        assert len({u["headers"]["idempotency-key"] for u in house.uploads}) == 1
        assert house.uploads[2]["bytes"] == 3_000_000 and "trying again" in done.stderr


def test_the_next_address_is_tried(talk):
    with FakeHouse() as house:
        done = jobs("submit", "--url", f"{closed_port()},{house.url}", talk)
        assert done.returncode == 0 and len(house.uploads) == 1, done


def test_a_house_that_asks_for_patience(talk):
    full = (507, {"Retry-After": "1"}, {"error": "spool_full", "message": "The spool is full."})
    with FakeHouse(upload=lambda n: full if n == 1 else None) as house:
        done = jobs("submit", talk, house=house)
        assert done.returncode == 0 and "The spool is full." in done.stderr and len(house.uploads) == 2
    with FakeHouse(upload=lambda n: full) as house:
        done = jobs("submit", "--patience", "0s", talk, house=house)
        assert done.returncode == 1 and len(house.uploads) == 1 and "The spool is full." in done.stderr and done.stdout == ""


def test_an_edge_that_stands_still(talk):
    with FakeHouse(upload=lambda n: "hold") as stopped, FakeHouse() as house:
        done = jobs("submit", "--url", f"{stopped.url},{house.url}", "--silence", "1s", "--patience", "0s", talk)
        assert done.returncode == 0 and len(stopped.uploads) == len(house.uploads) == 1 and "trying again" in done.stderr, done


def test_a_refusal_is_final(talk):
    for status, body, words in (413, {"error": "too_large", "message": "At most 2 MB."}, "At most 2 MB."), (400, b"", "status 400"):
        with FakeHouse(upload=lambda n: (status, {}, body)) as house:
            done = jobs("submit", talk, house=house)
            assert done.returncode == 1 and words in done.stderr and len(house.uploads) == 1, done


def test_nobody_there(talk):
    done = jobs("submit", "--url", closed_port(), "--patience", "1s", talk)
    assert done.returncode == 1 and "not taken" in done.stderr


def test_files_that_cannot_be_sent(tmp_path):
    (tmp_path / "empty.wav").touch()
    os.mkfifo(tmp_path / "pipe.wav")
    with FakeHouse() as house:
        for name, words in ("none.wav", "No such file"), ("empty.wav", "it is empty"), (".", "not a file"):
            done = jobs("submit", tmp_path / name, house=house)
            assert done.returncode == 1 and words in done.stderr and not house.uploads, done


def test_waiting_prints_the_transcripts(talk, tmp_path):
    other = tmp_path / "b.flac"
    other.write_bytes(b"x" * 100)
    with FakeHouse(script=STEPS) as house:
        done = jobs("submit", "--wait", "--format", "srt", talk, other, house=house)
        assert done.returncode == 0, done
        assert done.stdout == "the words of talk.wav as srt\n" * 2
        assert [u["headers"]["content-type"] for u in house.uploads] == ["audio/wav", "audio/flac"]
        for words in ("TRANSCRIBING 20 %", "ANALYZING 99 %", "COMPLETED 100 %"):
            assert words in done.stderr


def test_waiting_for_what_fails(talk):
    with FakeHouse(script=[dict(version=2, status="FAILED", error="not audio\x1b[2J")]) as house:
        done = jobs("submit", "--wait", talk, house=house)
        assert done.returncode == 1 and done.stdout == "" and "FAILED: not audio" in done.stderr


def test_watching_survives_lost_connections():
    with FakeHouse(script=STEPS, drop_ws=[(1, 2), (2, 4)]) as house:
        job = house.add()
        done = jobs("watch", job, house=house)
        assert done.returncode == 0 and house.sockets == 3, done
        assert done.stdout.splitlines()[-1] == f"{job} COMPLETED 100 %" and "is lost" in done.stderr and "connected again" in done.stderr
        percents = [int(n) for n in re.findall(r"(\d+) %", done.stdout)]
        assert percents == sorted(percents)


def test_watching_as_json():
    with FakeHouse(script=STEPS) as house:
        a, b = house.add(), house.add(status="COMPLETED", progress=100.0)
        done = jobs("watch", "--json", a, b, house=house)
        assert done.returncode == 0
        events = [json.loads(line) for line in done.stdout.splitlines()]
        assert [e["version"] for e in events] == [2, 3, 4, 5] and events[0]["text"] == "go forward"


def test_watching_what_is_not_there():
    with FakeHouse() as house:
        done = jobs("watch", "00000000-0000-0000-0000-000000000000", house=house)
        assert done.returncode == 1 and "There is no such job." in done.stderr


def test_watching_a_house_until_interrupted(token):
    with FakeHouse(script=STEPS) as house:
        job = house.add()
        process = subprocess.Popen([BIN / "earshot", "jobs", "watch", "--all", "--url", house.url, "--token-file", token],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        out = Lines(process.stdout)
        out.await_line(f"{job} COMPLETED")
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 130
        assert house.watched == [{"all": True, "token": "operator-token-1234"}]
    with FakeHouse(token="another-token-5678") as house:
        done = jobs("watch", "--all", "--token-file", token, house=house)
        assert done.returncode == 1 and "for the operator" in done.stderr


def test_a_house_that_is_gone_while_watched():
    with FakeHouse() as house:
        job = house.add()
        process = subprocess.Popen([BIN / "earshot", "jobs", "watch", "--url", house.url, "--patience", "1s", job], stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE)
        err = Lines(process.stderr)
        wait_until(lambda: house.watched, 10)
    assert process.wait(30) == 3
    wait_until(lambda: err.ended, 5)
    assert "go on without being watched" in err.text()


def test_a_terminal_shows_bars(talk):
    with FakeHouse(script=STEPS, pause=0.3) as house, Screen("jobs", "submit", "--wait", "--url", house.url, talk, columns=100) as screen:
        assert screen.end() == 0
        assert screen.lines()[-2:] == ["[########################] 100 % COMPLETED    talk.wav", "the words of talk.wav as text"]
        assert b"go forward ten meters" in screen.raw and b" of 3.0 MB  " in screen.raw


def test_lists(token):
    with FakeHouse() as house:
        a = house.add(name="a\x1b[2J.wav", status="TRANSCRIBING", progress=42.4)
        done = jobs("list", "--state", "failed", "--q", "ab c", "--count", "7", "--token-file", token, house=house)
        assert done.returncode == 0 and "\x1b" not in done.stdout, done
        lines = done.stdout.splitlines()
        assert lines[0].split() == ["JOB", "STATE", "DONE", "LENGTH", "TRY", "AGE", "SESSION", "FILE"]
        assert lines[1].startswith(f"{a}  TRANSCRIBING  42 %    1:01  1/3") and "a?[2J.wav" in lines[1]
        assert "page 1 of 2, 57 jobs in all" in done.stdout and "3 QUEUED" in done.stdout
        assert house.requests[0][1] == "/jobs?page=1&per_page=7&state=FAILED&q=ab%20c"
        done = jobs("list", "--json", "--token-file", token, house=house)
        assert json.loads(done.stdout)["jobs"][0]["jobId"] == a
        done = jobs("list", house=house, env={**os.environ, "EARSHOT_OPERATOR_TOKEN_FILE": str(token)})
        assert done.returncode == 0, done


def test_a_session_needs_no_token(tmp_path):
    with FakeHouse() as house:
        job = house.add()
        done = jobs("list", "--session", "s1", "--data", tmp_path, house=house)
        assert done.returncode == 0 and job in done.stdout and house.requests[0][1] == "/session/s1/job-status"
        done = jobs("list", "--data", tmp_path, house=house)
        assert done.returncode == 1 and "operator.token" in done.stderr and "--session" in done.stderr


def test_the_operators_token_stays_in_its_house(tmp_path, token):
    with FakeHouse() as house:
        job = house.add()
        done = jobs("list", "--session", "s1", "--data", tmp_path, house=house)
        assert done.returncode == 0 and job in done.stdout and "authorization" not in house.requests[0][2]
        for args in (["list"], ["watch", "--all"]):
            done = jobs(*args, "--data", tmp_path, house=house)
            assert done.returncode == 1 and "--url" in done.stderr and "--token-file" in done.stderr
            done = jobs(*args, "--data", tmp_path, env={**os.environ, "EARSHOT_URL": house.url})
            assert done.returncode == 1 and house.url in done.stderr
        assert len(house.requests) == 1 and house.sockets == 0
        (tmp_path / "run").mkdir()
        (tmp_path / "run" / "edge.addr").write_text(house.url + "\n")
        done = jobs("list", "--data", tmp_path)
        assert done.returncode == 0 and job in done.stdout and house.requests[1][2]["authorization"] == "Bearer operator-token-1234"


def test_show():
    analysis = {"words": 120, "wordsPerMinute": 118.0, "speakingWordsPerMinute": 167.4, "speechShare": 0.7, "silenceShare": 0.3, "confidence": 0.871,
                "pauses": [{"startMs": 9000, "lengthMs": 2100, "after": "and so"}], "fillers": [{"text": "um", "count": 3}],
                "terms": [{"text": "machine", "count": 9}], "pairs": [], "speakers": [{"speaker": "Ann", "share": 0.6977, "words": 80}],
                "summary": {"state": "ok", "text": "They met.\nTwice."}}
    history = [{"attempt": 1, "worker": "jobs-1", "startedAt": 1700000000000, "endedAt": 1700000009000, "outcome": "failed", "error": "a stall"},
               {"attempt": 2, "worker": "jobs-2", "startedAt": 1700000020000, "endedAt": None, "outcome": None, "error": None}]
    with FakeHouse() as house:
        job = house.add(status="ANALYZING", progress=99.0, doneMs=61000, format="FLAC, 44100 Hz", history=history, analysis=analysis)
        done = jobs("show", job, house=house)
        assert done.returncode == 0
        for words in (job, "talk.wav, 1.0 kB, FLAC, 44100 Hz", "ANALYZING, 99.0 % (1:01 of 1:01)", "failed", "a stall", "under way",
                      "120, 118 a minute, while speaking 167", "speech      70 %, silence 30 %", "longest 2.1 s at 0:09, after: and so", "um 3",
                      "machine 9", "Ann 70 %, 80 words", "They met.\nTwice."):
            assert words in done.stdout, (words, done.stdout)
        assert json.loads(jobs("show", "--json", job, house=house).stdout)["jobId"] == job
        done = jobs("show", "--transcript", "vtt", job, house=house)
        assert done.stdout == "the words of talk.wav as vtt\n"
        done = jobs("show", "00000000-0000-0000-0000-000000000000", house=house)
        assert done.returncode == 1 and "There is no such job." in done.stderr


def test_cancel_retry_rm():
    with FakeHouse() as house:
        a, b = house.add(), house.add(status="COMPLETED")
        done = jobs("cancel", a, b, house=house)
        assert done.returncode == 1 and done.stdout == f"{a} CANCELLED\n" and "It is completed." in done.stderr
        assert jobs("retry", a, house=house).stdout == f"{a} QUEUED\n"
        assert jobs("rm", a, house=house).stdout == f"{a} deleted\n"
        assert jobs("rm", a, house=house).returncode == 1
        assert [(m, t) for m, t, _ in house.requests][-2:] == [("DELETE", f"/jobs/{a}")] * 2


def test_wrong_command_lines(tmp_path, talk):
    for args, words in ([], "Usage: earshot jobs"), (["sumbit", "x"], 'did you mean "submit"'), (["submit"], "FILE is missing"), \
                       (["show", "x"], "not the id of a job"), (["watch"], "name jobs"), (["watch", "--all", "--session", "x"], "choose one"), \
                       (["list", "x"], "options only"), (["submit", "--priority", "11", talk], "from -10 to 10"), \
                       (["submit", "--attempts", "0", talk], "from 1 to 10"), (["submit", "--session", "a b", talk], "letters, digits"), \
                       (["submit", "--format", "pdf", talk], "text|json|srt|vtt"), (["submit", "--url", "ftp://x", talk], "--url"):
        done = jobs(*args)
        assert done.returncode == 2 and words in done.stderr, (args, done)
    done = jobs("--help")
    assert done.returncode == 0 and "retry" in done.stdout


def test_a_large_recording_needs_no_memory(tmp_path):
    big, seen = tmp_path / "big.wav", [0]
    with open(big, "wb") as f:
        f.truncate(600_000_000)

    def over(process):
        peak = re.search(r"VmHWM:\s+(\d+) kB", pathlib.Path(f"/proc/{process.pid}/status").read_text())  # none once it has ended
        seen[0] = int(peak[1]) if peak else seen[0]
        return process.poll() is not None
    with FakeHouse() as house:
        process = subprocess.Popen([BIN / "earshot", "jobs", "submit", "--url", house.url, big], stdout=subprocess.DEVNULL)
        wait_until(lambda: over(process), 90, "the end of the upload")
        assert process.returncode == 0 and house.uploads[0]["bytes"] == 600_000_000
        assert 0 < seen[0] < 48_000, f"{seen[0]} KiB"
