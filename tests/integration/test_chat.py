"""`earshot chat` in a pipe and on a terminal, against a server of rooms that a test can disturb."""
import json
import re
import signal
import socket
import subprocess

import pytest

from chat import Chat
from house import BIN, wait_until
from room_server import RoomServer
from screen import Screen


@pytest.fixture
def server():
    with RoomServer() as running:
        yield running


def earshot(*args, **more):
    return subprocess.run([BIN / "earshot", "chat", *args], capture_output=True, timeout=60, **more)


# ---- in a pipe

def test_lines_in_json_out(server):
    server.add("room.message", text="before", msg_id="b1")
    done = earshot("--url", server.url, "--name", "Ann", "lobby", input="one\n\nzw\u00f6lf \u6f22\r\nlast".encode())
    assert (done.returncode, done.stderr) == (0, b"")
    messages = [json.loads(line) for line in done.stdout.splitlines()]
    assert [m["type"] for m in messages if m["type"] != "room.said"] == \
        ["welcome", "room.joined", "room.message", "room.joined", *["room.message"] * 3, "room.left"]
    assert [m["text"] for m in messages if m["type"] == "room.message"] == ["before", "one", "zw\u00f6lf \u6f22", "last"]
    assert [m["rseq"] for m in messages if m["type"] == "room.said"] == [3, 4, 5]
    assert messages[1]["members"][0]["name"] == "Ann" and messages[1]["history"] == {"from": 1, "complete": True}


def test_the_history_is_there_even_without_input(server):
    for i in range(60):
        server.add("room.message", text=str(i), msg_id=f"b{i}")
    done = earshot("--url", server.url, "--recent", "3", "lobby", stdin=subprocess.DEVNULL)
    assert done.returncode == 0
    assert [m["text"] for m in map(json.loads, done.stdout.splitlines()) if m["type"] == "room.message"] == ["57", "58", "59"]


def test_what_cannot_be_in_a_message(server):
    with Chat(server.url) as chat:
        chat.process.stdin.write(b"\x1b[1mbold\xff\n" + b"word " * 1000 + b"\n" + b"y" * 70000 + b"\n")
        chat.end()
    texts = server.texts()
    assert texts[0] == "\ufffd[1mbold\ufffd"
    assert "".join(texts[1:4]) == "word " * 1000 and all(len(t) <= 2048 for t in texts)
    assert "".join(texts[4:]) == "y" * 70000


def test_many_lines_keep_their_order(server):
    server.limits = {"say_rate": 2000, "say_burst": 20, "max_pending": 8}
    lines = [f"line {i}" for i in range(1500)]
    done = earshot("--url", server.url, "lobby", input="\n".join(lines).encode())
    assert done.returncode == 0 and server.texts() == lines


def test_two_hear_each_other(server):
    with Chat(server.url) as ann, Chat(server.url, name="Bob") as bob:
        ann.await_inside(), bob.await_inside()
        ann.say("hello")
        bob.await_texts("hello")
        bob.say("hi")
        ann.await_texts("hello", "hi")
        ann.end()
        wait_until(lambda: any(m["name"] == "Ann" for m in bob.messages("room.left")), 10)
        bob.end()


def test_a_lost_connection_loses_nothing(server):
    with Chat(server.url) as chat:
        chat.say("one")
        chat.await_texts("one")
        for i in range(3):
            server.cut()
            server.add("room.message", text=f"meanwhile {i}", msg_id=f"b{i}")
            chat.say(f"after {i}")
            wait_until(lambda: f"after {i}" in chat.texts(), 10)
        chat.end()
    assert chat.texts() == ["one", "meanwhile 0", "after 0", "meanwhile 1", "after 1", "meanwhile 2", "after 2"] == server.texts()
    assert [m["rseq"] for m in chat.messages("room.message", "room.joined", "room.left") if "members" not in m] == list(range(1, 10))
    assert len(server.said("session.resume")) == 3 and "is lost" in chat.err.text() and "back in lobby" in chat.err.text()


