"""Kill anything in mid-sentence: the sentence comes out once and whole."""
import os
import pathlib
import signal
import subprocess

import pytest

from house import BIN, SLOW, House, Stream, wait_until

MIDST = (14, 41, 70)  # chunks of 100 ms up to the middle of each of the three sentences


@pytest.fixture(scope="module")
def undisturbed(spoken):
    """Finals of the recording with nothing in the way."""
    path, text = spoken
    with House(engine="pocketsphinx") as house:
        stream = Stream(house, path, "--fast")
        heard = stream.end()
        assert heard == text
        return [(e["text"], e["start_ms"], e["end_ms"]) for e in stream.finals() if e["text"]]


def finals_of(stream):
    stream.end()
    return [(e["text"], e["start_ms"], e["end_ms"]) for e in stream.finals() if e["text"]]


@pytest.mark.speech
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP], ids=["SIGKILL", "SIGSTOP"])
def test_a_transcriber_dies_in_mid_sentence(spoken, undisturbed, how):
    with House("--watchdog", "0s", engine="pocketsphinx", transcribers=2) as house:
        stream = Stream(house, spoken[0])
        stream.await_acks(MIDST[0])
        victim = house.busy_worker()
        pid = house.kill(victim, how)
        try:
            assert finals_of(stream) == undisturbed
        finally:
            if how == signal.SIGSTOP:
                os.kill(pid, signal.SIGCONT)
        # the one that was stopped wakes as a zombie: nothing of it may disturb the next stream
        assert finals_of(Stream(house, spoken[0], "--fast")) == undisturbed


MODEL = pathlib.Path("/usr/share/pocketsphinx/model/en-us")


def parent_of(pid):
    return int(pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def zygotes(up):
    """Processes that hold a model, or load one, for transcribers of this `up`."""
    found = set()
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            if (process / "comm").read_text() == "es-zygote\n" and parent_of(parent_of(process.name)) == up:
                found.add(int(process.name))
        except (OSError, ValueError):
            pass
    return found


@pytest.mark.speech
def test_a_transcriber_dies_before_it_has_its_model(tmp_path):
    """Another try may do: nobody else is ended for it."""
    for file in MODEL.iterdir():
        (tmp_path / file.name).symlink_to(file)
    dictionary = tmp_path / "cmudict-en-us.dict"
    with House(engine="pocketsphinx", transcribers=2, env={"EARSHOT_MODEL_DIR": str(tmp_path)}) as house:
        known = zygotes(house.process.pid)
        dictionary.unlink()
        os.mkfifo(dictionary)  # which is not read to its end
        old = house.kill("transcriber-1")
        loading = wait_until(lambda: zygotes(house.process.pid) - known, 20, "a model that is loaded anew").pop()
        dictionary.rename(tmp_path / "fifo")
        dictionary.symlink_to(MODEL / dictionary.name)
        os.kill(loading, signal.SIGKILL)
        house.await_restart("transcriber-1", old, 30)
        assert "transcriber-1 ended with exit code 1" in house.log.text()


@pytest.mark.speech
def test_a_model_that_is_none_is_not_tried_again(tmp_path):
    done = subprocess.run([BIN / "earshot-transcriber", "--engine", "pocketsphinx", "--model-dir", tmp_path, "--data", tmp_path],
                          capture_output=True, text=True, timeout=20 * SLOW)
    assert done.returncode == 2 and "--model-dir" in done.stderr


@pytest.mark.speech
def test_the_broker_dies_in_mid_sentence(spoken, undisturbed):
    with House(engine="pocketsphinx", transcribers=2) as house:
        stream = Stream(house, spoken[0])
        stream.await_acks(MIDST[0])
        old = house.kill("broker")
        house.await_restart("broker", old)
        assert finals_of(stream) == undisturbed


@pytest.mark.speech
def test_all_transcribers_and_the_broker_die_again_and_again(spoken, undisturbed):
    with House(engine="pocketsphinx", transcribers=2) as house:
        stream = Stream(house, spoken[0])
        for midst in MIDST:
            stream.await_acks(midst)
            for actor in ("transcriber-1", "broker", "transcriber-2"):
                old = house.kill(actor)
                house.await_restart(actor, old)
        assert finals_of(stream) == undisturbed


def test_mock_frames_survive_every_kill():
    from wire import Ws
    with House(transcribers=2) as house, Ws(house.ws + "/api/audio/ws") as ws:
        sent, heard, acked = 0, [], []

        def take(until):
            while len(heard) < until:
                message = ws.recv(30)
                (heard if "transcription" in message else acked).append(message["seq"])

        for actor in ("transcriber-1", "broker", "transcriber-2", "broker", "transcriber-1", "transcriber-2"):
            for _ in range(200):
                ws.send(b"\1\2" * 320)
                sent += 1
            old = house.kill(actor)
            for _ in range(200):
                ws.send(b"\1\2" * 320)
                sent += 1
            take(sent)
            house.await_restart(actor, old)
        ws.send("stop")
        ws.until(lambda m: m.get("done"))
        assert heard == list(range(1, sent + 1)) and acked == list(range(1, sent + 1))
