"""Real speech through the whole path."""
import json
import pytest

from house import House, Stream, say, word_errors

pytestmark = pytest.mark.speech

# Words wrong at most, of each recording; pocketsphinx_continuous on the same file is no better.
ALLOWED = {"goforward": 0, "something": 0, "digits-10001-90210-01803": 3, "librispeech-1995-1837-0001": 5, "jfk": 22}


def test_recordings_come_back(recordings):
    with House(engine="pocketsphinx") as house:
        for path, said in recordings:
            stream = Stream(house, path, *(["--rate", "16000"] if path.suffix == ".raw" else []), "--fast")
            heard = stream.end()
            assert word_errors(said, heard) <= ALLOWED.get(path.stem, len(said.split())), f"{path.name}: {heard!r}"


def test_spoken_live(spoken):
    path, text = spoken
    with House(engine="pocketsphinx") as house:
        stream = Stream(house, path)
        assert stream.end() == text
        words = [w for e in stream.finals() for w in e.get("words", [])]
        assert len(words) == len(text.split()), json.dumps(words)


def test_partials_come_while_a_long_sentence_is_spoken(tmp_path):
    path = say(tmp_path / "long.wav", "the united states of america please call me tomorrow monday tuesday wednesday thursday friday")
    with House(engine="pocketsphinx") as house:
        stream = Stream(house, path)
        assert stream.end()
        events = [e for e in stream.events() if e["type"] == "transcript"]
        assert [e["final"] for e in events].index(True) > 0, "the first partial comes before the first final"
        assert all(e["text"] for e in events if not e["final"])


@pytest.mark.parametrize("chunk_ms", ["20", "730"])
def test_cuts_do_not_depend_on_chunks(spoken, chunk_ms):
    path, text = spoken
    with House(engine="pocketsphinx") as house:
        assert Stream(house, path, "--fast", "--chunk-ms", chunk_ms).end() == text


def test_two_at_once(spoken):
    path, text = spoken
    with House(engine="pocketsphinx", transcribers=2) as house:
        streams = [Stream(house, path, "--fast") for _ in range(4)]
        assert [s.end() for s in streams] == [text] * 4
