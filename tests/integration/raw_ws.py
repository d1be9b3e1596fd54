"""A WebSocket down to the bytes, for what no library would send."""
import select
import socket
import urllib.parse

from house import SLOW

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


def frame(opcode, payload=b"", fin=True, reserved=0, mask=bytes(4), announced=None):
    """mask None: unmasked, and then all that is announced must be there. Another mask than zeros is for payloads that are masked already."""
    size = len(payload) if announced is None else announced
    masked = 128 if mask is not None else 0
    head = bytes((128 * fin | reserved << 4 | opcode,))
    if size < 126:
        head += bytes((masked | size,))
    elif size < 65536:
        head += bytes((masked | 126,)) + size.to_bytes(2, "big")
    else:
        head += bytes((masked | 127,)) + size.to_bytes(8, "big")
    return head + (mask or b"") + payload


def frames_of(data):
    """(opcode, payload) of unmasked frames; what is not whole is left out."""
    frames = []
    while len(data) >= 2:
        short = data[1] & 127
        head = 2 if short < 126 else 4 if short == 126 else 10
        length = int.from_bytes(data[2:head], "big") if head > 2 else short
        if len(data) < head + length:
            break
        frames.append((data[0] & 15, data[head:head + length]))
        data = data[head + length:]
    return frames


class RawWs:
    """Opened, or OSError. `got` is all that came after the head."""

    def __init__(self, url, receive_buffer=None, headers="", segment=None, tls=None, before=None):
        """before: called with the connected socket. segment: bytes of a TCP segment; where they are few, the server's kernel keeps little of what is not read. tls: an SSLContext."""
        where = urllib.parse.urlsplit(url)
        self.sock, self.got = socket.socket(), b""
        if receive_buffer:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        if segment:
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, segment)
        self.sock.settimeout(20 * SLOW)
        self.sock.connect((where.hostname, where.port))
        if tls:
            self.sock = tls.wrap_socket(self.sock, server_hostname=where.hostname)
        if before:
            before(self.sock)
        path = where.path + ("?" + where.query if where.query else "")
        self.sock.sendall((f"GET {path} HTTP/1.1\r\nHost: {where.netloc}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n{headers}"
                           "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n").encode())
        while b"\r\n\r\n" not in self.got:
            piece = self.sock.recv(65536)
            if not piece:
                raise OSError(f"no WebSocket: {self.got[:200]!r}")
            self.got += piece
        head, self.got = self.got.split(b"\r\n\r\n", 1)
        if b" 101 " not in head.split(b"\r\n")[0]:
            raise OSError(f"no WebSocket: {head!r}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()

    def send(self, data):
        self.sock.sendall(data)

    def until(self, accept):
        """Reads until accept(frames so far); fails where the connection ends before."""
        while not accept(frames_of(self.got)):
            piece = self.sock.recv(65536)
            assert piece, f"the connection ended after {frames_of(self.got)[-3:]}"
            self.got += piece
        return frames_of(self.got)

    def _take(self, size):
        while len(self.got) < size:
            piece = self.sock.recv(65536)
            if not piece:
                raise EOFError(f"the connection ended with {self.got!r}")
            self.got += piece
        taken, self.got = self.got[:size], self.got[size:]
        return taken

    def read_frame(self):
        """(opcode, payload) of the next frame, taken out of `got`. AssertionError: it is none that a server sends; EOFError: the connection ended, in it or before."""
        head = self._take(2)
        opcode, short = head[0] & 15, head[1]
        assert head[0] & 0xf0 == 0x80 and opcode in (TEXT, CLOSE, PING, PONG) and short < (126 if opcode & 8 else 128), f"no frame: {head + self.got[:64]!r}"
        length = short if short < 126 else int.from_bytes(self._take(2 if short == 126 else 8), "big")
        payload = self._take(length)
        assert opcode != TEXT or payload.isascii() and payload[:1] + payload[-1:] == b"{}", f"no text: {payload!r}"
        return opcode, payload

    def flood(self, data):
        """Sends this again and again until the server ends it; returns (code, reason) of its Close, (None, "") where none could be read."""
        left, tail = memoryview(data), b""
        self.sock.setblocking(False)
        poll = select.poll()
        poll.register(self.sock, select.POLLIN | select.POLLOUT)
        while True:
            ready = poll.poll(30000 * SLOW)
            assert ready, "the server neither reads nor ends it"
            try:
                if ready[0][1] & ~select.POLLOUT:
                    piece = self.sock.recv(65536)
                    tail = (tail + piece)[-256:]
                    if not piece or self.closing(tail):
                        return self.closing(tail) or (None, "")
                else:
                    left = left[self.sock.send(left):] or memoryview(data)
            except OSError:
                return None, ""

    @staticmethod
    def closing(data):
        """The Close frame at the end of this."""
        at = data.rfind(b"\x88")
        if at < 0 or len(data) < at + 4 or len(data) != at + 2 + data[at + 1]:
            return None
        return int.from_bytes(data[at + 2:at + 4], "big"), data[at + 4:].decode("utf-8", "replace")

    def end(self, answer=True):
        """(code, reason) of the server's Close, (None, "") where there is none, once it has ended the connection; nothing may follow a Close."""
        answered = False
        try:
            while piece := self.sock.recv(65536):
                self.got += piece
                if answer and not answered and any(opcode == CLOSE for opcode, _ in frames_of(self.got)):
                    answered = True
                    self.send(frame(CLOSE, b"\x03\xe8"))
        except OSError as error:
            assert isinstance(error, (ConnectionResetError, BrokenPipeError)), error
        frames = frames_of(self.got)
        closes = [n for n, (opcode, _) in enumerate(frames) if opcode == CLOSE]
        if not closes:
            return None, ""
        assert closes == [len(frames) - 1], f"after Close: {frames[closes[0]:]}"
        payload = frames[-1][1]
        return int.from_bytes(payload[:2], "big"), payload[2:].decode()
