"""`earshot stream` and `earshot status`: what they print, and the exit codes that --help promises."""
import asyncio
import json
import os
import pty
import re
import signal
import struct
import subprocess
import threading
import time

import pytest
import websockets

from house import BIN, House, Lines, wait_until


def wav(path, seconds=1.0, rate=16000, channels=1, claim=None):
    data = b"\1\0" * int(rate * seconds) * channels
    size = len(data) if claim is None else claim
    head = struct.pack("<4sI4s4sIHHIIHH4sI", b"RIFF", 36, b"WAVE", b"fmt ", 16, 1, channels, rate, rate * channels * 2,
                       channels * 2, 16, b"data", size)
    path.write_bytes(head + data)
    return path


def earshot(*args, **more):
    return subprocess.run([BIN / "earshot", *args], capture_output=True, timeout=60, **more)


class Server:
    """A server of /ws that behaves as a test wants: what it does is decided by `mode`."""

    def __init__(self, mode=""):
        self.mode, self.seen, self.url, self.clients = mode, [], None, 0
        self._up, self._loop = threading.Event(), asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self):
        asyncio.set_event_loop(self._loop)
        self._stop = self._loop.create_future()
        self._loop.run_until_complete(self._serve())

    async def _serve(self):
        async with websockets.serve(self._client, "127.0.0.1", 0) as server:
            self.url = "ws://127.0.0.1:%d/ws" % server.sockets[0].getsockname()[1]
            self._up.set()
            await self._stop

    async def _client(self, ws):
        async def say(kind, **payload):
            await ws.send(json.dumps({"type": kind, "payload": payload, "timestamp": 1}))
        self.clients += 1
        await say("welcome", client_id="00aa11bb22cc33dd", session="s", token=f"t{self.clients}", limits={})
        seq = 0
        async for message in ws:
            self.seen.append(message)
            if isinstance(message, bytes):
                seq += 1
                await say("ack", client_id="00aa11bb22cc33dd", seq=seq, chunk_size=len(message))
                await say("transcript", seq=seq, text=f"part {seq}", final=False)
                if seq == 3 and (self.mode == "drop" or self.mode in ("resume", "anew") and self.clients == 1):
                    if self.mode != "drop":
                        await say("transcript", seq=2, text="two", final=True, from_seq=1, to_seq=2, start_ms=0, end_ms=200,
                                  position=3200, checkpoint="AAEC")
                    return await ws.close(1011, "broken")
                if self.mode == "complain" and seq == 3:
                    await say("error", code="chunk_size", message="no such chunk")
                continue
            kind = json.loads(message)["type"]
            if kind == "session.resume" and self.mode == "resume":
                seq = 2
                await say("session.resumed", ok=True, session="s", token="t", next_seq=3)
            elif kind == "session.resume":
                await say("session.resumed", ok=False, reason="never seen")
            if kind == "audio.start" and self.mode == "refuse":
                await say("error", code="rate", message="no such rate")
            elif kind == "audio.start":
                await say("audio.started", stream="s-1", next_seq=seq + 1)
            if kind == "audio.stop" and self.mode != "mute":
                await say("transcript", seq=seq, text="the end", final=True, from_seq=3 if self.mode == "resume" else 1, to_seq=seq,
                          start_ms=0, end_ms=9)
                await say("audio.done", seq=seq)

    def __enter__(self):
        self._thread.start()
        assert self._up.wait(10)
        return self

    def __exit__(self, *_):
        self._loop.call_soon_threadsafe(self._stop.set_result, None)
        self._thread.join(10)


def test_a_confirmed_stream(tmp_path):
    with Server() as server:
        done = earshot("stream", "--url", server.url, "--fast", wav(tmp_path / "a.wav", 1.03, 48000, 2))
    assert (done.returncode, done.stdout) == (0, b"the end\n"), done.stderr
    start = json.loads(server.seen[0])
    assert start["type"] == "audio.start" and start["payload"]["sample_rate"] == 48000 and start["payload"]["format"] == "pcm16"
    assert isinstance(start["timestamp"], int) and start["payload"]["partials"] is False
    assert start["payload"]["resumable"] is True
    chunks = server.seen[1:-1]
    assert [len(c) for c in chunks] == [9600] * 10 + [2880] and set(b"".join(chunks)) == {0, 1}
    assert json.loads(server.seen[-1])["type"] == "audio.stop"


