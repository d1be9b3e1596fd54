"""Uploads straight to jobs actors: every one that is confirmed is there once and whole, no other is half there, and nothing lies outside the spool."""
import json
import random
import signal
import sqlite3
import uuid

import pytest

from house import wait_until
from jobs_peer import EOS, START, Jobs, Peer, noise


def rows(jobs):
    db = sqlite3.connect(f"file:{jobs.data}/jobs.db?mode=ro", uri=True)
    try:
        return {row[0] for row in db.execute("SELECT id FROM job")}
    finally:
        db.close()


def content(jobs, job):
    return (jobs.spool / "files" / job).read_bytes()


def test_small_and_large():
    with Jobs("jobs-1") as jobs, Peer(jobs) as peer:
        for size in (1, 65536, 65537, 300_000, 9_000_000):
            data = noise(size)
            upload = peer.upload(data, file_name="../../talk.wav", size=size)
            assert upload.run() == upload.job
            assert content(jobs, upload.job) == data
            assert jobs.parts() == []
        assert upload.raises == 1, "it went in one epoch"
        wait_until(lambda: peer.listen() or sum(n["type"] == "job.queued" for n in peer.news) == 5, what="news of five jobs")
        assert peer.news[-1]["job"]["fileName"] == "../../talk.wav"


def test_late_options_and_keys():
    with Jobs("jobs-1") as jobs, Peer(jobs) as peer:
        first = peer.upload(b"abc", late=json.dumps({"priority": 7, "file_name": "late.ogg"}).encode(), key="once")
        assert first.run() == first.job
        wait_until(lambda: peer.listen() or peer.news, what="news")
        assert peer.news[0]["job"]["priority"] == 7 and peer.news[0]["job"]["fileName"] == "late.ogg"
        again = peer.upload(b"abcd", key="once")
        assert again.run() == first.job
        other = peer.upload(b"abcd", key="once", session="s-2")
        assert other.run() == other.job
        same = peer.upload(b"abc", job=first.job)
        assert same.run() == first.job
        assert jobs.files() == sorted([first.job, other.job]) and content(jobs, first.job) == b"abc"


MALFORMED = [
    ("no JSON", b"{", 400),
    ("no object", b"[]", 400),
    ("no job", b'{"session":"s"}', 400),
    ("a path as job", b'{"job":"../../../../tmp/evil","session":"s"}', 400),
    ("a path of the right length", b'{"job":"../../../../../../../tmp/evil00000000","session":"s"}', 400),
    ("upper case", b'{"job":"0123ABCD-0000-4000-8000-00000000000A","session":"s"}', 400),
    ("a NUL", b'{"job":"0123abcd-0000-4000-8000-00000000000\\u0000","session":"s"}', 400),
    ("no session", b'{"job":"0123abcd-0000-4000-8000-00000000000a"}', 400),
    ("a path as session", b'{"job":"0123abcd-0000-4000-8000-00000000000a","session":"../x"}', 400),
    ("a file as webhook", b'{"job":"0123abcd-0000-4000-8000-00000000000a","session":"s","webhook":"file:///etc/passwd"}', 400),
    ("too many bytes", b'{"job":"0123abcd-0000-4000-8000-00000000000a","session":"s","size":2}', 400),
    ("too few bytes", b'{"job":"0123abcd-0000-4000-8000-00000000000a","session":"s","size":4}', 400),
    ("more than the disk has", b'{"job":"0123abcd-0000-4000-8000-00000000000a","session":"s","size":9000000000000000000}', 507),
    ("a long head", b'{"job":"0123abcd-0000-4000-8000-00000000000a","session":"s","x":"' + b"a" * 20000 + b'"}', 400),
]


def expected(upload, status):
    """Who begins anew after a refusal that was lost on the way may hear that the upload is gone."""
    return (status, 503) if upload.raises > 1 else (status,)


