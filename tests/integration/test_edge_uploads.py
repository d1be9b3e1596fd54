"""Uploads at the edge, to a jobs actor in Python and to the real one: files arrive as they were sent, whatever is in the way; or the client is told."""
import http.client
import json
import os
import pathlib
import signal
import threading
import time
import uuid
import wave

import pytest

from fleet import peak_kb, rss_kb
from house import SLOW, wait_until
from uploads import JobsFleet, Raw, UploadFleet, form, noise, post, upload

MIB = 1 << 20
MALFORMED = json.loads((pathlib.Path(__file__).parent / "malformed_uploads.json").read_text())


@pytest.fixture(scope="module", params=[UploadFleet, JobsFleet], ids=["peer", "jobs"])
def fleet(request):
    with request.param() as running:
        yield running
        running.await_nothing_left()


@pytest.fixture(scope="module")
def peer():
    """One whose behaviour the session chooses."""
    with UploadFleet() as running:
        yield running
        running.await_nothing_left()


def pieces(data, size):
    return (data[at:at + size] for at in range(0, len(data), size))


def accepted(fleet, answer, data):
    status, headers, said = answer
    assert status == 202, said
    assert said["status"] == "QUEUED" and headers["Location"] == f"/jobs/{said['jobId']}"
    assert fleet.file(said["jobId"]) == data
    return fleet.head(said["jobId"])


# ---- files arrive

@pytest.mark.parametrize("size", [1, 65535, 65536, 65537, 3 * MIB + 7])
def test_raw(fleet, size):
    data = noise(size, size)
    head = accepted(fleet, upload(fleet.address, data), data)
    assert head["size"] == size and head["session"] == "s" and head["content_type"] == "audio/wav"


@pytest.mark.parametrize("step", [1000, 7919, 100_003])
def test_chunked(fleet, step):
    data = noise(2 * MIB + 1, step)
    accepted(fleet, upload(fleet.address, pieces(data, step)), data)


def test_bytes_that_look_like_boundaries(fleet):
    data = b"\r\n--Xx" * 5000 + b"\r\n--XxY" + noise(MIB) + b"\r\n--Xx\r\n--"
    kind, body = form([("audio", "talk.mp3", "audio/mpeg", data)])
    head = accepted(fleet, post(fleet.address, "/session/desk-1/upload", body, {"Content-Type": kind}), data)
    assert head == {**head, "session": "desk-1", "file_name": "talk.mp3", "content_type": "audio/mpeg"}


def test_options_before_and_after_the_file(fleet):
    data = noise(300_000)
    key = uuid.uuid4().hex
    kind, body = form([("priority", "7"), ("audio", "../../a \u00fc.ogg", "audio/ogg", data), ("language", "de"), ("attempts", "1"),
                       ("delete_after_analysis", "true")])
    answer = post(fleet.address, "/session/s/upload?webhook=http%3A%2F%2Fhere%2Fhook", pieces(body, 977),
                  {"Content-Type": kind, "Idempotency-Key": key})
    head = accepted(fleet, answer, data)
    assert head == {**head, "priority": 7, "language": "de", "attempts": 1, "delete_after_analysis": True, "key": key,
                    "webhook": "http://here/hook", "file_name": "../../a \u00fc.ogg"}
    assert not [path for path in fleet.data.parent.glob("a*.ogg")]


def test_expect_100_continue(fleet):
    with Raw(fleet.address) as raw:
        raw.head(length=4, Expect="100-continue")
        assert raw.answer()[0] == 100
        raw.send("RIFF")
        assert raw.answer()[0] == 202
    with Raw(fleet.address) as raw:
        raw.head(length=4, kind="text/html", Expect="100-continue")
        assert raw.answer()[0] == 415  # and never 100


def test_two_on_one_connection(fleet):
    with Raw(fleet.address) as raw:
        for data in (b"one", b"the other"):
            raw.head(length=len(data))
            raw.send(data)
            status, _, said = raw.answer()
            assert status == 202 and fleet.file(said["jobId"]) == data


def test_byte_by_byte(fleet):
    kind, body = form([("audio", "a.wav", "audio/wav", b"RIFF" * 50)])
    with Raw(fleet.address) as raw:
        raw.head(kind=kind)
        for byte in body:
            raw.send(b"1\r\n%c\r\n" % byte)
        raw.send("0\r\n\r\n")
        status, _, said = raw.answer()
        assert status == 202 and fleet.file(said["jobId"]) == b"RIFF" * 50


# ---- mistakes

