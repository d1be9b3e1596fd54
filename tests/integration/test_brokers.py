"""Two brokers: streams and rooms are spread over those that live, the part of one that is lost goes to the other, and work that is drained moves in under a second."""
import asyncio
import math
import signal
import subprocess
import sys
import time

import pytest

import hostile_peer as hostile
from bare_ws import pause, until
from fleet import Fleet
from house import BIN, ROOT, SLOW, wait_until
from rooms import check, enter, level
from wire import Ws

sys.path.insert(0, str(ROOT / "tests" / "chaos"))
from chaos import mock_text  # noqa: E402
from speaker import Speaker  # noqa: E402

STREAMS = 16
PATIENT = {"EARSHOT_MEMBER_GRACE": "1m"}

PAUSE = 3 * SLOW  # seconds, on a machine that has other work; on an idle one it is a tenth (it is printed)


class Scene:
    """Streams and a chat under way in a fleet of two of everything."""

    def __init__(self, fleet):
        self.fleet = fleet

    async def __aenter__(self):
        urls = self.fleet.urls
        self.members = [m for room in ("one", "two", "three", "four") for m in await enter(urls, room, [f"{room} {n}" for n in range(2)])]
        self.speakers = [Speaker(urls, f"stream {n}", 0.05, text_of=mock_text) for n in range(STREAMS)]
        await until(lambda: {e["name"] for e in self.fleet.status()["edges"]} == {"edge-1", "edge-2"}, 10, "edges that report")
        await self.moving()
        self._over = asyncio.Event()
        self._talks = [asyncio.ensure_future(self._talk(m)) for m in self.members]
        return self

    async def _talk(self, member):
        n = 0
        while not self._over.is_set():
            n += 1
            asked = time.monotonic()
            msg_id = await member.say(f"{member.name} says {n}")
            await until(lambda: msg_id in member.said, 30, f"{msg_id} confirmed")
            member.longest = max(getattr(member, "longest", 0.0), time.monotonic() - asked)
            await pause(0.05)

    async def moving(self):
        """Every stream has more frames committed than now."""
        now = [s.committed for s in self.speakers]
        await until(lambda: all(s.committed > was + 2 for s, was in zip(self.speakers, now)), 30, "streams that go on")

    def longest(self):
        """Longest pause of streams and of members since the last call, in seconds."""
        longest = max(s.longest for s in self.speakers), max((getattr(m, "longest", 0.0) for m in self.members), default=0.0)
        for who in [*self.speakers, *self.members]:
            who.longest = 0.0
        return longest

    async def settle(self):
        self._over.set()
        await asyncio.gather(*(s.end(30) for s in self.speakers), *self._talks)
        for room in {m.room for m in self.members}:
            members = [m for m in self.members if m.room == room]
            await level(members)
            check(members)
        assert not [f for s in self.speakers for f in s.faults]
        assert all(s.committed == s.pushed for s in self.speakers)

    async def __aexit__(self, kind, *_):
        if kind is None:
            await self.settle()
        await asyncio.gather(*(m.end() for m in self.members))


def forwarded(fleet, broker):
    return fleet.status(broker)["forwarded"]


async def forwards(fleet, broker):
    """This broker has frames to forward: streams speak through it."""
    before = forwarded(fleet, broker)
    await until(lambda: forwarded(fleet, broker) > before + 5, 15, f"{broker} with streams")


def test_streams_and_rooms_are_spread_and_the_part_of_a_lost_broker_moves():
    with Fleet(edges=2, rooms=2, transcribers=2, brokers=2, env=PATIENT) as fleet:
        async def scenario():
            async with Scene(fleet) as scene:
                for broker in ("broker", "broker-2"):
                    await forwards(fleet, broker)
                    view = fleet.status(broker)
                    assert {w["name"] for w in view["workers"]} == {"transcriber-1", "transcriber-2", "room-1", "room-2"}
                    assert sum(w["load"] for w in view["workers"] if w["service"] == "room") == 4
                fleet.kill("broker-2", away=math.inf)
                await until(lambda: fleet.actors["broker-2"].process.poll() is not None, 5, "its end")
                await scene.moving()
                await forwards(fleet, "broker")
                assert fleet.status("broker")["streams"] == STREAMS
                # one that comes takes its share of what is there, and of what is new
                fleet.bring_back("broker-2")
                await until(lambda: fleet.actors["broker-2"].starts == 2, 10, "a second broker again")
                await forwards(fleet, "broker-2")
                scene.speakers += [Speaker(fleet.urls, f"late {n}", 0.05, text_of=mock_text) for n in range(STREAMS)]
                await scene.moving()
                await forwards(fleet, "broker-2")
        asyncio.run(scenario())


