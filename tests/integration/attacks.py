"""What an attacker may try, as a table: each attack, what must become of it, and which figure must tell of it. `python attacks.py` plays all of it at full size."""
import collections
import concurrent.futures
import sys
import threading
import time

from attack import AUTH, HANDSHAKES, total
from attacks_broker import INSIDE
from attacks_http import HTTP
from attacks_identity import IDENTITY
from attacks_ws import SOCKETS
from ground import Ground, Undisturbed
from house import SLOW, wait_until
from swarm import allow_descriptors

FULL = {"slow": 1000, "half open": 10000, "mute": 1000, "crowd": 200}
PLAIN = {"slow": 100, "half open": 1000, "mute": 100, "crowd": 20}
ATTACKS = [*HTTP, *SOCKETS, *IDENTITY, *INSIDE]


def play(attack, ground, sizes):
    """(what became of it, how much its figure rose). Attacks of one figure are not played at once."""
    before = ground.figures()
    try:
        came = attack.play(ground, sizes)
    except Exception as trouble:
        return f"{type(trouble).__name__}: {trouble}"[:200], 0
    risen = 0
    end = time.monotonic() + 10 * SLOW
    while risen < attack.rise and time.monotonic() < end:
        risen = total(ground.figures(), attack.figure) - total(before, attack.figure)
    return came, int(risen)


def is_as_wanted(attack, came, risen):
    """Wanted are these words; where there are several, some of them may be missing."""
    return set(came.split()) <= set(attack.wanted.split()) and bool(came) and risen >= attack.rise


def play_all(ground, sizes, tell=lambda *_: None):
    """[(attack, what became of it, rise of its figure)], one after another for each figure, and the figures side by side."""
    lines = collections.defaultdict(list)
    for attack in ATTACKS:
        family = attack.figure.split("{")[0]
        lines[family if family in (AUTH, HANDSHAKES) else attack.figure].append(attack)
    guard = threading.Lock()

    def play_line(line):
        results = []
        for attack in line:
            result = (attack, *play(attack, ground, sizes))
            results.append(result)
            with guard:
                tell(*result)
        return results
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        return [result for results in pool.map(play_line, sorted(lines.values(), key=len, reverse=True)) for result in results]


def at_rest(ground):
    """The processes once nobody is there any more and the edge has given back what it gives back."""
    last, since = None, time.monotonic()

    def quiet():
        nonlocal last, since
        figures = ground.figures()
        now = (ground.processes()["edge"][1] // 1024, figures["earshot_edge_clients"], figures["earshot_edge_http_connections"])
        if now != last:
            last, since = now, time.monotonic()
        return now[1] == 0 and now[2] <= 1 and time.monotonic() - since > 1.5
    wait_until(quiet, 30, "nobody is there any more")
    return ground.processes()


def descriptors(ground):
    return {name: files for name, (files, _) in ground.processes().items()}


def main():
    allow_descriptors(FULL["half open"] + 4 * FULL["mute"] + 2000)

    def tell(attack, came, risen):
        good = is_as_wanted(attack, came, risen)
        print(f"{'ok ' if good else 'BAD'} {attack.name:42} {came:28} {attack.figure:66} +{risen}", flush=True)
    with Ground() as ground:
        play_all(ground, FULL)  # whatever grows once has grown
        before = at_rest(ground)
        with Undisturbed(ground) as undisturbed:
            results = play_all(ground, FULL, tell)
        print(f"{len(results)} attacks; 50 clients beside them: {undisturbed.found}")
        for name, (files, kilobytes) in sorted(at_rest(ground).items()):
            print(f"{name:16} descriptors {before[name][0]} -> {files}, resident kB {before[name][1]} -> {kilobytes}")
    return 0 if not undisturbed.found["wrong"] and all(is_as_wanted(*result) for result in results) else 1


if __name__ == "__main__":
    sys.exit(main())
