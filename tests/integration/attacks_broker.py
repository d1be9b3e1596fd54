"""Attacks from inside, on the sockets of the broker: peers that say nothing, have no key, or say what is not theirs to say."""
import contextlib
import pathlib
import select
import tempfile
import time

import zmq

import hostile_peer as hostile
from attack import HANDSHAKES, Attack, total
from house import SLOW, wait_until
from key_house import Ring

MALFORMED = "earshot_broker_malformed_total"


def mute_at_the_broker(ground, sizes):
    made = [hostile.connect_raw(ground.tcp + port) for port in range(4) for _ in range(sizes["mute"])]
    poll = select.poll()
    for sock in made:
        sock.setblocking(False)
        poll.register(sock, select.POLLIN)
    left = {sock.fileno(): sock for sock in made}
    end = time.monotonic() + 30 * SLOW
    while left and time.monotonic() < end:
        for fd, _ in poll.poll(100):
            with contextlib.suppress(OSError):
                if left[fd].recv(4096):
                    continue
            poll.unregister(fd)
            left.pop(fd).close()
    for sock in left.values():
        sock.close()
    return "still open" if left else "closed"


def hostile_envelopes(ground, _):
    peer = hostile.Peer(f"ipc://{ground.data}/broker")
    try:
        peer.await_open("frontend", "backend", "results")
        before = total(ground.figures(), MALFORMED)
        messages = hostile.refused_messages(hostile.STRANGER)
        for name in ("frontend", "backend", "results"):
            for parts in messages:
                peer.send(name, parts)
        wait_until(lambda: total(ground.figures(), MALFORMED) - before > 2 * len(messages), 20, "hostile envelopes that are counted")
        return "dropped"
    finally:
        peer.close()


def kept_out(dress, figure=HANDSHAKES, closed_to=("frontend", "backend")):
    """A peer at every port of the broker: its handshakes fail, and nothing of what it would say comes in."""
    def play(ground, _):
        before = total(ground.figures(), figure)
        peer = hostile.Peer(f"tcp://127.0.0.1:{ground.tcp}", dress(ground), hwm=1)
        try:
            wait_until(lambda: total(ground.figures(), figure) > before, 15, "a handshake that is refused")
            for name in closed_to:
                with contextlib.suppress(zmq.Again):
                    for _ in range(3):
                        peer.sockets[name].send_multipart([hostile.STRANGER, hostile.start_frame(), bytes(640)], zmq.DONTWAIT)
                    return "let in"
            return "refused"
        finally:
            peer.close()
    return play


def foreign_key(ground):
    stranger = Ring(pathlib.Path(tempfile.mkdtemp(dir=ground.keys.name)))
    stranger.make("edge")
    return ground.dress(stranger.path / "edge.key")


def foreign_broker(ground):
    stranger = Ring(pathlib.Path(tempfile.mkdtemp(dir=ground.keys.name)))
    stranger.make("broker")
    return ground.dress(ground.ring.path / "evil-transcriber.key", stranger.path / "broker.pub")


def room_as_transcriber(ground, _):
    """It says finals for a stream; a room may not."""
    figure = 'earshot_broker_denied_total{socket="results"}'
    before = ground.figures()[figure]
    peer = hostile.Peer(f"tcp://127.0.0.1:{ground.tcp}", ground.dress(ground.ring.path / "evil-room.key"), route=b"evil000000000001")
    told = {hostile.KEY[name]: value for name, value in (("inc", 1), ("expected", 2), ("committed", 1), ("from", 1), ("to", 1), ("text", "lies"))}
    try:
        peer.await_open("results")
        for epoch in range(1, 11):
            peer.send("results", [hostile.STRANGER, hostile.pack(hostile.KIND["FINAL"], told, epoch, 1)])
        wait_until(lambda: ground.figures()[figure] - before >= 10, 15, "finals of a room that are denied")
        return "dropped"
    finally:
        peer.close()


INSIDE = [
    Attack("mute peers at the broker", mute_at_the_broker, "closed", HANDSHAKES, 100),
    Attack("hostile envelopes", hostile_envelopes, "dropped", MALFORMED, 1000),
    Attack("a peer without a key", kept_out(lambda _: lambda made: None), "refused", HANDSHAKES, 1),
    Attack("a key of nobody", kept_out(foreign_key), "refused", HANDSHAKES + '{reason="unknown_key"}', 1),
    Attack("a key for another broker", kept_out(foreign_broker), "refused", HANDSHAKES, 1),
    Attack("a transcriber that speaks as an edge",
           kept_out(lambda ground: ground.dress(ground.ring.path / "evil-transcriber.key"), HANDSHAKES + '{reason="role"}', ("frontend",)), "refused",
           HANDSHAKES + '{reason="role"}', 1),
    Attack("a room that speaks as a transcriber", room_as_transcriber, "dropped", 'earshot_broker_denied_total{socket="results"}', 10),
]
