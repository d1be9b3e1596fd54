"""Two hosts, as network namespaces with a cable between them, set up by the commands of the README's "Workers elsewhere" and by nothing else."""
import json
import os
import pathlib
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import pytest

from house import BIN, SLOW, Lines, check_contiguous, say, wait_until
from readme_tables import readme

pytestmark = pytest.mark.speech

HOSTS = {"one": "10.0.0.1", "two": "10.0.0.2"}
SENTENCES = ("one two three four five", "please call me tomorrow", "go forward ten meters")
LISTEN = """
import socket, sys
wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.ntohs(3))
wire.bind(("eth0", 0))
print("listening", flush=True)
with open(sys.argv[1], "wb", buffering=0) as out:
    while True:
        out.write(wire.recv(65536))
"""


def commands():
    """[(host, command)] of the section, in its order, without the remarks behind them."""
    text = readme()
    section = text[text.index("## Workers elsewhere\n"):]
    section = section[:section.index("\n## ", 3)]
    return [(host, re.sub(r" {2,}#.*", "", command).strip()) for host, command in re.findall(r"^    (one|two)\$ (.+)$", section, re.M)]


def ip(*args):
    try:
        done = subprocess.run(["ip", *args], capture_output=True, text=True)
    except OSError as error:
        pytest.skip(f"no ip command: {error}")
    if done.returncode:
        pytest.skip(f"network namespaces cannot be made here: ip {' '.join(args)}: {done.stderr.strip()}")


class Host:
    """A namespace with a home directory. What is exported stays so; `scp` copies between the homes of both."""

    def __init__(self, name, root):
        self.name, self.space, self.home = name, f"es{os.getpid() % 10000}{name}", root / name
        self.exports, self.started = [], []
        self.home.mkdir()

    def _command(self, command):
        script = "; ".join([*self.exports, f"exec {command}"])
        path = f"{self.home.parent}/bin:{BIN}:/usr/bin:/bin:/usr/sbin:/sbin"
        return ["ip", "netns", "exec", self.space, "env", "-i", f"HOME={self.home}", f"PATH={path}", f"HOMES={self.home.parent}", "bash", "-c", script]

    def run(self, command):
        if command.startswith("export "):
            return self.exports.append(command)
        done = subprocess.run(self._command(command), capture_output=True, text=True, cwd=self.home, timeout=30 * SLOW)
        assert done.returncode == 0, f"{self.name}$ {command}\n{done.stdout}{done.stderr}"
        return done.stdout

    def start(self, command):
        process = subprocess.Popen(self._command(command), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=self.home)
        process.out, process.err = Lines(process.stdout), Lines(process.stderr)
        self.started.append(process)
        return process

    def listen(self):
        """All that goes over the cable is in the file `wire` from now on."""
        (self.home.parent / "listen.py").write_text(LISTEN)
        self.start(f"{sys.executable} {self.home.parent}/listen.py {self.home.parent}/wire").out.await_line("listening")

    def stop(self):
        for process in reversed(self.started):
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(20 * SLOW)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def log(self):
        return "\n".join(f"{self.name}: {line}" for process in self.started for line in process.err.lines[-40:])


SCP = """#!/bin/bash
# 10.0.0.1:PATH is below the home of the first host, as scp has it.
place() { case $1 in 10.0.0.1:*) echo "$HOMES/one/${1#*:}" ;; 10.0.0.2:*) echo "$HOMES/two/${1#*:}" ;; *) echo "$1" ;; esac; }
exec cp "$(place "$1")" "$(place "$2")"
"""


