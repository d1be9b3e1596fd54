"""A program on a terminal, and what somebody in front of it sees: pyte plays the terminal."""
import fcntl
import os
import pty
import select
import signal
import struct
import termios

import pyte

from house import BIN, wait_until


class Screen:
    """`with Screen("chat", "lobby") as screen`: earshot on a terminal of so many columns and rows."""

    def __init__(self, *args, columns=60, rows=12, env=None):
        self.raw, self.status = b"", None
        self.screen = pyte.HistoryScreen(columns, rows, history=1000)
        self.stream = pyte.ByteStream(self.screen)
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ.update({"TERM": "xterm", "LANG": "C", "HOME": "/nonexistent", "TZ": "UTC", **(env or {})})
            select.select([0], [], [], None)  # the size comes first, then a byte that says so
            os.read(0, 1)
            os.execv(BIN / "earshot", ["earshot", *map(str, args)])
        self._size(columns, rows)
        self.type("\n")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.status is None:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        if self.fd is not None:
            os.close(self.fd)

    def _size(self, columns, rows):
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def resize(self, columns, rows):
        self.screen.resize(rows, columns)
        self._size(columns, rows)

    def type(self, text):
        os.write(self.fd, text.encode())

    def signal(self, signo):
        os.kill(self.pid, signo)

    def await_stopped(self):
        wait_until(lambda: os.waitpid(self.pid, os.WNOHANG | os.WUNTRACED)[0], 10, "the program stopped")
        self.read()

    def hang_up(self):
        """The terminal goes away."""
        os.close(self.fd)
        self.fd = None

    def read(self):
        """Takes what the program has written. False at its end."""
        while self.fd is not None and select.select([self.fd], [], [], 0)[0]:
            try:
                piece = os.read(self.fd, 65536)
            except OSError:
                return False
            if not piece:
                return False
            self.raw += piece
            self.stream.feed(piece)
        return True

    def lines(self):
        """All lines, those that have scrolled away first; without the empty ones at the end."""
        self.read()
        width = self.screen.columns
        away = ["".join(row[x].data for x in range(width)).rstrip() for row in self.screen.history.top]
        shown = [line.rstrip() for line in self.screen.display]
        while shown and not shown[-1]:
            shown.pop()
        return away + shown

    def cursor(self):
        return self.screen.cursor.y, self.screen.cursor.x

    def await_lines(self, *expected, deadline=10):
        """The last lines of the screen become these; a last one that ends in a space may have lost it."""
        wanted = [line.rstrip() for line in expected]
        try:
            wait_until(lambda: self.lines()[-len(wanted):] == wanted, deadline)
        except AssertionError:
            raise AssertionError("on the screen:\n" + "\n".join(self.lines()) + "\nexpected at its end:\n" + "\n".join(wanted)) from None

    def end(self, deadline=10):
        """Waits for the end of the program; its exit code."""
        def over():
            self.read()
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.status = os.waitstatus_to_exitcode(status)
            return pid
        wait_until(over, deadline, "the end of the program")
        self.read()
        return self.status
