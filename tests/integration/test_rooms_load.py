"""One who does not read costs the others nothing, and many hear each other again after a broker's death."""
import asyncio
import statistics
import time

from bare_ws import BareWs, pause, until
from fleet import Fleet, peak_kb
from house import SLOW
from swarm import Listener, gather, say

PUBLISHED, PACE, SIZE = 2400, 1 / 600, 2000  # messages of one run, a message every so many seconds, bytes: more than --room-backlog and what a kernel keeps for a socket
UNDER_WAY, BACKLOG = 100, 512 * 1024  # so few messages are far below that: who reads is never late
PAIRS = range(1, 10)  # of runs without and with; from the third on the medians are looked at, as other things run here too


def p99(latencies):
    return sorted(latencies)[int(len(latencies) * 0.99)]


async def run(members, room):
    """p99 in ms of a run of messages. The clock of each begins when it was due, also where it had to wait for others to arrive."""
    for member in members:
        member.latencies.clear()
    start = time.monotonic()
    for n in range(PUBLISHED):
        due = start + n * PACE
        await pause(max(0, due - time.monotonic()))
        await until(lambda: n - len(members[0].latencies) < UNDER_WAY, 30, "room for more")
        say(members[n % len(members)].ws, room, f"t={int(due * 1e6)} " + "x" * SIZE)
    await until(lambda: all(len(m.latencies) == PUBLISHED for m in members), 30, lambda: f"all at all: {[len(m.latencies) for m in members]}")
    return p99([t for m in members for t in m.latencies])


async def be_deaf(house, room, culled):
    """Joins, reads no more, and once it is culled reads to the end: with what is the connection closed?"""
    listener = Listener()
    ws = await BareWs.connect(house.urls[0] + "/ws", listener.take, receive_buffer=4096)
    await listener.enter(ws, room, "deaf")
    ws.stop_reading()
    loop, end = asyncio.get_running_loop(), time.monotonic() + 30 * SLOW
    while (await loop.run_in_executor(None, house.metrics))["earshot_edge_culled_total"] == culled:  # beside the members' loop
        assert time.monotonic() < end, "the deaf member was not culled within 30 s"
        await pause(0.25)
    ws.read_on()
    return await asyncio.wait_for(ws.closed, 10 * SLOW)


def test_one_who_does_not_read():
    with Fleet(env={"EARSHOT_SAY_RATE": "0", "EARSHOT_ROOM_BACKLOG": str(BACKLOG)}) as house:
        async def scenario():
            members, alone, beside = await gather(house.urls[0], 8, ["lobby"]), [], []
            await run(members, "lobby")  # whatever grows once has grown
            before = peak_kb(house.pid("edge-1"))
            for n in PAIRS:
                alone.append(await run(members, "lobby"))
                deaf = asyncio.ensure_future(be_deaf(house, "lobby", n - 1))
                beside.append(await run(members, "lobby"))
                assert await deaf == (1013, "you read too slowly")
                if n >= 3 and statistics.median(beside) <= 1.2 * statistics.median(alone):
                    break
            else:
                raise AssertionError(f"p99 of the others in ms: {alone} without, {beside} with one who does not read")
            if SLOW == 1:  # sanitizers keep freed memory on purpose
                assert peak_kb(house.pid("edge-1")) - before < 6144
        asyncio.run(scenario())


def test_five_hundred_members_hear_each_other_after_the_brokers_death():
    with Fleet() as house:
        async def scenario():
            rooms = [f"room {n}" for n in range(20)]
            members = await gather(house.urls[0], 500, rooms)
            starts = house.kill("broker")
            for room, first in zip(rooms, members):
                say(first.ws, room, "t=1 still there?")
            await until(lambda: all(m.latencies for m in members), 20, lambda: f"all hear it ({sum(bool(m.latencies) for m in members)} do)")
            assert house.actors["broker"].starts == starts + 1
        asyncio.run(scenario())
