"""Dead letters: what the house gives up for good is kept with its reason, and can be sent again."""
import json
import pathlib
import stat
import subprocess

import pytest
import zmq

import hostile_peer
from hostile_peer import KEY, KIND, pack
from house import BIN, House, wait_until
from key_house import KeyHouse
from wire import Ws

CHUNK = b"\1\2" * 1600


def dead(house, *args, check=0):
    done = subprocess.run([BIN / "earshot", "dead", args[0], "--data", house.data, *args[1:]], capture_output=True, text=True, timeout=60)
    assert done.returncode == check, done.stderr
    return done.stdout if check == 0 else done.stderr


def letters(house, kind=None):
    return [row for row in map(json.loads, dead(house, "list", "--json").splitlines()) if kind in (None, row["kind"])]


def say_to_frontend(house, parts):
    with zmq.Context() as context, context.socket(zmq.PUSH) as socket:
        socket.linger = 5000
        socket.connect(f"ipc://{house.data}/broker-frontend")
        socket.send_multipart(parts)


def lose_a_stream(house, chunks):
    """A stream whose only worker dies, in a house that gives a stream no second one."""
    with Ws(house.ws + "/ws") as ws:
        client = ws.expect("welcome")["client_id"]
        ws.send(("audio.start", {"sample_rate": 16000, "format": "pcm16"}))
        for _ in range(chunks):
            ws.send(CHUNK)
        house.await_restart(house.busy_worker(), house.kill(house.busy_worker()))
        got = ws.until(lambda m: m["type"] == "error")
        assert got[-1]["payload"]["code"] == "stream_quarantined"
        return client


@pytest.fixture(scope="module")
def fragile():
    with House("--delay-ms", "3000", env={"EARSHOT_QUARANTINE": "1"}) as house:
        yield house


def test_audio_that_nobody_could_serve_is_heard_later(fragile):
    client = lose_a_stream(fragile, 10)
    letter = wait_until(lambda: letters(fragile, "audio"), what="the letter")[0]
    assert (letter["from"], letter["actor"], letter["bytes"]) == (client, "edge", 10 * len(CHUNK))
    assert "died" in letter["reason"]
    path = pathlib.Path(fragile.data) / "dead" / (letter["id"] + ".letter")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_bytes().endswith(10 * CHUNK)
    assert dead(fragile, "inject", letter["id"], "--url", fragile.ws + "/ws").count("msg#") == 10
    assert letter["id"] in dead(fragile, "list")
    dead(fragile, "rm", letter["id"])
    assert letters(fragile, "audio") == []


def test_a_message_that_does_not_belong_is_kept_and_sent_again(fragile):
    say_to_frontend(fragile, [b"0123456789abcdef", b"no envelope \x1b[2J", b"body"])
    letter = wait_until(lambda: letters(fragile, "message"), what="the letter")[0]
    assert (letter["from"], letter["actor"], letter["peer"]) == ("frontend", "broker", "")
    shown = dead(fragile, "show", letter["id"])
    assert "part 2, 16 bytes" in shown and "\x1b" not in shown and letter["reason"] in shown
    assert "broker-frontend" in dead(fragile, "inject", letter["id"])
    wait_until(lambda: len(letters(fragile, "message")) == 2, what="the letter, given up anew")
    dead(fragile, "rm", "--all")
    assert letters(fragile) == [] and "nothing was given up" in dead(fragile, "list")


ASK = b"bad0bad000000000"
DRAIN = pack(KIND["DRAIN"], {KEY["name"]: "broker"}, 0, 0)
# What makes a DRAIN malformed, so that it is kept: a fourth part, a bundle around it.
WRAPPED = {
    "a fourth part": [ASK, DRAIN, b"", b"fourth"],
    "a bundle": [b"*", pack(KIND["BUNDLE"], None, 0, 0), bytes([len(ASK)]) + ASK + len(DRAIN).to_bytes(2, "big") + DRAIN + bytes(4)],
}


def test_a_letter_lends_a_key_no_rights():
    with KeyHouse() as house:
        house.ring.let_in("edge")
        peer = hostile_peer.Peer(house.base, house.dress("edge"))
        try:
            peer.await_open("frontend")
            for parts in WRAPPED.values():
                peer.send("frontend", parts)
            kept = wait_until(lambda: len(letters(house)) == len(WRAPPED) and letters(house), what="the letters")
        finally:
            peer.close()
        for letter in kept:
            assert letter["peer"] == "edge/edge"
            assert "a peer with a key said it" in dead(house, "inject", letter["id"], check=1)
        figures = house.figures()
        assert figures['earshot_broker_malformed_total{socket="frontend"}'] == len(WRAPPED) and house.processes["broker"].poll() is None


@pytest.mark.parametrize("parts", WRAPPED.values(), ids=WRAPPED)
def test_a_part_of_a_message_is_not_sent_as_another(fragile, parts):
    say_to_frontend(fragile, parts)
    letter = wait_until(lambda: letters(fragile, "message"), what="the letter")[0]
    assert "whole: no" in dead(fragile, "show", letter["id"])
    assert "only a part of what came" in dead(fragile, "inject", letter["id"], check=1)
    dead(fragile, "rm", letter["id"])


@pytest.mark.parametrize("args, sentence", [
    (("show", "../../etc/passwd"), "is no letter's id"),
    (("show", "edge-0123456789abcdef-0000"), "there is no letter"),
    (("inject", "broker-0123456789abcdef-0000"), "there is no letter"),
    (("rm", "edge-0123456789abcdef-0000"), "there is no letter"),
])
def test_mistakes_are_told(fragile, args, sentence):
    assert sentence in dead(fragile, *args, check=1)
    assert "ID is missing" in dead(fragile, args[0], check=2)


def test_a_damaged_letter_hides_no_other(fragile):
    say_to_frontend(fragile, [b"key", b"nonsense"])
    letter = wait_until(lambda: letters(fragile, "message"), what="the letter")[0]
    damaged = pathlib.Path(fragile.data) / "dead" / "edge-0000000000000001-0000.letter"
    damaged.write_bytes(b"earshot dead letter 1\ntime_us: x")
    done = subprocess.run([BIN / "earshot", "dead", "list", "--data", fragile.data], capture_output=True, text=True, timeout=30)
    assert done.returncode == 1 and "is damaged" in done.stderr and letter["id"] in done.stdout
    dead(fragile, "rm", "edge-0000000000000001-0000")
