"""A PostgreSQL server of its own for a test, that can be stopped and started; it ends with the test, however that ends."""
import pathlib
import subprocess

import pytest

from house import ROOT, wait_until

SCRIPT = ROOT / "tests" / "support" / "postgres.sh"
NOT_INSTALLED = 77


class Postgres:
    def __init__(self):
        # The server lives until the write end of its standard input is closed, by us or by our death.
        made = subprocess.Popen([SCRIPT, "make"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        out, self._alive = made.stdout.read(), made.stdin
        if made.wait() == NOT_INSTALLED:
            pytest.skip(made.stderr.read().strip())
        assert made.returncode == 0, made.stderr.read()
        self.dir = out.strip()
        self.url = self._run("url").strip()

    def _run(self, *verb):
        return subprocess.run([SCRIPT, *verb, self.dir], check=True, capture_output=True, text=True, timeout=90).stdout

    def stop(self, mode="immediate"):
        """smart, fast, or immediate: as if the power failed."""
        self._run("stop", mode)

    def start(self):
        self._run("start")

    def close(self):
        self._alive.close()
        wait_until(lambda: not pathlib.Path(self.dir).exists(), 30, "the end of the server")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
