"""Rooms on /ws, type by type: what is sent and what comes (PROTOCOL.md, 7.5)."""
import itertools
import json
import signal

import pytest

from fleet import Fleet
from guest import Guest
from house import wait_until
from rooms import View

CHUNK = b"\1\2" * 1600
START = {"sample_rate": 16000, "format": "pcm16"}
SIX = "ä€𐍈"  # 2 + 3 + 4 bytes


@pytest.fixture(scope="module")
def house():
    with Fleet(edges=2, rooms=2, transcribers=1) as fleet:
        yield fleet


@pytest.fixture
def room(counter=itertools.count(1)):
    """A room that no other test uses."""
    return f"room {next(counter)}"


@pytest.fixture
def ann(house):
    with Guest(house.urls[0]) as guest:
        yield guest


@pytest.fixture
def bob(house):
    """On the other edge."""
    with Guest(house.urls[1]) as guest:
        yield guest


# ---- a conversation

def test_from_coming_to_leaving(ann, bob, room):
    answer = ann.join(room, "Ann")
    assert answer["name"] == "Ann" and answer["member"] == ann.session and answer["total"] == 1
    assert answer["members"] == [{"member": ann.session, "name": "Ann"}]
    assert answer["history"] == {"from": 1, "complete": True} and isinstance(answer["log"], str)
    assert ann.event(room, "room.joined")["rseq"] == 1
    answer = bob.join(room, "Bob")
    assert answer["history"] == {"from": 1, "complete": True} and answer["total"] == 2 and answer["rseq"] >= 1
    assert {(m["member"], m["name"]) for m in answer["members"]} == {(ann.session, "Ann"), (bob.session, "Bob")}
    bob.event(room, "room.joined", rseq=1, member=ann.session, name="Ann")
    for guest in (bob, ann):
        guest.event(room, "room.joined", rseq=2, member=bob.session, name="Bob")
    assert ann.say(room, "hi", "a1")["rseq"] == 3
    for guest in (ann, bob):
        event = guest.event(room, "room.message", rseq=3, member=ann.session, name="Ann", text="hi", msg_id="a1")
        assert event["time"] > 1_600_000_000_000
    bob.send(("room.leave", {"room": room}))
    assert bob.await_("room.left", room=room)["member"] == bob.session
    ann.event(room, "room.left", rseq=4, member=bob.session, name="Bob")
    ann.say(room, "gone")
    bob.error("room.say", {"room": room, "text": "still here?"}, "not_in_room")
    assert bob.views[room].at <= 4
    bob.join(room, "Bob", view=bob.views[room], **bob.views[room].since())
    assert [e["type"] for e in bob.until_at(room, 6).events[-2:]] == ["room.message", "room.joined"]
    assert bob.events_of(room)[:3] == ann.events_of(room)[:3]


def test_who(ann, bob, room):
    ann.come(room, "Ann")
    bob.come(room, "Bob")
    answer = ann.ask("room.who", {"room": room}, "room.members")
    assert answer["room"] == room and answer["total"] == 2 and answer["rseq"] == 2
    assert {(m["member"], m["name"]) for m in answer["members"]} == {(ann.session, "Ann"), (bob.session, "Bob")}


def test_messages_of_one_client_keep_their_order(ann, bob, room):
    ann.come(room)
    bob.come(room)
    for n in range(60):
        ann.send(("room.say", {"room": room, "text": f"number {n}", "msg_id": f"{n}"}))
    bob.until_at(room, 62)
    assert bob.views[room].texts() == [("Ann", f"number {n}") for n in range(60)]
    said = [ann.await_("room.said", msg_id=f"{n}")["rseq"] for n in range(60)]
    assert said == list(range(3, 63))


def test_a_client_in_two_rooms(ann, bob, room):
    other = room + ", next door"
    ann.come(room)
    ann.come(other, "Anna")
    bob.come(other)
    ann.say(room, "for nobody")
    bob.say(other, "for Anna")
    assert ann.event(other, "room.message")["text"] == "for Anna"
    assert ann.event(room, "room.message")["text"] == "for nobody"
    bob.until_at(other, 3)
    assert ann.views[other].texts() == bob.views[other].texts() and bob.views[other].texts()[0][1] == "for Anna"


@pytest.mark.parametrize("text", ["日本語, Привет, 👋🏽 and \u202eright to left", "two\nlines\tand a tab", "\"quoted\" \\ </script>", "x" * 2048, "é" * 1024],
                         ids=["scripts", "lines", "quotes", "longest", "longest of two bytes"])
