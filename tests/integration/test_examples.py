"""The example actors, in C and in Python, behind a real broker and edge."""
import os
import subprocess

import pytest

from house import BIN, ROOT, House, wait_until
from wire import Ws

EXAMPLES = ROOT / "actors" / "examples"
C_ACTOR = next(iter(sorted(BIN.glob("earshot-example-*"))), BIN / "earshot-example")
PYTHON_ACTOR = next(iter(sorted(EXAMPLES.glob("*.py"))))


def test_examples_are_short():
    for path in list(EXAMPLES.glob("*.c")) + list(EXAMPLES.glob("*.py")):
        assert len(path.read_text().splitlines()) < 120, path


@pytest.mark.parametrize("command", [[C_ACTOR], ["/usr/bin/python3", PYTHON_ACTOR]], ids=["c", "python"])
def test_an_example_transcribes_and_survives_the_broker(command):
    with House(transcribers=0) as house:
        actor = subprocess.Popen([*map(str, command), "--broker", f"ipc://{house.data}/broker"], cwd=house.data,
                                 env={**os.environ, "EARSHOT_DATA": house.data})
        try:
            wait_until(lambda: house.status()["workers"], 15, "the example says HELLO")
            with Ws(house.ws + "/api/audio/ws") as ws:
                for _ in range(150):
                    ws.send(b"\0\x10" * 320)
                old = house.kill("broker")
                for _ in range(150):
                    ws.send(b"\0\x10" * 320)
                ws.send("stop")
                got = ws.until(lambda m: m.get("done"), 40)
                said = [m for m in got if "transcription" in m]
                assert said and [m["seq"] for m in said] == sorted({m["seq"] for m in said})
                house.await_restart("broker", old)
        finally:
            actor.terminate()
            assert actor.wait(15) == 0
