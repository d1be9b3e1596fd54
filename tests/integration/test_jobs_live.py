"""Live first: jobs wait, whoever speaks does not."""
import os
import statistics

import pytest

from fleet import Fleet
from house import say, wait_until
from live import talk
from recordings import Door, pcm, repeat, speech

LONG = bool(os.environ.get("EARSHOT_LONG"))
JOBS, ROUNDS = 50, 10 if LONG else 2
LONG_SENTENCE = "the united states of america please call me tomorrow monday tuesday wednesday thursday friday"
# Beside the build of a neighbour nothing is measured to a tenth of a second.
SLOWER_BY = 0.2 if LONG else 1.0

pytestmark = pytest.mark.speech


def sentences(folder):
    say(folder / "unit.wav", "one two three four five", "please call me tomorrow", "two hundred and fifty dollars")
    return pcm(folder / "unit.wav")


def median(results, what):
    """A machine that is busy leaves partials out: then the first words are those of the final."""
    return statistics.median(result.get(what, result["final"]) for result in results)


def test_first_words_while_fifty_jobs_wait(tmp_path):
    say(tmp_path / "long.wav", LONG_SENTENCE)
    spoken = pcm(tmp_path / "long.wav")
    repeat(tmp_path / "job.wav", speech() or spoken, 120)
    with Fleet(rooms=0, transcribers=1, jobs_actors=1, transcriber=["--engine", "pocketsphinx"]) as fleet:
        door, url = Door(fleet.urls[0]), fleet.urls[0]
        talk(url, spoken)  # decoders are there
        idle = [talk(url, spoken) for _ in range(ROUNDS)]
        jobs = [door.submit(tmp_path / "job.wav") for _ in range(JOBS)]
        wait_until(lambda: fleet.status()["batch"] == 2, 20, "two jobs at work")
        busy = [talk(url, spoken) for _ in range(ROUNDS)]
        states = [door.job(job)["status"] for job in jobs]
        print("; ".join(f"{what}: {median(idle, what):.2f} s idle, {median(busy, what):.2f} s while {JOBS} jobs wait"
                        for what in ("partial", "final")), f"; {states.count('QUEUED')} still wait")
        assert states.count("QUEUED") > 0 and "FAILED" not in states
        assert median(busy, "partial") <= median(idle, "partial") + SLOWER_BY
        assert all(result["queue"] == 0 for result in busy)


def test_a_live_stream_takes_the_place_of_a_job(tmp_path):
    """One transcriber of one place: the job gives it back at its next final, gets it again, and nothing of it is lost or said twice."""
    spoken = sentences(tmp_path)
    times = repeat(tmp_path / "job.wav", spoken, 60)
    with Fleet(rooms=0, transcribers=1, jobs_actors=1, transcriber=["--engine", "pocketsphinx", "--capacity", "1"]) as fleet:
        door = Door(fleet.urls[0])
        job = door.submit(tmp_path / "job.wav")
        wait_until(lambda: (door.job(job) or {}).get("doneMs"), 60, "words of the job")
        assert fleet.status()["batch"] == 1
        heard = talk(fleet.urls[0], spoken)
        assert heard["queue"] == 1 and heard["done"]
        state = door.await_end(job, 150)
        assert state["status"] == "COMPLETED" and state["attempt"] == 1 and len(state["history"]) == 1, state
        assert door.transcript(job, "text").split() == times * ("one two three four five please call me tomorrow "
                                                                "two hundred and fifty dollars").split()
