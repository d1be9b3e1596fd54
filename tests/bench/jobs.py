#!/usr/bin/env python3
"""Recordings of one frame: accepted a second (each file and row fsynced before its 202), and completed a second. Beside BullMQ on Redis in the same run, where DIR has its benchmark and libraries.

    jobs.py [--jobs 5000] [--connections 50] [--concurrency 64] [--analysts 1] [--peers DIR]     DIR: holds peers/node/bullmq_bench.mjs and its node_modules"""
import argparse
import asyncio
import contextlib
import io
import json
import os
import pathlib
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
import wave

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration"))
from fleet import Fleet  # noqa: E402
from house import wait_until  # noqa: E402

COMPLETED = 3


def one_frame():
    out = io.BytesIO()
    with wave.open(out, "wb") as w:
        w.setnchannels(1), w.setsampwidth(2), w.setframerate(16000)
        w.writeframes(bytes(3200))
    return out.getvalue()


async def send_all(address, request, left):
    """One connection, kept; one upload after the other."""
    reader, writer = await asyncio.open_connection(*address)
    while left:
        left.pop()
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        size = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        body = await reader.readexactly(size)
        assert head.startswith(b"HTTP/1.1 202"), head + body
    writer.close()


async def upload(address, jobs, connections):
    wav = one_frame()
    request = (f"POST /session/bench/upload HTTP/1.1\r\nHost: {address[0]}\r\nContent-Type: audio/wav\r\nContent-Length: {len(wav)}\r\n\r\n").encode() + wav
    left = list(range(jobs))
    await asyncio.gather(*(send_all(address, request, left) for _ in range(connections)))


def completed(fleet):
    with contextlib.closing(sqlite3.connect(f"file:{fleet.data}/jobs.db?mode=ro", uri=True)) as db:
        return db.execute("SELECT count(*) FROM job WHERE state = ?", (COMPLETED,)).fetchone()[0]


def cpu_seconds(fleet):
    ticks, total = os.sysconf("SC_CLK_TCK"), 0
    for actor in fleet.actors.values():
        fields = pathlib.Path(f"/proc/{actor.process.pid}/stat").read_text().rpartition(")")[2].split()
        total += sum(int(field) for field in fields[11:15])  # with its children that have ended: decoders of files
    return total / ticks


def ours(args):
    options = ["--concurrency", args.concurrency, *([] if args.analysts else ["--analysis-wait", "0s"])]
    with Fleet(rooms=0, transcribers=1, jobs_actors=1, analysts=args.analysts, jobs=options) as fleet:
        host, port = fleet.urls[0].split("://")[1].split(":")
        wait_until(lambda: {w["service"] for w in fleet.status()["workers"]} >= {"upload", "transcribe"}, 20, "the actors")
        asyncio.run(upload((host, int(port)), 1, 1))
        wait_until(lambda: completed(fleet) == 1, 60, "one job")
        cpu, start = cpu_seconds(fleet), time.monotonic()
        asyncio.run(upload((host, int(port)), args.jobs, args.connections))
        accepted = time.monotonic() - start
        wait_until(lambda: completed(fleet) == args.jobs + 1, 1200, "all jobs")
        end = time.monotonic() - start
        return {"jobs": args.jobs, "accepted_per_s": round(args.jobs / accepted, 1), "jobs_per_s": round(args.jobs / end, 1),
                "cpu_us_per_job": round((cpu_seconds(fleet) - cpu) * 1e6 / args.jobs, 1)}


def bullmq(peers, jobs, fsync):
    with socket.socket() as free, tempfile.TemporaryDirectory() as data:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
        redis = subprocess.Popen(["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "yes", "--appendfsync", fsync,
                                  "--maxmemory-policy", "noeviction", "--dir", data], stdout=subprocess.DEVNULL)
        try:
            def listens():
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                    return True
            wait_until(listens, 10, "Redis")
            done = subprocess.run(["node", "peers/node/bullmq_bench.mjs", str(jobs), "add"], cwd=peers, check=True, capture_output=True, timeout=300,
                                  env={**os.environ, "REDIS_URL": f"redis://127.0.0.1:{port}"})
            return {"appendfsync": fsync, **json.loads(done.stdout)}
        finally:
            redis.kill()
            redis.wait()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("--jobs", 5000), ("--connections", 50), ("--concurrency", 64), ("--analysts", 1)):
        parser.add_argument(name, type=int, default=default)
    parser.add_argument("--peers", type=pathlib.Path)
    args = parser.parse_args()
    print(json.dumps({"earshot": ours(args)}), flush=True)
    for fsync in ("always", "everysec") if args.peers else ():
        print(json.dumps({"bullmq": bullmq(args.peers, args.jobs, fsync)}), flush=True)


if __name__ == "__main__":
    main()
