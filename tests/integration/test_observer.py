"""What others see on the broker's sockets: an observer of one client, and bytes that nobody should send."""
import os

import msgpack
import zmq

from house import wait_until
from wire import Ws

CHUNK = b"\1\2" * 320
FINAL, BUNDLE = 18, 3


def socket(house, kind, name):
    made = zmq.Context.instance().socket(kind)
    made.setsockopt(zmq.LINGER, 0)
    made.connect(f"ipc://{house.data}/broker-{name}")
    return made


def test_an_observer_of_one_client_misses_nothing(house):
    with Ws(house.ws + "/api/audio/ws") as watched, Ws(house.ws + "/api/audio/ws", max_queue=None) as other:
        watched.send(CHUNK)
        client = watched.expect(seq=1)["client_id"]
        watched.expect(seq=1)
        observer = socket(house, zmq.SUB, "publish")
        observer.setsockopt_string(zmq.SUBSCRIBE, client)
        seen = []

        def frame_seen():
            watched.send(CHUNK)
            other.send(CHUNK)
            watched.until(lambda m: "transcription" in m)
            while observer.poll(20):
                key, envelope, *_ = observer.recv_multipart()
                assert key.decode() == client
                _, kind, _, _, _, _, meta = msgpack.unpackb(envelope, strict_map_key=False)[:7]
                if kind == FINAL:
                    seen.append(meta[9])
            return seen
        wait_until(frame_seen, 10, "the subscription")
        seen.clear()
        for _ in range(200):
            watched.send(CHUNK)
            other.send(CHUNK)
        last = watched.until(lambda m: m.get("seq", 0) >= 200 and "transcription" in m)[-1]["seq"]
        first = last - 150
        wait_until(lambda: (frame_seen(), last in seen)[1], 10, "the last final")
        assert [seq for seq in seen if first <= seq <= last] == list(range(first, last + 1))
        observer.close()
        # without it the edge is served by bundles again
        wait_until(lambda: (watched.send(CHUNK), watched.until(lambda m: "transcription" in m))[1], 5)


def test_hostile_bytes_to_every_socket_harm_nobody(house):
    hostile = [[b""], [b"*"], [b"*", b"\xc1"], [b"*", msgpack.packb([1, BUNDLE, 0, 0, 1, None, None]), b"\x01a\xff\xff"],
               [b"*", msgpack.packb([1, BUNDLE, 0, 0, 1, None, None]), b"\0" * 70000], [b"sys/0000000000000000", b"\x90"],
               [b"0123456789abcdef", os.urandom(300), os.urandom(300)], [b"a"] * 9, [b"\xff" * 5000, b"x"]]
    sockets = [socket(house, zmq.PUSH, "frontend"), socket(house, zmq.DEALER, "backend"), socket(house, zmq.PUB, "results"),
               socket(house, zmq.XSUB, "publish")]
    with Ws(house.ws + "/api/audio/ws") as ws:
        for turn in range(1, 20):
            for to in sockets:
                for parts in hostile:
                    to.send_multipart(parts)
            ws.send(CHUNK)
            ws.expect(seq=turn, chunk_size=640)
            ws.expect(seq=turn)
    for to in sockets:
        to.close()
    counted = house.status()["malformed"]
    assert all(counted[where] > 0 for where in ("frontend", "backend", "results", "publish")), counted
