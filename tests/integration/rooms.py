"""Members of rooms: each keeps its own view of a room, checks it as it grows, and comes back by itself when its connection or its edge dies."""
import asyncio
import itertools
import json

from bare_ws import BareWs, pause, until

EVENTS = {"room.joined", "room.left", "room.message", "room.caption"}
UNDER_WAY = 8  # messages of a member without room.said, where nothing else is asked for


class View:
    """What a member knows of a room: events one after the other, each once. Anything else is an AssertionError."""

    def __init__(self):
        self.log, self.at, self.events, self.lost, self.partials = None, 0, [], [], {}

    def since(self):
        """For room.join, so that nothing is missed."""
        return {} if self.log is None else {"since": self.at, "log": self.log}

    def joined(self, answer):
        first, complete = answer["history"]["from"], answer["history"]["complete"]
        if self.log is None or self.log != answer["log"]:
            assert self.log is None or not complete, f"another log cannot continue {self.log}: {answer}"
            self.log, self.at = answer["log"], first - 1
        elif complete:
            assert first == self.at + 1, f"history from {first} does not continue {self.at}"
        else:
            self._lose(first - 1)

    def take(self, kind, payload):
        if kind == "room.joined" and "members" in payload:
            self.joined(payload)
        elif kind == "room.history" and not payload["events"] and not payload["complete"] and payload["from"] == self.at + 1:
            self._lose(payload["to"])
        elif kind == "room.caption" and not payload["final"]:
            self.partials[payload["member"], payload["stream"]] = payload["text"]
        elif kind in EVENTS:
            assert payload["rseq"] == self.at + 1, f"{kind} {payload['rseq']} after {self.at}"
            self.at = payload["rseq"]
            self.events.append({"type": kind, **payload})
            if kind == "room.caption":
                self.partials.pop((payload["member"], payload["stream"]), None)

    def _lose(self, last):
        if last > self.at:
            self.lost.append((self.at + 1, last))
            self.at = last

    def texts(self):
        return [(e["name"], e["text"]) for e in self.events if e["type"] == "room.message"]


class Member:
    """In one room, on whichever of the edges is alive. `faults`: what was not as it must be."""

    def __init__(self, urls, room, name, under_way=UNDER_WAY):
        self.room, self.name, self.view, self._under_way = room, name, View(), under_way
        self.session, self.spoken, self.said = None, [], {}  # msg_ids as they were said; those acknowledged, with their rseq
        self.faults, self.errors, self.closes = [], [], []
        self._urls, self._token, self._ws, self._in, self._ending = itertools.cycle(urls), None, None, False, False
        self._unsaid, self._fewer = {}, asyncio.Event()
        self._task = asyncio.get_running_loop().create_task(self._live())

    async def _live(self):
        while not self._ending:
            try:
                ws = await BareWs.connect(next(self._urls) + "/ws", self._text)
            except OSError:
                await pause(0.05)
                continue
            self.closes.append(await ws.closed)
            self._ws, self._in = None, False

    @property
    def connections(self):
        return len(self.closes) + (self._ws is not None)

    def _text(self, ws, text):
        self._ws, message = ws, json.loads(text)
        kind, payload = message["type"], message["payload"]
        try:
            own = {"welcome": self._welcome, "session.resumed": self._resumed, "room.said": self._stored, "error": self.errors.append}.get(kind)
            if own:
                own(payload)
            elif payload.get("room") == self.room:
                self.view.take(kind, payload)
                if kind == "room.joined" and "members" in payload:
                    self._entered(payload)
        except (AssertionError, KeyError) as error:
            self.faults.append(f"{self.name}: {error!r}")

    def _welcome(self, payload):
        if self._token:
            self._ws.send("session.resume", {"token": self._token})
            return
        self.session, self._token = payload["session"], payload["token"]
        self._join()

    def _resumed(self, payload):
        assert payload["ok"] and payload["session"] == self.session, payload
        self._token = payload["token"]
        self._join()

    def _join(self):
        self._ws.send("room.join", {"room": self.room, "name": self.name, **self.view.since()})

    def _entered(self, answer):
        assert answer["member"] == self.session, answer
        assert self.session in [m["member"] for m in answer["members"]] or answer["total"] > len(answer["members"]), answer
        self._in = True
        for msg_id, text in self._unsaid.items():
            self._ws.send("room.say", {"room": self.room, "text": text, "msg_id": msg_id})

    def _stored(self, payload):
        assert self.said.setdefault(payload["msg_id"], payload["rseq"]) == payload["rseq"], payload
        self._unsaid.pop(payload["msg_id"], None)
        self._fewer.set()

    def inside(self):
        return self._in

    async def say(self, text):
        """Returns its msg_id once it is under way, which it remains until room.said, whatever dies."""
        while len(self._unsaid) >= self._under_way:
            self._fewer.clear()
            await self._fewer.wait()
        msg_id = f"{self.name}-{len(self.spoken) + 1}"
        self.spoken.append(msg_id)
        self._unsaid[msg_id] = text
        if self._in:
            self._ws.send("room.say", {"room": self.room, "text": text, "msg_id": msg_id})
        return msg_id

    def all_said(self):
        return not self._unsaid

    async def end(self):
        self._ending = True
        if self._ws:
            self._ws.close()
        await self._task


async def enter(urls, room, names, **options):
    """Members of these names, all inside; the edges take turns."""
    members = [Member(urls[n % len(urls):] + urls[:n % len(urls)], room, name, **options) for n, name in enumerate(names)]
    await until(lambda: all(m.inside() for m in members), 30, lambda: f"all of {len(members)} inside ({sum(m.inside() for m in members)} are)")
    return members


async def level(members, deadline=30):
    """None of them has a message under way, and all have seen all that was said, up to the same event."""
    def same():
        last = max((rseq for m in members for rseq in m.said.values()), default=0)
        return all(m.all_said() for m in members) and len({m.view.at for m in members}) == 1 and members[0].view.at >= last
    await until(lambda: same() or any(m.faults for m in members), deadline,
                lambda: f"the same view for all: unsaid {sum(not m.all_said() for m in members)}, at {sorted({m.view.at for m in members})}")


def check(members):
    """Every acknowledged message is in everybody's view, exactly once and in one order; everybody's own come in the order in which they were said."""
    faults = [fault for m in members for fault in m.faults]
    assert not faults, faults[:5]
    whole = {}
    for member in members:
        assert not member.view.lost, (member.name, member.view.lost)
        for event in member.view.events:
            assert whole.setdefault(event["rseq"], event) == event, (event, whole[event["rseq"]])
        messages = [(e["member"], e["msg_id"]) for e in member.view.events if e["type"] == "room.message"]
        view = set(messages)
        assert len(messages) == len(view), f"{member.name} sees a message twice"
        missing = [(m.name, msg_id, rseq) for m in members for msg_id, rseq in m.said.items() if (m.session, msg_id) not in view]
        assert not missing, f"{member.name} misses {missing[:5]}, and has {[whole.get(rseq) for *_, rseq in missing[:5]]}"
    for member in members:
        own = [e["msg_id"] for _, e in sorted(whole.items()) if e["type"] == "room.message" and e["member"] == member.session]
        differ = next((n for n, pair in enumerate(itertools.zip_longest(own, member.spoken)) if pair[0] != pair[1]), None)
        assert differ is None, f"{member.name}: after {differ} messages said {member.spoken[differ:differ + 5]}, seen {own[differ:differ + 5]}"