def test_texts_come_as_they_were_said(ann, bob, room, text):
    ann.come(room, "Ärger 🎤")
    bob.come(room)
    ann.say(room, text)
    assert bob.event(room, "room.message", name="Ärger 🎤")["text"] == text


@pytest.mark.parametrize("name", ["ü" * 32, "x" * 64, "a/b\\c", "日本", "'; DROP TABLE events; --", "%s%n"],
                         ids=["longest of two bytes", "longest", "slashes", "script", "sql", "percents"])
def test_ids_and_names_of_every_kind(ann, bob, name):
    ann.come(name, name)
    bob.come(name, "Bob")
    ann.say(name, "hi")
    assert bob.event(name, "room.message", name=name)["room"] == name


# ---- saying again

def test_the_same_message_is_there_once(ann, bob, room):
    ann.come(room)
    bob.come(room)
    first = ann.say(room, "once", "a1")
    assert ann.say(room, "once", "a1")["rseq"] == first["rseq"]
    bob.say(room, "mine", "a1")  # another member's a1 is another message
    ann.say(room, "end")
    bob.until_at(room, 5)
    assert [t for _, t in bob.views[room].texts()] == ["once", "mine", "end"]


def test_the_same_message_after_a_resume_is_there_once(house, ann, bob, room):
    bob.come(room)
    guest = Guest(house.urls[0])
    guest.come(room, "Cid")
    first = guest.say(room, "once", "c1")
    guest.abort()
    with Guest(house.urls[1], guest.token) as again:
        assert again.session == guest.session
        again.join(room, "Cid", view=guest.views[room], **guest.views[room].since())
        assert again.say(room, "once", "c1")["rseq"] == first["rseq"]
        again.say(room, "twice", "c2")
        bob.until_at(room, 4)
    assert [t for _, t in bob.views[room].texts()] == ["once", "twice"]
    assert [e["type"] for e in bob.events_of(room)] == ["room.joined"] * 2 + ["room.message"] * 2  # it never left


# ---- history

def talk(guest, room, count):
    for n in range(count):
        guest.say(room, f"number {n}", f"{n}")


def test_the_last_fifty_for_who_comes_late(ann, bob, room):
    ann.come(room)
    talk(ann, room, 100)
    answer = bob.join(room, "Bob")
    assert answer["history"]["from"] == answer["rseq"] - 49
    bob.event(room, "room.joined", member=bob.session, rseq=102)
    assert [e["rseq"] for e in bob.events_of(room)] == list(range(answer["history"]["from"], 103))


def test_what_was_missed_for_who_comes_back(house, ann, room):
    ann.come(room)
    talk(ann, room, 10)
    guest = Guest(house.urls[1])
    guest.come(room, "Cid")
    seen = guest.views[room].at
    guest.abort()
    for n in range(200):
        ann.say(room, f"while away {n}")
    with Guest(house.urls[1], guest.token) as again:
        answer = again.join(room, "Cid", view=guest.views[room], **guest.views[room].since())
        assert answer["history"] == {"from": seen + 1, "complete": True}
        view = again.until_at(room, seen + 200)
        assert [t for _, t in view.texts()][-200:] == [f"while away {n}" for n in range(200)]


def test_of_another_log_nothing_is_known(ann, bob, room):
    ann.come(room)
    talk(ann, room, 5)
    answer = bob.join(room, "Bob", since=3, log="0123456789abcdef")
    assert answer["history"] == {"from": 1, "complete": False}
    bob.until_at(room, 7)


def test_history_page_by_page(ann, bob, room):
    ann.come(room)
    talk(ann, room, 130)
    bob.come(room)
    before, pages = 132, []
    while before > 1:
        page = bob.ask("room.history", {"room": room, "before": before, "limit": 60}, "room.history")
        assert page["to"] == before - 1 and page["from"] == max(1, before - 60) and page["complete"] == (page["from"] == 1)
        assert [e["rseq"] for e in page["events"]] == list(range(page["from"], before))
        before, pages = page["from"], page["events"] + pages
    ann.until_at(room, 132)
    assert pages == [{n: v for n, v in e.items() if n != "room"} for e in ann.events_of(room)[:131]]
    last = bob.ask("room.history", {"room": room}, "room.history")
    assert last["to"] == 132 and len(last["events"]) == 50
    none = bob.ask("room.history", {"room": room, "before": 1}, "room.history")
    assert none["events"] == [] and none["to"] == none["from"] - 1


