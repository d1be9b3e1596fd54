"""A WebSocket for transcripts of send and expect: every call blocks, with a deadline."""
import asyncio
import json
import time

import websockets

from house import SLOW


class Ws:
    def __init__(self, url, **options):
        self._loop = asyncio.new_event_loop()
        options.setdefault("compression", None)
        options.setdefault("max_size", None)

        async def connect():
            return await websockets.connect(url, **options)
        self._ws = self._run(connect())

    def _run(self, awaitable, deadline=15):
        async def bounded():
            return await asyncio.wait_for(awaitable, deadline * SLOW)
        return self._loop.run_until_complete(bounded())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        try:
            self._run(self._ws.close())
        finally:
            self._loop.close()

    def abort(self):
        """The connection is cut without a Close frame."""
        self._ws.transport.abort()
        self._run(self._ws.wait_closed())
        self._loop.close()

    def send(self, data):
        """bytes: a chunk; str: text as it is; dict: JSON; (type, payload): an envelope of /ws."""
        if isinstance(data, tuple):
            data = {"type": data[0], "payload": data[1], "timestamp": int(time.time() * 1000)}
        self._run(self._ws.send(json.dumps(data) if isinstance(data, dict) else data))

    def recv(self, deadline=15):
        return json.loads(self._run(self._ws.recv(), deadline))

    def expect(self, kind=None, deadline=15, **fields):
        """The next message; its type (envelope) and fields must be these."""
        message = self.recv(deadline)
        if kind is not None:
            assert message["type"] == kind, f"expected {kind}, got {message}"
            message = message["payload"]
        for name, value in fields.items():
            assert message.get(name) == value, f"{name}: expected {value!r} in {message}"
        return message

    def until(self, accept, deadline=30):
        """Receives until accept(message); returns all messages up to and with that one."""
        got = []
        while not got or not accept(got[-1]):
            got.append(self.recv(deadline))
        return got

    def await_close(self, deadline=15):
        """(code, reason) with which the server closes; messages before it are dropped."""
        async def drain():
            try:
                while True:
                    await self._ws.recv()
            except websockets.ConnectionClosed:
                return self._ws.close_code, self._ws.close_reason
        return self._run(drain(), deadline)
