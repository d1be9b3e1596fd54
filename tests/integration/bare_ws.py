"""A WebSocket of asyncio with nothing in it that is not needed here: a process can hold thousands, and one that does not read."""
import asyncio
import json
import os
import socket
import urllib.parse

HEAD = ("GET {path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n{headers}"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n")
TEXT, BINARY, CLOSE, PING = 1, 2, 8, 9


def frame(opcode, payload):
    """A client's frame. The key of its mask is zero, which leaves the payload as it is."""
    size = len(payload)
    if size < 126:
        head = bytes((128 | opcode, 128 | size))
    elif size < 65536:
        head = bytes((128 | opcode, 254)) + size.to_bytes(2, "big")
    else:
        head = bytes((128 | opcode, 255)) + size.to_bytes(8, "big")
    return head + bytes(4) + payload


class BareWs(asyncio.Protocol):
    """on_text(self, bytes) for each message; `closed` is done with (code, reason) when the connection is over: code None without a Close frame."""

    def __init__(self, on_text):
        self.on_text = on_text
        self.open, self.closed = (asyncio.get_running_loop().create_future() for _ in range(2))
        self._buffer, self._said, self._end = bytearray(), "", (None, "")

    @classmethod
    async def connect(cls, url, on_text, receive_buffer=None, deadline=10, headers=""):
        """Raises OSError where there is no WebSocket."""
        where, loop = urllib.parse.urlsplit(url), asyncio.get_running_loop()
        sock = socket.socket()
        sock.setblocking(False)
        transport = None
        if receive_buffer:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        try:
            await asyncio.wait_for(loop.sock_connect(sock, (where.hostname, where.port)), deadline)
            transport, ws = await loop.create_connection(lambda: cls(on_text), sock=sock)
            transport.write(HEAD.format(path=where.path or "/", host=where.netloc, headers=headers).encode())
            await asyncio.wait_for(asyncio.shield(ws.open), deadline)
        except asyncio.TimeoutError:
            transport.abort() if transport else sock.close()
            raise OSError(f"{url} does not answer") from None
        return ws

    # ---- what the server says

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self._buffer += data
        if not self.open.done():
            end = self._buffer.find(b"\r\n\r\n")
            if end < 0:
                return
            answer = bytes(self._buffer[:end])
            del self._buffer[:end + 4]
            if not answer.startswith(b"HTTP/1.1 101"):
                self._said = answer.split(b"\r\n")[0].decode()
                self.transport.abort()
                return
            self.open.set_result(None)
        self._frames()

    def _frames(self):
        buffer, at, size = self._buffer, 0, len(self._buffer)
        while size - at >= 2:
            short = buffer[at + 1]
            head = 2 if short < 126 else 4 if short == 126 else 10
            end = at + head + (short if head == 2 else int.from_bytes(buffer[at + 2:at + head], "big"))
            if size - at < head or end > size:
                break
            self._frame(buffer[at], bytes(buffer[at + head:end]))
            at = end
        del buffer[:at]

    def _frame(self, first, payload):
        assert first & 0x80, "a message in fragments"
        if first & 15 == TEXT:
            self.on_text(self, payload)
        elif first & 15 == PING:
            self.transport.write(frame(PING + 1, payload))
        elif first & 15 == CLOSE:
            self._end = (int.from_bytes(payload[:2], "big") if payload else None), payload[2:].decode()
            self.transport.write(frame(CLOSE, payload[:2]))
            self.transport.close()

    def connection_lost(self, error):
        if not self.open.done():
            self.open.set_exception(OSError(self._said or "the connection was closed in the handshake"))
        if not self.closed.done():
            self.closed.set_result(self._end)

    # ---- what we say

    def send(self, kind, payload):
        self.send_text(json.dumps({"type": kind, "payload": payload, "timestamp": 0}, ensure_ascii=False).encode())

    def send_text(self, text):
        self.transport.write(frame(TEXT, text))

    def send_binary(self, data):
        self.transport.write(frame(BINARY, data))

    def stop_reading(self):
        self.transport.pause_reading()

    def read_on(self):
        self.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self.transport.resume_reading()

    def close(self):
        self.transport.write(frame(CLOSE, b"\x03\xe8"))
        self.transport.close()

    def abort(self):
        self.transport.abort()


async def pause(seconds):
    """Between two looks at something."""
    loop = asyncio.get_running_loop()
    over = loop.create_future()
    timer = loop.call_later(seconds, lambda: over.done() or over.set_result(None))
    try:
        await over
    finally:
        timer.cancel()


async def until(condition, deadline, what):
    """Polls until condition() is truthy and returns its value; fails after `deadline` seconds. `what` may be a function that says it."""
    slow = float(os.environ.get("EARSHOT_SLOW", "1"))
    loop = asyncio.get_running_loop()
    end = loop.time() + deadline * slow
    while not (value := condition()):
        assert loop.time() < end, f"{what() if callable(what) else what} did not come true within {deadline * slow:.0f} s"
        await pause(0.02)
    return value
