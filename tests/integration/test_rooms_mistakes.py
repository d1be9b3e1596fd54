"""Rooms on /ws: what is refused, and what becomes of who asked for it (PROTOCOL.md, 7.5)."""
import signal

import pytest

from fleet import Fleet
from guest import Guest
from house import wait_until
from rooms import View

START = {"sample_rate": 16000, "format": "pcm16"}
SIX = "ä€𐍈"  # 2 + 3 + 4 bytes
LONG, CONTROL = "x" * 65, ["a\u001fb", "\u007f", "a\u0085b", "line\nfeed", "tab\t"]
BAD_JOINS = [({"room": r, "name": "Ann"}, "bad_field") for r in ["", LONG, SIX * 8, 7, None, *CONTROL]] + \
            [({"room": "r", "name": n}, "bad_field") for n in ["", LONG, "ü" * 33, True, *CONTROL]] + \
            [({"room": "r"}, "missing_field"), ({"name": "Ann"}, "missing_field"), ({"room": "r", "name": "n", "nickname": "x"}, "unknown_field")] + \
            [({"room": "r", "name": "n", "since": s, "log": "1"}, "bad_field") for s in (-1, 1.5, "3")] + \
            [({"room": "r", "name": "n", "since": 1, "log": s}, "bad_field") for s in (5, "", "xyz")]
BAD_SAYS = [({"text": t}, "bad_field") for t in ["", "x" * 2049, "é" * 1025, 5, "\u001b[31m", "a\u007f", "\u009b"]] + \
           [({"text": "t", "msg_id": m}, "bad_field") for m in ["", "x" * 129, 7]] + [({}, "missing_field"), ({"text": "t", "to": "Bob"}, "unknown_field")]


@pytest.fixture(scope="module")
def house():
    with Fleet(edges=2, rooms=2, transcribers=1) as fleet:
        yield fleet


def test_bad_joins_get_an_error_and_the_connection_stays(ann, room):
    for payload, code in BAD_JOINS:
        error = ann.error("room.join", payload, code)
        assert error["ref"] == "room.join", (payload, error)
    ann.come(room)


def test_bad_messages_get_an_error_and_the_connection_stays(ann, room):
    ann.come(room)
    for payload, code in BAD_SAYS:
        assert ann.error("room.say", {"room": room, **payload}, code)["ref"] == "room.say", payload
    assert ann.say(room, "good")["rseq"] == 2


@pytest.mark.parametrize("bad", [{"limit": 0}, {"limit": 101}, {"limit": "5"}, {"before": -1}, {"before": "x"}, {"after": 3}])
def test_bad_requests_for_history(ann, room, bad):
    ann.come(room)
    ann.error("room.history", {"room": room, **bad}, "unknown_field" if "after" in bad else "bad_field")


def test_an_error_names_the_message_that_it_is_about(ann, room):
    error = ann.error("room.say", {"room": room, "text": "hi", "msg_id": "m1"}, "not_in_room")
    assert (error["ref"], error["room"], error["msg_id"]) == ("room.say", room, "m1")


@pytest.mark.parametrize("kind, payload", [("room.say", {"text": "hi"}), ("room.leave", {}), ("room.history", {}), ("room.who", {}), ("audio.start", START)])
def test_who_is_not_in_a_room(ann, room, kind, payload):
    ann.error(kind, {"room": room, **payload}, "not_in_room")
    ann.come(room)


def test_who_is_in_a_room_already(ann, room):
    ann.come(room)
    ann.error("room.join", {"room": room, "name": "Ann"}, "already_in_room")
    assert ann.say(room, "still here")["rseq"] == 2


def test_too_many_rooms(ann, room):
    most = ann.welcome["limits"]["max_rooms"]
    for n in range(most):
        ann.join(f"{room}/{n}")
    ann.error("room.join", {"room": room, "name": "Ann"}, "too_many_rooms")
    ann.send(("room.leave", {"room": f"{room}/0"}))
    ann.await_("room.left", member=ann.session)
    ann.views[room] = View()
    come_again(ann, room)


@pytest.mark.parametrize("escape", ["\\ud800", "\\udc00 \\ud800", "\\u0000"], ids=["half", "halves", "NUL"])
def test_escapes_that_are_no_text(ann, room, escape):
    ann.come(room)
    for payload in (f'"room":"{room}","text":"{escape}"', f'"room":"{room}{escape}","text":"hi"'):
        ann.send('{"type":"room.say","payload":{' + payload + '},"timestamp":1}')
        assert ann.await_("error")["code"] == "invalid_json"
    assert ann.say(room, "good")["rseq"] == 2


def test_resume_comes_first(house, ann, room):
    ann.send(("ping", {}))
    ann.await_("pong")
    ann.error("session.resume", {"token": ann.token}, "not_first")
    ann.come(room)


@pytest.mark.parametrize("token", ["", "nonsense", "0" * 97, "x" * 1000], ids=["empty", "nonsense", "zeros", "long"])
def test_a_wrong_token_is_said_and_the_connection_goes_on(ann, room, token):
    ann.send(("session.resume", {"token": token}))
    answer = ann.expect()
    if answer["type"] == "session.resumed":
        assert answer["payload"]["ok"] is False and len(answer["payload"]["reason"]) > 10
    else:
        assert answer["payload"]["code"] == "bad_field"
    ann.come(room)