def test_what_was_taken_is_not_said_twice(server):
    server.mute_acks = True
    with Chat(server.url) as chat:
        chat.say("one", "two")
        wait_until(lambda: server.texts() == ["one", "two"], 10)
        server.mute_acks = False
        server.cut()
        chat.end()
    assert server.texts() == ["one", "two"]


def test_what_was_not_taken_is_said_again_under_its_name(server):
    server.deaf = True
    with Chat(server.url) as chat:
        chat.say("one")
        first = wait_until(lambda: server.said("room.say"), 10)[0]
        server.deaf = False
        server.cut()
        chat.end()
    assert server.texts() == ["one"] and server.said("room.say")[-1] == first


def test_a_session_that_is_not_taken_up_is_told(server):
    server.mute_acks = server.fail_resume = True
    with Chat(server.url) as chat:
        chat.say("one")
        wait_until(lambda: server.texts() == ["one"], 10)
        server.mute_acks = False
        server.cut()
        chat.err.await_line("did not take up the session: the token is too old; this is another member now")
        chat.end()
    assert server.texts() == ["one"]  # known by its msg_id


def test_a_gap_is_told(server):
    with Chat(server.url) as chat:
        chat.await_inside()
        server.add("room.message", text="seen", msg_id="b1")
        chat.await_texts("seen")
        server.stalled = True  # so that it is not back too soon
        server.cut()
        for i in range(5):
            server.add("room.message", text=str(i), msg_id=f"c{i}")
        server.forget(before=6)
        server.stalled = False
        server.cut()
        chat.err.await_line(r"3 events will never come \(number 3 to 5\): the room does not keep them")
        chat.await_texts("seen", "3", "4")
        server.tell("room.history", room="lobby", events=[], complete=False, **{"from": 8, "to": 9})
        chat.err.await_line(r"2 events will never come \(number 8 to 9\)")
        chat.end()


def test_another_log_is_told(server):
    server.add("room.message", text="old", msg_id="b1")
    with Chat(server.url) as chat:
        chat.await_texts("old")
        server.new_log()
        server.cut()
        chat.err.await_line("the room has begun another log")
        chat.say("new")
        chat.await_texts("old", "new")
        chat.end()


def test_refused_for_now_is_said_again(server):
    server.refuse, server.refuse_times = {"two": "rate_limited", "three": "too_many_pending"}, {"two": 3}
    with Chat(server.url) as chat:
        chat.say("one", "two", "three", "four")
        chat.end()
    assert sorted(server.texts()) == sorted(["one", "two", "three", "four"])
    assert [m["code"] for m in chat.messages("error")].count("rate_limited") == 3


def test_refused_for_good_is_told(server):
    server.refuse, server.refuse_times = {"bad": "bad_field"}, {"bad": 1000}
    with Chat(server.url) as chat:
        chat.say("good", "bad", "better")
        chat.end(status=1)
    assert server.texts() == ["good", "better"]
    assert 'not taken: "bad": No. (bad_field)' in chat.err.text()


def test_a_closed_room(server):
    server.join_error = "room_full"
    done = earshot("--url", server.url, "lobby", input=b"one\n")
    assert done.returncode == 1 and b"lobby is closed to you: No. (room_full)" in done.stderr
    assert b"not confirmed: one" in done.stderr


def test_the_next_address_when_one_is_dead(server):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        dead = f"ws://127.0.0.1:{taken.getsockname()[1]}/ws"
    with RoomServer() as other:
        other.log, other.tokens, other.stored = server.log, server.tokens, server.stored
        other.events, other.members = server.events, server.members
        with Chat(f"{dead},{server.url},{other.url}") as chat:
            chat.say("one")
            chat.await_texts("one")
            first = server if server.seen else other
            second = other if first is server else server
            first.refuse_connections()
            chat.say("two")
            chat.await_texts("one", "two")
            assert second.said("session.resume")
            chat.end()


