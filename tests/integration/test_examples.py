"""The example actors, in C and in Python, behind a real broker and edge."""
import importlib.util
import os
import re
import subprocess

import msgpack
import pytest

from fleet import Fleet
from guest import Guest
from house import BIN, ROOT, House, wait_until
from key_house import KeyHouse
from wire import Ws

EXAMPLES = ROOT / "actors" / "examples"
C_ACTOR = next(iter(sorted(BIN.glob("earshot-example-*"))), BIN / "earshot-example")
PYTHON_ACTOR, BOT = EXAMPLES / "level.py", EXAMPLES / "room_bot.py"


def test_examples_are_short():
    for path in list(EXAMPLES.glob("*.c")) + list(EXAMPLES.glob("*.py")):
        assert len(path.read_text().splitlines()) <= 130, path


@pytest.mark.parametrize("command", [[C_ACTOR], ["/usr/bin/python3", PYTHON_ACTOR]], ids=["c", "python"])
def test_an_example_transcribes_and_survives_the_broker(command):
    with House(transcribers=0) as house:
        actor = subprocess.Popen(list(map(str, command)), cwd=house.data, env={**os.environ, "EARSHOT_DATA": house.data})
        try:
            wait_until(lambda: [w for w in house.status()["workers"] if w["service"] == "transcribe"], 15, "the example says HELLO")
            with Ws(house.ws + "/api/audio/ws") as ws:
                for _ in range(150):
                    ws.send(b"\0\x10" * 320)
                old = house.kill("broker")
                for _ in range(150):
                    ws.send(b"\0\x10" * 320)
                ws.send("stop")
                got = ws.until(lambda m: m.get("done"), 40)
                said = [m for m in got if "transcription" in m]
                assert said and [m["seq"] for m in said] == sorted({m["seq"] for m in said})
                house.await_restart("broker", old)
        finally:
            actor.terminate()
            assert actor.wait(15) == 0


@pytest.mark.parametrize("language", ["c", "python"])
def test_an_example_comes_by_tcp_with_its_key(language, tmp_path):
    """It may be started before its key is allowed: it is let in as soon as it is."""
    with KeyHouse("edge") as house:
        house.ring.make("transcriber", "level")
        keys = house.own("level") / "keys"
        command = [C_ACTOR, "--data", tmp_path, "--keys", keys, "--name", "level"] if language == "c" else [
            "/usr/bin/python3", PYTHON_ACTOR, "--key", keys / "level.key", "--broker-key", keys / "broker.pub"]
        actor = subprocess.Popen([*map(str, command), "--broker", house.base], cwd=tmp_path, stderr=subprocess.DEVNULL)
        try:
            wait_until(lambda: house.figures().get('earshot_broker_handshakes_refused_total{reason="unknown_key"}', 0), 15, "a refusal")
            house.ring.ok("keys", "add", house.ring.path / "level.pub")
            wait_until(house.workers, 20, "the example says HELLO")
            with Ws(house.ws + "/api/audio/ws") as ws:
                for _ in range(100):
                    ws.send(b"\0\x10" * 320)
                ws.send("stop")
                assert any("transcription" in m for m in ws.until(lambda m: m.get("done"), 20))
        finally:
            actor.terminate()
            assert actor.wait(15) == 0


@pytest.mark.parametrize("example", [PYTHON_ACTOR, BOT], ids=["level", "room_bot"])
def test_an_example_finds_the_house_of_this_machine(example, tmp_path):
    """As the programs do: EARSHOT_DATA, else $XDG_RUNTIME_DIR/earshot, else /tmp/earshot-UID."""
    def data(**environment):
        show = f"import runpy; print(runpy.run_path({str(example)!r})['DATA'])"
        return subprocess.run(["/usr/bin/python3", "-c", show], env=environment, capture_output=True, text=True, check=True).stdout.strip()

    assert data(EARSHOT_DATA="/somewhere", XDG_RUNTIME_DIR=str(tmp_path)) == "/somewhere"
    assert data(XDG_RUNTIME_DIR=str(tmp_path)) == f"{tmp_path}/earshot"
    assert data(XDG_RUNTIME_DIR="/nowhere") == data() == f"/tmp/earshot-{os.geteuid()}"


