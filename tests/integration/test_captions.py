"""Captions of a speaker who goes while its room is away: the room has every word that the speaker has, once and in order, whoever comes back first (PROTOCOL.md, 7.5 and 9)."""
import contextlib
import signal

import pytest

from fleet import Fleet
from guest import Guest
from house import wait_until

CHUNK = b"\1\2" * 1600  # 100 ms, a final of its own
START = {"sample_rate": 16000, "format": "pcm16", "room": "lobby", "resumable": True}
LOST = "earshot_edge_room_captions_lost_total"
LATE = "earshot_edge_room_captions_late_total"


class Scene(contextlib.ExitStack):
    """Its fleet, and guests that go before it does."""

    def __init__(self, *edge):
        super().__init__()
        self.house = self.enter_context(Fleet(edges=2, rooms=1, transcribers=1, edge=edge))
        self.listener = self.enter_context(Guest(self.house.urls[1]))
        self.listener.come("lobby", "Listener")

    def speaker(self, edge=0, last=None):
        return self.enter_context(Speaker(self.house, edge, last))

    def begin(self):
        """A speaker of whom the room has a word."""
        ann = self.speaker()
        ann.speak()
        ann.hear(1)
        return ann

    def check(self, words):
        """The room has so many, each once and in order."""
        spoken = [self.listener.event("lobby", "room.caption", final=True) for _ in range(words)]
        assert [(c["start_ms"], c["end_ms"]) for c in spoken] == [(100 * n, 100 * n + 100) for n in range(words)]
        assert len({(c["member"], c["stream"]) for c in spoken}) == 1
        self.listener.say("lobby", "that was all")
        assert [e["type"] for e in self.listener.events_of("lobby")].count("room.caption") == words


@pytest.fixture
def scene():
    with Scene() as scene:
        yield scene


class Speaker(Guest):
    def __init__(self, house, edge, last):
        """last: who spoke over an earlier connection, and knows what that was told."""
        self._house, self.edge = house, edge
        told = last and {"committed": last.told["to_seq"], "stream": last.stream,
                         **{name: last.told[name] for name in ("position", "checkpoint") if name in last.told}}
        super().__init__(house.urls[edge], last and last.token, **(told or {}))
        if last:
            self.views["lobby"] = last.views["lobby"]
            self.send(("room.join", {"room": "lobby", "name": "Ann", **self.views["lobby"].since()}))
        else:
            self.come("lobby", "Ann")
        self.send(("audio.start", START))
        self.stream = self.await_("audio.started")["stream"]

    def close(self):
        if not self._loop.is_closed():  # it did not vanish
            super().close()

    def speak(self, chunks=1):
        for _ in range(chunks):
            self.send(CHUNK)

    def hear(self, to_seq):
        self.told = self.await_("transcript", final=True, to_seq=to_seq, deadline=60)

    def speak_unheard(self):
        """Its edge has the words; nobody else has."""
        finals = self._house.metrics(self.edge)["earshot_edge_finals_total"]
        self.speak()
        wait_until(lambda: self._house.metrics(self.edge)["earshot_edge_finals_total"] > finals, 20, "words")
        self.send(("ping", {}))
        self.await_("pong")
        assert not [m for m in self._stash if m["type"] == "transcript"], "the room does not have them"


def test_who_stays_hears_them_with_the_room(scene):
    ann = scene.begin()
    scene.house.kill("room-1", signal.SIGSTOP)
    ann.speak_unheard()
    scene.house.kill("room-1", signal.SIGCONT)
    ann.hear(2)
    scene.check(2)
    assert scene.house.metrics()[LOST] == 0


@pytest.mark.parametrize("edge", [0, 1])
def test_who_goes_and_is_back_before_the_room(scene, edge):
    ann = scene.begin()
    scene.house.kill("room-1", signal.SIGSTOP)
    ann.speak_unheard()
    ann.abort()
    again = scene.speaker(edge, ann)
    again.speak(2)
    scene.house.kill("room-1", signal.SIGCONT)
    again.hear(2)
    again.hear(3)
    scene.check(3)
    assert scene.house.metrics()[LOST] == 0


@pytest.mark.parametrize("edge", [0, 1])
def test_who_goes_and_is_back_after_the_room(scene, edge):
    ann = scene.begin()
    scene.house.kill("room-1", signal.SIGSTOP)
    ann.speak_unheard()
    ann.abort()
    scene.house.await_restart("room-1", scene.house.kill("room-1"))  # whatever it was sent is gone
    again = scene.speaker(edge, ann)
    again.speak(2)
    again.hear(2)
    again.hear(3)
    scene.check(3)
    assert scene.house.metrics()[LOST] == 0


def test_the_edge_dies_too(scene):
    ann = scene.begin()
    scene.house.kill("room-1", signal.SIGSTOP)
    ann.speak_unheard()
    scene.house.kill("edge-1")
    again = scene.speaker(1, ann)
    again.speak(2)
    scene.house.kill("room-1")
    again.hear(2)
    again.hear(3)
    scene.check(3)


def test_a_room_that_is_away_for_long_holds_nobody_up():
    """Then who speaks has the words, and goes on; what the room may never have is counted."""
    with Scene("--caption-hold", "500ms") as scene:
        house, ann = scene.house, scene.begin()
        house.kill("room-1", signal.SIGSTOP)
        ann.speak()
        ann.hear(2)
        house.kill("room-1", signal.SIGCONT)
        scene.check(2)  # it is tried on until the room is back
        assert (house.metrics()[LATE], house.metrics()[LOST]) == (1, 0)
        house.kill("room-1", signal.SIGSTOP)
        ann.speak()
        ann.hear(3)
        ann.abort()
        wait_until(lambda: house.metrics()[LOST] == 1, 10, "it is counted")
        house.kill("room-1", signal.SIGCONT)