def drain(fleet, actor):
    done = subprocess.run([BIN / "earshot", "drain", "--wait", "0s", "--broker", fleet.bases, "--data", fleet.data, actor], capture_output=True,
                          timeout=20 * SLOW)
    assert done.returncode == 0, done.stderr.decode()


def terminate(fleet, actor):
    fleet.kill(actor, signal.SIGTERM)


@pytest.mark.parametrize("how", [terminate, drain], ids=["SIGTERM", "drain"])
@pytest.mark.parametrize("actor", ["transcriber-1", "room-1", "broker-2", "edge-1"])
def test_work_that_is_drained_moves_at_once(actor, how):
    with Fleet(edges=2, rooms=2, transcribers=2, brokers=2, env=PATIENT) as fleet:
        async def scenario():
            async with Scene(fleet) as scene:
                connections = sum(m.connections for m in scene.members), sum(s.connections for s in scene.speakers)
                scene.longest()
                starts = fleet.actors[actor].starts
                how(fleet, actor)
                await until(lambda: fleet.actors[actor].starts > starts, 15, f"{actor} started again")
                await scene.moving()
                await pause(1)  # what the members say
                streams, chat = scene.longest()
                print(f"{actor}: streams paused for {streams:.2f} s, the chat for {chat:.2f} s")
                assert streams < PAUSE and chat < PAUSE, (streams, chat)
                if not actor.startswith("edge"):
                    assert (sum(m.connections for m in scene.members), sum(s.connections for s in scene.speakers)) == connections
        asyncio.run(scenario())


def test_a_rolling_restart_goes_unnoticed():
    with Fleet(edges=2, rooms=2, transcribers=2, brokers=2, env=PATIENT) as fleet:
        async def scenario():
            async with Scene(fleet) as scene:
                scene.longest()
                for actor in list(fleet.actors):
                    starts = fleet.actors[actor].starts
                    drain(fleet, actor)
                    await until(lambda name=actor, was=starts: fleet.actors[name].starts > was, 15, f"{actor} started again")
                    await scene.moving()
                streams, chat = scene.longest()
                print(f"rolling restart: streams paused for {streams:.2f} s at most, the chat for {chat:.2f} s")
                assert streams < PAUSE and chat < PAUSE, (streams, chat)
                assert sum(s.moves for s in scene.speakers) >= STREAMS, "each edge asks its streams to go elsewhere"
        asyncio.run(scenario())


ASTRAY = "earshot_sender_link_astray_total"
EPOCHS = 20


def forge(peer, client, seq):
    """Results of this frame in the epochs that there may be: of any of them the sender would take one, or begin anew. Returns how many."""
    key = hostile.KEY
    told = {key["inc"]: int(peer.route, 16), key["expected"]: seq + 1, key["committed"]: seq, key["from"]: seq, key["to"]: seq, key["text"]: "lies"}
    for epoch in range(1, EPOCHS + 1):
        for kind, meta in (("FINAL", told), ("PARTIAL", told), ("ACK", told), ("REWIND", told), ("REWIND", {})):
            peer.send("results", [client.encode(), hostile.pack(hostile.KIND[kind], meta, epoch, seq)])
    return EPOCHS * 5


