"""A job while whatever works on it is killed: completed once, with the words of an undisturbed run, progress that never goes back, and little heard twice.

EARSHOT_LONG=1 lasts as long as the issue of it wants: twenty deaths in a recording of twenty minutes. EARSHOT_SEED draws what dies when."""
import collections
import os
import random
import threading

import pytest

from fleet import Fleet
from house import say, wait_until
from postgres import Postgres
from recordings import Door, cpu_seconds, pcm, repeat, speech

LONG, SEED = bool(os.environ.get("EARSHOT_LONG")), int(os.environ.get("EARSHOT_SEED", "1"))
DEATHS, SECONDS = (20, 1200) if LONG else (4, 45)
LEAST_DEATHS = DEATHS if LONG else DEATHS // 2  # the end of a short one may overtake who draws
PATIENCE = 3600 if LONG else 150
WORK_MAX = 1.5

pytestmark = pytest.mark.speech


class Work(threading.Thread):
    """Adds up the processor time of the decoders of batch streams, those that were killed included."""

    def __init__(self, data):
        super().__init__(daemon=True)
        self.data, self.spent, self.over = data, {}, threading.Event()
        self.before = cpu_seconds("es-batch", data)
        self.start()

    def run(self):
        while not self.over.wait(0.05):
            self.spent.update(cpu_seconds("es-batch", self.data))

    def end(self):
        self.over.set()
        self.join()
        return sum(spent - self.before.get(pid, 0) for pid, spent in self.spent.items())


class Progress:
    """Sees each state of a job; none may be less than one before."""

    def __init__(self):
        self.states, self.last, self.version = [], -1.0, 0

    def __call__(self, job):
        assert job["progress"] >= self.last, f"progress went back from {self.last} to {job['progress']}"
        assert job["version"] >= self.version
        self.last, self.version = job["progress"], job["version"]
        if not self.states or self.states[-1] != job["status"]:
            self.states.append(job["status"])


def kill_at_random(fleet, victims, progress, deaths, over, draw):
    """Anywhere in the job, however fast the machine is; and at any moment of a segment. None dies of it after the job's end."""
    for at in sorted(draw.uniform(2, 80) for _ in range(DEATHS)):
        while progress.last < at:
            if over.wait(0.02):
                return
        if over.wait(draw.uniform(0, 0.3)):
            return
        victim = draw.choice(victims)
        fleet.kill(victim)
        deaths[victim] += 1


def run(fleet, path, victims=()):
    """(job, transcript, processor seconds, deaths)"""
    door, work, progress = Door(fleet.urls[0]), Work(fleet.data), Progress()
    job = door.submit(path)
    deaths, over = collections.Counter(), threading.Event()
    killer = threading.Thread(target=kill_at_random, args=(fleet, victims, progress, deaths, over, random.Random(SEED)), daemon=True)
    if victims:
        killer.start()
    try:
        end = door.await_end(job, PATIENCE, progress)
    finally:
        over.set()
    assert end["status"] == "COMPLETED" and end["progress"] == 100, end
    assert "QUEUED" not in progress.states[1:] or victims, progress.states
    return end, door.transcript(job), work.end(), deaths


def recording(folder):
    unit = speech() if LONG else None
    if unit is None:
        say(folder / "unit.wav", "one two three four five", "please call me tomorrow", "two hundred and fifty dollars")
        unit = pcm(folder / "unit.wav")
    repeat(folder / "recording.wav", unit, SECONDS)
    return folder / "recording.wav"


def test_one_jobs_actor_and_a_file(tmp_path):
    whoever_dies(tmp_path, 1, [])


def test_two_jobs_actors_and_a_server(tmp_path):
    with Postgres() as server:
        whoever_dies(tmp_path, 2, ["--store", server.url])


def whoever_dies(folder, jobs_actors, options):
    path = recording(folder)
    with Fleet(rooms=0, transcribers=2, jobs_actors=jobs_actors, analysts=1, jobs=["--lease", "3s", *options],
               transcriber=["--engine", "pocketsphinx"]) as fleet:
        calm, want, least, _ = run(fleet, path)
        victims = ["broker", "transcriber-1", "transcriber-2", *(f"jobs-{n}" for n in range(1, jobs_actors + 1))]
        job, got, spent, deaths = run(fleet, path, victims)
        print(f"{sum(deaths.values())} deaths: {dict(deaths)}; {least:.1f} s of decoding undisturbed, {spent:.1f} s disturbed: {spent / least:.2f} times")
        assert sum(deaths.values()) >= LEAST_DEATHS, "it was over too soon"
        assert got["text"] == want["text"] and want["text"]
        assert got["segments"] == want["segments"]
        assert job["durationMs"] == calm["durationMs"] == job["doneMs"]
        assert (job["attempt"], job["warnings"]) == (1, 0)
        assert [h["outcome"] for h in job["history"]].count("completed") == 1
        assert {h["outcome"] for h in job["history"]} <= {"completed", "died", "released"}, job["history"]
        if LONG:
            assert spent <= WORK_MAX * least
