"""A broker that talks nonsense to every actor: nothing dies, nothing grows, and with a true broker in its place all of them work."""
import json
import subprocess
import urllib.request

import msgpack

import hostile_peer as hostile
from fake_broker import Actors, FakeBroker, Talker
from house import BIN, SLOW, wait_until
from wire import Ws

SERVICES = ("transcribe", "room", "jobs", "upload", "analyze")


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


def does_not_grow(actors, broker):
    """Dose after dose. What waits in queues differs each time: whoever grows goes on growing."""
    most, now = {}, {}
    for n in range(8):
        dose(broker)
        now = actors.memory_kb()
        if n >= 2 and (SLOW > 1 or all(now[role] < most[role] * 1.1 + 4000 for role in now)):
            return
        most = {role: max(kb, most.get(role, 0)) for role, kb in now.items()}
    raise AssertionError((most, now))


def upload(url):
    request = urllib.request.Request(url + "/session/s/upload?file_name=a.wav", data=b"RIFF" + bytes(2000), headers={"Content-Type": "audio/wav"})
    with urllib.request.urlopen(request, timeout=20 * SLOW) as answer:
        return json.load(answer)["jobId"]


def test_nonsense_from_a_broker():
    with Actors() as actors:
        broker = FakeBroker(actors.base)
        broker.await_workers(*SERVICES)
        does_not_grow(actors, broker)
        assert set(actors.alive().values()) == {None}, actors.alive()
        broker.overfeed()
        assert set(actors.alive().values()) == {None}, actors.alive()
        for role in ("transcriber", "room", "jobs", "analysis"):
            assert actors.figures(role)["earshot_worker_malformed_total"] > 1500, role
        assert actors.figures("edge")["earshot_sender_link_malformed_total"] > 1500
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


ESCAPE = "\x1b]0;owned\x07\x1b[2J"
WORKER = {"name": ESCAPE, "inc": "0123456789abcdef", "service": ESCAPE, "capacity": 2**64 - 1, "streams": 2**63, "load": 1, "lag_us": 2**64 - 1, "count": 1,
          "heard_ms": 2**64 - 1, "draining": False}
STATES = [{}, [], 1, None, "x" * 5000, {"workers": "many"}, {"workers": [1, None, [], {}, "x"]}, {"workers": [WORKER] * 600, "edges": [WORKER] * 300},
          {key: value for key in ("name", "uptime_ms", "streams", "dropped", "malformed", "quarantine", "edges") for value in (ESCAPE, -1)},
          {"dropped": {ESCAPE: 2**64 - 1}, "malformed": {"": []}, "quarantine": [{"client": ESCAPE, "reason": ESCAPE, "ago_ms": -1}] * 40, "workers": [WORKER]},
          {1: 2, None: 3, "name": {"name": {"name": {}}}}]


def test_nonsense_from_a_broker_for_people(tmp_path):
    """`earshot status`, `earshot doctor` and `earshot drain` end by themselves, and nothing in a beacon steers a terminal."""
    with Talker(f"ipc://{tmp_path}/broker") as talker:
        for state in [msgpack.packb(state) for state in STATES] + [b"", b"\xc1", b"\x91" * 5000, b"\xdd\xff\xff\xff\xff"]:
            talker.state = state
            for command in (["status", "--wait", "300ms"], ["status", "--wait", "300ms", "--json"],
                            ["doctor", "--wait", "300ms", "broker", "services"], ["drain", "--wait", "0s", "nobody"]):
                if command[0] == "drain" and b"workers" not in state:
                    continue  # it would wait for a broker
                done = subprocess.run([BIN / "earshot", *command, "--broker", f"ipc://{tmp_path}/broker", "--data", tmp_path / "data"], capture_output=True,
                                      timeout=20 * SLOW)
                assert 0 <= done.returncode < 100, (state[:100], command, done.returncode, done.stderr)
                assert b"\x1b" not in done.stdout + done.stderr and b"\x07" not in done.stdout + done.stderr, (command, done.stdout)