def test_events_that_are_given_up_are_told():
    with Fleet(edges=2, env={"EARSHOT_HISTORY": "100"}) as house, Guest(house.urls[0]) as ann:
        ann.come("lobby")
        seen = ann.views["lobby"].since()
        talk(ann, "lobby", 400)
        with Guest(house.urls[1]) as bob:
            answer = bob.join("lobby", "Bob", view=View(), **seen)
            assert not answer["history"]["complete"] and answer["history"]["from"] > 200
            view = bob.until_at("lobby", 402)
            assert len(view.events) == 402 - answer["history"]["from"] + 1
            page = bob.ask("room.history", {"room": "lobby", "before": answer["history"]["from"]}, "room.history")
            assert not page["complete"]


# ---- mistakes

LONG, CONTROL = "x" * 65, ["a\u001fb", "\u007f", "a\u0085b", "line\nfeed", "tab\t"]
BAD_JOINS = [({"room": r, "name": "Ann"}, "bad_field") for r in ["", LONG, SIX * 8, 7, None, *CONTROL]] + \
            [({"room": "r", "name": n}, "bad_field") for n in ["", LONG, "ü" * 33, True, *CONTROL]] + \
            [({"room": "r"}, "missing_field"), ({"name": "Ann"}, "missing_field"), ({"room": "r", "name": "n", "nickname": "x"}, "unknown_field")] + \
            [({"room": "r", "name": "n", "since": s, "log": "1"}, "bad_field") for s in (-1, 1.5, "3")] + \
            [({"room": "r", "name": "n", "since": 1, "log": s}, "bad_field") for s in (5, "", "xyz")]
BAD_SAYS = [({"text": t}, "bad_field") for t in ["", "x" * 2049, "é" * 1025, 5, "\u001b[31m", "a\u007f", "\u009b"]] + \
           [({"text": "t", "msg_id": m}, "bad_field") for m in ["", "x" * 129, 7]] + [({}, "missing_field"), ({"text": "t", "to": "Bob"}, "unknown_field")]


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


# ---- presence

@pytest.fixture(scope="module")
def impatient():
    """Who is away for two seconds leaves."""
    with Fleet(edges=2, rooms=2, env={"EARSHOT_MEMBER_GRACE": "2s"}) as fleet:
        yield fleet


def test_who_vanishes_leaves(impatient, room):
    with Guest(impatient.urls[0]) as ann:
        ann.come(room)
        bob = Guest(impatient.urls[1])
        bob.come(room, "Bob")
        bob.abort()
        ann.event(room, "room.left", member=bob.session, name="Bob")
        assert ann.ask("room.who", {"room": room}, "room.members")["total"] == 1


def test_who_comes_back_in_time_never_left(impatient, room):
    with Guest(impatient.urls[0]) as ann:
        ann.come(room)
        bob = Guest(impatient.urls[1])
        bob.come(room, "Bob")
        bob.abort()
        with Guest(impatient.urls[0], bob.token) as again:
            again.join(room, "Bob", view=bob.views[room], **bob.views[room].since())
            gone = Guest(impatient.urls[1])
            gone.come(room, "Cid")
            gone.abort()  # what comes after its leaving comes after Bob's grace as well
            ann.event(room, "room.left", member=gone.session)
            assert [e["member"] for e in ann.events_of(room) if e["type"] == "room.left"] == [gone.session]
            assert {m["name"] for m in ann.ask("room.who", {"room": room}, "room.members")["members"]} == {"Ann", "Bob"}


def test_another_name_is_told(impatient, room):
    with Guest(impatient.urls[0]) as ann:
        ann.come(room)
        bob = Guest(impatient.urls[1])
        bob.come(room, "Bob")
        bob.abort()
        with Guest(impatient.urls[0], bob.token) as again:
            again.join(room, "Robert")
            ann.event(room, "room.left", name="Bob", member=bob.session)
            ann.event(room, "room.joined", name="Robert", member=bob.session)


def test_members_leave_with_their_edge(impatient, room):
    with Guest(impatient.urls[0]) as ann, Guest(impatient.urls[1]) as bob:
        ann.come(room)
        bob.come(room, "Bob")
        impatient.kill("edge-2")
        ann.event(room, "room.left", member=bob.session, deadline=25)


# ---- captions

