#!/usr/bin/env python3
"""Real processes under load while they are killed, stopped, terminated and drained; then a verdict that counts words, messages and frames. `--help` tells the sizes.

Two edges, two brokers, three transcribers and two room actors; whoever dies is started again. Streams with audio that is kept until it is committed (speaker.py), members of a room who say
messages (rooms.py of the integration tests) and, where asked for, speech through `earshot stream` (spoken.py). Exit status 0 only if nothing was lost and nothing came twice."""
import argparse
import asyncio
import os
import pathlib
import random
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "integration")]
import spoken  # noqa: E402
from bare_ws import pause, until  # noqa: E402
from faults import Faults  # noqa: E402
from fleet import Fleet  # noqa: E402
from rooms import check, enter, level  # noqa: E402
from speaker import Speaker  # noqa: E402

# Members are away for as long as it takes, and miss nothing; words of a mock frame are asked for one by one.
PATIENT = {"EARSHOT_MEMBER_GRACE": "5m", "EARSHOT_HISTORY": "100000", "EARSHOT_LOG_LEVEL": "info"}
HARMLESS = {"room_unavailable"}


def arguments(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=10, help="of faults (default 10)")
    parser.add_argument("--seed", type=int, default=None, help="of the faults; drawn and printed where it is not given")
    parser.add_argument("--streams", type=int, default=100, help="with the mock engine: each frame has its words; with pocketsphinx: silence (default 100)")
    parser.add_argument("--interval", type=float, default=0.1, help="seconds between two frames of a stream (default 0.1)")
    parser.add_argument("--spoken", type=int, default=0, help="streams of speech; above 0 the engine is pocketsphinx (default 0)")
    parser.add_argument("--gap", type=float, default=0.9, help="seconds between two spoken sentences; a stream takes a fifth of a core with 0.9 (default 0.9)")
    parser.add_argument("--members", type=int, default=20, help="of one room, who say a message each second (default 20)")
    parser.add_argument("--between", type=float, nargs=2, default=(0.2, 2.0), metavar=("LEAST", "MOST"), help="seconds between two faults (default 0.2 2.0)")
    parser.add_argument("--settle", type=float, default=120, help="seconds for all to come to an end after the last fault (default 120)")
    parser.add_argument("--logs", help="directory to keep the actors' logs in where something was lost")
    return parser.parse_args(argv)


def mock_text(seq, size):
    return f" msg#{seq} (binary {size} bytes)"


def percentile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


async def talk(member, stop):
    n = 0
    while not stop.is_set():
        n += 1
        await member.say(f"{member.name} says {n}")
        await pause(1.0)


