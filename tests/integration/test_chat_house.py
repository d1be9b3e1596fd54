"""`earshot chat` in a running house: what is said arrives once and in one order, whatever is killed."""
import asyncio
import json
import pathlib
import signal
import subprocess

import pytest
import websockets

from chat import Chat
from house import BIN, House, wait_until
from screen import Screen


@pytest.fixture
def house():
    with House("--rooms", "1") as running:
        yield running


def lines(name, round_):
    return [f"{name} {round_}.{i}" for i in range(40)]


def check_both(ann, bob, rounds):
    """Both heard every line of both, once, each one's own in order, all in the same order."""
    expected = sorted(line for name in ("ann", "bob") for round_ in range(rounds) for line in lines(name, round_))
    try:
        wait_until(lambda: len(ann.texts()) == len(bob.texts()) == len(expected), 30)
    except AssertionError:
        raise AssertionError(f"{len(ann.texts())} and {len(bob.texts())} of {len(expected)} lines arrived\n{ann.err.text()}") from None
    assert ann.texts() == bob.texts() and sorted(ann.texts()) == expected
    for name in ("ann", "bob"):
        own = [text for text in ann.texts() if text.startswith(name)]
        assert own == [line for round_ in range(rounds) for line in lines(name, round_)]
    events = [m["rseq"] for m in bob.messages("room.message", "room.joined", "room.left") if "members" not in m]
    assert events == list(range(events[0], events[0] + len(events)))


def test_two_hear_each_other_and_a_third_what_was(house):
    with Chat(house.ws + "/ws") as ann, Chat(house.ws + "/ws", name="Bob") as bob:
        ann.await_inside(), bob.await_inside()
        ann.say("hello")
        bob.await_texts("hello")
        bob.say("hi, \u6f22\u5b57")
        ann.await_texts("hello", "hi, \u6f22\u5b57")
        ann.end(), bob.end()
    done = subprocess.run([BIN / "earshot", "chat", "--data", house.data, "lobby"], input=b"late\n", capture_output=True, timeout=60)
    messages = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0 and [m["text"] for m in messages if m["type"] == "room.message"] == ["hello", "hi, \u6f22\u5b57", "late"]


@pytest.mark.parametrize("actor", ["edge", "room-1", "broker"])
def test_a_killed_actor_loses_nothing(house, actor):
    with Chat(house.ws + "/ws") as ann, Chat(house.ws + "/ws", name="Bob") as bob:
        ann.await_inside(), bob.await_inside()
        for round_ in range(3):
            ann.say(*lines("ann", round_))
            bob.say(*lines("bob", round_))
            pid = house.kill(actor)
            house.await_restart(actor, pid)
        check_both(ann, bob, 3)
        resumed = [m["ok"] for chat in (ann, bob) for m in chat.messages("session.resumed")]
        assert all(resumed) and bool(resumed) == (actor == "edge")
        ann.end(), bob.end()


def test_more_than_the_house_allows_at_once(house):
    said = [f"line {i}" for i in range(700)]  # 400 at once, then 100 a second
    done = subprocess.run([BIN / "earshot", "chat", "--data", house.data, "lobby"], input="\n".join(said).encode(), capture_output=True,
                          timeout=60)
    messages = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0 and [m["text"] for m in messages if m["type"] == "room.message"] == said
    assert not [m for m in messages if m["type"] == "error"]


def test_the_session_goes_on_at_another_edge():
    with House("--rooms", "1", "--edges", "2") as house:
        data = pathlib.Path(house.data) / "run"
        with Chat(None, "--data", house.data, "--silence", "1s") as ann, Chat((data / "edge-2.addr").read_text().strip(), name="Bob") as bob:
            ann.await_inside(), bob.await_inside()
            ann.say("one")
            bob.await_texts("one")
            house.kill("edge", signal.SIGSTOP)  # so that `up` does not bring it back at once
            try:
                ann.err.await_line("is lost: it has said nothing for")
                ann.say("two")
                ann.await_texts("one", "two")
                bob.await_texts("one", "two")
                assert [m["ok"] for m in ann.messages("session.resumed")] == [True]
            finally:
                house.kill("edge", signal.SIGCONT)
            ann.end(), bob.end()


async def speak(url, words):
    async with websockets.connect(url) as ws:
        async def say(kind, **payload):
            await ws.send(json.dumps({"type": kind, "payload": payload, "timestamp": 1}))
        await say("room.join", room="lobby", name="Zo\u00e9")
        while "members" not in json.loads(await ws.recv())["payload"]:
            pass
        await say("audio.start", sample_rate=16000, format="pcm16", room="lobby")
        for _ in range(words):
            await ws.send(b"\1\0" * 1600)
        await say("audio.stop")
        while json.loads(await ws.recv())["type"] != "audio.done":
            pass


def test_captions_of_who_speaks(house):
    with Screen("chat", "--data", house.data, "--name", "Ann", "lobby", columns=100, rows=20, env={"NO_COLOR": "1"}) as screen:
        screen.await_lines("Ann> ")
        wait_until(lambda: any("Ann joined" in line for line in screen.lines()), 10)
        screen.type("typing")
        asyncio.run(asyncio.wait_for(speak(house.ws + "/ws", 3), 30))
        wait_until(lambda: sum("Zo\u00e9 (voice): " in line[6:] for line in screen.lines()) == 3, 20)
        screen.await_lines("Ann> typing")
        screen.type("\x03\x04")
        assert screen.end() == 0
