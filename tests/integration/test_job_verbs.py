"""Questions and commands about jobs, asked as an edge asks."""
import io
import json
import signal
import sqlite3
import uuid
import wave

from house import wait_until
from jobs_peer import Jobs, Peer, noise


def test_asking():
    with Jobs("jobs-1") as jobs, Peer(jobs) as peer:
        data = noise(300_000)
        first = peer.upload(data, file_name="Talk \u00e4.wav", content_type="audio/wav", language="en", priority=2, webhook="https://example.org/x").run()
        second = peer.upload(b"abc", session="s-2").run()
        got = peer.get("get", job=first)
        assert {"jobId": first, "sessionId": "s-1", "priority": 2, "language": "en", "fileName": "Talk \u00e4.wav",
                "contentType": "audio/wav", "bytes": 300_000, "attempts": 3, "deleteAfterAnalysis": False,
                "webhook": "https://example.org/x"}.items() <= got.items()
        assert got["createdAt"] > 1_600_000_000_000 and isinstance(got["history"], list) and "analysis" in got
        listed = peer.get("list")
        assert [j["jobId"] for j in listed["jobs"]] == [second, first] and listed["total"] == 2 and listed["pages"] == 1
        assert sum(listed["counts"].values()) == 2
        assert [j["jobId"] for j in peer.get("list", session="s-2")["jobs"]] == [second]
        assert [j["jobId"] for j in peer.get("list", q="TALK")["jobs"]] == [first]
        page = peer.get("list", per_page=1, page=2)
        assert [j["jobId"] for j in page["jobs"]] == [first] and page["pages"] == 2
        session = peer.get("session", session="s-1")
        assert session["jobId"] == first and session["sessionId"] == "s-1" and len(session["jobs"]) == 1
        assert peer.get("session", 404, session="nobody")["error"] == "no_such_session"
        heard, cursor, rounds = b"", 0, 0
        while rounds == 0 or cursor:
            status, meta, piece = peer.ask("audio", job=first, cursor=cursor)
            assert status == 200 and meta["end"] == len(data) and meta["text"] == "audio/wav"
            heard, cursor, rounds = heard + piece, meta.get("to", 0), rounds + 1
        assert heard == data and rounds == 2
        assert peer.ask("audio", job=first, cursor=5, length=7)[2] == data[5:12]
        assert peer.ask("audio", job=first, cursor=300_000)[2] == b""


def test_mistakes():
    with Jobs("jobs-1") as jobs, Peer(jobs) as peer:
        for verb in ("get", "transcript", "audio", "cancel", "retry", "remove"):
            for job in (str(uuid.uuid4()), "", "../../etc/passwd", "x" * 5000):
                assert peer.get(verb, 404, job=job)["error"] == "no_such_job", (verb, job)
            assert peer.get(verb, 400)["error"] == "bad_request"
            assert peer.get(verb, 400, job=7)["error"] == "bad_request"
        for verb, wrong in (("list", {"state": "LATE"}), ("list", {"page": 0}), ("list", {"per_page": 201}), ("list", {"page": -1}),
                            ("list", {"q": ["x"]}), ("list", {"q": "x" * 201}), ("session", {}), ("session", {"session": "x" * 65}),
                            ("transcript", {"job": str(uuid.uuid4()), "format": "doc"}), ("audio", {"job": str(uuid.uuid4()), "length": 1 << 20}),
                            ("nonsense", {})):
            assert peer.get(verb, 400, **wrong)["message"], (verb, wrong)
        for raw in (b"", b"[", b"[]", b"\xff", b'{"job":1,"job":2}', b"{" * 60000):
            assert json.loads(peer.ask("get", raw=raw)[2])["error"] == "bad_request"
        peer.send("jobs/x", "JOB_ASK", 0, 1, b"{}", client="nobody", name="list")  # nobody to answer to
        assert peer.get("list")["total"] == 0


def second_of_nothing():
    wav = io.BytesIO()
    with wave.open(wav, "wb") as w:
        w.setnchannels(1), w.setsampwidth(2), w.setframerate(16000)
        w.writeframes(bytes(32000))
    return wav.getvalue()


