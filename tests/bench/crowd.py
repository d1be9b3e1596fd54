#!/usr/bin/env python3
"""Many members in many rooms on one edge; the broker is killed and started again: how long until everybody hears the next message?

    crowd.py [--members 5000] [--rooms 100] [--rounds 3]"""
import argparse
import asyncio
import json
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration"))
from bare_ws import until  # noqa: E402
from fleet import Fleet, rss_kb  # noqa: E402
from swarm import gather, say  # noqa: E402


def hearing(members):
    return sum(bool(m.latencies) for m in members)


async def one_message_each(rooms, members):
    """Seconds until all members have heard a message in their room."""
    for member in members:
        member.latencies.clear()
    start = time.monotonic()
    for room, first in zip(rooms, members):
        say(first.ws, room, f"t={int(start * 1e6)} next")
    await until(lambda: hearing(members) == len(members), 60, lambda: f"all of {len(members)} hear it ({hearing(members)} do)")
    return time.monotonic() - start


async def measure(house, args):
    before, start = rss_kb(house.pid("edge-1")), time.monotonic()
    rooms = [f"room {n}" for n in range(args.rooms)]
    members = await gather(house.urls[0], args.members, rooms)
    result = {"members": args.members, "rooms": args.rooms, "inside_s": round(time.monotonic() - start, 2),
              "edge_bytes_a_member": (rss_kb(house.pid("edge-1")) - before) * 1024 // args.members,
              "undisturbed_s": round(await one_message_each(rooms, members), 3), "after_the_brokers_death_s": []}
    for _ in range(args.rounds):
        house.kill("broker")
        result["after_the_brokers_death_s"].append(round(await one_message_each(rooms, members), 3))
    result["connected"] = sum(not m.ws.closed.done() for m in members)
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("--members", 5000), ("--rooms", 100), ("--rounds", 3)):
        parser.add_argument(name, type=int, default=default)
    args = parser.parse_args()
    with Fleet() as house:
        print(json.dumps(asyncio.run(measure(house, args))))


if __name__ == "__main__":
    main()
