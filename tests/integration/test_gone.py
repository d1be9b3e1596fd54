"""Clients that go while the edge does not read them, for their streams are full: that is noticed, over TLS too, and costs no word of who comes back."""
import contextlib
import ctypes
import fcntl
import json
import os
import signal
import socket
import ssl
import struct
import termios

import pytest

from certificates import Certificate
from house import SLOW, House, wait_until
from raw_ws import BINARY, PING, TEXT, RawWs, frame, frames_of

CHUNK = frame(BINARY, bytes(65536))
PINGS = 4  # one more than --ping-misses allows to stay without an answer
START = {"sample_rate": 16000, "format": "pcm16", "room": "lobby", "resumable": True}
SO_ATTACH_FILTER = 26


@pytest.fixture(scope="module", params=["plain", "tls"])
def house(request, tmp_path_factory):
    tls = Certificate(tmp_path_factory.mktemp("tls")) if request.param == "tls" else None
    with House("--jobs", "0", "--watchdog", "0s", env={"EARSHOT_PING_INTERVAL": f"{int(SLOW)}s"}, tls=tls) as running:
        yield running


@contextlib.contextmanager
def nobody_listens(house):
    stopped = house.kill("transcriber-1", signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(stopped, signal.SIGCONT)


class Speaker(RawWs):
    def __init__(self, house, path="/ws"):
        super().__init__(house.ws + path, tls=house.tls and house.tls.trusting())
        self.house, self.sent, self.left = house, 0, b""

    def say(self, kind, **payload):
        self.send(frame(TEXT, json.dumps({"type": kind, "payload": payload, "timestamp": 0}).encode()))

    def told(self, kind):
        said = [json.loads(payload) for opcode, payload in frames_of(self.got) if opcode == TEXT]
        return [message["payload"] for message in said if message["type"] == kind]

    def await_(self, kind, **fields):
        def fitting():
            return [payload for payload in self.told(kind) if fields.items() <= payload.items()]
        self.until(lambda _: fitting())
        return fitting()[0]

    def speak(self, count):
        for _ in range(count):
            self.send(CHUNK)
        self.sent += count

    def _is_throttled(self, before):
        return self.house.metrics()["earshot_edge_throttled_total"] > before

    def fill(self, to_the_brim=True):
        """Speaks until the edge reads no more; to the brim: and until no kernel takes any more."""
        before = self.house.metrics()["earshot_edge_throttled_total"]
        self.sock.setblocking(False)

        def full():
            try:
                while self.left or to_the_brim or not self._is_throttled(before):
                    self.sent += not self.left
                    self.left = (self.left or memoryview(CHUNK))[self.sock.send(self.left or CHUNK):]
            except (BlockingIOError, ssl.SSLWantWriteError):
                pass
            return self._is_throttled(before) and (to_the_brim or not self.left and not self.on_its_way())
        wait_until(full, 30, "the edge reads no more")
        self.sock.settimeout(20 * SLOW)

    def on_its_way(self):
        """Bytes that the edge's kernel has not acknowledged."""
        return struct.unpack("i", fcntl.ioctl(self.sock, termios.TIOCOUTQ, bytes(4)))[0]

    def reset(self):
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def vanish(self):
        """Whatever comes is dropped before its kernel sees it, as if the cable were cut."""
        nothing = ctypes.create_string_buffer(struct.pack("HBBI", 6, 0, 0, 0))  # BPF_RET: of each packet these bytes, none
        self.sock.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("HL", 1, ctypes.addressof(nothing)))


def ended(house):
    figures = house.metrics()
    return {reason: figures[f'earshot_edge_closed_total{{reason="{reason}"}}'] for reason in ("gone", "silent")}


def await_nobody(house):
    def nobody():
        figures = house.metrics()
        return not any(figures[f"earshot_edge_{what}"] for what in ("clients", "streams", "stream_memory_bytes"))
    wait_until(nobody, 20, "nobody and nothing of anybody is there")


LEAVING = {"resets": (True, Speaker.reset, "gone"),
           "closes before all is out": (True, lambda speaker: speaker.sock.close(), "gone"),
           "closes behind its words": (False, lambda speaker: speaker.sock.close(), "gone"),
           "says no more": (False, lambda speaker: speaker.sock.shutdown(socket.SHUT_WR), "gone"),
           "vanishes": (True, Speaker.vanish, "silent")}


@pytest.mark.parametrize("way", LEAVING)
def test_who_goes_while_it_is_not_read_keeps_no_place(house, way):
    to_the_brim, leave, reason = LEAVING[way]
    before = ended(house)
    with nobody_listens(house), Speaker(house, "/api/audio/ws") as speaker:
        speaker.fill(to_the_brim)
        assert house.metrics()["earshot_edge_clients"] == 1
        leave(speaker)
        await_nobody(house)
    assert ended(house) == before | {reason: before[reason] + 1}


def test_who_is_there_stays_although_it_is_not_read(house):
    before = ended(house)
    with nobody_listens(house), Speaker(house, "/api/audio/ws") as speaker:
        speaker.fill()
        speaker.until(lambda frames: [opcode for opcode, _ in frames].count(PING) == PINGS)
        assert (house.metrics()["earshot_edge_streams"], ended(house)) == (1, before)
    await_nobody(house)


@pytest.mark.parametrize("leave, reason", [(Speaker.reset, "gone"), (Speaker.vanish, "silent")], ids=["resets", "vanishes"])
def test_who_comes_back_has_lost_nothing(house, leave, reason):
    """Neither as transcripts nor in the room, and nothing comes twice."""
    before = ended(house)
    with Speaker(house) as first:
        token = first.await_("welcome")["token"]
        first.say("room.join", room="lobby", name="Ann")
        first.await_("room.joined", room="lobby")
        first.say("audio.start", **START)
        stream = first.await_("audio.started", next_seq=1)["stream"]
        first.speak(3)
        last = first.await_("transcript", to_seq=3)
        with nobody_listens(house):
            first.fill()
            leave(first)
            await_nobody(house)
            assert ended(house) == before | {reason: before[reason] + 1}
            again = Speaker(house)
            kept = {name: last[name] for name in ("position", "checkpoint") if name in last}
            again.say("session.resume", token=token, committed=3, stream=stream, **kept)
            assert again.await_("session.resumed")["ok"]
            again.say("room.join", room="lobby", name="Ann")
            again.await_("room.joined", room="lobby")
            again.say("audio.start", **START)
            again.await_("audio.started", stream=stream, next_seq=4)
    with again:
        again.speak(first.sent - 3)
        again.say("audio.stop")
        again.await_("audio.done")
        assert [said["to_seq"] for said in again.told("transcript") if said["final"]] == list(range(4, first.sent + 1))
        again.await_("room.caption", stream=stream, start_ms=2048 * (first.sent - 1))
        assert [said["start_ms"] for said in again.told("room.caption") if said["stream"] == stream] == [2048 * n for n in range(first.sent)]
    await_nobody(house)
