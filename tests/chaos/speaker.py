"""A client with audio that keeps every frame until it is committed and goes on over another connection (PROTOCOL.md 7.6). It holds the server to that section: each frame is
committed once and in order, whatever dies. What is not as it must be goes into `faults`."""
import asyncio
import itertools
import json
import time

from bare_ws import BareWs, pause

CONNECT_S, RETAINED_MAX = 3, 4000


class Speaker:
    """`text_of(seq, size)` is the text that a final of that frame must have, or None where frames are not answered one by one."""

    def __init__(self, urls, name, interval=0.1, frame=lambda seq: bytes(320 + 2 * (seq % 64)), text_of=None):
        self.name, self.interval, self.frame, self.text_of = name, interval, frame, text_of
        self.pushed = self.committed = self.finals = self.moves = self.connections = 0
        self.faults, self.errors, self.longest, self.longest_at, self.done = [], {}, 0.0, 0.0, False
        self._urls, self._token, self._stream, self._place = itertools.cycle(urls), None, None, {"position": 0}
        self._kept, self._ws, self._serving, self._ending = {}, None, False, False
        self._since = None  # when what is outstanding last moved
        self._loop, self._leave = asyncio.get_running_loop(), asyncio.Event()
        self._life, self._speech = self._loop.create_task(self._live()), self._loop.create_task(self._speak())

    def _fault(self, what):
        if len(self.faults) < 20:
            self.faults.append(f"{self.name}: {what}")

    # ---- connections

    async def _live(self):
        before = None
        while not self.done:
            try:
                ws = await BareWs.connect(next(self._urls) + "/ws", self._text, deadline=CONNECT_S)
            except OSError:
                await pause(0.05)
                continue
            self._leave.clear()
            self.connections += 1
            leave = self._loop.create_task(self._leave.wait())
            await asyncio.wait([ws.closed, leave], return_when=asyncio.FIRST_COMPLETED)
            leave.cancel()
            if before:
                before.close()
            before = None if ws.closed.done() else ws
            if ws is self._ws and ws.closed.done():
                self._serving = False
        if before:
            before.close()

    def _text(self, ws, text):
        message = json.loads(text)
        kind, payload = message["type"], message["payload"]
        if kind == "welcome":
            self._welcome(ws, payload)
        elif ws is self._ws:  # an older connection has nothing to say any more
            handler = self.HANDLERS.get(kind)
            if handler:
                handler(self, payload)

    def _welcome(self, ws, payload):
        self._ws, self._serving = ws, False
        if self._token is None:
            self._token = payload["token"]
            self._start()
        else:
            place = {"committed": self.committed, "stream": self._stream, **self._place} if self._stream else {}
            ws.send("session.resume", {"token": self._token, **place})

    def _resumed(self, payload):
        if not payload["ok"]:
            self._fault(f"not resumed: {payload['reason']}")
            return
        self._token = payload["token"]
        if self._stream and payload["next_seq"] != self.committed + 1:
            self._fault(f"resumed at {payload['next_seq']} after {self.committed}")
        self._start()

    def _start(self):
        self._ws.send("audio.start", {"sample_rate": 16000, "format": "pcm16", "resumable": True})

    def _started(self, payload):
        if self._stream not in (None, payload["stream"]) or payload["next_seq"] != self.committed + 1:
            self._fault(f"started {payload} after {self.committed} of {self._stream}")
        self._stream, self._serving = payload["stream"], True
        if self._ending and self.committed == self.pushed:  # its edge died between the last commit and audio.done
            self._finish()
        for seq in sorted(self._kept):
            self._send(self._kept[seq])

    def _status(self, payload):
        if payload["state"] == "draining":
            self.moves += 1
            self._leave.set()

    def _error(self, payload):
        self.errors[payload["code"]] = self.errors.get(payload["code"], 0) + 1
        if payload["code"] not in ("room_unavailable",):
            self._fault(f"error {payload}")

    # ---- audio

    async def _speak(self):
        while not self._ending:
            await pause(self.interval)
            if len(self._kept) < RETAINED_MAX:
                self._push(self.frame(self.pushed + 1))
        self._push(None)

    def _push(self, frame):
        """None: the end."""
        if not self._kept:
            self._since = self._loop.time()
        self.pushed += 1
        self._kept[self.pushed] = frame
        if self._serving:
            self._send(frame)

    def _send(self, frame):
        if frame is None:
            self._ws.send("audio.stop", {})
        else:
            self._ws.send_binary(frame)

    def _transcript(self, payload):
        if not payload["final"]:
            return
        first, last = payload["from_seq"], payload["to_seq"]
        if first != self.committed + 1:
            self._fault(f"final of {first} to {last} after {self.committed}")
        if self.text_of:
            frame = self._kept.get(last)
            expected = self.text_of(last, len(frame)) if frame is not None else None
            if first != last or expected is None or expected not in payload["text"]:
                self._fault(f"final of {first} to {last} says {payload['text']!r} and not {expected!r}")
        self.finals += 1
        self._commit(last, payload)

    def _silence(self, payload):
        last = payload["to_seq"]
        if self.text_of and self._kept.get(last, b"") is not None:
            self._fault(f"frame {last} was committed without words")
        self._commit(last, payload)

    def _commit(self, last, payload):
        if last <= self.committed or last > self.pushed:
            self._fault(f"{last} committed after {self.committed}, {self.pushed} were sent")
            return
        for seq in range(self.committed + 1, last + 1):
            self._kept.pop(seq, None)
        now = self._loop.time()
        if self._since is not None:
            if now - self._since > self.longest:
                self.longest, self.longest_at = now - self._since, time.monotonic()
        self._since = now
        self.committed = last
        self._place = {name: payload[name] for name in ("position", "checkpoint") if name in payload}

    def _done(self, _payload):
        if self.committed != self.pushed or not self._ending:
            self._fault(f"done at {self.committed} of {self.pushed}")
        self._finish()

    def _finish(self):
        self.done = True
        self._leave.set()

    async def end(self, deadline):
        """Says the end and waits until all is committed, at most so long."""
        self._ending = True
        end = self._loop.time() + deadline
        while not self.done and self._loop.time() < end:
            await pause(0.02)
        if not self.done:
            self._fault(f"not done {deadline:.0f} s after its end: {self.committed} of {self.pushed} committed, "
                        f"{'serving' if self._serving else 'not serving'}, {self._life!r}")
            self._finish()
        await asyncio.wait([self._life, self._speech], timeout=5)
        for task in (self._life, self._speech):
            task.cancel()

    HANDLERS = {"session.resumed": _resumed, "audio.started": _started, "transcript": _transcript, "audio.committed": _silence,
                "audio.done": _done, "status": _status, "error": _error}