def test_json_is_flat(tmp_path):
    with Server() as server:
        done = earshot("stream", "--url", server.url, "--fast", "--json", wav(tmp_path / "a.wav", 0.2))
    assert done.returncode == 0
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert [e["type"] for e in events] == ["welcome", "audio.started", "ack", "transcript", "ack", "transcript", "transcript",
                                           "audio.done"]
    final = events[-2]
    assert final["final"] is True and final["text"] == "the end"
    assert [final[k] for k in ("from_seq", "to_seq", "start_ms", "end_ms")] == [1, 2, 0, 9]


def test_real_time_is_real(tmp_path):
    path = wav(tmp_path / "a.wav", 1.0)
    with Server() as server:
        process = subprocess.Popen([BIN / "earshot", "stream", "--url", server.url, path], stdout=subprocess.PIPE)
        wait_until(lambda: len(server.seen) >= 4, 10)
        assert len(server.seen) < 11  # it cannot be through yet, three chunks in
        assert process.wait(20) == 0
        process.stdout.close()


@pytest.mark.parametrize("mode, args, code, words", [
    ("drop", ["--wait", "1s"], 4, ["is lost: closed with code 1011: broken; connecting again", "none again for 1", "0.3 s"]),
    ("refuse", [], 1, ["no such rate (rate)"]),
    ("complain", ["--fast"], 1, ["no such chunk"]),
    ("mute", ["--fast", "--wait", "1s"], 1, ["confirmed nothing for 1", "earshot status"]),
])
def test_what_the_server_may_do(tmp_path, mode, args, code, words):
    with Server(mode) as server:
        done = earshot("stream", "--url", server.url, *args, wav(tmp_path / "a.wav", 0.8))
    assert done.returncode == code, done.stderr
    assert all(w in done.stderr.decode() for w in words), done.stderr


def types(seen):
    return ["chunk" if isinstance(m, bytes) else json.loads(m)["type"] for m in seen]


def test_a_stream_that_resumes(tmp_path):
    with Server("resume") as server:
        done = earshot("stream", "--url", server.url, "--json", wav(tmp_path / "a.wav", 0.5))
    assert done.returncode == 0 and b"connected again" in done.stderr, done
    again = server.seen[types(server.seen).index("session.resume"):]
    assert types(again) == ["session.resume", "audio.start", "chunk", "chunk", "chunk", "audio.stop"]
    assert json.loads(again[0])["payload"] == {"token": "t1", "stream": "s-1", "committed": 2, "position": 3200, "checkpoint": "AAEC"}
    finals = [m for m in map(json.loads, done.stdout.splitlines()) if m["type"] == "transcript" and m["final"]]
    assert [(f["text"], f["from_seq"], f["to_seq"]) for f in finals] == [("two", 1, 2), ("the end", 3, 5)]


def test_a_stream_that_begins_anew_stays_on_its_clock(tmp_path):
    with Server("anew") as server:
        done = earshot("stream", "--url", server.url, "--json", wav(tmp_path / "a.wav", 0.5))
    assert done.returncode == 0 and b"did not take the stream over: never seen" in done.stderr and b"from 0.2 s on" in done.stderr, done
    finals = [m for m in map(json.loads, done.stdout.splitlines()) if m["type"] == "transcript" and m["final"]]
    assert [(f["text"], f["from_seq"], f["to_seq"], f["start_ms"], f["end_ms"]) for f in finals] == [
        ("two", 1, 2, 0, 200), ("the end", 3, 5, 200, 209)]


def test_the_next_address_is_tried(tmp_path):
    with Server() as server:
        done = earshot("stream", "--url", "ws://127.0.0.1:1/ws," + server.url, "--fast", wav(tmp_path / "a.wav", 0.2))
    assert (done.returncode, done.stdout) == (0, b"the end\n") and b"trying the next address" in done.stderr, done


