"""Jobs and the house over HTTP, with a jobs actor in the test's hand."""
import json
import random
import re
import socket

import pytest

from desk_peer import Desk
from house import SLOW, wait_until
from jobs_client import DeskFleet

UNKNOWN = "00000000-0000-4000-8000-000000000000"


@pytest.fixture(scope="module")
def house():
    with DeskFleet() as fleet, Desk(fleet.broker) as desk:
        fleet.await_desk()
        yield fleet, desk


@pytest.fixture
def fleet(house):
    return house[0]


@pytest.fixture
def desk(house):
    house[1].clear()
    return house[1]


# ---- one job

def test_a_job(fleet, desk):
    job = desk.add(fileName="a.wav", status="TRANSCRIBING", progress=42.5)
    status, fields, said = fleet.ask("GET", f"/jobs/{job}")
    assert status == 200 and said["progress"] == 42.5 and said["history"] == [] and fields["cache-control"] == "no-store"
    status, fields, said = fleet.ask("HEAD", f"/jobs/{job}")
    assert status == 200 and said == b"" and int(fields["content-length"]) > 100
    fleet.refused(404, "not_found", "GET", f"/jobs/{UNKNOWN}")
    for bad in ("x", UNKNOWN.replace("0", "A"), UNKNOWN + "0", "%27%22", "%00" + UNKNOWN):
        assert fleet.ask("GET", f"/jobs/{bad}")[0] in (400, 404), bad
    assert len(desk.verbs("get")) == 3


def test_a_session(fleet, desk):
    old, new = desk.add(session="one"), desk.add(session="one", status="ANALYZING", progress=99)
    desk.add(session="two")
    status, _, said = fleet.ask("GET", "/session/one/job-status")
    assert status == 200 and [said["sessionId"], said["jobId"], said["status"], said["progress"]] == ["one", new, "ANALYZING", 99]
    assert [job["jobId"] for job in said["jobs"]] == [new, old]
    fleet.refused(404, "not_found", "GET", "/session/none/job-status")
    fleet.refused(400, "bad_session", "GET", "/session/a%20b/job-status")
    fleet.refused(400, "bad_session", "GET", f"/session/{'a' * 65}/job-status")


def test_commands(fleet, desk):
    job = desk.add(status="TRANSCRIBING", attempt=1)
    fleet.refused(409, "conflict", "DELETE", f"/jobs/{job}")
    status, _, said = fleet.ask("POST", f"/jobs/{job}/cancel")
    assert status == 200 and said["status"] == "CANCELLED"
    status, _, said = fleet.ask("POST", f"/jobs/{job}/retry", body=b"{}", headers={"Content-Type": "application/json"})
    assert status == 200 and [said["status"], said["attempt"]] == ["QUEUED", 2]
    fleet.refused(409, "conflict", "POST", f"/jobs/{job}/retry")
    status, fields, said = fleet.ask("DELETE", f"/jobs/{job}")
    assert status == 204 and said == b"" and "content-type" not in fields
    fleet.refused(404, "not_found", "DELETE", f"/jobs/{job}")
    assert fleet.ask("GET", f"/jobs/{job}/cancel")[0] == 405
    assert fleet.ask("POST", f"/jobs/{job}")[1]["allow"] == "GET, HEAD, DELETE"


def test_a_retry_whose_answer_is_lost_is_done_once(fleet, desk):
    job = desk.add(status="FAILED", attempt=3)
    desk.lose = 2
    status, _, said = fleet.ask("POST", f"/jobs/{job}/retry")
    assert status == 200 and [said["status"], said["attempt"]] == ["QUEUED", 4]
    desk.change(job, status="FAILED")
    wait_until(lambda: len(desk.verbs("get")) >= 2, 5, "the question again")

    real = desk.on_retry

    def once_lost(**question):  # it is done, and the answer to that is lost
        desk.on_retry, answer = real, real(**question)
        desk.lose = 1
        return answer
    desk.on_retry = once_lost
    status, _, said = fleet.ask("POST", f"/jobs/{job}/retry")
    assert status == 200 and said["attempt"] == 5
    assert [question["attempt"] for question in desk.verbs("retry")][-2:] == [4, 4]


