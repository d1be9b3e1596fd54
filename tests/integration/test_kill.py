"""Kill anything in mid-sentence: the sentence comes out once and whole."""
import os
import signal

import pytest

from house import House, Stream

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
