"""Room actors behind a real broker: what is acknowledged is there once, whatever dies."""
import signal
import sqlite3

import pytest

from house import is_stopped, wait_until
from room_peer import CAPTION, JOINED, LEFT, MESSAGE, PARTIAL, Peer, Rooms, texts


def test_a_conversation():
    with Rooms("room-1") as rooms, Peer(rooms, "aaaaaa", "lobby") as ann, Peer(rooms, "bbbbbb", "lobby") as bob:
        first = ann.join("lobby", 1)
        assert first["kind"] == "ROOM_DONE" and first["meta"]["rseq"] == 1 and first["meta"]["floor"] == 1
        second = bob.join("lobby", 2)
        assert second["meta"]["count"] == 2 and second["body"] == [["aaaaaa0000000001", "s1", "Name 1"], ["bbbbbb0000000002", "s2", "Name 2"]]
        assert ann.say("lobby", 1, 2, "hello")["meta"]["rseq"] == 3
        assert bob.say("lobby", 2, 2, "hi, Ann ☺")["meta"]["rseq"] == 4
        again = ann.say("lobby", 1, 3, "another text", msg_id="hello")
        assert again["meta"]["rseq"] == 3
        who = bob.ask("lobby", "ROOM_WHO", 5, bob.client(2))
        assert who["kind"] == "ROOM_PRESENT" and who["meta"]["count"] == 2
        assert ann.leave("lobby", 1, 4)["meta"]["rseq"] == 5
        refused = ann.say("lobby", 1, 5, "gone")
        assert refused["kind"] == "ROOM_REFUSED" and refused["meta"]["reason"] == "not_member"
        events = bob.fetch("lobby", 2)["body"]
        assert [event[:2] for event in events] == [[2, JOINED], [3, MESSAGE], [4, MESSAGE], [5, LEFT]]
        assert texts(events) == ["hello", "hi, Ann ☺"]
        for peer in (ann, bob):
            wait_until(lambda p=peer: (p.listen(), [e[0] for _, e in p.news][-4:] == [2, 3, 4, 5])[1], 10, "all news")


def test_captions_are_cut_where_they_overlap():
    with Rooms("room-1") as rooms, Peer(rooms, "aaaaaa", "lobby") as ann:
        ann.join("lobby", 1)
        spoken = {"session": "s1", "name": "Name 1", "stream": "speech"}
        ann.ask("lobby", "ROOM_CAPTION", 2, ann.client(1), base=2, start=0, end=32000, text="one two", **spoken)
        ann.send("lobby", "ROOM_PARTIAL", client=ann.client(1), start=32000, end=40000, text="thr", **spoken)
        ann.ask("lobby", "ROOM_CAPTION", 3, ann.client(1), base=3, start=16000, end=64000, text="two three four", **spoken)
        wait_until(lambda: (ann.listen(), len(ann.news) >= 4)[1], 10, "the news")
        assert [(event[0], event[1], event[5]) for _, event in ann.news] == [
            (1, JOINED, ""), (2, CAPTION, "one two"), (0, PARTIAL, "thr"), (3, CAPTION, "three four")]
        assert texts(ann.fetch("lobby")["body"]) == ["one two", "three four"]


def test_a_killed_actor_loses_nothing():
    with Rooms("room-1") as rooms, Peer(rooms, "aaaaaa", "lobby") as ann:
        log = ann.join("lobby", 1)["meta"]["log"]
        numbers = {}
        for seq in range(2, 42):
            if seq % 10 == 0:
                rooms.kill("room-1", signal.SIGKILL)
                rooms.end("room-1")
                rooms.start("room-1")
            answer = ann.say("lobby", 1, seq, f"text {seq}")
            assert answer["kind"] == "ROOM_DONE" and answer["meta"]["log"] == log
            numbers[seq] = answer["meta"]["rseq"]
            if seq % 10 == 0:  # its answer might have been lost with the actor
                assert ann.say("lobby", 1, seq, f"text {seq}")["meta"]["rseq"] == numbers[seq]
        events = ann.fetch("lobby")["body"]
        assert [event[0] for event in events] == list(range(1, 42))
        assert texts(events) == [f"text {seq}" for seq in range(2, 42)]
        assert [numbers[seq] for seq in range(2, 42)] == list(range(2, 42))


def store_is_free(rooms):
    with sqlite3.connect(f"{rooms.data}/rooms.db", timeout=0, isolation_level=None) as db:
        try:
            db.execute("BEGIN IMMEDIATE")
            db.execute("ROLLBACK")
        except sqlite3.OperationalError:
            return False
        return True


def put_to_sleep(rooms, name):
    """Not in the midst of a transaction: whoever sleeps with the lock of the store stops all others, and says so."""
    def asleep():
        rooms.kill(name, signal.SIGSTOP)
        wait_until(lambda: is_stopped(rooms.processes[name].pid), 10, f"{name} stands still")
        return store_is_free(rooms) or rooms.kill(name, signal.SIGCONT)
    wait_until(asleep, 10, f"{name} asleep without the lock")