# ---- transcripts

def test_a_transcript(fleet, desk):
    job = desk.add(words={"json": [b'{"text":"hello"}'], "text": [b"hello\n"], "srt": [b"1\n"], "vtt": [b"WEBVTT\n"]})
    assert fleet.ask("GET", f"/jobs/{job}/transcript")[2] == {"text": "hello"}
    status, fields, said = fleet.ask("GET", f"/jobs/{job}/transcript?format=text")
    assert (status, said) == (200, b"hello\n") and fields["content-type"].startswith("text/plain")
    assert fleet.ask("GET", f"/jobs/{job}/transcript?format=vtt")[2] == b"WEBVTT\n"
    fleet.refused(400, "bad_parameter", "GET", f"/jobs/{job}/transcript?format=doc")
    fleet.refused(400, "bad_parameter", "GET", f"/jobs/{job}/transcript?format=plaintext")
    fleet.refused(404, "not_found", "GET", f"/jobs/{UNKNOWN}/transcript")


def test_a_long_transcript_comes_in_pieces(fleet, desk):
    pieces = [bytes([97 + n % 26]) * 200_000 for n in range(40)]
    job = desk.add(words={"text": pieces})
    status, fields, said = fleet.ask("GET", f"/jobs/{job}/transcript?format=text")
    assert status == 200 and fields["transfer-encoding"] == "chunked" and said == b"".join(pieces)
    assert fleet.ask("HEAD", f"/jobs/{job}/transcript?format=text")[2] == b""


