"""A house on tcp alone: each actor with its own key, and what becomes of those whose key is none, another's, or not good for what they say."""
import json
import shutil
import subprocess
import time
import urllib.request

import msgpack
import pytest
import websockets
import zmq

import hostile_peer as hostile
from house import BIN, SLOW, wait_until
from key_house import KeyHouse, Ring
from wire import Ws

KIND, KEY = hostile.KIND, hostile.KEY


@pytest.fixture(scope="module")
def house():
    with KeyHouse("edge", "transcriber-1", "transcriber-2", "room", "jobs", "analysis") as running:
        wait_until(lambda: {"transcriber-1", "transcriber-2", "room", "jobs", "analysis"} <= set(running.workers()), 20, "all workers")
        yield running


def upload(house, pcm=bytes(64000)):
    import io
    import wave
    data = io.BytesIO()
    with wave.open(data, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(16000)
        out.writeframes(pcm)
    request = urllib.request.Request(house.url + "/session/s/upload?file_name=a.wav", data=data.getvalue(), headers={"Content-Type": "audio/wav"})
    with urllib.request.urlopen(request, timeout=20 * SLOW) as answer:
        return json.load(answer)["jobId"]


def test_everything_works_by_keys_alone(house):
    with hostile.Beside(house.ws + "/api/audio/ws") as beside, Ws(house.ws + "/ws") as ws:
        ws.expect("welcome")
        ws.send(("room.join", {"room": "lobby", "name": "Ann"}))
        ws.until(lambda m: m["type"] == "room.joined")
        ws.send(("room.say", {"room": "lobby", "text": "hi", "msg_id": "a1"}))
        ws.until(lambda m: m["type"] == "room.said")
        job = upload(house)
        wait_until(lambda: json.loads(house.get(f"/jobs/{job}")[1])["status"] == "COMPLETED", 30, "a completed job")
        wait_until(lambda: beside.spoken > 20 or beside.trouble, 20, "words")


def refused(house, *reasons, by=1):
    """Until so many more handshakes were refused for one of these."""
    def count():
        figures = house.figures()
        return sum(figures.get(f'earshot_broker_handshakes_refused_total{{reason="{reason}"}}', 0) for reason in reasons)
    before = count()
    return lambda: wait_until(lambda: count() >= before + by, 15, f"{by} refused handshakes: {reasons}")


# Of two sides that do not understand each other either may hang up first.
STRANGERS = {"no key": ("protocol", "unfinished"), "a key of nobody": ("unknown_key",), "another broker in mind": ("protocol", "unfinished")}


@pytest.mark.parametrize("who", STRANGERS)
def test_strangers_are_not_let_in(house, tmp_path, who):
    """None of their messages comes in, and a handshake is refused for each socket that is tried."""
    counted = refused(house, *STRANGERS[who])
    stranger = Ring(tmp_path / "keys")
    stranger.make("edge")
    stranger.make("broker")
    prepare = {"no key": lambda made: None, "a key of nobody": house.dress("edge", stranger.path / "edge.key"),
               "another broker in mind": house.dress("edge", broker=stranger.path / "broker.pub")}[who]
    before = house.status()
    peer = hostile.Peer(house.base, prepare, hwm=1)
    counted()
    for name in ("frontend", "backend"):  # nobody is there to send it to
        with pytest.raises(zmq.Again):
            for _ in range(3):
                peer.sockets[name].send_multipart([hostile.STRANGER, hostile.pack(KIND["CLOSE"])], zmq.DONTWAIT)
    peer.close()
    after = house.status()
    assert after["malformed"] == before["malformed"] and after["dropped"] == before["dropped"]


def denied(house, socket, by=1):
    name = f'earshot_broker_denied_total{{socket="{socket}"}}'
    before = house.figures().get(name, 0)
    return lambda: wait_until(lambda: house.figures().get(name, 0) >= before + by, 15, f"{by} denied messages at {socket}")


# Which sockets a role has no business at.
CLOSED = {"transcriber": ("frontend", "publish"), "room": ("frontend", "publish"), "edge": ("backend", "results"), "observer": ("frontend", "backend", "results"),
          "operator": ("backend", "results"), "worker": ("frontend", "publish")}


@pytest.mark.parametrize("role", CLOSED)
def test_a_key_opens_its_own_sockets_only(house, role):
    house.ring.let_in(role, f"closed-{role}")
    counted = refused(house, "role", by=len(CLOSED[role]))
    peer = hostile.Peer(house.base, house.dress(f"closed-{role}"))
    counted()
    peer.close()
    house.ring.ok("keys", "revoke", f"closed-{role}")


def test_a_role_says_what_is_its_own(house):
    """A room that speaks as a transcriber, a transcriber that serves rooms, an operator with audio, somebody in the name of another worker: heard, counted, dropped."""
    for role in ("room", "transcriber", "operator"):
        house.ring.let_in(role, f"liar-{role}")
    with hostile.Beside(house.ws + "/api/audio/ws") as beside:
        client, honest = beside.client.encode(), next(int(w["inc"], 16) for w in house.workers().values() if w["name"] == "transcriber-1")
        told = {KEY["inc"]: honest, KEY["expected"]: 2**40, KEY["committed"]: 2**40, KEY["from"]: 1, KEY["to"]: 2**40, KEY["text"]: "lies"}
        room, transcriber, operator = (hostile.Peer(house.base, house.dress(f"liar-{role}"), route=b"%016x" % n)
                                       for n, role in enumerate(("room", "transcriber", "operator"), 1))
        room.await_open("results")
        results, backend, frontend = denied(house, "results", 20), denied(house, "backend", 2), denied(house, "frontend", 20)
        for epoch in range(1, 11):
            for kind in ("FINAL", "REFUSED"):
                room.send("results", [client, hostile.pack(KIND[kind], told | {KEY["reason"]: "lies"}, epoch, 1)])
            operator.send("frontend", [client, hostile.start_frame(), bytes(640)])
            operator.send("frontend", [client, hostile.pack(KIND["CLOSE"], None, 2**40, 1)])
        for peer, service in ((room, "transcribe"), (transcriber, "room")):
            hello = {KEY["inc"]: int(peer.route, 16), KEY["service"]: service, KEY["capacity"]: 1000, KEY["name"]: "liar"}
            peer.send("backend", [peer.route, hostile.pack(KIND["HELLO"], hello, 0, 0), b"\x90"])
        for counted in (results, backend, frontend):
            counted()
        assert "liar" not in house.workers()
        said = beside.spoken
        wait_until(lambda: beside.spoken > said + 10 or beside.trouble, 20, "words all the same")
    for peer in (room, transcriber, operator):
        peer.close()
    for role in ("room", "transcriber", "operator"):
        house.ring.ok("keys", "revoke", f"liar-{role}")


def test_handshakes_without_end(house):
    """Half handshakes and broken ones, three hundred at each port, are cut off; whoever has a key does not notice, and comes in meanwhile."""
    pid = house.processes["broker"].pid
    files = hostile.descriptors(pid)
    with hostile.Beside(house.ws + "/api/audio/ws"):
        peers = [hostile.connect_raw(house.port + n % 4, hostile.HALF[n // 4 % len(hostile.HALF)]) for n in range(1200)]
        house.ring.let_in("edge", "late")
        late = hostile.Peer(house.base, house.dress("late"))
        late.await_open("frontend", "publish")
        late.close()
        house.ring.ok("keys", "revoke", "late")
        wait_until(lambda: all(hostile.gone(peer) for peer in peers), 30, "the end of all")
        wait_until(lambda: hostile.descriptors(pid) <= files + 4, 30, f"{files} descriptors, at last {hostile.descriptors(pid)}")
    for peer in peers:
        peer.close()


def test_a_key_in_the_wrong_hands_is_no_use(house):
    """A process refuses a key that is not of its role."""
    done = subprocess.run([BIN / "earshot-room", "--data", house.data / "wrong", "--broker", house.base, "--key", house.ring.path / "transcriber-1.key",
                           "--broker-key", house.ring.path / "broker.pub"], capture_output=True, text=True, timeout=20 * SLOW)
    assert done.returncode == 2 and "transcriber" in done.stderr, done.stderr


def test_an_observer(house):
    house.ring.let_in("observer", "watcher")
    socket = zmq.Context.instance().socket(zmq.SUB)
    socket.setsockopt(zmq.LINGER, 0)
    house.dress("watcher")(socket)
    socket.setsockopt(zmq.SUBSCRIBE, b"sys/")
    socket.connect(f"tcp://127.0.0.1:{house.port + 3}")
    assert socket.poll(10000 * SLOW), "no beacon came"
    key, envelope, body = socket.recv_multipart()
    assert key.startswith(b"sys/") and msgpack.unpackb(body)["name"] == "broker"
    house.ring.ok("keys", "revoke", "watcher")

    def silent():
        while socket.poll(0):
            socket.recv_multipart()
        return not socket.poll(700)
    wait_until(silent, 10, "silence for one who was revoked")
    socket.close()


def test_an_operator_far_away(house):
    """`earshot status` and `earshot drain` over tcp, with an operator's key."""
    house.ring.let_in("operator")
    home = house.own("operator")

    def earshot(command, *args):
        return subprocess.run([BIN / "earshot", command, "--broker", house.base, "--data", home, "--keys", home / "keys", *args], capture_output=True, text=True,
                              timeout=40 * SLOW)
    said = earshot("status", "--json")
    assert said.returncode == 0, said.stderr
    assert {"transcriber-1", "room", "jobs"} <= {w["name"] for w in json.loads(said.stdout)["workers"]}
    with hostile.Beside(house.ws + "/api/audio/ws") as beside:
        done = earshot("drain", "transcriber-2")
        assert done.returncode == 0 and "transcriber-2" in done.stdout, done.stderr
        said = beside.spoken
        wait_until(lambda: beside.spoken > said + 10 or beside.trouble, 20, "words all the same")
    house.start("transcriber-2")
    wait_until(lambda: "transcriber-2" in house.workers(), 20, "transcriber-2 again")
    # without its key it is told what is wanted
    (home / "keys" / "operator.key").unlink()
    nobody = earshot("status")
    assert nobody.returncode != 0 and "keygen" in nobody.stderr, nobody.stderr


def test_revoked_and_let_in_again(house):
    """The transcriber that serves a stream is revoked in the middle: it is out in less than a second, the words stay whole; and it may come back."""
    with hostile.Beside(house.ws + "/api/audio/ws") as beside:
        name = wait_until(lambda: next((w["name"] for w in house.workers().values() if w["service"] == "transcribe" and w["streams"]), None), 10, "a busy worker")
        others = {actor: process.pid for actor, process in house.processes.items()}
        lost, since = house.figures()["earshot_broker_workers_lost_total"], time.monotonic()
        house.ring.ok("keys", "revoke", name)
        wait_until(lambda: house.figures()["earshot_broker_workers_lost_total"] > lost, 10, f"the end of {name}")
        took, said = time.monotonic() - since, beside.spoken
        assert took < 1.0 * SLOW, f"{name} was there for {took:.2f} s more"
        wait_until(lambda: beside.spoken > said + 20 or beside.trouble, 20, "words of another")
        went_on = time.monotonic() - since
        assert name not in house.workers()
        house.ring.ok("keys", "add", house.ring.path / f"{name}.pub")
        wait_until(lambda: name in house.workers(), 20, f"{name} again")
        assert {actor: process.pid for actor, process in house.processes.items() if process.poll() is None} == others
    print(f"out after {took:.2f} s, twenty more chunks said after {went_on:.2f} s")


def upgrade(house):
    try:
        with Ws(house.ws + "/api/audio/ws"):
            return 101
    except websockets.exceptions.InvalidStatusCode as refused:
        return refused.status_code


def test_an_edge_that_may_come_no_more_keeps_nobody(house):
    """Its clients would wait for words that nobody can bring: they are sent to another edge."""
    with Ws(house.ws + "/api/audio/ws") as ws:
        ws.send(bytes(640))
        ws.until(lambda m: "transcription" in m)
        assert "sends its clients away" in house.ring.ok("keys", "revoke", "edge")
        try:
            assert ws.await_close()[0] == 1001
            wait_until(lambda: b"refuses this edge's key" in house.get("/readyz")[1], 10, "the reason")
            assert upgrade(house) == 503
            assert b'earshot_edge_refused_total{reason="key"} 1\n' in house.get("/metrics")[1]
        finally:
            house.ring.ok("keys", "add", house.ring.path / "edge.pub")
    wait_until(lambda: house.get("/readyz")[0] == 200, 20, "an edge that is ready again")
    with Ws(house.ws + "/api/audio/ws") as ws:
        ws.send(bytes(640))
        ws.until(lambda m: "transcription" in m)


def swap_the_keys(ring, name):
    fresh, old = ring.path.with_name("keys.new"), ring.path.with_name(f"keys.before.{name}")
    shutil.copytree(ring.path, fresh)
    (fresh / "allowed" / f"{name}.pub").unlink()
    ring.path.rename(old)
    fresh.rename(ring.path)


def take_what_a_link_leads_to(ring, name):
    target = ring.path / f"{name}.pub"
    (ring.allowed / f"{name}.pub").unlink()
    (ring.allowed / f"{name}.pub").symlink_to(target)
    target.unlink()


@pytest.mark.parametrize("way", [swap_the_keys, take_what_a_link_leads_to])
def test_whom_the_list_has_lost_is_out_too(house, way):
    """Of neither change does inotify tell: another directory under the same path, and a link whose target has gone."""
    public = (house.ring.path / "transcriber-2.pub").read_text()
    wait_until(lambda: "transcriber-2" in house.workers(), 20, "transcriber-2")
    lost, since = house.figures()["earshot_broker_workers_lost_total"], time.monotonic()
    way(house.ring, "transcriber-2")
    wait_until(lambda: house.figures()["earshot_broker_workers_lost_total"] > lost, 10, "the end of transcriber-2")
    took = time.monotonic() - since
    assert took < 1.0 * SLOW, f"transcriber-2 was there for {took:.2f} s more"
    file = house.ring.path / "transcriber-2.pub"
    file.write_text(public)
    (house.ring.allowed / file.name).unlink(missing_ok=True)
    house.ring.ok("keys", "add", file)
    wait_until(lambda: "transcriber-2" in house.workers(), 20, "transcriber-2 again")


def test_nobody_without_keys_beyond_loopback(tmp_path):
    for command in (["earshot-broker", "--tcp", "0.0.0.0:5570"], ["earshot-transcriber", "--broker", "tcp://192.0.2.1:5570"],
                    ["earshot-edge", "--port", "0", "--broker", "tcp://192.0.2.1:5570"]):
        done = subprocess.run([BIN / command[0], "--data", tmp_path / "data", *command[1:]], capture_output=True, text=True, timeout=20 * SLOW)
        assert done.returncode == 2 and "earshot keygen" in done.stderr and "--insecure" in done.stderr, done.stderr