def test_nobody_listens():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        url = f"ws://127.0.0.1:{taken.getsockname()[1]}/ws"
    done = earshot("--url", url, "--connect-timeout", "500ms", "lobby", input=b"one\n")
    assert done.returncode == 3
    assert f"cannot enter lobby at {url}: Connection refused. Is the system up? Start it with: earshot up" in done.stderr.decode()


def test_lines_that_are_not_confirmed_are_not_success(server):
    server.deaf = True
    done = earshot("--url", server.url, "--wait", "1s", "lobby", input=b"one\ntwo\n")
    assert done.returncode == 4
    assert b"nothing has been confirmed for 1.0 s" in done.stderr and done.stderr.endswith(b"not confirmed: one\nearshot: not confirmed: two\n")


def test_a_silent_server_is_left(server):
    with Chat(server.url, "--silence", "1s") as chat:
        chat.await_inside()
        server.stalled = True
        chat.err.await_line("it has said nothing for")
        server.stalled = False
        wait_until(lambda: server.said("session.resume"), 10)
        chat.end()
    assert server.said("ping")


def test_listening_ends_by_a_signal(server):
    with Chat(server.url, "--listen") as chat:
        chat.await_inside()
        server.add("room.message", text="hear me", msg_id="b1")
        chat.await_texts("hear me")
        chat.process.send_signal(signal.SIGINT)
        assert chat.process.wait(20) == 0
    assert server.said("room.leave")


def test_two_signals_do_not_wait(server):
    server.deaf = True
    with Chat(server.url) as chat:
        chat.say("one")
        wait_until(lambda: server.said("room.say"), 10)
        wait_until(lambda: chat.process.poll() is not None or chat.process.send_signal(signal.SIGTERM), 10)
        assert chat.process.returncode == 130
    assert "not confirmed: one" in chat.err.text()


def test_output_that_cannot_be_written(server):
    with open("/dev/full", "wb") as full:
        done = subprocess.run([BIN / "earshot", "chat", "--url", server.url, "lobby"], stdin=subprocess.DEVNULL, stdout=full,
                              stderr=subprocess.PIPE, timeout=60)
    assert done.returncode == 1 and b"cannot write to standard output" in done.stderr


def test_usage_is_refused():
    for args, words in ((["a", "b"], "one ROOM"), ([], "ROOM is missing"), (["x" * 65], "1 to 64 bytes"), (["--name", "a\nb", "x"], "--name"),
                        (["--url", "nowhere", "x"], "ws://127.0.0.1:8000/ws"), (["--url", ",".join(["ws://a"] * 17), "x"], "more than 16"),
                        (["--pending", "1", "x"], "--pending")):
        done = earshot(*args)
        assert done.returncode == 2 and words in done.stderr.decode(), (args, done)
    assert b"Exit codes" in earshot("--help").stdout


# ---- on a terminal

@pytest.fixture
def screen(server):
    with Screen("chat", "--url", server.url, "--name", "Ann", "lobby", env={"NO_COLOR": "1"}) as running:
        running.await_lines("22:13 Ann joined", "Ann> ")
        yield running


def message(server, text):
    server.add("room.message", text=text, msg_id="b")


def test_who_comes_in_sees_what_was(server):
    for i in range(52):
        message(server, f"old {i}")
    with Screen("chat", "--url", server.url, "--name", "Ann", "lobby", columns=100, env={"NO_COLOR": "1"}) as screen:
        screen.await_lines("22:13 Bob: old 51", "22:13 Ann joined", "Ann> ")
        lines = screen.lines()
        assert lines[lines.index("-- in lobby as Ann; here: Ann (1)") + 1:][:3] == \
            ["-- events before number 3 are not shown; /history asks for them", "-- Tuesday, 14 November 2023", "22:13 Bob: old 2"]
        screen.type("/history 1\r")
        screen.await_lines("-- what was before:", "22:13 Bob: old 1", "-- there was more before that", "Ann> ")


