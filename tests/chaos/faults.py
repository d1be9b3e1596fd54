"""What happens to the actors of a fleet, one thing after the other, drawn from a seed: the same seed draws the same faults at the same times."""
import asyncio
import collections
import os
import random
import signal
import subprocess
import time

from bare_ws import pause
from house import BIN

# How often each kind is drawn, and how long an actor is stopped or away: short of three heartbeats (1.5 s), and beyond all that may be waited for.
KINDS = {"kill": 5, "kill, away for long": 2, "stop for a moment": 3, "stop for long": 3, "terminate": 3, "drain": 2, "kill all of a kind": 1}
MOMENT, LONG, AWAY, BETWEEN = (0.1, 1.2), (1.8, 5.0), (2.5, 6.0), (0.2, 2.0)


class Faults:
    """`say` gets a line for each."""

    def __init__(self, fleet, seed, say, between=BETWEEN):
        self.fleet, self.say, self.between, self.counts = fleet, say, between, collections.Counter()
        self._draw, self.begin, self._stopped, self._tasks = random.Random(seed), time.monotonic(), {}, []

    def by_role(self):
        """Of one role, so that there may be more than one actor per kind."""
        roles = collections.Counter()
        for (kind, name), n in sorted(self.counts.items()):
            roles[kind, name.split("-")[0]] += n
        return roles

    @property
    def total(self):
        return sum(self.counts.values())

    async def play(self, seconds):
        """For so long; afterwards nobody is stopped."""
        end = time.monotonic() + seconds
        try:
            while True:
                wait = self._draw.uniform(*self.between)
                if time.monotonic() + wait >= end:
                    break
                await pause(wait)
                self._strike()
        finally:
            for task in self._tasks:
                task.cancel()
            for name in list(self._stopped):
                self._wake(name)

    def _strike(self):
        """All is drawn before anybody is looked at: what is drawn later must not depend on chance."""
        kind = self._draw.choices(list(KINDS), KINDS.values())[0]
        name, share = self._draw.choice(sorted(self.fleet.actors)), self._draw.random()
        if kind == "kill all of a kind":
            role = name.split("-")[0]
            for other in self.fleet.actors:
                if other.split("-")[0] == role:
                    self._note(kind, other)
                    self._wake(other)
                    self.fleet.kill(other)
        elif name not in self._stopped:
            self._note(kind, name)
            self.STRIKES[kind](self, name, share)

    def _note(self, kind, name):
        self.counts[kind, name] += 1
        self.say(f"{time.monotonic() - self.begin:7.2f} s  {kind}: {name}")

    def _kill(self, name, _share):
        self.fleet.kill(name)

    def _kill_for_long(self, name, share):
        self.fleet.kill(name, away=AWAY[0] + share * (AWAY[1] - AWAY[0]))

    def _terminate(self, name, _share):
        self.fleet.kill(name, signal.SIGTERM)

    def _drain(self, name, _share):
        """Where its broker is dead nobody hears of it."""
        subprocess.Popen([BIN / "earshot", "drain", "--wait", "0s", "--broker", self.fleet.bases, name],
                         env={**os.environ, "EARSHOT_DATA": str(self.fleet.data)}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def _stop(self, name, seconds):
        self._stopped[name] = self.fleet.actors[name].process
        self.fleet.kill(name, signal.SIGSTOP)

        async def wake():
            await pause(seconds)
            self._wake(name)
        self._tasks.append(asyncio.get_running_loop().create_task(wake()))

    def _stop_shortly(self, name, share):
        self._stop(name, MOMENT[0] + share * (MOMENT[1] - MOMENT[0]))

    def _stop_for_long(self, name, share):
        self._stop(name, LONG[0] + share * (LONG[1] - LONG[0]))

    def _wake(self, name):
        process = self._stopped.pop(name, None)
        if process and process.poll() is None:
            process.send_signal(signal.SIGCONT)

    STRIKES = {"kill": _kill, "kill, away for long": _kill_for_long, "stop for a moment": _stop_shortly, "stop for long": _stop_for_long,
               "terminate": _terminate, "drain": _drain}
