"""Jobs at work: recordings of every format become transcripts, whoever dies meanwhile; nothing is lost, doubled, or seen to go back."""
import os
import pathlib
import random
import signal
import subprocess
import threading
import wave

import pytest

from fake_broker import figures_at
from house import BIN, SLOW, say, wait_until
from jobs_client import DeskFleet

SECONDS_OF_AUDIO = 1800  # of the long recording: 18 000 frames
MOCK, SPHINX = ["--engine", "mock"], ["--engine", "pocketsphinx"]
OVER = ("COMPLETED", "FAILED", "CANCELLED")


class WorkFleet(DeskFleet):
    """Everything that a recording needs to become a transcript."""

    def __init__(self, jobs_actors=1, transcribers=1, engine=(), jobs=(), **more):
        super().__init__(jobs_actors=jobs_actors, transcribers=transcribers, jobs=["--analysis-wait", "1s", *jobs],
                         transcriber=[*engine], **more)

    def __enter__(self):
        super().__enter__()
        wait_until(lambda: {"upload", "transcribe"} <= {w["service"] for w in self.status()["workers"]}, 20, "actors")
        return self

    def upload(self, path, session="s", **options):
        query = "&".join(f"{name}={value}" for name, value in {"file_name": pathlib.Path(path).name, **options}.items())
        status, _, said = self.ask("POST", f"/session/{session}/upload?{query}", {"Content-Type": "application/octet-stream"},
                                   body=pathlib.Path(path).read_bytes())
        assert status == 202, (status, said)
        return said["jobId"]

    def job(self, job):
        status, _, said = self.ask("GET", f"/jobs/{job}")
        assert status == 200, (status, said)
        return said

    def end_of(self, job, deadline=120):
        return wait_until(lambda: (lambda seen: seen if seen["status"] in OVER else None)(self.job(job)), deadline, f"the end of {job}")

    def transcript(self, job):
        status, _, said = self.ask("GET", f"/jobs/{job}/transcript?format=json")
        assert status == 200, (status, said)
        return said

    def decoder(self, actor="jobs-1"):
        """The pid of the actor's child that decodes, if there is one."""
        children = subprocess.run(["pgrep", "-P", str(self.pid(actor)), "-x", "es-decode"], capture_output=True, text=True).stdout.split()
        return int(children[0]) if children else None


