"""The table of attacks.py against a house in which fifty clients stream: each is refused as stated and counted, and leaves no trace."""
import attacks
from ground import Ground, Undisturbed
from house import SLOW, wait_until
from swarm import allow_descriptors

P99_MS = 1500  # of a transcription, beside attackers who take what they get of two cores that others share
GROWTH_KB = 6144  # malloc keeps some holes


def test_every_attack_is_refused_while_others_stream():
    allow_descriptors(4096)
    with Ground() as ground:
        if SLOW == 1:
            attacks.play_all(ground, attacks.PLAIN)  # whatever grows once has grown
        before = attacks.at_rest(ground)
        with Undisturbed(ground) as undisturbed:
            results = attacks.play_all(ground, attacks.PLAIN)
        assert not [result for result in results if not attacks.is_as_wanted(*result)]
        assert undisturbed.found["chunks"] > 1000 and not undisturbed.found["wrong"], undisturbed.found
        assert undisturbed.found["p99_ms"] < P99_MS * SLOW, undisturbed.found
        more = 0 if SLOW == 1 else 4
        wait_until(lambda: all(files <= before[name][0] + more for name, files in attacks.descriptors(ground).items()), 20, f"the descriptors of {before}")
        if SLOW == 1:  # sanitizers keep freed memory on purpose
            after = attacks.at_rest(ground)
            assert all(after[name][1] - before[name][1] < GROWTH_KB for name in before), (before, after)
