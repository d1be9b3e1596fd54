"""`earshot chat` in a pipe, for a test."""
import json
import subprocess

from house import BIN, SLOW, Lines, wait_until


class Chat:
    """`with Chat(url, …) as chat`: what it says and hears."""

    def __init__(self, url, *args, room="lobby", name="Ann"):
        where = ["--url", url] if url else []
        self.process = subprocess.Popen([BIN / "earshot", "chat", *where, "--name", name, *args, room], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.out, self.err = Lines(self.process.stdout), Lines(self.process.stderr)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        if not self.process.stdin.closed:
            self.process.stdin.close()
        wait_until(lambda: self.out.ended and self.err.ended, 5)

    def say(self, *lines):
        self.process.stdin.write("".join(line + "\n" for line in lines).encode())
        self.process.stdin.flush()

    def messages(self, *kinds):
        return [m for m in map(json.loads, list(self.out.lines)) if not kinds or m["type"] in kinds]

    def texts(self):
        return [m["text"] for m in self.messages("room.message")]

    def await_texts(self, *texts, deadline=10):
        try:
            wait_until(lambda: self.texts() == list(texts), deadline)
        except AssertionError:
            raise AssertionError(f"heard {self.texts()}, expected {list(texts)}\n{self.err.text()}") from None

    def await_inside(self):
        self.out.await_line('"members":')

    def end(self, status=0, deadline=20):
        """End of input; the exit code is checked."""
        self.process.stdin.close()
        assert self.process.wait(deadline * SLOW) == status, self.err.text()
        wait_until(lambda: self.out.ended and self.err.ended, 5)