def speak(guest, room, chunks):
    guest.send(("audio.start", {**START, "room": room}))
    for _ in range(chunks):
        guest.send(CHUNK)
    guest.send(("audio.stop", {}))
    guest.await_("audio.done")


def test_captions_of_a_speaker(ann, bob, room):
    ann.come(room, "Ann")
    bob.come(room, "Bob")
    speak(ann, room, 5)
    for guest in (ann, bob):
        captions = [guest.event(room, "room.caption", member=ann.session, name="Ann", final=True) for _ in range(5)]
        assert [c["rseq"] for c in captions] == [3, 4, 5, 6, 7]
        assert len({c["stream"] for c in captions}) == 1
        assert [(c["start_ms"], c["end_ms"]) for c in captions] == [(100 * n, 100 * n + 100) for n in range(5)]
        assert all(f"msg#{n} (binary 3200 bytes)" in c["text"] for n, c in enumerate(captions, 1))
    speak(ann, room, 1)  # another stream
    assert bob.event(room, "room.caption")["stream"] != captions[0]["stream"]


def test_two_speakers_and_a_writer(ann, bob, room):
    for guest, name in ((ann, "Ann"), (bob, "Bob")):
        guest.come(room, name)
    for guest in (ann, bob):
        guest.send(("audio.start", {**START, "room": room}))
    for n in range(20):
        ann.send(CHUNK)
        bob.send(CHUNK)
        ann.send(("room.say", {"room": room, "text": f"{n}"}))
    for guest in (ann, bob):
        guest.send(("audio.stop", {}))
        guest.await_("audio.done")
    for guest in (ann, bob):
        guest.until_at(room, 62)
    assert ann.events_of(room)[1:] == bob.events_of(room)[-61:]
    for speaker in (ann, bob):
        spoken = [e for e in ann.events_of(room) if e["type"] == "room.caption" and e["member"] == speaker.session]
        assert [e["text"].split("msg#")[1].split()[0] for e in spoken] == [str(n) for n in range(1, 21)]


def test_captions_go_on_over_another_edge(house, ann, room):
    """What the first edge had said is not said again, what it had not is."""
    ann.come(room)
    bob = Guest(house.urls[1])
    bob.come(room, "Bob")
    start = {**START, "room": room, "resumable": True}
    bob.send(("audio.start", start))
    stream = bob.await_("audio.started", next_seq=1)["stream"]
    for _ in range(20):
        bob.send(CHUNK)
    last = bob.await_("transcript", final=True, to_seq=10)
    bob.abort()  # 11 to 20 may be words by now, or not
    kept = {name: last[name] for name in ("position", "checkpoint") if name in last}
    with Guest(house.urls[0], bob.token, committed=10, stream=stream, **kept) as again:
        assert again.resumed["next_seq"] == 11
        again.join(room, "Bob", view=bob.views[room], **bob.views[room].since())
        again.send(("audio.start", start))
        assert again.await_("audio.started")["stream"] == stream
        for _ in range(11, 31):
            again.send(CHUNK)
        again.send(("audio.stop", {}))
        again.await_("audio.done")
        ann.until_at(room, 32)
        captions = [e for e in ann.events_of(room) if e["type"] == "room.caption"]
        assert [(c["start_ms"], c["end_ms"]) for c in captions] == [(100 * n, 100 * n + 100) for n in range(30)]
        assert {(c["member"], c["stream"]) for c in captions} == {(bob.session, stream)}


def test_captions_are_history_too(ann, bob, room):
    ann.come(room)
    speak(ann, room, 3)
    ann.until_at(room, 4)  # they are stored
    bob.come(room, "Bob")
    assert [e["type"] for e in bob.events_of(room)] == ["room.joined"] + ["room.caption"] * 3 + ["room.joined"]


def test_a_stream_without_a_room_is_nobodys_business(ann, bob, room):
    ann.come(room)
    bob.come(room)
    ann.send(("audio.start", START))
    ann.send(CHUNK)
    ann.send(("audio.stop", {}))
    ann.await_("audio.done")
    ann.say(room, "that was for me")
    bob.until_at(room, 3)
    assert [e["type"] for e in bob.events_of(room)][-1] == "room.message"


def test_types_are_envelopes(ann, room):
    ann.come(room)
    ann.say(room, "x")
    ann.send(json.dumps({"type": "room.say", "payload": {"room": room, "text": "y"}}))
    assert ann.await_("error")["code"] == "missing_field"
