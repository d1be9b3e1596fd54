"""A short round of tests/chaos, in which every role is hit: `make -f Makefile.dev chaos` plays long ones. EARSHOT_SEED chooses another."""
import os
import sys

from house import ROOT, SLOW

sys.path.insert(0, str(ROOT / "tests" / "chaos"))
import chaos  # noqa: E402


def test_forty_seconds():
    options = chaos.arguments(["--minutes", str(40 / 60), "--seed", os.environ.get("EARSHOT_SEED", "4"), "--streams", str(int(20 / SLOW)),
                               "--members", str(int(8 / SLOW)), "--settle", str(60 * SLOW), "--between", "0.2", "1.2"])
    round_ = chaos.run(options)
    assert not round_.failures
    assert {name.split("-")[0] for _, name in round_.faults.counts} == {"broker", "edge", "room", "transcriber"}
    assert round_.faults.total > 20