def test_a_bot_answers_and_survives_broker_and_room_actor(tmp_path):
    with Fleet(rooms=2) as house, Guest(house.urls[0]) as ann:
        ann.come("lobby")
        bot = subprocess.Popen(["/usr/bin/python3", BOT, "--room", "lobby", "--name", "Bot"], cwd=tmp_path, env={**os.environ, "EARSHOT_DATA": house.data})
        try:
            ann.event("lobby", "room.joined", name="Bot")
            with Guest(house.urls[0]) as bob:
                bob.come("lobby", "Bob")
                bob.event("lobby", "room.message", name="Bot", text="Hello, Bob.")
            ann.say("lobby", "!time")
            ann.await_("room.message", lambda said: re.fullmatch(r"It is \d\d:\d\d:\d\d UTC\.", said["text"]), name="Bot")
            for n, victim in enumerate(["broker", "room-1", "room-2", "broker"]):
                started = house.kill(victim)
                ann.say("lobby", "!count")
                ann.event("lobby", "room.message", name="Bot", text=f"{2 + n} messages since I came.")
                house.await_restart(victim, started)
            ann.say("lobby", "!count")
            ann.event("lobby", "room.message", name="Bot", text="6 messages since I came.")
            answers = [text for name, text in ann.views["lobby"].texts() if name == "Bot"]
            assert len(answers) == 7, answers  # each once
        finally:
            bot.terminate()
            assert bot.wait(15) == 0
        ann.event("lobby", "room.left", name="Bot")


def bot_of_a_room(directory):
    """The bot's module and a bot that is joined, at event 10 of its log; what it says to the room's actor goes into a list."""
    spec = importlib.util.spec_from_file_location("room_bot", BOT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    bot, said = module.Bot(f"ipc://{directory}/nobody", "lobby", "Bot"), []
    bot.tell = lambda kind, seq, meta, *body: said.append((kind, seq, meta))
    bot.operation(module.JOIN)
    hear(bot, module.DONE, 1, {module.LOG: 7, module.RSEQ: 10, module.FLOOR: 1})
    said.clear()
    return module, bot, said


def hear(bot, kind, seq, meta, *rows):
    bot.message(bot.client.encode(), msgpack.packb([1, kind, 0, seq, 0, None, meta]), msgpack.packb(rows) if rows else b"")


def row(rseq, text):
    return [rseq, 3, 0, "somebody", "Ann", text, f"m{rseq}", "", 0, 0]


def test_the_bot_fetches_what_did_not_reach_it(tmp_path):
    module, bot, said = bot_of_a_room(tmp_path)
    where = {module.LOG: 7}
    hear(bot, module.NEWS, 0, where, row(11, "a"))
    hear(bot, module.NEWS, 0, where, row(13, "c"), row(14, "!count"))
    hear(bot, module.NEWS, 0, {module.LOG: 8}, row(12, "of another log"))
    assert (bot.heard, said) == (1, [])
    bot.tick(1e9)
    (kind, _, meta), = [s for s in said if s[0] == module.FETCH]
    assert meta[module.FROM] == 12 and meta[module.CLIENT] == bot.client
    hear(bot, module.EVENTS, 12, {**where, module.RSEQ: 14, module.FLOOR: 1}, row(12, "b"), row(13, "c"), row(14, "!count"))
    hear(bot, module.NEWS, 0, where, row(14, "!count"))
    assert [m[module.TEXT] for k, _, m in said if k == module.SAY] == ["4 messages since I came."]


def test_the_bot_notices_a_lost_tail_and_events_that_are_gone(tmp_path):
    module, bot, said = bot_of_a_room(tmp_path)
    hear(bot, module.STATE, 0, {module.LOG: 7, module.RSEQ: 30, module.FLOOR: 21})
    bot.tick(1e9)
    assert [m[module.FROM] for k, _, m in said if k == module.FETCH] == [11]
    hear(bot, module.EVENTS, 11, {module.LOG: 7, module.RSEQ: 30, module.FLOOR: 21}, *[row(n, "x") for n in range(21, 31)])
    assert (bot.heard, bot.at) == (10, 30)


def test_the_bot_says_again_what_was_not_answered(tmp_path):
    module, bot, said = bot_of_a_room(tmp_path)
    hear(bot, module.NEWS, 0, {module.LOG: 7}, row(11, "!time"), row(12, "!count"))
    assert [seq for k, seq, _ in said if k == module.SAY] == [2, 3]
    bot.tick(1e9)
    assert [(seq, m[module.BASE]) for k, seq, m in said if k == module.SAY] == [(2, 2), (3, 2)] * 2
    hear(bot, module.DONE, 2, {module.LOG: 7, module.RSEQ: 13})
    hear(bot, module.REFUSED, 3, {module.REASON: "not_member"})
    assert [(k, seq) for k, seq, _ in said[-1:]] == [(module.JOIN, 4)]  # and nothing before that is answered
    hear(bot, module.DONE, 4, {module.LOG: 7, module.RSEQ: 14})
    assert [(k, seq, m[module.MSG_ID]) for k, seq, m in said if seq == 5] == [(module.SAY, 5, "7-12")]
