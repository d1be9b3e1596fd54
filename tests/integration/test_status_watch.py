"""`earshot status --watch` on a terminal, and as lines in a pipe."""
import json
import os
import signal
import subprocess
import termios

import pytest

from house import BIN, SLOW, House, wait_until
from screen import Screen

ENTER, LEAVE = b"\x1b[?1049h", b"\x1b[?1049l"


@pytest.fixture(scope="module")
def house():
    with House("--jobs", "1", "--rooms", "1") as running:
        yield running


def watch(house, columns=110, rows=24, env=None, **more):
    return Screen("status", "--watch", "--data", house.data, columns=columns, rows=rows, env=env, **more)


def await_on(screen, *words, deadline=15):
    try:
        wait_until(lambda: all(any(word in line for line in screen.lines()) for word in words), deadline)
    except AssertionError:
        raise AssertionError(f"{words} are not all on the screen:\n" + "\n".join(screen.lines())) from None


def ended_well(screen):
    assert screen.end() == 0
    assert screen.raw.count(ENTER) == screen.raw.count(LEAVE) > 0 and screen.raw.rstrip().endswith(LEAVE)
    assert b"\x1b[?25h" in screen.raw and b"\x1b[?7h" in screen.raw
    local = termios.tcgetattr(screen.fd)[3]
    assert local & termios.ECHO and local & termios.ICANON


def test_the_house_is_seen_and_q_ends(house):
    with watch(house) as screen:
        await_on(screen, "all is well", "transcriber-1", "room-1", "jobs-1", "jobs: 0 queued", "q: end")
        assert any(line.startswith("streams 0, waiting 0, free places ") for line in screen.lines())
        screen.type("q")
        ended_well(screen)


@pytest.mark.parametrize("how", ["\x03", signal.SIGTERM, signal.SIGHUP])
def test_ctrl_c_and_signals_give_the_terminal_back(house, how):
    with watch(house) as screen:
        await_on(screen, "all is well")
        screen.type(how) if isinstance(how, str) else screen.signal(how)
        ended_well(screen)


def test_a_stop_gives_it_back_for_a_while(house):
    with watch(house) as screen:
        await_on(screen, "all is well")
        screen.type("\x1a")
        screen.await_stopped()
        assert screen.raw.endswith(LEAVE) and termios.tcgetattr(screen.fd)[3] & termios.ECHO
        os.kill(screen.pid, signal.SIGCONT)
        wait_until(lambda: screen.read() and screen.raw.count(ENTER) == 2, 10)
        await_on(screen, "all is well")
        screen.type("q")
        ended_well(screen)


def test_a_small_window_is_cut_and_moved(house):
    with watch(house, columns=30, rows=6) as screen:
        await_on(screen, "streams 0, waiting 0, free pla")
        assert len(screen.lines()) <= 6 and not screen.screen.history.top
        screen.type("   jj")
        await_on(screen, "oldest unacknowledged audio: 0")
        screen.type("kkkk\x1b[5~\x1b[5~\x1b[A")
        await_on(screen, "streams 0, waiting 0, free pla")
        screen.resize(110, 24)
        screen.signal(signal.SIGWINCH)
        await_on(screen, "oldest unacknowledged audio: 0.0 s", "q: end, arrows: move")
        screen.type("q")
        ended_well(screen)


def test_colours_only_where_they_are_wanted(house):
    with watch(house) as bright, watch(house, env={"NO_COLOR": "1"}) as plain:
        for screen in (bright, plain):
            await_on(screen, "all is well")
            screen.type("q")
            ended_well(screen)
        assert b"\x1b[1mACTOR" in bright.raw
        assert b"\x1b[1m" not in plain.raw and b"\x1b[2m" not in plain.raw


def test_what_is_wrong_is_said(house):
    with watch(house) as screen:
        await_on(screen, "all is well")
        house.kill("broker", signal.SIGSTOP)
        await_on(screen, "! broker broker is silent since")
        house.kill("broker", signal.SIGCONT)
        await_on(screen, "all is well", deadline=20)
        screen.type("q")
        ended_well(screen)


def test_nobody_is_waited_for(tmp_path):
    with Screen("status", "--watch", "--data", tmp_path, columns=200, rows=10) as screen:
        await_on(screen, "! no broker was heard at ipc://", "earshot up")
        screen.type("q")
        ended_well(screen)


def run(*args, **more):
    return subprocess.run([BIN / "earshot", "status", "--watch", *map(str, args)], capture_output=True, text=True, timeout=30 * SLOW, **more)


def test_without_a_terminal_it_is_lines_of_json_or_nothing(house, tmp_path):
    refused = run("--data", house.data)
    assert refused.returncode == 2 and "--watch wants a terminal" in refused.stderr
    nobody = run("--json", "--wait", "300ms", "--data", tmp_path)
    assert nobody.returncode == 3 and "no broker was heard" in nobody.stderr and not nobody.stdout
    with subprocess.Popen([BIN / "earshot", "status", "--watch", "--json", "--data", house.data], stdout=subprocess.PIPE) as process:
        lines = [json.loads(process.stdout.readline()) for _ in range(3)]
        process.send_signal(signal.SIGINT)
        assert process.wait(10 * SLOW) == 0
    assert lines[2]["uptime_ms"] > lines[0]["uptime_ms"] and lines[2]["troubles"] == []
    assert lines[2]["denied"]["frontend"] == 0 and lines[2]["version"]
    assert lines[2]["jobs"][0]["concurrency"] >= 1
