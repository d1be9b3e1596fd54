"""Rooms on /ws, type by type: what is sent and what comes (PROTOCOL.md, 7.5). Mistakes are in test_rooms_mistakes.py."""
import json

import pytest

from fleet import Fleet
from guest import Guest
from rooms import View

CHUNK = b"\1\2" * 1600
START = {"sample_rate": 16000, "format": "pcm16"}


@pytest.fixture(scope="module")
def house():
    with Fleet(edges=2, rooms=2, transcribers=1) as fleet:
        yield fleet


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