def test_nobody_answers_a_stream_through_a_broker_that_it_is_not_at():
    """All that is forged is counted: had one of it raised the epoch, those of the epochs before would be late copies, which are not."""
    with Fleet(rooms=0, transcribers=1, brokers=2, transcriber=["--delay-ms", "300"]) as fleet:
        wait_until(lambda: fleet.metrics().get("earshot_sender_link_brokers") == 2, 10, "two live brokers")
        with Ws(fleet.urls[0] + "/api/audio/ws") as ws:
            def words_of(seq):
                assert ws.expect(seq=seq)["transcription"].endswith(mock_text(seq, 640))

            ws.send(hostile.CHUNK)
            client = ws.expect(seq=1, chunk_size=640)["client_id"]
            words_of(1)
            other = next(name for name in ("broker", "broker-2") if fleet.status(name)["streams"] == 0)
            rogue = hostile.Peer(f"ipc://{fleet.data}/{other}")
            rogue.await_open("results")
            ws.send(hostile.CHUNK)
            ws.expect(seq=2, chunk_size=640)
            forged = forge(rogue, client, 2)
            words_of(2)
            wait_until(lambda: fleet.metrics()[ASTRAY] >= forged, 10, "all of it counted")
            assert fleet.metrics()[ASTRAY] == forged
            ws.send(hostile.CHUNK)
            ws.expect(seq=3, chunk_size=640)
            words_of(3)
            rogue.close()


def half_way_to(fleet, broker):
    """A base by which a broker's backend is reached and its results are not, and what opens the way to those."""
    way = fleet.data / "half"
    way.mkdir()
    (way / f"{broker}-backend").symlink_to(fleet.data / f"{broker}-backend")
    return f"ipc://{way}/{broker}", lambda: (way / f"{broker}-results").symlink_to(fleet.data / f"{broker}-results")


def test_a_worker_that_a_broker_cannot_hear_gets_no_streams_there():
    """Its words would come through the other broker alone, where they do not count."""
    with Fleet(rooms=0, transcribers=1, brokers=2) as fleet:
        base, open_results = half_way_to(fleet, "broker")
        fleet.add("transcriber", "half", bases=f"{base},ipc://{fleet.data}/broker-2")

        def serve(broker):
            return {w["name"] for w in fleet.status(broker)["workers"]}

        wait_until(lambda: serve("broker-2") == {"transcriber-1", "half"}, 10, "both at the one broker")
        wait_until(lambda: "no streams from this broker" in fleet.log("half"), 10, "a warning")
        assert serve("broker") == {"transcriber-1"}
        clients = [Ws(fleet.urls[0] + "/api/audio/ws") for _ in range(STREAMS)]
        for ws in clients:
            ws.send(hostile.CHUNK)
        for ws in clients:
            ws.until(lambda m: "transcription" in m)
        open_results()
        wait_until(lambda: serve("broker") == {"transcriber-1", "half"}, 10, "both at both")
        for ws in clients:
            ws.close()


def test_streams_of_another_broker_give_their_places_back():
    """A broker that was started anew is taught them by a HELLO; their CLOSE goes to their own."""
    places = 4
    with Fleet(rooms=0, transcribers=1, brokers=2, transcriber=["--capacity", str(places)]) as fleet:
        def speak():
            clients = [Ws(fleet.urls[0] + "/api/audio/ws") for _ in range(places)]
            for ws in clients:
                ws.send(hostile.CHUNK)
            for ws in clients:
                ws.until(lambda m: "transcription" in m)
            return clients

        clients = speak()
        for broker in ("broker", "broker-2"):
            fleet.await_restart(broker, fleet.kill(broker))
            wait_until(lambda name=broker: [w["streams"] - w["load"] for w in fleet.status(name)["workers"]] == [0], 10, "a broker that was taught")
        for ws in clients:
            ws.close()
        wait_until(lambda: not any(fleet.status(name)["streams"] for name in ("broker", "broker-2")), 10, "no streams anywhere")
        for ws in speak():
            ws.close()


@pytest.mark.speech
def test_a_rolling_restart_in_the_midst_of_speech(spoken):
    """Text and times are those of the undisturbed run."""
    import spoken as speech
    path, text = spoken
    with Fleet(edges=2, rooms=1, transcribers=2, brokers=2, transcriber=["--engine", "pocketsphinx"]) as fleet:
        async def scenario():
            status, undisturbed, err = await speech.transcribe(fleet.urls, path, "--fast")
            assert status == 0 and speech.words_of(undisturbed) == text, err
            disturbed = asyncio.ensure_future(speech.transcribe(fleet.urls, path))
            await pause(1)
            for actor in list(fleet.actors):
                starts = fleet.actors[actor].starts
                await asyncio.to_thread(drain, fleet, actor)
                await until(lambda name=actor, was=starts: fleet.actors[name].starts > was, 30, f"{actor} started again")
            status, finals, err = await disturbed
            assert (status, finals) == (0, undisturbed), err
        asyncio.run(scenario())
