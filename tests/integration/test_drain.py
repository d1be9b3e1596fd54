"""`earshot drain`: by name, wherever the actor runs, does what SIGTERM does, and says what came of it."""
import re
import subprocess

import pytest

from house import BIN, SLOW, House, wait_until
from wire import Ws

CHUNK = b"\1\2" * 320


def drain(house, *args):
    done = subprocess.run([BIN / "earshot", "drain", "--data", house.data, *args], capture_output=True, text=True, timeout=60 * SLOW)
    return done.returncode, done.stdout, done.stderr


def names(house):
    return {w["name"] for w in house.status()["workers"]} | {e["name"] for e in house.status()["edges"]}


@pytest.mark.parametrize("actor", ["transcriber-1", "room-1", "jobs-1", "edge-2", "broker-2"])
def test_one_after_the_other_ends_and_is_started_anew(actor):
    with House(brokers=2, edges=2, transcribers=2) as house, Ws(house.ws + "/api/audio/ws") as ws:
        ws.send(CHUNK)
        ws.until(lambda m: "transcription" in m)
        wait_until(lambda: {"edge", "edge-2"} <= names(house), 5, "both edges report")
        old = house.pid(actor)
        status, out, err = drain(house, actor)
        assert status == 0, err
        assert re.match(rf"{actor} was told to drain, with \d+ (stream|room)s?\n{actor} (is gone|ended and is back anew) after \d+\.\d s", out), out
        house.await_restart(actor, old)
        assert f"{actor} ended" in house.log.text()
        ws.send(CHUNK)
        assert ws.until(lambda m: "transcription" in m)[-1]["seq"] == 2


def test_threads_drain_too():
    with House("--threads", transcribers=2) as house, Ws(house.ws + "/api/audio/ws") as ws:
        ws.send(CHUNK)
        ws.until(lambda m: "transcription" in m)
        # the brokers listen inside of the process only: from outside nobody can be told
        status, _, err = drain(house, "transcriber-1")
        assert status == 1 and "transcriber-1" in err


def test_only_told():
    with House(transcribers=2) as house:
        old = house.pid("transcriber-2")
        status, out, err = drain(house, "--wait", "0s", "transcriber-2")
        assert (status, out) == (0, "transcriber-2 was told to drain, with 0 streams\n"), err
        house.await_restart("transcriber-2", old)


def test_one_that_has_nobody_to_take_over_stays_while_it_serves():
    with House() as house, Ws(house.ws + "/api/audio/ws") as ws:
        ws.send(CHUNK)
        ws.until(lambda m: "transcription" in m)
        wait_until(lambda: {"transcriber-1": 1}.items() <= {w["name"]: w["load"] for w in house.status()["workers"]}.items(), 5,
                   "the stream in the beacon")
        status, out, err = drain(house, "--wait", "1s", "transcriber-1")
        assert (status, out) == (1, "transcriber-1 was told to drain, with 1 stream\n")
        assert "transcriber-1 is still there after 1.0 s, with 1 stream" in err
        ws.send(CHUNK)
        assert ws.until(lambda m: "transcription" in m)[-1]["seq"] == 2


def test_a_name_that_nobody_has():
    with House() as house:
        wait_until(lambda: "edge" in names(house), 5, "the edge reports")
        status, out, err = drain(house, "transcriber-9")
        assert (status, out) == (4, "")
        assert "transcriber-9" in err and all(name in err for name in ("broker", "edge", "transcriber-1", "room-1"))


@pytest.mark.parametrize("args, words", [([], "ACTOR"), (["a", "b"], "one ACTOR"), ([""], "1 to 64"), (["x" * 65], "1 to 64"),
                                         (["--wait", "x", "a"], "--wait")])
def test_wrong_usage(args, words, tmp_path):
    done = subprocess.run([BIN / "earshot", "drain", "--data", tmp_path, *args], capture_output=True, text=True, timeout=20)
    assert done.returncode == 2 and words in done.stderr


def test_nobody_is_heard(tmp_path):
    done = subprocess.run([BIN / "earshot", "drain", "--data", tmp_path, "edge"], capture_output=True, text=True, timeout=20 * SLOW)
    assert done.returncode == 3 and "no broker was heard" in done.stderr