def test_malformed():
    with Jobs("jobs-1") as jobs, Peer(jobs) as peer:
        for what, head, status in MALFORMED:
            upload = peer.upload(b"abc")
            upload.frames[0] = (0, 0, head)
            refusal = upload.run()
            assert upload.result is None and refusal["status"] in expected(upload, status) and refusal["code"] and refusal["message"], what
        for what, frames in (("a piece that is too long", [(0, 0, b"x" * 65537)]), ("a gap", [(0, 0, b"abc"), (0, 4, b"d")]),
                             ("an overlap", [(0, 0, b"abc"), (0, 2, b"d")]), ("nothing", []), ("bad late options", [(0, 0, b"abc"), "late"])):
            upload = peer.upload(b"abc")
            late = b'{"priority":99}' if frames[-1:] == ["late"] else b""
            upload.frames[1:] = [f for f in frames if f != "late"] + [(EOS, 3 if late else 0, late)]
            refusal = upload.run()
            assert upload.result is None and refusal["status"] in expected(upload, 400), what
        only_end = peer.upload(b"")
        only_end.frames = [(EOS, 0, b"")]
        assert only_end.run()["status"] == 400
        wait_until(lambda: not jobs.parts(), 20, "an empty spool")
        assert jobs.files() == [] and rows(jobs) == set()
        assert sorted(p.name for p in jobs.spool.iterdir() if not p.name.startswith(".")) == ["files", "parts", "spool.id", "spool.used"]


def test_forged_checkpoints():
    with Jobs("jobs-1") as jobs, Peer(jobs) as peer:
        spool = (jobs.spool / "spool.id").read_text().strip()
        job = str(uuid.uuid4())
        for checkpoint in (b"", b"x" * 256, f"1 {spool} ../../../../../../../../etc/passwd-0 3".encode(), f"1 {'0' * 16} {job} 3".encode(),
                           f"1 {spool} {job} -3".encode(), f"1 {spool} {job} 99999999999999999999".encode(), f"1 {spool} {job} 3".encode(),
                           f"1 {spool} {job} 3/".encode()):
            upload = peer.upload(b"abc")
            upload.base, upload.checkpoint, upload.sent, upload.expected = 1, checkpoint, 1, 2
            upload.frames[1] = (0, 3, b"def")
            upload.frames[2] = (EOS, 6, b"")
            assert upload.run()["code"] == "upload_lost", checkpoint
        assert jobs.files() == [] and jobs.parts() == [] and rows(jobs) == set()


def test_quota_and_floor():
    with Jobs("jobs-1", options=("--spool-quota", "2")) as jobs, Peer(jobs) as peer:
        assert peer.upload(noise(1_500_000)).run()
        assert peer.upload(noise(700_000), size=700_000).run()["status"] == 507
        refusal = peer.upload(noise(700_000)).run()
        assert refusal["status"] == 507 and refusal["retry_after"] > 0 and refusal["code"] == "spool_full"
        assert jobs.parts() == []
        jobs.restart("jobs-1")
        assert peer.upload(noise(700_000)).run()["status"] == 507
        assert isinstance(peer.upload(noise(500_000), size=500_000).run(), str)
        jobs.restart("jobs-1", signal.SIGTERM, "--spool-quota", "0", "--spool-floor", str(1 << 29))
        assert peer.upload(b"abc").run()["status"] == 507


def test_what_is_given_up_goes():
    with Jobs("jobs-1", options=("--part-keep", "1s")) as jobs, Peer(jobs) as peer:
        early = peer.upload(noise(3_000_000))
        wait_until(lambda: early.pump(until=3) or peer.listen(5) or jobs.parts(), what="a part")
        early.close()
        wait_until(lambda: not jobs.parts(), what="the end of a part of which nothing was committed")
        late = peer.upload(noise(3_000_000))
        late.run(until=2)
        late.close()
        wait_until(lambda: not jobs.parts(), 20, "the end of a part that was committed")
        lost = peer.upload(noise(3_000_000))
        lost.run(until=2)
        jobs.kill("jobs-1")
        assert len(jobs.parts()) == 2
        jobs.start("jobs-1")
        wait_until(lambda: not jobs.parts(), 20, "the end of a part without a stream")


def test_takeover_after_a_commit():
    """The committed part is not sent again; whatever comes in its place continues it."""
    with Jobs("jobs-1") as jobs, Peer(jobs) as peer:
        data = noise(12_000_000)
        upload = peer.upload(data)
        upload.run(until=60)
        committed = upload.base
        jobs.restart("jobs-1")
        assert upload.run() == upload.job and upload.base > committed
        assert content(jobs, upload.job) == data and jobs.parts() == []