def test_an_actor_that_sleeps_gives_no_number_twice():
    with Rooms("room-1", "room-2") as rooms, Peer(rooms, "aaaaaa", "lobby") as ann:
        ann.join("lobby", 1)
        seq = 2
        for name in ("room-1", "room-2", "room-1", "room-2"):  # one of them has the room
            put_to_sleep(rooms, name)
            for _ in range(10):
                assert ann.say("lobby", 1, seq, f"text {seq}")["kind"] == "ROOM_DONE"
                seq += 1
            rooms.kill(name, signal.SIGCONT)
            for _ in range(10):
                assert ann.say("lobby", 1, seq, f"text {seq}")["kind"] == "ROOM_DONE"
                seq += 1
        events = ann.fetch("lobby")["body"]
        assert [event[0] for event in events] == list(range(1, seq))
        assert texts(events) == [f"text {n}" for n in range(2, seq)]
        ann.listen()
        said = {}
        for log, event in ann.news:
            assert said.setdefault((log, event[0]), event) == event, "one number, two events"
        with sqlite3.connect(f"{rooms.data}/rooms.db") as db:
            (term,), = db.execute("SELECT term FROM room WHERE id = 'lobby'")
        assert term >= 3, "the room has moved"


def test_a_drained_actor_hands_over():
    with Rooms("room-1", "room-2") as rooms, Peer(rooms, "aaaaaa") as ann:
        names = [f"room {n}" for n in range(8)]
        for name in names:
            ann.join(name, 1)
        rooms.kill("room-1", signal.SIGTERM)
        for name in names:
            assert ann.say(name, 1, 2, "hello")["meta"]["rseq"] == 2
        assert rooms.end("room-1") == 0
        for name in names:
            assert ann.say(name, 1, 3, "again")["meta"]["rseq"] == 3
        rooms.kill("room-2", signal.SIGTERM)
        assert rooms.end("room-2") == 0


def test_members_that_vanish_leave():
    with Rooms("room-1", options=("--member-grace", "1s", "--edge-silence", "2s")) as rooms, \
            Peer(rooms, "aaaaaa", "lobby") as ann, Peer(rooms, "bbbbbb") as bob:
        ann.join("lobby", 1)
        bob.join("lobby", 2)
        bob.join("lobby", 3)

        def announced(*members):
            bob.announce("lobby", 2)
            ann.announce("lobby", 1)
            ann.listen()
            return [event[3] for _, event in ann.news if event[1] == LEFT] == list(members)
        wait_until(lambda: announced("s3"), 20, "the member that is not announced")
        bob.announce = lambda *_: None  # the edge dies
        wait_until(lambda: announced("s3", "s2"), 20, "the member of the silent edge")
        assert ann.ask("lobby", "ROOM_WHO", 9, ann.client(1))["meta"]["count"] == 1


def test_history_is_bounded_and_says_so():
    with Rooms("room-1", options=("--history", "100")) as rooms, Peer(rooms, "aaaaaa") as ann:
        ann.join("lobby", 1)
        for seq in range(2, 152):
            ann.say("lobby", 1, seq, f"text {seq}")
        answer = ann.fetch("lobby", 1, 10)
        assert answer["meta"]["floor"] == 52 and answer["meta"]["rseq"] == 151
        assert [event[0] for event in answer["body"]] == list(range(52, 62))
        assert ann.say("lobby", 1, 152, "text 2")["meta"]["rseq"] == 2, "still known"


def test_limits_are_answered():
    with Rooms("room-1", options=("--max-rooms", "2", "--max-members", "2")) as rooms, Peer(rooms, "aaaaaa") as ann:
        for room in ("a", "b"):
            ann.join(room, 1)
        assert ann.join("c", 1)["meta"]["reason"] == "too_many_rooms"
        ann.join("a", 2)
        assert ann.join("a", 3)["meta"]["reason"] == "room_full"
        assert ann.say("a", 1, 2, "x" * 2049, msg_id="long")["meta"]["reason"] == "bad_request"
        ann.leave("b", 1, 2)
        assert wait_until(lambda: ann.join("c", 1)["kind"] == "ROOM_DONE", 10, "a place")


def test_hostile_messages_harm_nobody():
    with Rooms("room-1") as rooms, Peer(rooms, "aaaaaa") as ann:
        ann.join("lobby", 1)
        bad = ann.client(9)
        for body in (None, [], [["x"]], [[bad, "s9", 7]], [[bad, "", ""]], {"a": 1}, b"\xff" * 100):
            ann.send("lobby", "ROOM_MEMBERS", client=ann.key, body=body)
            ann.send("lobby", "ROOM_CAPTION", 5, body, client=bad, session="s9", base=5, name="\x1b", stream="s", start=5, end=1, text="")
        for client in ("", "sys/", "x" * 16, "AAAAAA0000000001"):
            ann.send("lobby", "ROOM_WHO", 1, client=client)
            ann.send("lobby", "ROOM_FETCH", 1, client=client, **{"from": 2**64 - 1, "count": 2**64 - 1})
        ann.send("lobby", "ROOM_FETCH", 1, client=ann.key, **{"from": 2**64 - 1, "count": 2**64 - 1})
        ann.send("lobby", "ROOM_SAY", 2**64 - 1, client=bad, session="s9", base=2**64 - 1, name="n", msg_id="m", text="t")
        # the last of them was a member's who comes back by what it says
        assert ann.say("lobby", 1, 2, "still here")["meta"]["rseq"] == 4
        assert rooms.processes["room-1"].poll() is None


@pytest.mark.parametrize("content, why", [(b"no database", "choose another --data"), (None, "newer earshot")])
def test_a_file_that_is_not_ours_is_left_alone(content, why):
    with Rooms() as rooms:
        path = f"{rooms.data}/rooms.db"
        if content:
            with open(path, "wb") as file:
                file.write(content * 100)
        else:
            rooms.start("room-0")
            rooms.kill("room-0", signal.SIGTERM)
            rooms.end("room-0")
            with sqlite3.connect(path) as db:
                db.execute("PRAGMA user_version = 77")
        rooms._start("room-1", "earshot-room")
        rooms.logs["room-1"].await_line(why)
        assert rooms.end("room-1") == 1
