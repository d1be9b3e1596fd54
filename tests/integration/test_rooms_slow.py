"""A member that reads so slowly that what it is sent lies half written: whatever comes then waits for the other half."""
import contextlib
import itertools
import json
import signal

import pytest

from certificates import Certificate
from house import House, wait_until
from raw_ws import CLOSE, PING, PONG, TEXT, RawWs, frame

MUCH = 100  # messages of about 2 KB: several times what kernels keep of few small segments
BATCH = 1
ROUNDS = range(12)  # not every full socket has taken half a frame: each round begins elsewhere in a chunk of the edge's fan-out
NUMBERS = itertools.count()


class Member:
    """In a room. Whatever it reads must be whole frames."""

    def __init__(self, house, room, name, **options):
        self.ws = RawWs(house.ws + "/ws", tls=house.tls.trusting() if house.tls else None, **options)
        self.room = room
        self.send("room.join", name=name)
        self.hear(lambda kind, payload: kind == "room.joined" and "members" not in payload and payload["name"] == name)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.ws.sock.close()

    def send(self, kind, **payload):
        self.ws.send(frame(TEXT, json.dumps({"type": kind, "payload": {"room": self.room, **payload}, "timestamp": 0}).encode()))

    def hear(self, accept):
        """The opcodes up to the text that is accepted."""
        opcodes = []
        while True:
            opcode, payload = self.ws.read_frame()
            opcodes.append(opcode)
            message = json.loads(payload) if opcode == TEXT else None
            if message and accept(message["type"], message["payload"]):
                return opcodes

    def say(self, text):
        text = f"{next(NUMBERS)} {text}"
        self.send("room.say", text=text)
        return text

    def hear_said(self, text):
        return self.hear(lambda kind, payload: kind == "room.message" and payload["text"] == text)

    def talk(self, count=MUCH):
        """Message by message: what it has heard was written to all others as far as they take it."""
        for _ in range(count):
            last = self.say("x" * 2000)
            self.hear_said(last)
        return last

    def rest(self):
        """All frames that are still to come."""
        frames = []
        try:
            while True:
                frames.append(self.ws.read_frame())
        except EOFError:
            assert not self.ws.got, f"the connection ended within a frame: {self.ws.got!r}"
        return frames


@contextlib.contextmanager
def half_written(house, n=0):
    """Ann, who talks, and Bob, who has read the first of it only."""
    room = f"room {next(NUMBERS)}"
    with Member(house, room, "Ann") as ann, Member(house, room, "Bob", receive_buffer=1024, segment=536) as bob:
        bob.hear_said(ann.talk(1 + 2 * n))
        ann.talk()
        yield ann, bob


def closed(house, reason):
    return house.metrics()[f'earshot_edge_closed_total{{reason="{reason}"}}']


@pytest.fixture(scope="module", params=["plain", "tls"])
def house(request, tmp_path_factory):
    tls = Certificate(tmp_path_factory.mktemp("tls")) if request.param == "tls" else None
    with House("--rooms", "1", "--jobs", "0", tls=tls, env={"EARSHOT_SAY_RATE": "0"}) as running:
        yield running


def test_a_pong_waits_for_the_rest_of_a_text(house):
    for n in ROUNDS:
        with half_written(house, n) as (ann, bob):
            bob.ws.send(frame(PING, b"still there?"))
            last = bob.say("after the ping")
            ann.hear_said(last)  # the PING was read too
            opcodes = bob.hear_said(last)
            while PONG not in opcodes:
                opcodes.append(bob.ws.read_frame()[0])
            assert opcodes.count(PONG) == 1 and set(opcodes) == {TEXT, PONG}


@pytest.mark.parametrize("house", ["plain"], indirect=True)
def test_who_breaks_websocket_gets_the_rest_of_a_text_before_the_end(house):
    for n in ROUNDS[::2]:
        before = closed(house, "violation")
        with half_written(house, n) as (_, bob):
            bob.ws.send(frame(3, b"ab"))
            wait_until(lambda: closed(house, "violation") > before, 5, "the edge has noticed")
            opcodes = [opcode for opcode, _ in bob.rest()]
            assert set(opcodes[:-1]) == {TEXT} and opcodes[-1] in (TEXT, CLOSE)


def test_who_is_culled_gets_the_rest_of_a_text_and_the_reason(house):
    before = closed(house, "slow")
    with half_written(house) as (ann, bob):
        def culled():
            ann.talk()
            return closed(house, "slow") > before
        wait_until(culled, 30, "the slow member is culled")
        *texts, last = bob.rest()
        assert {opcode for opcode, _ in texts} == {TEXT} and last == (CLOSE, b"\x03\xf5you read too slowly")


def test_who_is_there_when_the_edge_goes_gets_all_before_close():
    with House("--rooms", "1", "--jobs", "0", env={"EARSHOT_SAY_RATE": "0"}) as house, half_written(house) as (_, bob):
        house.process.send_signal(signal.SIGTERM)
        house.log.await_line("draining")
        *texts, last = bob.rest()
        assert {opcode for opcode, _ in texts} == {TEXT} and last[0] == CLOSE and last[1][:2] == b"\x03\xe9"
        heard = [json.loads(text)["payload"].get("text") for _, text in texts]
        assert len([text for text in heard if text]) == MUCH