@pytest.mark.parametrize("case", MALFORMED, ids=[case["what"] for case in MALFORMED])
def test_malformed(fleet, case):
    body = case.get("body")
    headers = {"Content-Type": "multipart/form-data; boundary=XX", **case.get("headers", {})}
    headers.setdefault("Content-Length", None if body is None else str(len(body)))
    with Raw(fleet.address) as raw:
        lines = [f"{name}: {value}" for name, value in headers.items() if value is not None]
        raw.send("\r\n".join([f"POST {case.get('path', '/session/s/upload')} HTTP/1.1", "Host: edge", *lines]) + "\r\n\r\n" + (body or ""))
        status, _, said = raw.answer()
    assert (status, said["error"]) == (case["status"], case["error"]), said
    assert len(said["message"]) > 15 and said["message"][-1] in ".?"


def test_malformed_ones_leave_nothing(fleet):
    fleet.await_nothing_left()


def test_too_large_in_the_middle():
    with UploadFleet(edge=["--max-upload", "1000000"]) as fleet:
        status, _, said = upload(fleet.address, pieces(noise(1_000_001), 50_000))
        assert (status, said["error"]) == (413, "too_large")
        kind, body = form([("audio", "a", "audio/wav", noise(1_000_001))])
        status, _, said = post(fleet.address, "/session/s/upload", body, {"Content-Type": kind})
        assert (status, said["error"]) == (413, "too_large")
        assert fleet.metrics()['earshot_edge_uploads_refused_total{reason="too_large"}'] == 2
        data = noise(1_000_000)
        accepted(fleet, upload(fleet.address, data), data)
        fleet.await_nothing_left()


# ---- what the jobs actor says

def test_a_refusal_reaches_the_client_at_once(peer):
    with Raw(peer.address) as raw:
        raw.head(session="refuse", length=50 * MIB)
        raw.send(b"x" * 100_000)
        status, headers, said = raw.answer()
    assert (status, said["error"], headers["retry-after"]) == (507, "spool_full", "60")
    status, headers, said = upload(peer.address, noise(8 * MIB), session="full")
    assert (status, said["error"], headers["Retry-After"]) == (507, "spool_full", "60")


def test_an_answer_that_nobody_understands(peer):
    status, _, said = upload(peer.address, b"RIFF", session="odd")
    assert (status, said["error"]) == (502, "bad_answer")


def test_nobody_is_there():
    with UploadFleet() as fleet:
        fleet.kill("jobs-1", signal.SIGTERM, away=600)
        wait_until(lambda: not [w for w in fleet.status()["workers"] if w["service"] == "upload"], 15, "no upload actor")
        began = time.monotonic()
        status, headers, said = upload(fleet.address, noise(3 * MIB))
        assert (status, said["error"]) == (503, "uploads_unavailable") and int(headers["Retry-After"]) > 0
        assert 2 < time.monotonic() - began < 10 * SLOW
        fleet.bring_back("jobs-1")
        wait_until(lambda: upload(fleet.address, b"RIFF")[0] == 202, 20, "uploads again")


def test_all_places_are_taken():
    with UploadFleet(capacity=1) as fleet, Raw(fleet.address) as first:
        first.head(length=10)
        first.send("RIFF")
        wait_until(lambda: any(w["streams"] for w in fleet.status()["workers"]), 10, "the first is placed")
        status, _, said = upload(fleet.address, b"RIFF")
        assert (status, said["error"]) == (503, "uploads_unavailable")
        first.send("RIFFRI")
        assert first.answer()[0] == 202
        wait_until(lambda: upload(fleet.address, b"RIFF")[0] == 202, 20, "the place again")


def test_too_many_at_once():
    with UploadFleet(edge=["--max-uploads", "2"]) as fleet, Raw(fleet.address) as one, Raw(fleet.address) as two:
        for raw in (one, two):
            raw.head(length=10)
            raw.send("RIFF")
        wait_until(lambda: fleet.metrics()["earshot_edge_uploads"] == 2, 10, "two uploads")
        status, headers, said = upload(fleet.address, b"RIFF")
        assert (status, said["error"]) == (503, "too_many_uploads") and headers["Retry-After"]
        one.socket.close()
        wait_until(lambda: upload(fleet.address, b"RIFF")[0] == 202, 10, "room again")


