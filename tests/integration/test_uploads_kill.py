"""Uploads while the edge and the jobs actor are killed: every 202 is there exactly once and whole, no other is half there.

EARSHOT_UPLOADS=1000 sends so many, EARSHOT_SEED draws what dies when."""
import collections
import hashlib
import http.client
import json
import os
import random
import sqlite3
import threading

from fleet import Fleet
from house import wait_until
from recordings import Door

UPLOADS, SEED = int(os.environ.get("EARSHOT_UPLOADS", "150")), int(os.environ.get("EARSHOT_SEED", "1"))
SENDERS = 8
KEEP = "3s"


def content(n):
    """No audio; now and then several frames of it, or several commits."""
    draw = random.Random(n)
    return draw.randbytes(draw.choice([1, 700, 65536, 65537, 200_000, 200_000, 5_000_000]))


class Sender(threading.Thread):
    """One upload after the other. Each third is sent again under its key until it is accepted, the others only once."""

    def __init__(self, door, numbers, accepted):
        super().__init__(daemon=True)
        self.door, self.numbers, self.accepted, self.lost, self.failure = door, numbers, accepted, 0, None

    def once(self, n, key):
        """The job's id, or None where there was no answer, or one that says that nobody stores now."""
        headers = {"Content-Type": "audio/wav", **({"Idempotency-Key": key} if key else {})}
        try:
            status, _, body = self.door.ask("POST", f"/session/s/upload?file_name={n}", content(n), headers)
        except (OSError, http.client.HTTPException):
            return None
        assert status in (202, 503), (status, body)
        return json.loads(body)["jobId"] if status == 202 else None

    def run(self):
        try:
            while self.numbers:
                n = self.numbers.pop()
                key = f"key-{n}" if n % 3 == 0 else None
                job = wait_until(lambda: self.once(n, key), 60, f"upload {n} is accepted") if key else self.once(n, None)
                if job:
                    self.accepted[n] = job
                else:
                    self.lost += 1
                    wait_until(self.reachable, 20, "an edge")
        except BaseException as error:
            self.failure = error
            raise

    def reachable(self):
        try:
            return self.door.ask("GET", "/healthz")[0] == 200
        except (OSError, http.client.HTTPException):
            return False


def kill_at_random(fleet, senders, draw):
    """Until all is sent. Returns how often each died."""
    deaths, over, victims = collections.Counter(), threading.Event(), []
    while any(sender.is_alive() for sender in senders):
        over.wait(draw.uniform(0.1, 0.6))
        victims = victims or draw.sample(["edge-1", "jobs-1"], 2)
        victim = victims.pop()
        fleet.kill(victim)
        deaths[victim] += 1
    return deaths


def rows(fleet):
    """(id, number of the upload, key) of every job."""
    with sqlite3.connect(f"file:{fleet.data}/jobs.db?mode=ro", uri=True) as db:
        return db.execute("SELECT id, file_name, key FROM job").fetchall()


def test_accepted_once_and_whole():
    with Fleet(rooms=0, jobs_actors=1, jobs=["--part-keep", KEEP], edge=["--upload-wait", "2s"]) as fleet:
        door, accepted, numbers = Door(fleet.urls[0]), {}, list(range(UPLOADS))
        wait_until(lambda: any(w["service"] == "upload" for w in fleet.status()["workers"]), 20, "a jobs actor")
        senders = [Sender(door, numbers, accepted) for _ in range(SENDERS)]
        for sender in senders:
            sender.start()
        deaths = kill_at_random(fleet, senders, random.Random(SEED))
        assert not any(sender.failure for sender in senders)
        spool = fleet.data / "spool"
        wait_until(lambda: not list((spool / "parts").iterdir()), 60, "no half file is left")
        found = rows(fleet)
        by_id = {job: (int(name), key) for job, name, key in found}
        assert len(by_id) == len(found)
        for n, job in accepted.items():
            assert by_id[job][0] == n, f"upload {n} was accepted as {job}, which is {by_id.get(job)}"
        assert len(set(accepted.values())) == len(accepted)
        keys = [key for _, _, key in found if key]
        assert len(keys) == len(set(keys)) and set(keys) == {f"key-{n}" for n in range(0, UPLOADS, 3)}
        for job, (n, _) in by_id.items():
            file = (spool / "files" / job).read_bytes()
            assert hashlib.sha256(file).digest() == hashlib.sha256(content(n)).digest(), f"{job} is not what upload {n} sent"
        wait_until(lambda: {path.name for path in (spool / "files").iterdir()} == set(by_id), 60, "no file is left without a job")
        assert deaths["edge-1"] > 0 and deaths["jobs-1"] > 0
        print(f"{len(accepted)} of {UPLOADS} accepted, {sum(s.lost for s in senders)} without an answer, {len(found)} jobs, {dict(deaths)}")