@pytest.fixture
def hosts():
    root = pathlib.Path(tempfile.mkdtemp(prefix="es-"))
    made = {name: Host(name, root) for name in HOSTS}
    one, two = made.values()
    try:
        (root / "bin").mkdir()
        (root / "bin" / "scp").write_text(SCP)
        (root / "bin" / "scp").chmod(0o755)
        for host in made.values():
            ip("netns", "add", host.space)
            ip("-n", host.space, "link", "set", "lo", "up")
        ip("-n", one.space, "link", "add", "eth0", "type", "veth", "peer", "name", "eth0", "netns", two.space)
        for host in made.values():
            ip("-n", host.space, "addr", "add", HOSTS[host.name] + "/24", "dev", "eth0")
            ip("-n", host.space, "link", "set", "eth0", "up")
        one.listen()
        yield made
        for host in made.values():
            print(host.log())
    finally:
        for host in made.values():
            host.stop()
            subprocess.run(["ip", "netns", "del", host.space], capture_output=True)
        shutil.rmtree(root, ignore_errors=True)


def finals(process):
    return [e for e in map(json.loads, list(process.out.lines)) if e["type"] == "transcript" and e["final"]]


def words(process):
    """All that a stream said, once it has ended well."""
    wait_until(lambda: process.poll() is not None, 90, "the end of a stream")
    wait_until(lambda: process.out.ended, 5)
    assert process.returncode == 0, process.err.text()
    check_contiguous(finals(process))
    return " ".join(e["text"] for e in finals(process) if e["text"])


def workers(host):
    said = host.run("earshot status --json")
    return {worker["name"]: worker["streams"] for worker in json.loads(said)["workers"]}


class Story:
    """What is done beside the README's commands at its turns: a word of a command is the turn's name."""

    def __init__(self, hosts):
        self.one, self.two = hosts["one"], hosts["two"]
        self.streams, self.out_after = [], None

    def turns(self):
        return [("earshot up", self.up), ("earshot-transcriber", self.worker), ("earshot stream", self.stream), ("keys revoke", self.revoke)]

    def play(self, hosts):
        for host, command in commands():
            turn = next((turn for word, turn in self.turns() if word in command), None)
            if turn:
                turn(hosts[host], command)
            else:
                print(hosts[host].run(command))

    def up(self, host, command):
        self.house = host.start(command)
        self.house.out.await_line(rf"^ready https://{HOSTS['one']}:8000", 60)

    def worker(self, host, command):
        host.start(command)
        wait_until(lambda: "far-1" in workers(self.one), 30, "far-1 among the workers")

    def stream(self, host, command):
        """Once undisturbed, and then two at once, of which each worker gets one."""
        command = shlex.join([*shlex.split(command)[:2], "--json", *shlex.split(command)[2:]])
        say(host.home / "talk.wav", *SENTENCES)
        self.expected = words(host.start(command.replace("--json", "--json --fast")))
        self.streams = [host.start(command) for _ in range(2)]
        wait_until(lambda: workers(self.one).get("far-1") == 1, 20, "a stream at far-1")
        wait_until(lambda: all(finals(stream) for stream in self.streams), 30, "the first sentence of each")

    def revoke(self, host, command):
        since = time.monotonic()
        host.run(command)
        self.house.err.await_line("worker lost.*worker=far-1.*revoked", 10)
        self.out_after = time.monotonic() - since
        wait_until(lambda: "far-1" not in workers(self.one), 10, "a house without far-1")


def test_two_hosts_by_the_readme(hosts):
    story = Story(hosts)
    story.play(hosts)
    assert story.out_after < 1.0 * SLOW, f"the revoked transcriber was there for {story.out_after:.2f} s more"
    assert [words(stream) for stream in story.streams] == [story.expected] * 2 and len(story.expected.split()) > 10
    wait_until(lambda: "far-1" in workers(story.one), 20, "far-1, which was let in again")
    # neither words nor services nor names can be read from the cable
    wire = (story.one.home.parent / "wire").read_bytes()
    assert len(wire) > 1000000 and not [word for word in (*filter(lambda w: len(w) > 4, story.expected.split()), "transcribe", "audio.start", "transcript", "far-1") if word.encode() in wire]
