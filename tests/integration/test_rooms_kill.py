"""Fifty members say two thousand messages while whatever serves them is killed: what was acknowledged is in everybody's view, once and in one order.

EARSHOT_ROUNDS=10 plays so many rounds, EARSHOT_SEED the first of them."""
import asyncio
import os
import random

import pytest

from bare_ws import until
from fleet import Fleet
from rooms import check, enter, level

ROUNDS, SEED = int(os.environ.get("EARSHOT_ROUNDS", "4")), int(os.environ.get("EARSHOT_SEED", "1"))
MEMBERS, EACH = 50, 40
PATIENT = {"EARSHOT_MEMBER_GRACE": "1m", "EARSHOT_HISTORY": "10000"}  # who is away for a moment here misses thousands of messages


async def talk(member):
    for n in range(EACH):
        await member.say(f"{member.name} says {n}")


async def kill_in_turn(house, members, victims):
    """One after the other dies as the acknowledged messages grow in number; the supervisor starts each again."""
    step = MEMBERS * EACH // (len(victims) + 1)
    for n, victim in enumerate(victims, 1):
        await until(lambda: sum(len(m.said) for m in members) >= n * step, 60, f"{n * step} acknowledged messages before {victim} dies")
        house.kill(victim)


async def play(house, room, victims):
    members = await enter(house.urls, room, [f"member {n}" for n in range(MEMBERS)])
    try:
        await asyncio.gather(kill_in_turn(house, members, victims), *map(talk, members))
        await level(members, 60)
        check(members)
        assert all(len(m.said) == EACH for m in members)
        assert {e["type"] for m in members for e in m.view.events} == {"room.joined", "room.message"}, "somebody left"
        assert {e["code"] for m in members for e in m.errors} <= {"room_unavailable"}
        return sum(m.connections for m in members)
    finally:
        await asyncio.gather(*(m.end() for m in members))


@pytest.mark.parametrize("seed", range(SEED, SEED + ROUNDS))
def test_room_actors_broker_and_edges_die(seed):
    """Both room actors, as one of them has the room."""
    victims = ["room-1", "room-2", "broker", "edge-1", "edge-2"]
    random.Random(seed).shuffle(victims)
    with Fleet(edges=2, rooms=2, env=PATIENT) as house:
        connections = asyncio.run(play(house, f"round {seed}", victims))
        assert connections > MEMBERS, "the edges had members when they died"
        assert {victim: house.actors[victim].starts for victim in victims} == dict.fromkeys(victims, 2)


def test_all_die_at_once():
    with Fleet(edges=2, rooms=2, env=PATIENT) as house:
        async def scenario():
            members = await enter(house.urls, "lobby", [f"member {n}" for n in range(MEMBERS)])
            talks = [asyncio.ensure_future(talk(m)) for m in members]
            await until(lambda: sum(len(m.said) for m in members) >= MEMBERS * EACH // 2, 60, "half of the messages")
            for name in list(house.actors):
                house.kill(name)
            await asyncio.gather(*talks)
            await level(members, 60)
            check(members)
            await asyncio.gather(*(m.end() for m in members))
        asyncio.run(scenario())


def test_the_history_outlives_everything():
    """And what a late member sees is what the others saw."""
    with Fleet(edges=2, rooms=2) as house:
        async def scenario():
            members = await enter(house.urls, "lobby", [f"member {n}" for n in range(5)])
            await asyncio.gather(*map(talk, members))
            await level(members)
            starts = {name: house.kill(name) for name in house.actors}
            await until(lambda: all(actor.starts > starts[name] for name, actor in house.actors.items()), 15, "everything started again")
            late = (await enter(house.urls, "lobby", ["late"]))[0]
            await level([*members, late])
            check(members)
            assert late.view.events == members[0].view.events[-len(late.view.events):]
            await asyncio.gather(*(m.end() for m in [*members, late]))
        asyncio.run(scenario())
