"""A jobs actor that only answers questions and tells news, in the test's hand: a thread on the actor of actors/examples/level.py. Of a table of jobs it does what it is told."""
import collections
import json
import pathlib
import sys
import threading
import time
import uuid

import msgpack

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "actors/examples"))
import level  # noqa: E402
from level import CAPACITY, END, HELLO, NAME, SERVICE, TEXT, TO  # noqa: E402

JOB_ASK, JOB_TOLD, JOB_NEWS, JOB_STATS = 96, 97, 98, 99
COUNT, CLIENT = 23, 25
PIECE = 262144
STATES = ("QUEUED", "TRANSCRIBING", "ANALYZING", "COMPLETED", "FAILED", "CANCELLED")
TYPES = {"QUEUED": "job.queued", "TRANSCRIBING": "job.progress", "ANALYZING": "job.progress", "COMPLETED": "job.completed",
         "FAILED": "job.failed", "CANCELLED": "job.cancelled"}


def new_job(session="s", status="QUEUED", **more):
    now = int(time.time() * 1000)
    return {"jobId": str(uuid.uuid4()), "sessionId": session, "principal": None, "status": status, "progress": 0, "priority": 0, "language": None, "fileName": "talk.wav",
            "contentType": "audio/wav", "bytes": 0, "format": None, "durationMs": None, "doneMs": 0, "createdAt": now, "startedAt": None,
            "finishedAt": None, "updatedAt": now, "version": 1, "attempt": 0, "attempts": 3, "nextAttemptAt": None, "worker": None, "note": None,
            "error": None, "warnings": 0, "deleteAfterAnalysis": False, "audio": True, "webhook": None, **more}


class Refused(Exception):
    def __init__(self, status, code):
        super().__init__(code)
        self.status, self.body = status, {"error": code, "message": f"The desk says {status}."}


