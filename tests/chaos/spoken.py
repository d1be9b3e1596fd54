"""Streams of speech through `earshot stream`, one after the other: each must say word for word, at the same times, what it says where nothing is in the way."""
import asyncio
import json
import shutil
import subprocess

from bare_ws import pause
from house import BIN, say, word_errors

PHRASES = ("one two three four five", "please call me tomorrow", "two hundred and fifty dollars", "open the door", "seven eight nine ten")


def available():
    """pocketsphinx is part of every build; flite and a client that resumes must be there."""
    helps = subprocess.run([BIN / "earshot", "stream", "--help"], capture_output=True, text=True, timeout=10).stdout
    return shutil.which("flite") is not None and "with commas" in helps


def record(directory, gap):
    return say(directory / "spoken.wav", *PHRASES, gap=gap)


def finals_of(lines):
    events = [json.loads(line) for line in lines if line.startswith(b"{")]
    return [(e["text"], e["start_ms"], e["end_ms"]) for e in events if e["type"] == "transcript" and e["final"] and e["text"]]


def words_of(finals):
    return " ".join(text for text, *_ in finals)


async def transcribe(urls, path, *args):
    """(exit status, finals, what it said on stderr)."""
    process = await asyncio.create_subprocess_exec(BIN / "earshot", "stream", "--json", "--wait", "120s", "--url", ",".join(url + "/ws" for url in urls),
                                                   *args, path, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    out, err = await process.communicate()
    return process.returncode, finals_of(out.splitlines()), err.decode()


class Spoken:
    """Says the recording again and again until it is told to end, at first after `late` seconds: so that not all speak in chorus."""

    def __init__(self, urls, name, path, expected, late):
        self.name, self.expected = name, expected
        self.recordings, self.words, self.wrong, self.faults, self._ending = 0, 0, 0, [], False
        self._task = asyncio.get_running_loop().create_task(self._live(urls, path, late))

    async def _live(self, urls, path, late):
        await pause(late)
        while not self._ending:
            status, finals, err = await transcribe(urls, path)
            self.recordings += 1
            self.words += len(words_of(self.expected).split())
            if status != 0:
                self.faults.append(f"{self.name}: exit status {status}: {err.strip()[-300:]}")
            if finals != self.expected:
                self.wrong += word_errors(words_of(self.expected), words_of(finals))
                self.faults.append(f"{self.name}: heard {finals} and not {self.expected}")

    async def end(self):
        self._ending = True
        await self._task
