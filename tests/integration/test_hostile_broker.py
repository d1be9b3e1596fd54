"""A broker that talks nonsense to every actor: nothing dies, nothing grows, and with a true broker in its place all of them work."""
import json
import urllib.request

import hostile_peer as hostile
from fake_broker import Actors, FakeBroker
from house import SLOW, wait_until
from wire import Ws

SERVICES = ("transcribe", "room", "jobs", "analyze")


def nonsense(key):
    """What is told to one whose key this is, but for a DRAIN, which it would have to obey."""
    yield from hostile.refused_messages(key)
    yield from hostile.bundles()
    yield from hostile.odd_frames()
    yield from (parts for parts in hostile.absurd_messages() if hostile.kind_of(parts) != hostile.KIND["DRAIN"])
    # the same under its own key
    yield from ([key, *parts[1:]] for parts in hostile.absurd_messages() if hostile.kind_of(parts) != hostile.KIND["DRAIN"])


def dose(broker):
    for worker in broker.workers.values():
        for parts in nonsense(worker):
            broker.tell(worker, parts)
    for prefix in broker.prefixes:
        for key in (prefix + b"0123456789", prefix + b"*", b"sys/0123456789abcdef", b"room/lobby\0"):
            for parts in nonsense(key):
                broker.publish(parts)
    broker.await_beats()


def upload(url):
    request = urllib.request.Request(url + "/session/s/upload?file_name=a.wav", data=b"RIFF" + bytes(2000), headers={"Content-Type": "audio/wav"})
    with urllib.request.urlopen(request, timeout=20 * SLOW) as answer:
        return json.load(answer)["jobId"]


def test_nonsense_from_a_broker():
    with Actors() as actors:
        broker = FakeBroker(actors.base)
        broker.await_workers(*SERVICES)
        dose(broker)
        first = actors.memory_kb()
        for _ in range(2):
            dose(broker)
        assert set(actors.alive().values()) == {None}, actors.alive()
        last = actors.memory_kb()
        assert SLOW > 1 or all(last[role] < first[role] * 1.05 + 2000 for role in first), (first, last)
        counted = actors.get("/metrics")[1].decode()
        broker.close()
        # and now a true one
        actors.start("broker")
        wait_until(lambda: actors.ready(), 30, "an edge that is ready")
        with hostile.Beside(actors.url.replace("http", "ws", 1) + "/api/audio/ws") as beside:
            wait_until(lambda: beside.spoken > 30 or beside.trouble, 20, "words")
        with Ws(actors.url.replace("http", "ws", 1) + "/ws") as ws:
            ws.expect("welcome")
            ws.send(("room.join", {"room": "lobby", "name": "Ann"}))
            ws.until(lambda m: m["type"] == "room.joined")
        assert upload(actors.url)
        assert set(actors.alive().values()) == {None}, actors.alive()
        malformed = next(float(line.split()[1]) for line in counted.splitlines() if line.startswith("earshot_sender_link_malformed_total "))
        assert malformed > 1000