def test_one_address_has_its_share():
    def raw(fleet, origin):
        one = Raw(fleet.address, origin=origin)
        one.head(length=4)
        return one
    with UploadFleet(edge=["--max-address-uploads", "2"]) as fleet:
        own = [raw(fleet, origin) for origin in ("127.0.0.1", "127.0.0.1", "127.0.0.1", "127.0.0.2", "127.0.0.2")]
        wait_until(lambda: fleet.metrics()["earshot_edge_uploads"] == 5, 10, "this machine's are not counted")
        with raw(fleet, "127.0.0.2") as third, raw(fleet, "127.0.0.3") as other:
            status, headers, body = third.answer()
            assert (status, body["error"]) == (503, "too_many_of_address")
            other.send("RIFF")
            assert other.answer()[0] == 202
        for one in own:
            one.send("RIFF")
            assert one.answer()[0] == 202
        with raw(fleet, "127.0.0.2") as again:
            again.send("RIFF")
            assert again.answer()[0] == 202
        assert fleet.metrics()['earshot_edge_uploads_refused_total{reason="too_many_of_address"}'] == 1


# ---- pressure and faults

def test_a_jobs_actor_that_does_not_commit_stops_the_reading():
    with UploadFleet(edge=["--upload-stall", f"{int(3 * SLOW)}s"]) as fleet, Raw(fleet.address) as raw:
        data = noise(40 * MIB)
        raw.head(session="stall", length=len(data))
        taken = raw.push(data, 1.0 * SLOW)
        assert taken < 24 * MIB  # 8 MiB retained, the rest in the sockets
        status, headers, said = raw.answer()
        assert (status, said["error"]) == (503, "upload_stalled") and headers["retry-after"]
        assert peak_kb(fleet.pid("edge-1")) < 48 * 1024 * (4 if os.environ.get("ASAN_OPTIONS") else 1)
        assert upload(fleet.address, b"RIFF")[0] == 202


def test_a_client_that_is_slow_is_not_blamed_on_the_jobs_actor():
    with UploadFleet(edge=["--upload-stall", "1s", "--upload-wait", "1s"]) as fleet, Raw(fleet.address) as raw:
        raw.head(length=6)
        for byte in b"RIF":
            raw.send(bytes([byte]))
            assert raw.silent(0.8)
        raw.send(b"F..")
        assert raw.answer()[0] == 202


def test_a_client_that_leaves_takes_its_file_along(fleet):
    before = fleet.metrics()['earshot_edge_uploads_refused_total{reason="gone"}']
    with Raw(fleet.address) as raw:
        raw.head(length=10 * MIB)
        raw.send(noise(5 * MIB))
        wait_until(fleet.halves, 10, "a half file")
    fleet.await_nothing_left()
    assert fleet.metrics()['earshot_edge_uploads_refused_total{reason="gone"}'] == before + 1


@pytest.mark.parametrize("kind", [UploadFleet, JobsFleet], ids=["peer", "jobs"])
@pytest.mark.parametrize("again", [1, 4])
def test_the_jobs_actor_dies_in_the_middle(kind, again):
    with kind(commit=MIB) as fleet:
        data = noise(24 * MIB)
        with Raw(fleet.address) as raw:
            raw.head(length=len(data))
            step = len(data) // (again + 1)
            for n in range(again + 1):
                raw.send(data[n * step:(n + 1) * step] if n < again else data[n * step:])
                if n < again:
                    starts = fleet.kill("jobs-1")
                    fleet.await_restart("jobs-1", starts)
            status, _, said = raw.answer()
            assert status == 202, said
            assert fleet.file(said["jobId"]) == data
        fleet.await_nothing_left()


@pytest.mark.parametrize("kind", [UploadFleet, JobsFleet], ids=["peer", "jobs"])
def test_the_broker_dies_in_the_middle(kind):
    with kind(commit=MIB) as fleet:
        data = noise(12 * MIB)
        with Raw(fleet.address) as raw:
            raw.head(length=len(data))
            raw.send(data[:6 * MIB])
            starts = fleet.kill("broker")
            fleet.await_restart("broker", starts)
            raw.send(data[6 * MIB:])
            status, _, said = raw.answer()
            assert status == 202 and fleet.file(said["jobId"]) == data


def test_the_same_key_is_the_same_job():
    with JobsFleet() as fleet:
        headers = {"Idempotency-Key": "talk-1"}
        first, again = upload(fleet.address, b"RIFF", **headers), upload(fleet.address, b"RIFF", **headers)
        other = upload(fleet.address, b"RIFF", session="s2", **headers)
        assert first[0] == again[0] == other[0] == 202
        assert first[2]["jobId"] == again[2]["jobId"] != other[2]["jobId"] and len(fleet.jobs()) == 2