def test_who_does_not_read_is_not_read_ahead_for(fleet, desk):
    job = desk.add(words={"text": [b"x" * 1_000_000] * 60})
    host, port = fleet.urls[0].removeprefix("ws://").split(":")
    with socket.create_connection((host, int(port)), timeout=30 * SLOW) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        sock.sendall(f"GET /jobs/{job}/transcript?format=text HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        asked = wait_until(lambda: desk.verbs("transcript"), 10, "a question")
        fleet.ask("GET", "/healthz")
        wait_until(lambda: stands_still(lambda: len(desk.verbs("transcript"))), 10, "no more questions")
        assert len(asked) <= len(desk.verbs("transcript")) < 12
    wait_until(lambda: fleet.metrics()["earshot_edge_job_asks_open"] == 0, 10, "no question open")


def stands_still(value, last=[None, 0]):  # noqa: B006: kept from call to call
    now = value()
    last[1] = last[1] + 1 if now == last[0] else 0
    last[0] = now
    return last[1] > 20


def test_a_transcript_that_ends_in_the_middle_is_no_whole_one(fleet, desk):
    job = desk.add(words={"text": [b"x" * 1000, b"y" * 1000]})
    real = desk.on_transcript

    def breaks(job, format, cursor=0):
        if cursor:
            desk.forget(job)
        return real(job=job, format=format, cursor=cursor)
    desk.on_transcript = breaks
    with pytest.raises(Exception, match="IncompleteRead|chunk|invalid literal|Connection"):
        fleet.ask("GET", f"/jobs/{job}/transcript?format=text")


# ---- recordings

@pytest.fixture
def recording(desk):
    data = random.Random(7).randbytes(3 * 262144 + 11)
    return desk.add(audio=data, fileName="../a \"talk\" \u00fcber.wav"), data


def test_a_recording(fleet, recording):
    job, data = recording
    status, fields, said = fleet.ask("GET", f"/jobs/{job}/audio")
    assert status == 200 and said == data and fields["content-type"] == "audio/wav"
    assert fields["accept-ranges"] == "bytes" and fields["etag"] == f'"{job}"'
    assert fields["content-disposition"] == "attachment; filename=\"a _talk_ _ber.wav\"; filename*=UTF-8''a%20%22talk%22%20%C3%BCber.wav"
    status, fields, said = fleet.ask("HEAD", f"/jobs/{job}/audio")
    assert status == 200 and said == b"" and int(fields["content-length"]) == len(data)
    assert fleet.ask("GET", f"/jobs/{job}/audio", {"If-None-Match": f'W/"x", "{job}"'})[0] == 304


@pytest.mark.parametrize("asked, first, last", [
    ("bytes=0-0", 0, 0), ("bytes=5-9", 5, 9), ("bytes=100-", 100, None), ("bytes=-1", -1, None), ("bytes=-400000", -400000, None),
    ("bytes=262140-600000", 262140, 600000), ("bytes=10-99999999999", 10, None), ("bytes=-99999999999", 0, None)])
def test_a_range(fleet, recording, asked, first, last):
    job, data = recording
    begin = first if first >= 0 else len(data) + first
    end = len(data) - 1 if last is None else last
    status, fields, said = fleet.ask("GET", f"/jobs/{job}/audio", {"Range": asked})
    assert status == 206 and said == data[begin:end + 1]
    assert fields["content-range"] == f"bytes {begin}-{end}/{len(data)}" and int(fields["content-length"]) == end + 1 - begin
    assert fleet.ask("HEAD", f"/jobs/{job}/audio", {"Range": asked})[1]["content-length"] == fields["content-length"]


@pytest.mark.parametrize("asked", ["bytes=2-1", "bytes=0-1,3-4", "bytes=", "bytes=-", "bytes=a-b", "items=0-1", "bytes=0-1x", "bytes=1--2",
                                   "bytes=99999999999999999999999-"])
def test_a_range_that_need_not_be_obeyed(fleet, recording, asked):
    job, data = recording
    status, fields, said = fleet.ask("GET", f"/jobs/{job}/audio", {"Range": asked})
    assert status == 200 and said == data and "content-range" not in fields


def test_a_range_beyond_the_end(fleet, recording):
    job, data = recording
    for asked in (f"bytes={len(data)}-", f"bytes={len(data)}-{len(data) + 5}", "bytes=-0"):
        fields, _ = fleet.refused(416, "bad_range", "GET", f"/jobs/{job}/audio", {"Range": asked})
        assert fields["content-range"] == f"bytes */{len(data)}"


def test_a_recording_is_never_a_page(fleet, desk):
    for said, served in (("text/html", "application/octet-stream"), ("audio/x-weird; a=b", "audio/x-weird; a=b"), (None, "application/octet-stream"),
                         ("audio/wav\r\nX: y", "application/octet-stream"), ("application/ogg", "application/ogg")):
        job = desk.add(audio=b"<script>", contentType=said, fileName=None)
        _, fields, body = fleet.ask("GET", f"/jobs/{job}/audio")
        assert fields["content-type"] == served and fields["x-content-type-options"] == "nosniff" and body == b"<script>"
        assert fields["content-disposition"] == 'attachment; filename="recording"'


def test_a_recording_that_is_deleted(fleet, desk):
    job = desk.add(audio=b"x", status="COMPLETED")
    desk.change(job, audio=False)
    fleet.refused(410, "audio_deleted", "GET", f"/jobs/{job}/audio")
    job = desk.add(audio=b"x", status="COMPLETED")
    real = desk.on_get
    desk.on_get = lambda job: (desk.change(job, audio=False), (200, "application/json", json.dumps({**desk.jobs[job], "audio": True}).encode(), {}))[1]
    fleet.refused(410, "gone", "GET", f"/jobs/{job}/audio")  # between the two questions
    desk.on_get = real


def test_a_recording_that_one_of_two_has():
    """The other says nothing; who has it is found once, and asked on."""
    data = random.Random(8).randbytes(20 * 262144)
    with DeskFleet() as fleet, Desk(fleet.broker) as one, Desk(fleet.broker, name="jobs-2") as other:
        other.jobs, other.audio, other.words = one.jobs, one.audio, one.words
        wait_until(lambda: sum(w["service"] == "jobs" for w in fleet.status()["workers"]) == 2, 20, "two jobs actors")
        job = one.add(audio=data)
        other.elsewhere.add(job)
        assert fleet.ask("GET", f"/jobs/{job}/audio")[2] == data
        assert len(one.verbs("audio")) == 20 and len(other.verbs("audio")) <= 4


# ---- for the operator

def test_all_jobs_want_the_token(fleet, desk):
    for path in ("/jobs", "/api/house"):
        for headers in ({}, {"Authorization": "Bearer wrong-token-of-somebody"}, {"Authorization": f"Basic {fleet.token}"},
                        {"Authorization": f"Bearer {fleet.token[:-1]}"}):
            fields, message = fleet.refused(401, "unauthorized", "GET", path, headers)
            assert fields["www-authenticate"].startswith("Bearer") and f"{fleet.data}/operator.token" in message
            assert fleet.token not in message
    assert fleet.metrics()["earshot_edge_unauthorized_total"] >= 8


def test_the_list(fleet, desk):
    ids = [desk.add(session=f"s{n % 3}", status="FAILED" if n % 2 else "QUEUED") for n in range(7)]
    status, _, said = fleet.ask("GET", "/jobs", operator=True)
    assert status == 200 and [job["jobId"] for job in said["jobs"]] == ids[::-1] and said["counts"]["FAILED"] == 3
    assert desk.verbs("list")[-1] == {"page": 1, "per_page": 50}
    fleet.ask("GET", "/jobs?state=FAILED&session=s1&q=%C3%BCber%20%22x%22&page=2&per_page=3", operator=True)
    assert desk.verbs("list")[-1] == {"state": "FAILED", "session": "s1", "q": 'über "x"', "page": 2, "per_page": 3}
    fleet.ask("GET", "/jobs?state=&q=&session=", operator=True)
    assert desk.verbs("list")[-1] == {"page": 1, "per_page": 50}


@pytest.mark.parametrize("query", ["state=failed", "state=DONE", "session=a%20b", "page=0", "page=-1", "page=x", "page=1.5", "page=", "per_page=201",
                                   "per_page=99999999999999999999", "q=%ff", "q=" + "a" * 201, "page=+1", "page=%201"])
def test_a_parameter_that_is_wrong(fleet, desk, query):
    _, message = fleet.refused(400, "bad_parameter", "GET", f"/jobs?{query}", operator=True)
    assert f'"{query.split("=")[0]}"' in message


def test_the_house(fleet, desk):
    desk.add()
    desk.change(desk.add(), status="COMPLETED")

    def complete():
        status, _, said = fleet.ask("GET", "/api/house", operator=True)
        assert status == 200
        known = {actor["service"] for actor in said["actors"]}
        return said["jobs"] and said["counts"].get("QUEUED") == 1 and "jobs" in known and said
    said = wait_until(complete, 10, "a house that knows all")
    assert said["edges"][0]["name"] == "edge-1" and said["brokers"][0]["name"] == "broker" and said["edge"] == "edge-1"
    assert said["now"]["queued"] == 1 and said["jobs"][0]["diskFree"] == 100
    assert set(said["history"]) == {"stepMs", "until", "frames", "lagMs", "queued", "waiting", "completed"}


# ---- nobody there, and secrets

def test_nobody_answers(fleet, desk):
    job = desk.add()
    desk.deaf = True
    fields, message = fleet.refused(503, "jobs_unavailable", "GET", f"/jobs/{job}")
    assert fields["retry-after"] == "5" and "is one running?" in message
    assert len(desk.verbs("get")) >= 9


def test_the_token_is_in_no_log():
    for where in ([], ["--host", "0.0.0.0", "--insecure"]):
        with DeskFleet(edge=where) as fleet:
            fleet.ask("GET", "/jobs", operator=True)
            log = fleet.log("edge-1")
            assert fleet.token not in log and f"{fleet.data}/operator.token" in log


def test_a_token_of_our_own(tmp_path):
    (tmp_path / "token").write_text("correct-horse-battery\n")
    (tmp_path / "token").chmod(0o640)
    with DeskFleet(edge=["--operator-token-file", str(tmp_path / "token")]) as fleet:
        assert fleet.ask("GET", "/api/house", {"Authorization": "Bearer correct-horse-battery"})[0] == 200
        assert not (fleet.data / "operator.token").exists()
