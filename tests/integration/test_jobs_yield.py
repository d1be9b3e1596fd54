"""A job gives its place to whoever speaks, and goes on where it was."""
import pytest

from fleet import Fleet
from house import say, wait_until
from live import talk
from recordings import Door, pcm, repeat

pytestmark = pytest.mark.speech


def sentences(folder):
    say(folder / "unit.wav", "one two three four five", "please call me tomorrow", "two hundred and fifty dollars")
    return pcm(folder / "unit.wav")


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