def tone(path, seconds, rate=16000):
    with wave.open(str(path), "wb") as w:
        w.setnchannels(1), w.setsampwidth(2), w.setframerate(rate)
        w.writeframes(b"\x01\x00\x02\x00" * (seconds * rate // 2))
    return path


def contiguous(transcript, duration_ms):
    """Segments of the mock engine, one a frame, end to end."""
    at = 0
    for segment in transcript["segments"]:
        assert segment["startMs"] == at, segment
        at = segment["endMs"]
    assert at == duration_ms


class Progress(threading.Thread):
    """Looks again and again, as a page does: what it sees never goes back."""

    def __init__(self, fleet, job):
        super().__init__(daemon=True)
        self.fleet, self.job_id, self.seen, self.failure, self._over = fleet, job, [], None, threading.Event()
        self.start()

    def run(self):
        while not self._over.wait(0.05):
            try:
                job = self.fleet.job(self.job_id)
            except (OSError, AssertionError):
                continue  # nobody answers just now
            self.seen.append((job["version"], job["progress"], job["doneMs"]))

    def stop(self):
        self._over.set()
        self.join()
        for before, after in zip(self.seen, self.seen[1:]):
            assert after[0] >= before[0] and after[1] >= before[1] and after[2] >= before[2], (before, after)
        return self.seen


@pytest.fixture(scope="module")
def fleet():
    with WorkFleet(engine=MOCK) as running:
        yield running


@pytest.fixture(scope="module")
def long(tmp_path_factory):
    return tone(tmp_path_factory.mktemp("long") / "long.wav", SECONDS_OF_AUDIO)


@pytest.mark.parametrize("make, format", [
    ("cp in.wav out", "WAV 16 bit, 44100 Hz, 2 channels"),
    ("flac -s -o out in.wav", "FLAC 16 bit, 44100 Hz, 2 channels"),
    ("lame --quiet in.wav out", "MPEG layer 3, 44100 Hz, 2 channels"),
    ("oggenc -Q -o out in.wav", "Ogg Vorbis, 44100 Hz, 2 channels"),
    ("opusenc --quiet in.wav out", "Ogg Opus, 48000 Hz, 2 channels"),
    ("sox in.wav -t aiff out", "AIFF 16 bit, 44100 Hz, 2 channels"),
    ("sox in.wav -r 8000 -c 1 -t wav out", "WAV 16 bit, 8000 Hz, 1 channel; below 16000 Hz more words are misheard"),
], ids=lambda value: value.split()[0])
def test_every_format_is_transcribed_to_its_end(fleet, tmp_path, make, format):
    subprocess.run("sox -n -r 44100 -c 2 -b 16 in.wav synth 3 sine 440 && " + make, shell=True, check=True, cwd=tmp_path)
    job = fleet.end_of(fleet.upload(tmp_path / "out"))
    assert (job["status"], job["format"], job["progress"], job["attempt"], job["error"]) == ("COMPLETED", format, 100, 1, None)
    assert 3000 <= job["durationMs"] <= 3100 and job["doneMs"] == job["durationMs"]
    contiguous(fleet.transcript(job["jobId"]), job["durationMs"])
    assert job["analysis"]["error"]["code"] == "no_analysis_actor"


@pytest.mark.parametrize("content, says", [
    (b"hello", "This is text."),
    (b"....ftypM4A mp42" + bytes(100), "This is an MP4 file"),
    (bytes(range(256)) * 40, "This is not a recording"),
    (b"RIFF\x24\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00\x80\x3e\x00\x00\x00\x7d\x00\x00\x02\x00\x10\x00data\x00\x00\x00\x00",
     "The recording has no sound in it."),
], ids=["text", "m4a", "noise", "empty"])
def test_what_cannot_be_decoded_fails_at_once(fleet, tmp_path, content, says):
    (tmp_path / "file").write_bytes(content)
    job = fleet.end_of(fleet.upload(tmp_path / "file"), 10)
    assert (job["status"], job["attempt"], job["nextAttemptAt"]) == ("FAILED", 1, None)
    assert job["error"].startswith(says), job["error"]


def test_a_recording_may_be_too_long(tmp_path):
    with WorkFleet(engine=MOCK, jobs=["--max-duration", "10s", "--metrics", "127.0.0.1:0"]) as fleet:
        job = fleet.end_of(fleet.upload(tone(tmp_path / "long", 11)))
        assert (job["status"], job["error"]) == ("FAILED", "The recording lasts 0:00:11 h; at most 0:00:10 h are taken (--max-duration).")
        assert fleet.end_of(fleet.upload(tone(tmp_path / "right", 10)))["status"] == "COMPLETED"
        wait_until(lambda: figures_at(fleet.data / "run" / "jobs-1.metrics")["earshot_jobs_too_long_total"] == 1, 10, "one too long is counted")


def test_a_decoder_that_dies_costs_an_attempt(long):
    with WorkFleet(engine=MOCK) as fleet:
        job = fleet.upload(long)
        watch = Progress(fleet, job)
        wait_until(lambda: fleet.job(job)["doneMs"] > 0, 20, "the first words")
        decoder = wait_until(fleet.decoder, 10, "a decoder")
        status = pathlib.Path(f"/proc/{decoder}/status").read_text()
        assert "Seccomp:\t2" in status and "NoNewPrivs:\t1" in status, status  # it may do nothing but decode
        os.kill(decoder, signal.SIGKILL)
        seen = wait_until(lambda: (lambda now: now if now["attempt"] == 2 else None)(fleet.job(job)), 10, "the second attempt")
        assert seen["status"] == "QUEUED" and seen["nextAttemptAt"] > seen["updatedAt"] + 4000
        end = fleet.end_of(job)
        watch.stop()
        assert (end["status"], end["attempt"]) == ("COMPLETED", 2)
        assert [line["outcome"] for line in end["history"]] == ["failed", "completed"]
        assert end["history"][0]["error"] == "The process that decodes the file died."
        contiguous(fleet.transcript(job), SECONDS_OF_AUDIO * 1000)


def test_a_running_job_is_cancelled_and_taken_up_again(long):
    with WorkFleet(engine=MOCK, jobs_actors=2) as fleet:
        job = fleet.upload(long)
        wait_until(lambda: fleet.job(job)["doneMs"] > 0, 20, "the first words")
        assert fleet.ask("POST", f"/jobs/{job}/cancel")[2]["status"] == "CANCELLED"
        wait_until(lambda: not fleet.decoder("jobs-1") and not fleet.decoder("jobs-2"), 5, "an end of the work")
        stood = fleet.job(job)
        assert stood["status"] == "CANCELLED" and 0 < stood["progress"] < 100
        assert fleet.ask("POST", f"/jobs/{job}/retry")[0] == 200
        end = fleet.end_of(job)
        assert (end["status"], end["doneMs"]) == ("COMPLETED", SECONDS_OF_AUDIO * 1000)
        contiguous(fleet.transcript(job), SECONDS_OF_AUDIO * 1000)


def test_an_actor_that_drains_gives_its_job_to_another(long):
    with WorkFleet(engine=MOCK, jobs_actors=2) as fleet:
        job = fleet.upload(long)
        owner = wait_until(lambda: (lambda now: now["worker"] if now["doneMs"] > 0 else None)(fleet.job(job)), 20, "the first words")
        fleet.kill(owner, signal.SIGTERM, away=60)
        end = fleet.end_of(job)
        assert (end["status"], end["attempt"], end["worker"] != owner) == ("COMPLETED", 1, True)
        assert [line["outcome"] for line in end["history"]] == ["released", "completed"]
        contiguous(fleet.transcript(job), SECONDS_OF_AUDIO * 1000)


def test_one_that_is_killed_is_followed_by_another_after_its_lease(long):
    with WorkFleet(engine=MOCK, jobs_actors=2, jobs=["--lease", "2s"]) as fleet:
        job = fleet.upload(long)
        owner = wait_until(lambda: (lambda now: now["worker"] if now["doneMs"] > 0 else None)(fleet.job(job)), 20, "the first words")
        starts = fleet.kill(owner, away=600)
        end = fleet.end_of(job)
        fleet.bring_back(owner)
        fleet.await_restart(owner, starts)
        assert (end["status"], end["attempt"], end["worker"] != owner) == ("COMPLETED", 1, True)
        assert [line["outcome"] for line in end["history"]] == ["died", "completed"]
        contiguous(fleet.transcript(job), SECONDS_OF_AUDIO * 1000)


def test_one_that_comes_back_takes_its_job_up_at_once(long):
    with WorkFleet(engine=MOCK, jobs=["--lease", "10m"]) as fleet:
        job = fleet.upload(long)
        wait_until(lambda: fleet.job(job)["doneMs"] > 0, 20, "the first words")
        fleet.kill("jobs-1")
        end = fleet.end_of(job)
        assert (end["status"], end["attempt"]) == ("COMPLETED", 1)
        contiguous(fleet.transcript(job), SECONDS_OF_AUDIO * 1000)


def test_without_a_transcriber_it_waits_and_says_so(tmp_path):
    with WorkFleet(engine=MOCK) as fleet:
        fleet.kill("transcriber-1", away=3600)
        wait_until(lambda: "transcribe" not in {w["service"] for w in fleet.status()["workers"]}, 10, "no transcriber")
        job = fleet.upload(tone(tmp_path / "file", 2))
        wait_until(lambda: fleet.job(job)["note"] == "waits for a transcriber, place 1", 10, "a note")
        fleet.bring_back("transcriber-1")
        end = fleet.end_of(job)
        assert (end["status"], end["note"], end["attempt"]) == ("COMPLETED", None, 1)


def test_two_of_one_name_are_one_too_many(fleet):
    second = subprocess.run([BIN / "earshot-jobs", "--data", fleet.data, "--name", "jobs-1"], capture_output=True, text=True,
                            timeout=20 * SLOW)
    assert second.returncode == 1
    assert "the jobs actor jobs-1 uses this spool already" in second.stderr


def test_a_password_of_the_store_is_not_logged(tmp_path):
    url = "postgresql://somebody:s3cret@127.0.0.1:1/none"
    actor = subprocess.Popen([BIN / "earshot-jobs", "--data", tmp_path, "--store", url], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    said = [actor.stdout.readline()]
    actor.terminate()
    said += actor.communicate(timeout=20 * SLOW)
    assert "s3cret" not in "".join(filter(None, said))


# ---- with words

KILLS = int(os.environ.get("EARSHOT_KILLS", "3"))
ROUNDS = max(3, KILLS // 2)  # of the sentences, some 15 s each

def words(fleet, job):
    transcript = fleet.transcript(job)
    assert transcript["complete"]
    return [(s["text"], s["startMs"], s["endMs"]) for s in transcript["segments"]]


@pytest.fixture(scope="module")
def speech(tmp_path_factory):
    """Sentences, one after the other."""
    path = tmp_path_factory.mktemp("speech") / "speech.wav"
    return say(path, *["one two three four five", "please call me tomorrow", "two hundred and fifty dollars", "what time is it",
                       "the united states of america"] * ROUNDS)


@pytest.fixture(scope="module")
def undisturbed(speech):
    with WorkFleet(transcribers=2, engine=SPHINX) as fleet:
        job = fleet.upload(speech)
        assert fleet.end_of(job, 300)["status"] == "COMPLETED"
        said = words(fleet, job)
        assert [text for text, _, _ in said][:3] == ["one two three four five", "please call me tomorrow", "two hundred and fifty dollars"]
        assert len(said) == 5 * ROUNDS
        return said


@pytest.mark.speech
def test_whoever_is_killed_the_words_are_the_same(speech, undisturbed):
    """Jobs actor, transcribers and broker, again and again while it runs. EARSHOT_KILLS=20 and EARSHOT_SEED draw what dies when."""
    draw = random.Random(int(os.environ.get("EARSHOT_SEED", "1")))
    with WorkFleet(transcribers=2, engine=SPHINX, jobs=["--lease", "3s"]) as fleet:
        job = fleet.upload(speech)
        watch = Progress(fleet, job)
        for n in range(KILLS):
            goal = watch.seen[-1][2] if watch.seen else 0
            goal += draw.randrange(1, ROUNDS * 15_000 // (KILLS + 2))
            wait_until(lambda: watch.seen and (watch.seen[-1][2] >= goal or watch.seen[-1][1] == 100), 60, f"kill {n + 1}")
            fleet.kill(draw.choice(["jobs-1", "transcriber-1", "transcriber-2", "broker"]))
        end = fleet.end_of(job, 300)
        watch.stop()
        assert (end["status"], end["attempt"], end["progress"]) == ("COMPLETED", 1, 100)
        assert words(fleet, job) == undisturbed