class Round:
    """One round of chaos in a fleet that runs."""

    def __init__(self, fleet, options, say):
        self.fleet, self.options, self.say, self.failures = fleet, options, say, []
        self.speakers, self.members, self.spoken, self.faults = [], [], [], None

    async def play(self):
        options, urls = self.options, self.fleet.urls
        if options.spoken:
            await self._begin_speech()
        self.members = await enter(urls, "chaos", [f"member {n}" for n in range(options.members)]) if options.members else []
        second = bytes(32000)  # silence is committed by the second of audio: it comes in real time
        how = {"frame": lambda _seq: second[:int(16000 * options.interval) * 2]} if options.spoken else {"text_of": mock_text}
        self.speakers = [Speaker(urls[n % 2:] + urls[:n % 2], f"stream {n}", options.interval, **how) for n in range(options.streams)]
        await until(lambda: all(s.committed for s in self.speakers), 60, "every stream with a frame committed")
        stop = asyncio.Event()
        talks = [asyncio.ensure_future(talk(m, stop)) for m in self.members]
        self.faults = Faults(self.fleet, options.seed, self.say, options.between)
        await self.faults.play(options.minutes * 60)
        self.say("no more faults; all come to an end")
        stop.set()
        await self._end(talks)

    async def _begin_speech(self):
        path = spoken.record(pathlib.Path(self.fleet.data), self.options.gap)
        status, expected, err = await spoken.transcribe(self.fleet.urls, path)
        assert status == 0 and expected, err
        self.say(f"undisturbed: {spoken.words_of(expected)}")
        self.spoken = [spoken.Spoken(self.fleet.urls, f"speech {n}", path, expected, late=1.3 * n) for n in range(self.options.spoken)]

    async def _end(self, talks):
        patience = self.options.settle
        await asyncio.gather(*(s.end(patience) for s in self.speakers), *(s.end() for s in self.spoken))
        try:
            await asyncio.wait_for(asyncio.gather(*talks), patience)
            if self.members:
                await level(self.members, patience)
                check(self.members)
        except (AssertionError, asyncio.TimeoutError) as error:
            self.failures.append(f"rooms: {error!r}")
        self.failures += [f"{m.name}: {e}" for m in self.members for e in m.errors if e["code"] not in HARMLESS]
        self.failures += [fault for s in [*self.speakers, *self.spoken] for fault in s.faults]
        await asyncio.gather(*(m.end() for m in self.members))

    def _longest_at(self):
        worst = max(self.speakers, key=lambda s: s.longest, default=None)
        return worst.longest_at - self.faults.begin if worst else 0.0

    # ---- the verdict

    def verdict(self):
        speakers, members = self.speakers, self.members
        pauses = [s.longest for s in speakers]
        lines = [f"faults: {self.faults.total}"]
        lines += [f"  {kind}: " + ", ".join(f"{role} {n}" for (k, role), n in self.faults.by_role().items() if k == kind)
                  for kind in sorted({k for k, _ in self.faults.by_role()})]
        lines += [f"streams: {len(speakers)}, over {sum(s.connections for s in speakers)} connections, {sum(s.moves for s in speakers)} times asked to go elsewhere",
                  f"frames: {sum(s.pushed for s in speakers)} sent, {sum(s.committed for s in speakers)} committed once and in order, "
                  f"{sum(s.finals for s in speakers)} with words",
                  f"longest pause of a stream: p50 {percentile(pauses, 0.5):.2f} s, p99 {percentile(pauses, 0.99):.2f} s, most {max(pauses, default=0):.2f} s, which ended {self._longest_at():.0f} s after the first fault"]
        if members:
            lines.append(f"messages: {sum(len(m.spoken) for m in members)} said, {sum(len(m.said) for m in members)} confirmed, "
                         f"{min(len(m.view.texts()) for m in members)} to {max(len(m.view.texts()) for m in members)} in the views of {len(members)} members, "
                         f"over {sum(m.connections for m in members)} connections")
        if self.spoken:
            lines.append(f"words: {sum(s.words for s in self.spoken)} spoken in {sum(s.recordings for s in self.spoken)} recordings, "
                         f"{sum(s.wrong for s in self.spoken)} lost, doubled or wrong")
        lines += [f"failure: {failure}" for failure in self.failures[:40]]
        lost = sum(s.pushed - s.committed for s in speakers)
        lines.append("nothing was lost and nothing came twice" if not self.failures else f"{len(self.failures)} FAILURES, {lost} frames lost")
        return lines


def run(options, say=print):
    """Plays a round; returns it."""
    if options.seed is None:
        options.seed = random.randrange(1 << 32)
    engine = "pocketsphinx" if options.spoken else "mock"
    say(f"seed {options.seed}: {options.minutes * 60:.0f} s, {options.streams} streams, {options.spoken} spoken, {options.members} members")
    flags = {"transcriber": ["--engine", engine, *(["--capacity", "1000"] if options.spoken else [])]}
    with Fleet(edges=2, rooms=2, transcribers=3, brokers=2, env=PATIENT, **flags) as fleet:
        round_ = Round(fleet, options, say)
        begin = time.monotonic()
        asyncio.run(round_.play())
        say(f"--- {time.monotonic() - begin:.0f} s, seed {options.seed}")
        for line in round_.verdict():
            say(line)
        if round_.failures and options.logs:
            keep_logs(fleet, options.logs)
    return round_


def keep_logs(fleet, directory):
    os.makedirs(directory, exist_ok=True)
    for name in fleet.actors:
        pathlib.Path(directory, f"{name}.log").write_text(fleet.log(name))


def main():
    options = arguments()
    if options.spoken and not spoken.available():
        sys.exit("chaos: speech needs flite and an `earshot stream` that resumes")
    options.logs = options.logs or tempfile.mkdtemp(prefix="chaos-")
    round_ = run(options)
    if round_.failures:
        print(f"logs of the actors: {options.logs}")
    else:
        os.rmdir(options.logs)
    sys.exit(1 if round_.failures else 0)


if __name__ == "__main__":
    main()