def test_the_answer_is_the_transcript(tmp_path):
    recording = tmp_path / "short.wav"
    with wave.open(str(recording), "wb") as out:
        out.setparams((1, 2, 16000, 0, "NONE", ""))
        out.writeframes(b"\x01\x00" * 16000)
    with JobsFleet(transcribers=1, analyses=1, edge=["--sync-max", "100000"]) as fleet:
        kind = {"Content-Type": "audio/wav"}
        status, headers, said = post(fleet.address, "/session/s/upload-sync", recording.read_bytes(), kind)
        assert status == 200, said
        assert said["complete"] and said["durationMs"] == 1000 and len(said["segments"]) == 10 and headers["Location"] == f"/jobs/{said['jobId']}"
        status, _, said = post(fleet.address, "/session/s/upload-sync", b"<p>no audio</p>" * 10, kind)
        assert (status, said["error"]) == (422, "job_failed") and said["jobId"]
        assert post(fleet.address, "/session/s/upload-sync", noise(100_001), kind)[0] == 413
        assert upload(fleet.address, noise(100_001))[0] == 202
    with JobsFleet(edge=["--sync-timeout", "1s"], env={"EARSHOT_ASYNC_UPLOADS": "off"}) as fleet:
        status, _, said = upload(fleet.address, recording.read_bytes())  # and no transcriber
        assert status == 202 and said["status"] == "QUEUED"
        assert fleet.metrics()["earshot_edge_uploads_late_total"] == 1


def test_every_202_is_there_once_whatever_is_killed():
    with JobsFleet() as fleet:
        told, lost, over = {}, [], threading.Event()

        def once(data):
            try:
                status, _, said = upload(fleet.address, pieces(data, 9973))
            except (OSError, http.client.HTTPException) as error:  # the edge died
                lost.append(error)
                return False
            told.update({said["jobId"]: data} if status == 202 else {})
            return status == 202

        def client(n):
            for m in range(40):
                data = noise(100_000 + 1000 * n, 100 * n + m)
                wait_until(lambda: once(data), 60, "an upload")

        threads = [threading.Thread(target=client, args=(n,)) for n in range(4)]
        for thread in threads:
            thread.start()
        for name in ("jobs-1", "edge-1", "jobs-1", "broker", "edge-1", "jobs-1"):
            fleet.await_restart(name, fleet.kill(name))
            over.wait(0.5)  # between the blows
        for thread in threads:
            thread.join(120 * SLOW)
        rows = fleet.jobs()
        ids = {row["id"] for row in rows}
        assert len(told) == 160 and told.keys() <= ids and len(ids) == len(rows)
        assert all(fleet.file(job) == data for job, data in told.items())
        assert all(len(fleet.file(row["id"])) == row["bytes"] for row in rows)
        print(f"{len(told)} were told 202, {len(lost)} tries were cut off, {len(rows)} jobs are there")


def test_many_at_once(fleet):
    sent, failed = {}, []

    def one(n):
        try:
            data = noise(20_000 + 7919 * n, n)
            status, _, said = upload(fleet.address, pieces(data, 3001 + n) if n % 2 else data, session=f"s{n}")
            assert status == 202, said
            sent[said["jobId"]] = data
        except BaseException as error:  # noqa: BLE001: told by the main thread
            failed.append(error)

    threads = [threading.Thread(target=one, args=(n,)) for n in range(48)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60 * SLOW)
    assert not failed and len(sent) == 48
    assert all(fleet.file(job) == data for job, data in sent.items())


def test_memory_is_constant():
    with JobsFleet() as fleet:
        upload(fleet.address, noise(9 * MIB))
        before, block = rss_kb(fleet.pid("edge-1")), noise(MIB)
        status, _, said = upload(fleet.address, (block for _ in range(100)))
        assert status == 202 and fleet.head(said["jobId"])["bytes"] == 100 * MIB
        if SLOW == 1:  # sanitizers keep freed memory on purpose
            assert peak_kb(fleet.pid("edge-1")) - before < 32 * 1024
        print(f"edge: {before} kB before, {peak_kb(fleet.pid('edge-1'))} kB at most, {rss_kb(fleet.pid('edge-1'))} kB after 100 MiB")


def test_draining_lets_it_end():
    with UploadFleet(edge=["--drain-timeout", "10s"]) as fleet, Raw(fleet.address) as raw:
        raw.head(length=8)
        raw.send("RIFF")
        wait_until(lambda: fleet.metrics()["earshot_edge_uploads"] == 1, 10, "the upload")
        starts = fleet.kill("edge-1", signal.SIGTERM, away=0.0)
        wait_until(lambda: "msg=draining" in fleet.log("edge-1"), 10, "an edge that drains")
        raw.send("RIFF")
        status, _, said = raw.answer()
        assert status == 202 and fleet.file(said["jobId"]) == b"RIFFRIFF"
        fleet.await_restart("edge-1", starts)
