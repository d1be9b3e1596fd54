"""Fixtures for the integration tests: real binaries, drawn ports, directories of their own."""
import itertools
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from guest import Guest  # noqa: E402
from house import SPEECH, House, say  # noqa: E402


@pytest.fixture(scope="module")
def house():
    """One edge, one broker, one mock transcriber, shared by the tests of a file: what one of them does harms no other."""
    with House() as running:
        yield running


@pytest.fixture(scope="session")
def spoken(tmp_path_factory):
    """Three sentences with pauses; what they say."""
    path = tmp_path_factory.mktemp("speech") / "spoken.wav"
    say(path, "one two three four five", "please call me tomorrow", "two hundred and fifty dollars")
    return path, "one two three four five please call me tomorrow two hundred and fifty dollars"


@pytest.fixture
def recordings():
    """[(file, what is said)] of the recorded speech, where it is there."""
    found = [(path, path.with_suffix(".txt").read_text().strip()) for path in sorted(SPEECH.glob("*.*"))
             if path.suffix in (".wav", ".raw") and path.with_suffix(".txt").exists()]
    if not found:
        pytest.skip(f"no recordings in {SPEECH}")
    return found


@pytest.fixture
def room(counter=itertools.count(1)):
    """A room that no other test uses."""
    return f"room {next(counter)}"


@pytest.fixture
def ann(house):
    """At the first edge of a house that is a Fleet."""
    with Guest(house.urls[0]) as guest:
        yield guest