class Desk(level.Actor):
    """`asked`: (verb, question) of everything; deaf: answers nothing; mute: tells no news; lose: so many answers are lost; elsewhere: jobs whose
    recordings another actor has."""

    def __init__(self, *bases, name="jobs-1"):
        super().__init__(bases[0], name)
        self.lock, self._out, self._stats = threading.RLock(), collections.deque(), 0.0
        self.ended = collections.Counter()
        self.clear()
        self.thread = threading.Thread(target=self.run, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.running = False
        self.thread.join()
        self.dealer.close()
        self.results.close()

    # ---- the test's hand

    def clear(self):
        """As new; also what a test has put in place of an on_* of its own."""
        with self.lock:
            self.jobs, self.audio, self.words, self.asked = {}, {}, {}, []
            self.deaf = self.mute = False
            self.lose, self.elsewhere = 0, set()
            for name in [name for name in vars(self) if name.startswith("on_")]:
                delattr(self, name)

    def add(self, audio=b"", words=None, news=True, **more):
        job = new_job(bytes=len(audio), **more)
        with self.lock:
            self.jobs[job["jobId"]], self.audio[job["jobId"]], self.words[job["jobId"]] = job, audio, words or {"json": [b"{}"]}
            self._tell(job, None) if news else None
        return job["jobId"]

    def change(self, job_id, text=None, news=True, **fields):
        with self.lock:
            job = self.jobs[job_id]
            job.update(fields, version=job["version"] + 1, updatedAt=int(time.time() * 1000))
            if "status" in fields:
                self.ended[fields["status"]] += 1
            if news:
                self._tell(job, text)
            return dict(job)

    def forget(self, job_id, news=True):
        with self.lock:
            job = self.jobs.pop(job_id)
            job["version"] += 1
            if news:
                self._tell(job, None, "job.deleted")

    def tell_again(self, job_id, version):
        """News that come late."""
        with self.lock:
            self._tell({**self.jobs[job_id], "version": version}, None)

    def _tell(self, job, text, kind=None):
        if not self.mute:
            news = {"type": kind or TYPES[job["status"]], "version": job["version"], "job": dict(job), **({"text": text} if text else {})}
            self._out.append((b"jobs/" + job["jobId"].encode(), JOB_NEWS, 0, {}, json.dumps(news).encode()))

    def verbs(self, verb):
        with self.lock:
            return [question for name, question in self.asked if name == verb]

    # ---- the actor

    def message(self, key, envelope, body=b""):
        _, kind, _, seq, _, _, meta = msgpack.unpackb(envelope, strict_map_key=False)[:7]
        if kind != JOB_ASK:
            super().message(key, envelope, body)
            return
        self.heard = time.monotonic()
        with self.lock:
            self.asked.append((meta[NAME], json.loads(body)))
            if not self.deaf and not (meta[NAME] == "audio" and json.loads(body)["job"] in self.elsewhere):
                self._answer(meta[CLIENT], seq, meta[NAME], json.loads(body))

    def _answer(self, client, seq, verb, question):
        question.pop("principal", None)
        try:
            status, kind, body, more = getattr(self, "on_" + verb)(**question)
        except Refused as refused:
            status, kind, body, more = refused.status, "application/json", json.dumps(refused.body).encode(), {}
        if self.lose:
            self.lose -= 1
        else:
            self._out.append((client.encode(), JOB_TOLD, seq, {COUNT: status, TEXT: kind, **more}, body))

    def _job(self, job):
        if job not in self.jobs:
            raise Refused(404, "not_found")
        return self.jobs[job]

    @staticmethod
    def _json(value):
        return 200, "application/json", json.dumps(value).encode(), {}

    def on_list(self, state=None, session=None, q=None, page=1, per_page=50):
        found = [job for job in reversed(self.jobs.values()) if (not state or job["status"] == state) and (not session or job["sessionId"] == session)
                 and (not q or q in json.dumps(job, ensure_ascii=False))]
        pages = max(1, -(-len(found) // per_page))
        return self._json({"jobs": found[(page - 1) * per_page:page * per_page], "page": page, "pages": pages, "total": len(found), "counts": self.counts()})

    def on_get(self, job):
        return self._json({**self._job(job), "history": [], "analysis": None})

    def on_session(self, session):
        found = [job for job in reversed(self.jobs.values()) if job["sessionId"] == session][:50]
        if not found:
            raise Refused(404, "not_found")
        newest = found[0]
        return self._json({"sessionId": session, "jobId": newest["jobId"], "status": newest["status"], "progress": newest["progress"], "jobs": found})

    def on_transcript(self, job, format="json", cursor=0):
        self._job(job)
        pieces = self.words[job][format]
        kind = "application/json" if format == "json" else "text/plain; charset=utf-8"
        return 200, kind, pieces[cursor], {TO: cursor + 1} if cursor + 1 < len(pieces) else {}

    def on_audio(self, job, cursor=0, length=PIECE):
        if not self._job(job)["audio"]:
            raise Refused(410, "gone")
        data = self.audio[job]
        end = min(cursor + length, len(data))
        return 200, "audio/wav", data[cursor:end], {END: len(data), **({TO: end} if end < len(data) else {})}

    def on_cancel(self, job):
        if self._job(job)["status"] in ("COMPLETED", "FAILED"):
            raise Refused(409, "conflict")
        return self._json(self.change(job, status="CANCELLED"))

    def on_retry(self, job, attempt):
        if self._job(job)["attempt"] == attempt:  # else it was done already
            if self.jobs[job]["status"] not in ("FAILED", "CANCELLED"):
                raise Refused(409, "conflict")
            self.change(job, status="QUEUED", attempt=attempt + 1)
        return self._json(self.jobs[job])

    def on_remove(self, job):
        if self._job(job)["status"] == "TRANSCRIBING":
            raise Refused(409, "conflict")
        known = dict(self.jobs[job])
        self.forget(job)
        return self._json(known)

    def counts(self):
        return {state: sum(job["status"] == state for job in self.jobs.values()) for state in STATES}

    def tick(self, now):
        with self.lock:
            while self._out:
                key, kind, seq, meta, body = self._out.popleft()
                envelope = msgpack.packb([1, kind, 0, seq, time.time_ns() // 1000, None, meta])
                self.results.send_multipart([key, envelope, body])
            if now > self._stats + 0.5:
                self._stats = now
                stats = {"running": 1, "uploads": 0, "concurrency": 2, "counts": self.counts(), "ended": dict(self.ended), "oldest_queued_ms": 5,
                         "store": "sqlite", "store_error": None, "spool_bytes": 1, "spool_quota": 10, "disk_free": 100}
                self.results.send_multipart([b"jobs/*", self.pack(JOB_STATS, 0, {NAME: self.name}), json.dumps(stats).encode()])
        if now > self.heard + 1.5 and now > self.hello:
            self.hello = now + 0.5
            self.tell(HELLO, {SERVICE: "jobs", NAME: self.name, CAPACITY: self.capacity}, msgpack.packb([]))

    def run(self):
        while self.running:
            if self.dealer.poll(5):
                self.message(*self.dealer.recv_multipart())
            self.tick(time.monotonic())
        self.tell(level.GOODBYE, {})