def test_a_connection_that_says_nothing_is_made_again():
    with Server() as server:
        process = subprocess.Popen([BIN / "earshot", "stream", "--url", server.url, "--rate", "8000", "--silence", "1s", "-"],
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        wait_until(lambda: server.clients > 1, 20, "another connection")  # this server answers no ping
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
    assert process.returncode == 0 and b"said nothing for 1" in err, err


def test_nobody_listens(tmp_path):
    done = earshot("stream", "--url", "ws://127.0.0.1:1/ws", wav(tmp_path / "a.wav"))
    assert done.returncode == 3
    assert b"cannot connect to ws://127.0.0.1:1/ws: Connection refused. Is the system up? Start it with: earshot up" in done.stderr


def test_something_else_listens(house, tmp_path):
    done = earshot("stream", "--url", house.ws + "/nowhere", wav(tmp_path / "a.wav"))
    assert done.returncode == 3 and b"should end in /ws" in done.stderr


def test_usage_is_refused(tmp_path):
    path = wav(tmp_path / "a.wav", rate=11025)
    for args, words in ((["stream"], "FILE is missing"), (["stream", "a", "b"], "one FILE"), (["stream", path], "11025 Hz"),
                        (["stream", tmp_path / "none.wav"], "No such file"), (["stream", "--rate", "11025", path], "11025"),
                        (["stream", "--url", "host:1", path], "ws://127.0.0.1:8000/ws"), (["strem"], 'did you mean "stream"'),
                        (["stream", "--fsat", path], "--fast"), ([], "Commands:"), (["help", "nothing"], "no command")):
        done = earshot(*args)
        assert done.returncode == 2 and words in done.stderr.decode(), (args, done)


def test_help_tells_options_and_exit_codes():
    done = earshot("--help")
    assert done.returncode == 0 and all(c in done.stdout for c in (b"up", b"stream", b"status"))
    for command, words in (("up", ["--transcribers", "--threads", "EARSHOT_ENGINE", "Exit codes"]),
                           ("stream", ["--fast", "--json", "lost before the end"]), ("status", ["--json", "no broker was heard"])):
        done = earshot(command, "--help")
        assert done.returncode == 0 and all(w in done.stdout.decode() for w in words)
        assert earshot("help", command).stdout == done.stdout


def test_a_pipe_is_streamed_as_it_comes(tmp_path):
    with Server() as server:
        process = subprocess.Popen([BIN / "earshot", "stream", "--url", server.url, "--rate", "8000", "-"], stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE)
        process.stdin.write(b"\1\0" * 2000)
        process.stdin.flush()
        wait_until(lambda: len(server.seen) == 3, 10)  # start and two chunks of 100 ms; half a chunk waits for more
        process.send_signal(signal.SIGINT)  # the end of a live recording
        out, _ = process.communicate(timeout=20)
    assert (process.returncode, out) == (0, b"the end\n")
    assert [len(c) for c in server.seen[1:-1]] == [1600, 1600, 800]  # with the half chunk
    assert json.loads(server.seen[-1])["type"] == "audio.stop"


def test_a_pause_of_the_speaker_is_not_the_servers_silence():
    with Server() as server:
        process = subprocess.Popen([BIN / "earshot", "stream", "--url", server.url, "--rate", "8000", "--wait", "1s", "-"],
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        for chunks in (1, 2):
            process.stdin.write(b"\1\0" * 800)
            process.stdin.flush()
            wait_until(lambda: len(server.seen) == 1 + chunks, 10)
            spoken = time.monotonic()
            wait_until(lambda: time.monotonic() > spoken + 1.3 or process.poll() is not None, 10)  # longer than --wait
        out, _ = process.communicate(timeout=20)
    assert (process.returncode, out) == (0, b"the end\n")


def test_words_that_cannot_be_written_are_not_confirmed(tmp_path):
    with Server() as server, open("/dev/full", "wb") as full:
        done = subprocess.run([BIN / "earshot", "stream", "--url", server.url, "--fast", wav(tmp_path / "a.wav", 0.2)], stdout=full,
                              stderr=subprocess.PIPE, timeout=60)
    assert done.returncode == 1 and b"cannot write the words to standard output" in done.stderr


def test_an_interrupted_recording_is_not_a_short_file(tmp_path):
    with Server() as server:
        process = subprocess.Popen([BIN / "earshot", "stream", "--url", server.url, wav(tmp_path / "a.wav", 30)],
                                   stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        wait_until(lambda: len(server.seen) >= 2, 10)
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGINT)  # as timeout(1) does, to the process and to its group
        _, err = process.communicate(timeout=20)
    assert process.returncode == 0 and b"stopped; waiting" in err and b"before its head" not in err


def test_two_interrupts_end_at_once(tmp_path):
    with Server("mute") as server:
        process = subprocess.Popen([BIN / "earshot", "stream", "--url", server.url, "--fast", wav(tmp_path / "a.wav")],
                                   stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        wait_until(lambda: server.seen and server.seen[-1][:2] == '{"' and "audio.stop" in server.seen[-1], 10)
        process.send_signal(signal.SIGINT)
        err = Lines(process.stderr)
        wait_until(lambda: process.poll() is not None or process.send_signal(signal.SIGINT), 10)
        assert process.returncode == 130
        wait_until(lambda: err.ended, 5)


def on_terminal(*args):
    """What a person sees, with the exit code. NO_COLOR, so that only the places matter."""
    pid, fd = pty.fork()
    if pid == 0:
        os.environ.update(NO_COLOR="1", TERM="xterm")
        os.execv(BIN / "earshot", ["earshot", *map(str, args)])
    seen = b""
    try:
        while piece := os.read(fd, 65536):
            seen += piece
    except OSError:  # the other end is gone
        pass
    os.close(fd)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), seen.decode()


def test_partials_change_in_place_on_a_terminal(tmp_path):
    with Server() as server:
        code, seen = on_terminal("stream", "--url", server.url, wav(tmp_path / "a.wav", 0.2))
    assert code == 0
    assert seen == "\r\x1b[2Kpart 1\r\x1b[2Kpart 2\r\x1b[2Kthe end\r\n"


def test_a_bar_when_fast_on_a_terminal(tmp_path):
    with Server() as server:
        code, seen = on_terminal("stream", "--fast", "--url", server.url, wav(tmp_path / "a.wav", 2))
    assert code == 0 and re.search(r"\[#* *\] +\d+ %", seen) and "\r\x1b[2Kthe end\r\n" in seen and "part" not in seen


def test_a_stream_finds_the_house_and_saves(house, tmp_path):
    saved = tmp_path / "words"
    done = earshot("stream", "--data", house.data, "--fast", "--save", saved, wav(tmp_path / "a.wav", 0.3))
    assert done.returncode == 0 and len(done.stdout.splitlines()) == 3
    assert saved.read_bytes() == done.stdout


def test_status_shows_the_house(house):
    table = earshot("status", "--data", house.data)
    assert table.returncode == 0
    assert all(word in table.stdout.decode() for word in ("transcriber-1", "edge", "broker", "room-1", "ROOMS", "oldest unacknowledged audio"))
    status = house.status()
    assert {w["name"] for w in status["workers"]} == {"analysis-1", "jobs-1", "room-1", "transcriber-1"} and status["oldest_unacked_ms"] >= 0
    assert [w["rooms"] for w in status["workers"] if w["service"] == "room"] == [0]
    assert isinstance(status["rates"]["frames"], float)


def test_status_of_nobody(tmp_path):
    done = earshot("status", "--data", tmp_path, "--wait", "200ms")
    assert done.returncode == 3 and b"earshot up" in done.stderr


def test_status_of_a_house_of_threads():
    with House("--threads") as house:
        assert {w["name"] for w in house.status()["workers"]} == {"analysis-1", "jobs-1", "room-1", "transcriber-1"}


def test_up_gives_up_on_what_cannot_start(tmp_path):
    done = earshot("up", "--port", "0", "--engine", "mock", "--data", tmp_path, "--capacity", "many")
    assert done.returncode == 1 and b"giving up on transcriber-1" in done.stderr and b'"many"' in done.stderr


def test_up_says_that_a_port_is_taken(house, tmp_path):
    port = house.url.rsplit(":", 1)[1]
    done = earshot("up", "--port", port, "--data", tmp_path)
    assert done.returncode == 1 and b"Choose another with --port" in done.stderr and port.encode() in done.stderr