def test_whose_jobs():
    with Jobs("jobs-1") as jobs, Peer(jobs) as peer:
        wav = second_of_nothing()  # nobody transcribes: it waits
        alice = peer.upload(wav, session="cli", key="k", principal="key:alice").run()
        bob = peer.upload(wav, session="cli", key="k", principal="key:bob").run()
        nobody = peer.upload(wav, session="cli", key="k").run()
        assert len({alice, bob, nobody}) == 3
        assert peer.upload(wav, session="cli", key="k", principal="key:bob").run() == bob
        for principal, seen in (("key:alice", [alice]), ("key:bob", [bob]), ("", [nobody]), (None, [nobody, bob, alice])):
            assert [j["jobId"] for j in peer.get("session", session="cli", principal=principal)["jobs"]] == seen
        assert peer.get("session", 404, session="cli", principal="key:eve")["error"] == "no_such_session"
        assert peer.get("list", 400, principal="key:alice")["error"] == "bad_request"
        assert peer.get("list")["total"] == 3
        for verb in ("get", "transcript", "audio", "cancel", "retry", "remove"):
            for principal in ("key:bob", "key:alic", ""):
                assert peer.get(verb, 404, job=alice, principal=principal)["error"] == "no_such_job", verb
            assert peer.get(verb, 400, job=alice, principal="x" * 209)["error"] == "bad_request"
        assert peer.get("get", job=alice, principal="key:alice")["principal"] == "key:alice"
        assert peer.get("get", job=nobody, principal="key:alice")["principal"] is None
        assert peer.get("cancel", job=alice, principal="key:alice")["status"] == "CANCELLED"
        assert peer.get("remove", job=alice)["jobId"] == alice


def test_commands():
    with Jobs("jobs-1") as jobs, Peer(jobs) as peer:
        job = peer.upload(second_of_nothing()).run()  # nobody transcribes: it waits
        assert peer.get("cancel", job=job)["status"] == "CANCELLED"
        assert peer.get("cancel", job=job)["status"] == "CANCELLED"
        assert peer.get("retry", job=job)["status"] == "QUEUED"
        wait_until(lambda: peer.get("get", job=job)["status"] == "TRANSCRIBING", what="a second attempt")
        assert peer.get("retry", 409, job=job)["error"] == "wrong_state"
        assert peer.get("remove", 409, job=job)["error"] == "wrong_state"
        assert peer.get("cancel", job=job)["status"] == "CANCELLED"
        assert (jobs.spool / "files" / job).exists()
        assert peer.get("remove", job=job)["jobId"] == job
        assert not (jobs.spool / "files" / job).exists()
        assert peer.get("get", 404, job=job)["error"] == "no_such_job"
        assert peer.get("remove", job=job)["jobId"] == job  # who did not hear the answer asks again
        wait_until(lambda: peer.listen() or any(n["type"] == "job.deleted" for n in peer.news), what="news of the end")
        assert {"job.queued", "job.progress", "job.cancelled", "job.deleted"} <= {n["type"] for n in peer.news}
        versions = [n["version"] for n in peer.news]
        assert versions == sorted(versions)
        jobs.restart("jobs-1")
        assert peer.get("list")["total"] == 0 and jobs.files() == []


def test_figures():
    with Jobs("jobs-1", options=("--spool-quota", "10", "--concurrency", "3")) as jobs, Peer(jobs) as peer:
        peer.upload(noise(1000)).run()
        wait_until(lambda: peer.listen() or any(body["counts"] and sum(body["counts"].values()) for _, body in peer.stats), what="figures")
        name, body = peer.stats[-1]
        assert name == "jobs-1" and body["concurrency"] == 3 and body["spool_bytes"] == 1000 and body["spool_quota"] == 10 << 20
        assert body["store"] == "sqlite" and body["store_error"] is None and body["disk_free"] > 0 and body["uploads"] == 0
        assert set(body["ended"]) == {"COMPLETED", "FAILED", "CANCELLED"}


def test_retention():
    with Jobs("jobs-1", options=("--keep-count", "1")) as jobs, Peer(jobs) as peer:
        ids = [peer.upload(noise(100)).run() for _ in range(4)]  # no audio: they fail
        wait_until(lambda: peer.get("list", state="FAILED")["total"] == 4, what="the end of all")
        jobs.restart("jobs-1", signal.SIGTERM)
        wait_until(lambda: peer.get("list")["total"] == 1, what="the end of the old ones")
        assert peer.get("list")["jobs"][0]["jobId"] == ids[-1] and jobs.files() == [ids[-1]]


def test_files_that_no_job_has():
    with Jobs("jobs-1") as jobs, Peer(jobs) as peer:
        kept, removed = (peer.upload(noise(100)).run() for _ in range(2))
        jobs.kill("jobs-1")
        young = str(uuid.uuid4())  # somebody may be about to make its row
        (jobs.spool / "files" / young).write_bytes(b"x")
        with sqlite3.connect(f"{jobs.data}/jobs.db") as db:
            db.execute("UPDATE job SET has_audio = 0 WHERE id = ?", (removed,))
        jobs.start("jobs-1")
        wait_until(lambda: removed not in jobs.files(), what="the end of a recording that was given up")
        assert {kept, young} <= set(jobs.files())
        jobs.restart("jobs-1", signal.SIGTERM, "--part-keep", "1s")
        wait_until(lambda: jobs.files() == [kept], 20, "the end of a recording that no row was made for")