def test_a_forged_token_is_refused(house, ann, room):
    bob_session = Guest(house.urls[0])
    with bob_session:
        forged = bob_session.token.replace(bob_session.session, ann.session)
        assert forged != bob_session.token
        with Guest(house.urls[0]) as thief:
            thief.send(("session.resume", {"token": forged}))
            assert thief.expect("session.resumed")["ok"] is False
            thief.come(room)
            assert thief.session not in (ann.session, bob_session.session)


def test_more_than_the_rate_is_not_taken(room):
    with Fleet(env={"EARSHOT_SAY_RATE": "5", "EARSHOT_SAY_BURST": "20"}) as house, Guest(house.urls[0]) as ann:
        ann.come(room)
        for n in range(40):
            ann.send(("room.say", {"room": room, "text": f"{n}", "msg_id": f"{n}"}))
        answers = [ann.await_("room.said", msg_id="0")]
        refused = set()
        while len(answers) + len(refused) < 40:
            message = ann._stash.pop(0) if ann._stash else ann.recv()
            if message["type"] == "room.said":
                answers.append(message["payload"])
            elif message["type"] == "error":
                assert message["payload"]["code"] == "rate_limited" and message["payload"]["room"] == room
                refused.add(message["payload"]["msg_id"])
        assert 10 <= len(refused) <= 20
        taken = [n for n in range(40) if str(n) not in refused]
        ann.until_at(room, 1 + len(taken))
        assert [int(t) for _, t in ann.views[room].texts()] == taken
        wait_until(lambda: "room.said" == (ann.send(("room.say", {"room": room, "text": "later"})), ann.recv())[1]["type"], 10, "the rate allows more")


def test_who_comes_and_goes_without_end_is_stopped_and_may_come_back(room):
    with Fleet() as house, Guest(house.urls[0]) as bob:
        limits = bob.welcome["limits"]
        for n in range(limits["join_burst"]):
            bob.come(f"{room}/{n}", "Bob")
            bob.send(("room.leave", {"room": f"{room}/{n}"}))
            bob.event(f"{room}/{n}", "room.left", member=bob.session)
        bob.error("room.join", {"room": room, "name": "Bob"}, "rate_limited")
        with Guest(house.urls[0], bob.token) as again:  # into as many rooms as a client may be in, at once
            for n in range(limits["max_rooms"]):
                again.send(("room.join", {"room": f"{room}/{n}", "name": "Bob"}))
            for n in range(limits["max_rooms"]):
                again.await_("room.joined", lambda p: "members" in p, room=f"{room}/{n}")


def come_again(guest, room):
    """Into a room after one was left, of which the edge may not have heard yet."""
    answer = {"type": "error"}
    while answer["type"] == "error":
        guest.send(("room.join", {"room": room, "name": "Eve", **guest.views[room].since()}))
        while (answer := guest.recv())["type"] != "error" and "members" not in answer["payload"]:
            pass


def test_who_comes_and_goes_pushes_out_nobodys_words(room):
    with Fleet(edges=2, env={"EARSHOT_HISTORY": "100", "EARSHOT_JOIN_RATE": "0"}) as house, Guest(house.urls[0]) as ann, Guest(house.urls[0]) as eve:
        ann.come(room)
        said = [ann.say(room, text)["rseq"] for text in ("one", "two", "three")]
        eve.views[room] = View()
        for _ in range(120):
            come_again(eve, room)
            eve.send(("room.leave", {"room": room}))
            eve.await_("room.left", member=eve.session)
        last = 4 + 240
        ann.until_at(room, last)
        assert said == [2, 3, 4]
        with Guest(house.urls[1]) as bob:
            assert bob.join(room, "Bob", since=1, log=ann.views[room].log)["history"] == {"from": 2, "complete": True}
            view = bob.until_at(room, last + 1)
            assert [text for _, text in view.texts()] == ["one", "two", "three"]
            assert view.lost == [(5, last + 1 - 100)]
            bob.send(("room.history", {"room": room, "before": last - 91, "limit": 10}))
            page = bob.await_("room.history", lambda p: p["events"])
            assert [event["rseq"] for event in page["events"]] == [2, 3, 4, *range(last + 2 - 100, last - 91)]


def test_without_a_room_actor_what_is_said_waits():
    with Fleet() as house, Guest(house.urls[0]) as ann:
        ann.come("lobby")
        house.kill("room-1", signal.SIGSTOP)
        try:
            for n in range(64):
                ann.send(("room.say", {"room": "lobby", "text": f"{n}", "msg_id": f"{n}"}))
            error = ann.error("room.say", {"room": "lobby", "text": "one more", "msg_id": "x"}, "too_many_pending")
            assert error["msg_id"] == "x"
            error = ann.await_("error", deadline=15)
            assert error["code"] == "room_unavailable" and error["room"] == "lobby"
        finally:
            house.kill("room-1", signal.SIGCONT)
        assert [ann.await_("room.said", msg_id=f"{n}")["rseq"] for n in range(64)] == list(range(2, 66))
        ann.until_at("lobby", 65)
        assert [t for _, t in ann.views["lobby"].texts()] == [str(n) for n in range(64)]
