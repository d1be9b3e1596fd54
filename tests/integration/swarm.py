"""Members by the thousand in one process: they look at no more of a message than is needed."""
import asyncio
import json
import re
import resource
import time

from bare_ws import BareWs, until

MARK = re.compile(rb'"text":"t=(\d+) ')


class Listener:
    """Of one member: `latencies` in ms of the messages whose text begins with `t=<microseconds of the clock> `."""

    def __init__(self):
        self.ws, self.inside, self.latencies = None, False, []

    def take(self, ws, text):
        if b'"room.message"' in text:
            mark = MARK.search(text)
            if mark:
                self.latencies.append(time.monotonic() * 1e3 - int(mark[1]) / 1e3)
        elif not self.inside and b'"members":[' in text:
            self.inside = True

    async def enter(self, ws, room, name):
        self.ws = ws
        ws.send("room.join", {"room": room, "name": name})
        await until(lambda: self.inside, 60, f"{name} inside of {room}")


def allow_descriptors(count):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < count:
        resource.setrlimit(resource.RLIMIT_NOFILE, (count, max(hard, count)))


async def gather(url, count, rooms, at_once=100):
    """So many members, each in one of the rooms in turn; all inside."""
    allow_descriptors(count + 256)

    async def member(n):
        listener = Listener()
        ws = await BareWs.connect(url + "/ws", listener.take, deadline=60)
        await listener.enter(ws, rooms[n % len(rooms)], f"member {n}")
        return listener
    members = []
    for first in range(0, count, at_once):
        members += await asyncio.gather(*(member(n) for n in range(first, min(first + at_once, count))))
    return members


def say(ws, room, text):
    ws.send_text(json.dumps({"type": "room.say", "payload": {"room": room, "text": text}, "timestamp": 0}, ensure_ascii=False).encode())
