"""One who does not read costs the others nothing, and many hear each other again after a broker's death."""
import asyncio
import signal
import statistics
import time

from bare_ws import BareWs, pause, until
from fleet import Fleet, peak_kb
from house import SLOW
from rooms import check, enter, level
from swarm import Listener, gather, say

MEASURED, PACE, SIZE = 900, 1 / 600, 2000  # messages of one run, a message every so many seconds, bytes of one
FLOOD = 2000  # messages that fill what a kernel keeps for a socket
UNDER_WAY = 100
BACKLOG = 1 << 20  # --room-backlog; eight times as much is kept at most
NOTICED = 1.5  # times the p99 without: beside other suites less than that is nothing
PAIRS = range(1, 12)  # of runs without and with, one right after the other, as other things run here too; from the third on the median of their ratios is looked at


def p99(latencies):
    return sorted(latencies)[int(len(latencies) * 0.99)]


async def run(members, room, count=MEASURED, pace=PACE):
    """p99 in ms of so many messages. The clock of each begins when it was due, also where it had to wait for others to arrive."""
    for member in members:
        member.latencies.clear()
    start = time.monotonic()
    for n in range(count):
        due = start + n * pace
        await pause(max(0, due - time.monotonic()))
        await until(lambda: n - len(members[0].latencies) < UNDER_WAY, 30, "room for more")
        say(members[n % len(members)].ws, room, f"t={int(due * 1e6)} " + "x" * SIZE)
    await until(lambda: all(len(m.latencies) == count for m in members), 30, lambda: f"all at all: {[len(m.latencies) for m in members]}")
    return p99([t for m in members for t in m.latencies])


async def run_beside_a_deaf_one(house, members, room):
    """It falls behind before the run and is culled after it: with what does its connection end?"""
    culled = house.metrics()['earshot_edge_closed_total{reason="slow"}']
    listener = Listener()
    ws = await BareWs.connect(house.urls[0] + "/ws", listener.take, receive_buffer=4096)
    await listener.enter(ws, room, "deaf")
    ws.stop_reading()
    await run(members, room, FLOOD, 0)
    result = await run(members, room)
    for _ in range(10):
        if house.metrics()['earshot_edge_closed_total{reason="slow"}'] > culled:
            break
        await run(members, room, FLOOD // 4, 0)
    ws.read_on()
    assert await asyncio.wait_for(ws.closed, 10 * SLOW) == (1013, "you read too slowly")
    return result


def test_one_who_does_not_read():
    with Fleet(env={"EARSHOT_SAY_RATE": "0"}) as house:
        async def scenario():
            members, pairs = await gather(house.urls[0], 8, ["lobby"]), []
            await run(members, "lobby", FLOOD, 0)  # whatever grows once has grown
            before = peak_kb(house.pid("edge-1"))
            for n in PAIRS:
                pairs.append((await run(members, "lobby"), await run_beside_a_deaf_one(house, members, "lobby")))
                print("p99 without and with one who does not read, in ms: {:.1f} {:.1f}".format(*pairs[-1]))
                if n >= 3 and statistics.median(beside / alone for alone, beside in pairs) <= NOTICED:
                    break
            else:
                raise AssertionError(f"p99 without and with one who does not read, in ms: {pairs}")
            if SLOW == 1:  # sanitizers keep freed memory on purpose
                assert peak_kb(house.pid("edge-1")) - before < 10 * BACKLOG // 1024
        asyncio.run(scenario())


def test_a_burst_closes_nobody_who_reads():
    """What has waited for the room's actor comes at once: three times what may wait for a slow member."""
    with Fleet(env={"EARSHOT_SAY_RATE": "0"}) as house:
        async def scenario():
            members = await enter(house.urls, "lobby", [f"member {n}" for n in range(50)], under_way=32)
            house.kill("room-1", signal.SIGSTOP)
            for member in members:
                for _ in range(32):
                    await member.say("x" * SIZE)
            house.kill("room-1", signal.SIGCONT)
            await level(members)
            check(members)
            assert [c for m in members for c in m.closes] == []
            await asyncio.gather(*(m.end() for m in members))
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