def test_a_line_is_edited_while_others_talk(server, screen):
    screen.type("h\u00e4llo w\u00f6r\u6f22")
    screen.await_lines("Ann> h\u00e4llo w\u00f6r\u6f22")
    column = screen.cursor()[1]
    message(server, "wait")
    screen.await_lines("22:13 Ann joined", "22:13 Bob: wait", "Ann> h\u00e4llo w\u00f6r\u6f22")
    assert screen.cursor()[1] == column
    screen.type("\x7f\x7fld\x01Oh, ")  # back twice; Ctrl-A
    screen.await_lines("Ann> Oh, h\u00e4llo w\u00f6ld")
    message(server, "go on")
    screen.await_lines("22:13 Bob: go on", "Ann> Oh, h\u00e4llo w\u00f6ld")
    assert screen.cursor()[1] == len("Ann> Oh, ")
    screen.type("\r")
    screen.await_lines("22:13 Bob: go on", "22:13 Ann: Oh, h\u00e4llo w\u00f6ld", "Ann> ")
    screen.type("\x1b[A!\r")  # the key up
    screen.await_lines("22:13 Ann: Oh, h\u00e4llo w\u00f6ld", "22:13 Ann: Oh, h\u00e4llo w\u00f6ld!", "Ann> ")
    assert server.texts()[-2:] == ["Oh, h\u00e4llo w\u00f6ld", "Oh, h\u00e4llo w\u00f6ld!"]


def test_a_line_of_several_rows(server, screen):
    for length in (54, 55, 56, 115, 130):  # 60 columns, 5 of them for the prompt
        text = "x" * length
        screen.type(text)
        whole = "Ann> " + text
        rows = [whole[i:i + 60] for i in range(0, len(whole), 60)] + ([""] if len(whole) % 60 == 0 else [])
        wait_until(lambda: screen.lines()[-1] == (rows[-1] or rows[-2]), 10)
        message(server, f"at {length}")
        screen.await_lines(f"22:13 Bob: at {length}", *(row for row in rows if row))
        screen.type("\x03")
        screen.await_lines(f"22:13 Bob: at {length}", "Ann> ")


def test_pasted_lines(server, screen):
    lines = [f"pasted {i} " + "x" * 70 for i in range(30)]
    screen.type("\r".join(lines) + "\rand more")
    screen.await_lines(("22:13 Ann: " + lines[-1])[:60], ("22:13 Ann: " + lines[-1])[60:], "Ann> and more")
    assert server.texts() == lines
    assert sum("pasted" in line for line in screen.lines()) == 30


def test_scrollback_is_kept(server, screen):
    screen.type("typing")
    for i in range(40):  # more than the rows of the screen
        message(server, f"number {i}")
    screen.await_lines("22:13 Bob: number 39", "Ann> typing")
    assert [line for line in screen.lines() if "number" in line] == [f"22:13 Bob: number {i}" for i in range(40)]
    assert "\x1b[?1049h".encode() not in screen.raw


def caption(server, text, name="Zo\u00e9", final=False):
    fields = {"member": name, "name": name, "stream": "1", "start_ms": 1, "end_ms": 2, "final": final, "text": text}
    if final:
        server.add("room.caption", **fields)
    else:
        server.tell("room.caption", room="lobby", **fields)


def test_captions_change_in_place(server, screen):
    screen.type("typing")
    caption(server, "go for")
    screen.await_lines("22:13 Ann joined", "Zo\u00e9 (voice): go for", "Ann> typing")
    caption(server, "go forward " + "and on " * 20 + "to the end")
    screen.await_lines("22:13 Ann joined", "Zo\u00e9 (voice): \u2026and on and on and on and on and on to the end"[-60:], "Ann> typing")
    caption(server, "yes", name="Carl")
    screen.await_lines("Carl (voice, and 1 more): yes", "Ann> typing")
    caption(server, "yes sir", name="Carl", final=True)
    caption(server, "go forward", final=True)
    screen.await_lines("22:13 Ann joined", "22:13 Carl (voice): yes sir", "22:13 Zo\u00e9 (voice): go forward", "Ann> typing")