def test_closed_and_begun_anew():
    """A sender that changes its broker says CLOSE and goes on."""
    with Jobs("jobs-1") as jobs, Peer(jobs) as peer:
        data = noise(3_000_000)
        upload = peer.upload(data)
        upload.run(until=20)
        upload.close()
        upload.raise_epoch()
        assert upload.run() == upload.job
        assert content(jobs, upload.job) == data


def test_a_store_that_is_out_of_reach():
    """503, nothing half there, and all is well again once it is back."""
    with Jobs("jobs-1", options=("--part-keep", "1s")) as jobs, Peer(jobs) as peer:
        before = peer.upload(b"abc")
        assert before.run() == before.job
        db = sqlite3.connect(f"{jobs.data}/jobs.db", isolation_level=None)
        db.execute("BEGIN IMMEDIATE")
        refusals = [peer.upload(b"abc").run(40) for _ in range(2)]  # the second is refused before its bytes are taken
        assert {r["status"] for r in refusals} == {503} and {r["code"] for r in refusals} == {"store_unavailable"}
        assert all(r["retry_after"] == 5 for r in refusals)
        db.execute("ROLLBACK")
        db.close()

        def again():
            return peer.upload(b"abc").run()
        after = wait_until(lambda: (job if isinstance(job := again(), str) else None), 20, "an upload that is taken again")
        wait_until(lambda: set(jobs.files()) == rows(jobs), 20, "the end of files without a row")
        assert {before.job, after} <= rows(jobs)


def test_an_owner_that_was_thought_dead():
    """Two actors on one spool; one stands still in the middle, and goes on while the other has its uploads."""
    with Jobs("jobs-1", "jobs-2") as jobs, Peer(jobs) as peer:
        data = [noise(3_000_000) for _ in range(8)]
        uploads = [peer.upload(d) for d in data]

        def until(frames):
            for upload in uploads:
                upload.pump(until=frames)
            peer.listen(5)
            return all(u.base >= frames for u in uploads)
        wait_until(lambda: until(15), 30, "a part of each")
        jobs.processes["jobs-1"].send_signal(signal.SIGSTOP)
        end = [False]

        def rest():
            for upload in uploads:
                upload.pump()
            peer.listen(5)
            if not end[0] and any(u.over for u in uploads):
                jobs.processes["jobs-1"].send_signal(signal.SIGCONT)
                end[0] = True
            return all(u.over for u in uploads)
        wait_until(rest, 60, "the end of all")
        assert [u.result for u in uploads] == [u.job for u in uploads]
        assert all(content(jobs, u.job) == d for u, d in zip(uploads, data))
        assert rows(jobs) == {u.job for u in uploads}


@pytest.mark.parametrize("seed", range(3))
def test_kills_at_every_moment(seed):
    """Many uploads while jobs actors die: what is confirmed is there once, whole; the rest not at all."""
    chance = random.Random(seed)
    names = ["jobs-1", "jobs-2"]
    with Jobs(*names) as jobs, Peer(jobs) as peer:
        uploads, sent = [], {}
        for _ in range(60):
            data = chance.randbytes(chance.choice([10, 5000, 200_000, 3_000_000]))
            upload = peer.upload(data)
            sent[upload.job] = data
            uploads.append(upload)
        steps = [0, chance.randint(5, 40)]

        def step():
            steps[0] += 1
            under_way = [u for u in uploads if not u.over]
            for upload in under_way[:12]:
                upload.pump()
            peer.listen(5)
            if steps[0] >= steps[1]:
                steps[1] = steps[0] + chance.randint(20, 200)
                jobs.restart(chance.choice(names))
            return not under_way
        wait_until(step, 120, "the end of all uploads")
        confirmed = {u.result for u in uploads if u.result}
        assert len(confirmed) == 60, [u.refusal for u in uploads if u.refusal]
        assert rows(jobs) == confirmed
        assert set(jobs.files()) == confirmed
        for job in confirmed:
            assert content(jobs, job) == sent[job]
