"""A recording of an hour: accepted as soon as it is there, memory that does not grow with it, and a transcript that is the sum of its parts.

With EARSHOT_LONG=1 it is speech and a real engine listens."""
import contextlib
import os
import pathlib
import threading

import pytest

from fleet import Fleet
from house import BIN, SLOW, say
from recordings import RATE, Door, padded, pcm, repeat, speech

LONG = bool(os.environ.get("EARSHOT_LONG"))
HOUR = 3600
ANSWER_WITHIN = 2.0
GROWS_MB = 16  # pages of the store's cache, buffers of the allocator: what does not depend on the length
DOCUMENT_MB = GROWS_MB if LONG else 96  # an analysis actor has the whole transcript; the mock says 36 000 things in an hour


class Memory(threading.Thread):
    """The resident memory of every process of a fleet, by actor, its children beside it: the most of it in each tenth of a second."""

    def __init__(self, fleet):
        super().__init__(daemon=True)
        self.fleet, self.seen, self.over, self.marks = fleet, {}, threading.Event(), []
        self.start()

    def _stat(self):
        """(parent, name, KB) by pid."""
        out = {}
        for path in pathlib.Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                head, _, rest = path.read_text().rpartition(")")
                fields = rest.split()
                out[int(path.parent.name)] = int(fields[1]), head.partition("(")[2], int(fields[21]) * 4
        return out

    def run(self):
        roots = {actor.process.pid: name for name, actor in self.fleet.actors.items()}
        while not self.over.wait(0.1):
            stat, sums = self._stat(), {}
            for pid, (parent, comm, kb) in stat.items():
                owner = pid
                while owner and owner not in roots:
                    owner = stat.get(owner, (0,))[0]
                if owner:
                    label = roots[owner] if owner == pid else f"{roots[owner]}/{comm}"
                    sums[label] = max(sums.get(label, 0), kb)
            for label, kb in sums.items():
                self.seen.setdefault(label, []).append(kb)

    def end(self):
        self.over.set()
        self.join()

    def growth(self):
        """By label: (MB after a fifth of its time, the most in MB after that)."""
        out = {}
        for label, series in self.seen.items():
            if len(series) >= 20:
                fifth = len(series) // 5
                out[label] = max(series[:fifth]) / 1024, max(series[fifth:]) / 1024
        return out


def unit(folder):
    found = speech() if LONG else None
    if found is None:
        say(folder / "unit.wav", "one two three four five", "please call me tomorrow", "two hundred and fifty dollars")
        found = padded(pcm(folder / "unit.wav"))
    return found


def check_sum_of_parts(transcript, part_ms, times):
    """Each repetition is heard as the others are; the first and the last may begin and end otherwise."""
    parts = [[] for _ in range(times)]
    for segment in transcript["segments"]:
        parts[min(times - 1, segment["startMs"] // part_ms)].append(segment["text"])
    texts = [" ".join(part) for part in parts]
    assert texts[1] and all(text == texts[1] for text in texts[1:-1]), sorted(set(texts))
    assert transcript["text"] == " ".join(texts)


@pytest.mark.parametrize("engine", ["pocketsphinx"] if LONG else ["mock"])
def test_an_hour(tmp_path, engine):
    path, part = tmp_path / "hour.wav", unit(tmp_path)
    times = repeat(path, part, HOUR)
    with Fleet(rooms=0, transcribers=1, jobs_actors=1, analysts=1, transcriber=["--engine", engine]) as fleet:
        door, memory = Door(fleet.urls[0]), Memory(fleet)
        try:
            status, said, waited = door.upload(path)
            assert status == 202 and waited < ANSWER_WITHIN * SLOW, (said, waited)
            states = []
            job = door.await_end(said["jobId"], HOUR if LONG else 240, lambda job: states.append(job["progress"]))
        finally:
            memory.end()
        samples = len(part) // 2 * times
        transcript, growth = door.transcript(job["jobId"]), memory.growth()
        print(f"{os.path.getsize(path) >> 20} MiB: 202 after {waited:.2f} s; {len(transcript['segments'])} segments; "
              f"MB: {', '.join(f'{label} {a:.1f} to {b:.1f}' for label, (a, b) in sorted(growth.items()))}")
        assert job["status"] == "COMPLETED" and job["durationMs"] == samples * 1000 // RATE, job
        assert states == sorted(states) and transcript["complete"]
        for label, (first, most) in growth.items():
            assert most - first < (DOCUMENT_MB if label.startswith("analysis") else GROWS_MB), f"{label} grew from {first:.1f} to {most:.1f} MB"
        if engine == "pocketsphinx":
            check_sum_of_parts(transcript, len(part) // 2 * 1000 // RATE, times)
        else:  # it answers every frame
            assert len(transcript["segments"]) == -(-samples // (RATE // 10))