def test_a_terminal_of_another_size(server, screen):
    caption(server, "go for")
    screen.type("typing " * 6)
    screen.await_lines("Zo\u00e9 (voice): go for", "Ann> " + "typing " * 6)
    screen.resize(100, 20)
    wait_until(lambda: screen.read() and screen.raw.count(b"\x1b[J") >= 3, 10)
    screen.type("x" * 40)
    message(server, "wide " * 15)
    screen.await_lines("22:13 Ann joined", "22:13 Bob: " + "wide " * 15, "Zo\u00e9 (voice): go for", "Ann> " + "typing " * 6 + "x" * 40)


def test_commands(server, screen):
    screen.type("/who\r")
    screen.await_lines("-- here: Ann (1)", "Ann> ")
    screen.type("/what\r")
    screen.await_lines("-- there is no command /what; /help lists them, and //what s", "ays /what", "Ann> ")
    screen.type("/help\r")
    screen.await_lines("-- /help         this list; //word says /word", "Ann> ")
    screen.type("//slash\r")
    screen.await_lines("22:13 Ann: /slash", "Ann> ")
    screen.type("/quit\r")
    assert screen.end() == 0 and server.said("room.leave")


def test_a_lost_connection_is_seen(server, screen):
    server.stalled = True
    server.cut()
    screen.type("later\r")
    message(server, "meanwhile")
    server.stalled = False
    server.cut()
    screen.await_lines("22:13 Bob: meanwhile", "22:13 Ann: later", "Ann> ")
    assert any("is lost" in line for line in screen.lines()) and "-- back in lobby; 1 event happened meanwhile:" in screen.lines()


def test_the_ways_out(server):
    for keys in ("\x04", "abc\x03\x03", "/leave\r"):
        with Screen("chat", "--url", server.url, "--name", "Ann", "lobby", env={"NO_COLOR": "1"}) as screen:
            screen.await_lines("22:13 Ann joined", "Ann> ")
            screen.type(keys)
            assert screen.end() == 0
            assert screen.lines()[-1] == "22:13 Ann left" and screen.cursor()[1] == 0  # nothing of the line stays


def test_a_line_on_the_screen_is_not_left_unsaid(server, screen):
    server.deaf = True
    screen.type("one\r")
    screen.await_lines("1 line not confirmed yet", "Ann> ")
    screen.type("\x04")
    screen.await_lines("1 line not confirmed yet; Ctrl-C leaves without", "Ann> ")
    screen.type("\x03")
    wait_until(lambda: screen.read() is None or b"not confirmed yet; Ctrl-C" in screen.raw, 5)
    assert screen.end() == 130 and screen.lines()[-1] == "earshot: not confirmed: one"


def test_a_terminal_that_is_gone(server, screen):
    screen.hang_up()
    wait_until(lambda: server.said("room.leave"), 10)
    assert screen.end() in (0, 1)


def test_stopped_and_continued(server, screen):
    screen.type("typing")
    screen.await_lines("Ann> typing")
    screen.type("\x1a")
    screen.await_stopped()
    message(server, "meanwhile")
    screen.signal(signal.SIGCONT)
    screen.await_lines("22:13 Bob: meanwhile", "Ann> typing")


def test_colours(server):
    with Screen("chat", "--url", server.url, "--name", "Ann", "lobby") as screen:
        screen.await_lines("22:13 Ann joined", "Ann> ")
        message(server, "red or not")
        screen.await_lines("22:13 Bob: red or not", "Ann> ")
        names = set(re.findall(r"(\x1b\[[0-9;]+m)Ann\x1b\[0m", screen.raw.decode()))
        assert len(names) == 1


def test_a_terminal_that_cannot_move_its_cursor(server):
    with Screen("chat", "--url", server.url, "--name", "Ann", "lobby", env={"TERM": "dumb"}) as screen:
        screen.await_lines("22:13 Ann joined")
        screen.type("one\n")
        screen.await_lines("22:13 Ann: one")
        assert "\x1b".encode() not in screen.raw
        screen.type("\x04")
        assert screen.end() == 0
