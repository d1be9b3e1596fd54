"""`earshot stream` comes back: an edge that dies or goes down costs a pause and no word, and none comes twice."""
import os
import pathlib
import re
import signal

import pytest

from house import SLOW, House, Stream, say, wait_until
from test_cli import wav

MIDST = (14, 41, 70)  # chunks of 100 ms up to the middle of each of the three sentences


def heard(stream):
    """Words with their times, without the mock's name of a client; frames in order, times on one clock."""
    stream.end()
    return [(re.sub("client [0-9a-f]+ ", "", e["text"]), e["start_ms"], e["end_ms"]) for e in stream.finals()]


@pytest.fixture(scope="module")
def undisturbed(spoken):
    with House(engine="pocketsphinx") as house:
        stream = Stream(house, spoken[0], "--fast")
        words = heard(stream)
        assert " ".join(text for text, *_ in words) == spoken[1]
        return words


@pytest.fixture
def tone(tmp_path):
    return wav(tmp_path / "tone.wav", 4.0)


@pytest.mark.parametrize("edges", [1, 2])
def test_the_edge_dies(tone, edges):
    with House(edges=edges) as house:
        whole = heard(Stream(house, tone, "--fast"))
        assert len(whole) == 40
        stream = Stream(house, tone)
        stream.await_acks(15)
        house.kill("edge")
        assert heard(stream) == whole
        assert "connected again" in stream.err.text()


def test_edges_die_in_turn(tone):
    with House(edges=2) as house:
        whole = heard(Stream(house, tone, "--fast"))
        stream = Stream(house, tone)
        for acks, edge in ((8, "edge"), (20, "edge-2"), (30, "edge")):
            stream.await_acks(acks)
            house.await_restart(edge, house.kill(edge))
        assert heard(stream) == whole


@pytest.mark.speech
@pytest.mark.parametrize("edges", [1, 2])
def test_the_edge_dies_in_mid_sentence(spoken, undisturbed, edges):
    with House(engine="pocketsphinx", transcribers=2, edges=edges) as house:
        stream = Stream(house, spoken[0])
        for midst, edge in zip(MIDST, ("edge", "edge-2" if edges == 2 else "edge")):
            stream.await_acks(midst)
            house.kill(edge)
        assert heard(stream) == undisturbed


@pytest.mark.speech
@pytest.mark.parametrize("edges", [1, 2])
def test_an_edge_goes_down_in_mid_sentence(spoken, undisturbed, edges):
    with House(engine="pocketsphinx", edges=edges) as house:
        stream = Stream(house, spoken[0])
        stream.await_acks(MIDST[0])
        house.kill("edge", signal.SIGTERM)
        assert heard(stream) == undisturbed
        assert any(e["type"] == "status" and e["state"] == "draining" for e in stream.events())
        assert "connected again" in stream.err.text()
        if edges == 2 and SLOW == 1:  # there before the old one is gone
            assert "is lost:" not in stream.err.text()


@pytest.mark.speech
def test_everything_is_restarted_in_turn(spoken, undisturbed):
    with House(engine="pocketsphinx", transcribers=2, brokers=2, edges=2) as house:
        stream = Stream(house, spoken[0])
        for acks, actor in zip(range(10, 100, 14), ("edge", "broker", "transcriber-1", "edge-2", "broker-2", "transcriber-2")):
            stream.await_acks(acks)
            house.await_restart(actor, house.kill(actor, signal.SIGTERM))
        assert heard(stream) == undisturbed
        assert SLOW > 1 or "is lost:" not in stream.err.text()


@pytest.mark.speech
def test_silence_is_not_kept(tmp_path):
    quiet = say(tmp_path / "quiet.wav", "one", pad=4)
    with House(engine="pocketsphinx") as house:
        stream = Stream(house, quiet, "--keep", str(int(131072 * SLOW)))  # 4 s of 9
        heard(stream)
        assert stream.err.text() == ""


def test_what_is_not_final_is_kept_within_bounds(tone):
    with House() as house:
        whole = heard(Stream(house, tone, "--fast"))
        stopped = house.kill("transcriber-1", signal.SIGSTOP)
        try:
            stream = Stream(house, tone, "--keep", "65536")
            said = stream.err.await_line(r"(\d+) bytes of audio wait for words that are final.*--keep")
            assert int(said.group(1)) <= 65536
        finally:
            os.kill(stopped, signal.SIGCONT)
        assert heard(stream) == whole


def test_a_stream_that_is_not_taken_over_is_said(tone):
    with House() as house:
        whole = heard(Stream(house, tone, "--fast"))
        stream = Stream(house, tone)
        wait_until(lambda: len(stream.finals()) >= 10, 20, "ten finals")
        (pathlib.Path(house.data) / "session.key").unlink()  # the next edge knows no session of before
        house.kill("edge")
        assert [times for _, *times in heard(stream)] == [times for _, *times in whole]
        said = stream.err.await_line("did not take the stream over: .* streamed again as a new stream, from ([0-9.]+) s on")
        assert float(said.group(1)) >= 1.0


def test_nobody_comes_back(tone):
    with House() as house:
        stream = Stream(house, tone, "--wait", "1s")
        stream.await_acks(5)
        house.process.send_signal(signal.SIGSTOP)  # so that nothing is started again
        try:
            house.kill("edge")
            assert stream.process.wait(30) == 4
        finally:
            house.process.send_signal(signal.SIGCONT)
        assert "was lost" in stream.err.text() and "must be streamed again" in stream.err.text()
