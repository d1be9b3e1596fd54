"""Hostile messages, bytes and peers at every socket: counted or cut off, nobody dies, nothing stays behind, and who speaks beside them notices nothing."""
import pytest

import hostile_peer as hostile
from fleet import rss_kb
from house import SLOW, House, wait_until
from key_house import four_ports

STRETCHED = SLOW > 1  # sanitizers keep what is freed
ACTORS = ("broker", "edge", "transcriber-1", "room-1", "jobs-1", "analysis-1")


@pytest.fixture(scope="module")
def port():
    return four_ports()


@pytest.fixture(scope="module")
def house(port):
    with House("--tcp", f"127.0.0.1:{port}") as running:
        yield running


def pids(house):
    return {actor: house.pid(actor) for actor in ACTORS}


def malformed(house):
    return house.status()["malformed"]


def grown(house, before, name, by):
    """Until the figure of this socket has grown by so many."""
    return wait_until(lambda: malformed(house)[name] - before.get(name, 0) >= by, 20, f"{by} more malformed messages at {name}")


@pytest.mark.parametrize("transport", ("ipc", "tcp"))
def test_envelopes_to_every_socket_of_the_broker(house, port, transport):
    """What PROTOCOL.md refuses is counted, each one, wherever it comes; the keys are those of the client who speaks beside it."""
    before, lived = malformed(house), pids(house)
    peer = hostile.Peer(f"ipc://{house.data}/broker" if transport == "ipc" else f"tcp://127.0.0.1:{port}")
    peer.await_open(*hostile.PORTS)
    with hostile.Beside(house.ws + "/api/audio/ws") as beside:
        messages = hostile.refused_messages(beside.client.encode())
        assert len(messages) > 600
        for parts in messages:
            for name in ("frontend", "backend", "results"):
                peer.send(name, parts)
        grown(house, before, "frontend", len(messages))
        grown(house, before, "backend", len(messages))
        grown(house, before, "results", sum(not 2 <= len(parts) <= 3 or not 1 <= len(parts[0]) <= 128 or len(parts[1]) > 4096 for parts in messages))
        for parts in [*hostile.absurd_messages(), *hostile.bundles(), *hostile.odd_frames()]:
            for name in ("frontend", "backend", "results"):
                peer.send(name, parts)
        for parts in hostile.topics():
            peer.send("publish", parts)
        grown(house, before, "publish", 4)
        peer.close()
        said = beside.spoken
        wait_until(lambda: beside.spoken > said + 20 or beside.trouble, 20, "words after it")
    assert pids(house) == lived


def test_a_worker_that_lies(house):
    """It gets streams, and loses them for its silence; of streams that are not its own it gets none, whatever it says."""
    lived, liar = pids(house), hostile.Liar(f"ipc://{house.data}/broker")
    url = house.ws + "/api/audio/ws"
    honest = next(int(w["inc"], 16) for w in house.status()["workers"] if w["name"] == "transcriber-1")
    with hostile.Beside(url) as beside:
        liar.hello(beside.client)
        wait_until(lambda: any(w["name"] == "liar" for w in house.status()["workers"]), 10, "the liar among the workers")
        liar.farewell(honest)
        liar.speak_for(beside.client)
        said = beside.spoken
        wait_until(lambda: beside.spoken > said + 20 or beside.trouble, 20, "words all the same")
        liar.hello(capacity=2**32 - 1)
        with hostile.Beside(url) as fooled:
            wait_until(lambda: fooled.spoken > 20 or fooled.trouble, 20, "words of one who was given to the liar")
        liar.hello(*["%016x" % n for n in range(40000)])
        wait_until(lambda: not any(w["name"] == "liar" for w in house.status()["workers"]), 10, "the end of the liar")
    liar.close()
    assert pids(house) == lived


def settled(house, look, least, most, what):
    """Until what is looked at is the same again as it was, within so much, for every actor."""
    before = look(house)

    def same():
        now = look(house)
        return all(least * value <= now[actor] <= most * value + 4 for actor, value in before.items())
    return lambda: wait_until(same, 30, f"{what}: {before}, at last {look(house)}")


def open_files(house):
    return {actor: hostile.descriptors(pid) for actor, pid in pids(house).items()}


def all_ports(port):
    return [port + n for n in range(4)]


def test_bytes_that_are_no_zmtp(house, port):
    lived, files = pids(house), settled(house, open_files, 0, 1, "descriptors")
    with hostile.Beside(house.ws + "/api/audio/ws"):
        for _ in range(3):
            peers = [hostile.connect_raw(p, data) for p in all_ports(port) for data in hostile.GARBAGE]
            for peer in peers:
                peer.close()
        peers = [hostile.connect_raw(p, data) for p in all_ports(port) for data in hostile.GARBAGE]
        files_high = open_files(house)["broker"]
        for peer in peers:
            peer.close()
        files()
    assert pids(house) == lived and files_high > 0


def test_messages_larger_than_any_may_be(house):
    """Who sends one is cut off, and may come back; what it says then is heard."""
    before, peer = malformed(house), hostile.Peer(f"ipc://{house.data}/broker")
    peer.await_open(*hostile.PORTS)
    with hostile.Beside(house.ws + "/api/audio/ws"):
        for name, size in (("frontend", 2**21 + 1), ("backend", 2**21 + 1), ("results", 2**21 + 1), ("publish", 1025)):
            for _ in range(3):
                peer.send(name, [b"\2" + bytes(size)] if name == "publish" else [hostile.STRANGER, hostile.pack(hostile.KIND["CLOSE"]), bytes(size)])

        def heard():
            for name in hostile.PORTS:
                peer.send(name, [b"\2"])
            now = malformed(house)
            return all(now[name] > before.get(name, 0) for name in hostile.PORTS)
        wait_until(heard, 20, "a peer that is heard again")
    peer.close()


def test_two_thousand_peers_that_say_nothing(house, port):
    """They are cut off after the time for a handshake, and leave nothing behind; the second two thousand need no more memory than the first."""
    lived, files, peaks = pids(house), settled(house, open_files, 0, 1, "descriptors"), []
    with hostile.Beside(house.ws + "/api/audio/ws"):
        for _ in range(2):
            peers = [hostile.connect_raw(port + n % 4, hostile.GREETING[:n % 3 * 11]) for n in range(2000)]
            wait_until(lambda: all(hostile.gone(peer) for peer in peers), 30, "the end of all")
            files()
            peaks.append(rss_kb(house.pid("broker")))
            for peer in peers:
                peer.close()
    assert pids(house) == lived
    assert STRETCHED or peaks[1] < peaks[0] * 1.05 + 1000, f"the broker grows with every peer that says nothing: {peaks} KiB"


def test_subscriptions_to_topics_without_end(house, port):
    """Nobody's topic is longer than a key; one that is costs memory for each byte, so its sender is cut off."""
    lived, before = pids(house), rss_kb(house.pid("broker"))
    with hostile.Beside(house.ws + "/api/audio/ws"):
        peers = [hostile.connect_raw(port + 3, hostile.subscription(size)) for size in [2**21 - 2] * 20]
        wait_until(lambda: all(hostile.gone(peer) for peer in peers), 30, "the end of all")
        for peer in peers:
            peer.close()
    after = rss_kb(house.pid("broker"))
    assert pids(house) == lived and (STRETCHED or after < before * 1.05 + 4000), (before, after)
