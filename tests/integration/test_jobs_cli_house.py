"""`earshot jobs` against a real house."""
import json
import pathlib
import signal
import struct
import subprocess

import pytest

from house import BIN, House, wait_until
from llm_server import Llm, said


def jobs(house, *args, timeout=90):
    done = subprocess.run([BIN / "earshot", "jobs", args[0], "--data", house.data, *map(str, args[1:])], capture_output=True, timeout=timeout, text=True)
    assert done.returncode == 0, done
    return done.stdout


def wav(path, seconds):
    data = b"\1\0" * int(16000 * seconds)
    path.write_bytes(struct.pack("<4sI4s4sIHHIIHH4sI", b"RIFF", 36 + len(data), b"WAVE", b"fmt ", 16, 1, 1, 16000, 32000, 2, 16, b"data", len(data)) + data)
    return path


def test_a_recording_becomes_a_transcript(tmp_path):
    talk, other = wav(tmp_path / "talk.wav", 2), wav(tmp_path / "other.wav", 1)
    with House() as house:
        text = jobs(house, "submit", "--wait", "--session", "s1", talk, other)
        assert text.count("\n") >= 2
        listed = json.loads(jobs(house, "list", "--json"))
        assert [(j["fileName"], j["status"]) for j in listed["jobs"]] == [("other.wav", "COMPLETED"), ("talk.wav", "COMPLETED")]
        job = listed["jobs"][1]["jobId"]
        assert job in jobs(house, "list", "--session", "s1") and "no jobs" in jobs(house, "list", "--q", "nothing of the kind")
        shown = json.loads(jobs(house, "show", "--json", job))
        assert shown["durationMs"] == 2000 and shown["analysis"]["words"] > 0 and shown["analysis"]["summary"] == {"state": "off"}
        assert "ANALYSIS" in jobs(house, "show", job) and jobs(house, "show", "--transcript", "vtt", job).startswith("WEBVTT")
        assert jobs(house, "watch", job) == f"{job} COMPLETED 100 %\n"
        assert jobs(house, "rm", job) == f"{job} deleted\n" and job not in jobs(house, "list")


def test_what_is_no_audio_fails_at_once(tmp_path):
    (tmp_path / "x.wav").write_bytes(b"not audio at all" * 100)
    with House() as house:
        done = subprocess.run([BIN / "earshot", "jobs", "submit", "--wait", "--data", house.data, tmp_path / "x.wav"], capture_output=True, timeout=60)
        assert done.returncode == 1 and done.stdout == b"" and b"FAILED: " in done.stderr, done


def test_cancelled_while_it_waits_and_tried_again(tmp_path):
    with House(transcribers=0) as house:
        job = jobs(house, "submit", wav(tmp_path / "talk.wav", 1)).strip()
        assert jobs(house, "cancel", job) == f"{job} CANCELLED\n"
        assert jobs(house, "retry", job).split() [1] in ("QUEUED", "TRANSCRIBING")
        jobs(house, "cancel", job)


def test_an_edge_dies_while_it_takes_a_recording(tmp_path):
    talk = wav(tmp_path / "talk.wav", 3600)
    with House(edges=2) as house:
        process = subprocess.Popen([BIN / "earshot", "jobs", "submit", "--data", house.data, talk], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        spool = pathlib.Path(house.data) / "spool"
        wait_until(lambda: process.poll() is not None or any(p.is_file() and p.stat().st_size > 4_000_000 for p in spool.rglob("*")), 30, "bytes in the spool")
        house.kill("edge", signal.SIGKILL)
        out, err = process.communicate(timeout=90)
        assert process.returncode == 0, err
        assert [j["jobId"] for j in json.loads(jobs(house, "list", "--json"))["jobs"]] == [out.decode().strip()]
        jobs(house, "cancel", out.decode().strip())


@pytest.mark.parametrize("how", [(), ("--threads",)], ids=["processes", "threads"])
def test_a_summary_comes_with_the_job(tmp_path, how):
    talk = wav(tmp_path / "talk.wav", 1)
    with Llm(said("They went."), (500, "")) as llm, House(*how, "--llm-url", llm.url, env={"EARSHOT_LLM_TRIES": "1"}) as house:
        job, other = jobs(house, "submit", talk).strip(), jobs(house, "submit", talk).strip()
        jobs(house, "watch", job, other)
        states = [json.loads(jobs(house, "show", "--json", j))["analysis"]["summary"]["state"] for j in (job, other)]
        assert sorted(states) == ["ok", "unavailable"] and len(llm.asked) == 2
        shown = [jobs(house, "show", j) for j in (job, other)]
        assert sum("They went." in text for text in shown) == 1 and sum("status 500" in text for text in shown) == 1
