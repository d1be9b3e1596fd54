"""A server of rooms as PROTOCOL.md section 7.5 has it, in memory and in one thread, that a test can disturb."""
import asyncio
import json
import secrets
import threading

import websockets


class Member:
    """One connection."""

    def __init__(self, server, ws):
        self.server, self.ws = server, ws
        self.session, self.name, self.inside = secrets.token_hex(16), None, False

    async def say(self, kind, **payload):
        try:
            await self.ws.send(json.dumps({"type": kind, "payload": payload, "timestamp": 1}))
        except websockets.ConnectionClosed:
            self.inside = False

    async def error(self, code, ref, message="No.", **more):
        await self.say("error", code=code, message=message, ref=ref, **more)


class RoomServer:
    """`with RoomServer() as server`: one room, any id. What it does wrong is set by a test:

    refuse      {msg_id's text: code}: such a line gets that error, as often as the counter in `refuse_times` says (default: always)
    mute_acks   lines are stored, but room.said is not sent
    deaf        room.say is not even stored
    fail_resume tokens are not accepted
    join_error  code that room.join gets
    stalled     nothing is answered
    """

    def __init__(self, port=0):
        self.port, self.url = port, None
        self.log, self.floor, self.events = secrets.token_hex(8), 1, []
        self.members, self.seen, self.tokens, self.stored = [], [], {}, {}
        self.refuse, self.refuse_times, self.mute_acks, self.deaf, self.fail_resume, self.join_error = {}, {}, False, False, False, None
        self.limits, self.stalled, self.closed = {"say_rate": 0}, False, False
        self._up, self._loop = threading.Event(), asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, daemon=True)

    # ---- the test's side

    def __enter__(self):
        self._thread.start()
        assert self._up.wait(10)
        return self

    def __exit__(self, *_):
        self._loop.call_soon_threadsafe(self._stop.set_result, None)
        self._thread.join(10)

    def do(self, coroutine):
        """Runs a coroutine in the server; its value."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(10)

    def said(self, kind):
        """Payloads of all messages of that type that clients have sent."""
        return [m["payload"] for m in list(self.seen) if m["type"] == kind]

    def texts(self):
        return [e["text"] for e in self.events if e["type"] == "room.message"]

    def cut(self):
        """All connections end without a word."""
        async def cut():
            for member in list(self.members):
                member.ws.transport.abort()
        self.do(cut())

    def refuse_connections(self):
        """Nobody comes in any more, and whoever is here is out."""
        self.closed = True
        self.cut()

    def add(self, kind, **fields):
        """An event of somebody else, told to all."""
        self.do(self._event(kind, **fields))

    def tell(self, kind, **payload):
        """A message to all."""
        async def tell():
            for member in self.members:
                await member.say(kind, **payload)
        self.do(tell())

    def new_log(self):
        self.log, self.floor, self.events = secrets.token_hex(8), 1, []

    def forget(self, before):
        """Events before that number are kept no longer."""
        self.floor = before

    # ---- the protocol

    def _run(self):
        asyncio.set_event_loop(self._loop)
        self._stop = self._loop.create_future()
        self._loop.run_until_complete(self._serve())

    async def _serve(self):
        async with websockets.serve(self._client, "127.0.0.1", self.port) as server:
            self.port = server.sockets[0].getsockname()[1]
            self.url = f"ws://127.0.0.1:{self.port}/ws"
            self._up.set()
            await self._stop

    async def _event(self, kind, member="m-other", name="Bob", **fields):
        event = {"type": kind, "room": "lobby", "rseq": len(self.events) + 1, "time": 1700000000000, "member": member, "name": name, **fields}
        self.events.append(event)
        for other in list(self.members):
            if other.inside:
                await other.say(kind, **{k: v for k, v in event.items() if k != "type"})
        return event["rseq"]

    def _kept(self, after, before=None):
        return [e for e in self.events if e["rseq"] > after and e["rseq"] >= self.floor and (before is None or e["rseq"] < before)]

    def _members(self):
        return [{"member": m.session, "name": m.name} for m in self.members if m.inside]

    async def _client(self, ws):
        if self.closed:
            return ws.transport.abort()
        member = Member(self, ws)
        self.members.append(member)
        token = secrets.token_hex(8)
        self.tokens[token] = member.session
        try:
            await member.say("welcome", client_id="00aa11bb22cc33dd", session=member.session, token=token, limits=self.limits)
            async for text in ws:
                message = json.loads(text)
                self.seen.append(message)
                assert set(message) == {"type", "payload", "timestamp"} and isinstance(message["timestamp"], int)
                if not self.stalled:
                    await getattr(self, "_on_" + message["type"].replace(".", "_"))(member, message["payload"])
        except websockets.ConnectionClosed:
            pass
        finally:
            self.members.remove(member)

    async def _on_session_resume(self, member, payload):
        session = self.tokens.get(payload["token"])
        if self.fail_resume or not session:
            return await member.say("session.resumed", ok=False, reason="the token is too old")
        member.session = session
        token = secrets.token_hex(8)
        self.tokens[token] = session
        await member.say("session.resumed", ok=True, session=session, token=token)

    async def _on_room_join(self, member, payload):
        if self.join_error:
            return await member.error(self.join_error, "room.join", room=payload["room"])
        known = "since" in payload and payload.get("log") == self.log and payload["since"] <= len(self.events)
        at = max(payload["since"] if known else len(self.events) - 50, self.floor - 1, 0)
        complete = at == payload["since"] if known else "since" not in payload and self.floor == 1
        there = any(m.session == member.session and m.inside for m in self.members)
        member.name = payload["name"]
        events, last = self._kept(at), len(self.events)
        await member.say("room.joined", room=payload["room"], log=self.log, rseq=last, member=member.session, name=member.name,
                         members=[*self._members(), {"member": member.session, "name": member.name}], total=len(self._members()) + 1,
                         history={"from": at + 1, "complete": complete})
        for event in events:
            await member.say(event["type"], **{k: v for k, v in event.items() if k != "type"})
        member.inside = True
        if not there and "since" not in payload:
            await self._event("room.joined", member.session, member.name)

    async def _on_room_say(self, member, payload):
        text, msg_id = payload["text"], payload["msg_id"]
        code = self.refuse.get(text)
        if code and self.refuse_times.get(text, 1) > 0:
            self.refuse_times[text] = self.refuse_times.get(text, 2) - 1
            return await member.error(code, "room.say", room=payload["room"], msg_id=msg_id)
        if self.deaf:
            return
        if (member.session, msg_id) not in self.stored:
            self.stored[member.session, msg_id] = await self._event("room.message", member.session, member.name, text=text, msg_id=msg_id)
        if not self.mute_acks:
            await member.say("room.said", room=payload["room"], msg_id=msg_id, rseq=self.stored[member.session, msg_id])

    async def _on_room_leave(self, member, _payload):
        await self._event("room.left", member.session, member.name)
        member.inside = False

    async def _on_room_who(self, member, _payload):
        await member.say("room.members", room="lobby", rseq=len(self.events), members=self._members(), total=len(self._members()))

    async def _on_room_history(self, member, payload):
        before, limit = payload["before"], payload["limit"]
        events = self._kept(0, before)[-limit:]
        first = events[0]["rseq"] if events else before
        await member.say("room.history", room="lobby", log=self.log, events=events, **{"from": first, "to": before - 1}, complete=first == 1)

    async def _on_ping(self, member, _payload):
        await member.say("pong")
