"""A house of jobs that behaves as a test wants: HTTP and /ws of PROTOCOL.md, sections 12 and 13, with nothing behind them."""
import asyncio
import base64
import hashlib
import json
import threading
import uuid

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
REASONS = {200: "OK", 202: "Accepted", 204: "No Content"}


def job_of(job, session="cli", name="talk.wav", status="QUEUED", **more):
    return {"jobId": job, "sessionId": session, "status": status, "progress": 0, "priority": 0, "language": None, "fileName": name,
            "contentType": "audio/wav", "bytes": 1000, "format": None, "durationMs": 61000, "doneMs": 0, "createdAt": 1700000000000,
            "startedAt": None, "finishedAt": None, "updatedAt": 1700000000000, "version": 1, "attempt": 1, "attempts": 3, "nextAttemptAt": None,
            "worker": "jobs-1", "note": None, "error": None, "warnings": 0, "deleteAfterAnalysis": False, "audio": True, "webhook": None, **more}


class FakeHouse:
    """`upload(number)` decides what becomes of the upload of that number (from 1): None takes it, a number of bytes cuts the connection after so many,
    (status, headers, body) answers at once, "hold" never says a word. `script`: the changes that a watched job goes through, a list of fields for each."""

    def __init__(self, token="operator-token-1234", upload=lambda number: None, script=(), drop_ws=(), pause=0.01):
        self.token, self.upload, self.script, self.drop_ws = token, upload, list(script), list(drop_ws)
        self.jobs, self.keys, self.uploads, self.requests, self.watched, self.transcripts = {}, {}, [], [], [], {}
        self.sockets, self.pause = 0, pause
        self._up, self._loop = threading.Event(), asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self._thread.start()
        assert self._up.wait(10)
        return self

    def __exit__(self, *_):
        self._loop.call_soon_threadsafe(self._stop.set_result, None)
        self._thread.join(10)

    def _run(self):
        asyncio.set_event_loop(self._loop)
        self._stop = self._loop.create_future()
        self._loop.run_until_complete(self._serve())
        self._loop.close()

    async def _serve(self):
        server = await asyncio.start_server(self._client, "127.0.0.1", 0)
        self.url = "http://127.0.0.1:%d" % server.sockets[0].getsockname()[1]
        self._up.set()
        await self._stop
        server.close()
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def add(self, **more):
        job = str(uuid.uuid4())
        self.jobs[job] = job_of(job, **more)
        return job

    # ---- HTTP

    async def _client(self, reader, writer):
        try:
            while await self._request(reader, writer):
                pass
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass
        finally:
            writer.close()

    async def _request(self, reader, writer):
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        method, target, _ = head[0].split(" ")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
        self.requests.append((method, target, headers))
        if headers.get("upgrade") == "websocket":
            await self._socket(reader, writer, headers)
            return False
        if target.startswith("/session/") and "/upload" in target:
            return await self._take_upload(reader, writer, target, headers)
        await reader.readexactly(int(headers.get("content-length", 0)))
        status, body = self._route(method, target.partition("?")[0], target, headers)
        await self._answer(writer, status, {}, body)
        return True

    async def _answer(self, writer, status, headers, body):
        data = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        lines = [f"HTTP/1.1 {status} {REASONS.get(status, 'No')}", f"Content-Length: {len(data)}", *(f"{k}: {v}" for k, v in headers.items())]
        writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + data)
        await writer.drain()

    async def _take_upload(self, reader, writer, target, headers):
        upload = {"target": target, "headers": headers, "bytes": 0, "sha": hashlib.sha256()}
        self.uploads.append(upload)
        what = self.upload(len(self.uploads))
        if isinstance(what, tuple):
            await self._answer(writer, what[0], {"Connection": "close", **what[1]}, what[2])
            return False
        if what == "hold":
            await self._stop
        if "expect" in headers:
            writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        size = int(headers["content-length"])
        while upload["bytes"] < size:
            data = await reader.read(65536)
            if not data or (what is not None and upload["bytes"] >= what):
                writer.transport.abort()
                return False
            upload["bytes"] += len(data)
            upload["sha"].update(data)
        key = headers["idempotency-key"]
        if key not in self.keys:
            self.keys[key] = self.add()
        await self._answer(writer, 202, {}, {"message": "taken", "sessionId": "cli", "jobId": self.keys[key], "status": "QUEUED"})
        return True

    def _route(self, method, path, target, headers):
        parts = path.strip("/").split("/")
        operator = headers.get("authorization") == f"Bearer {self.token}"
        if path == "/jobs":
            if not operator:
                return 401, {"error": "operator", "message": "All jobs are for the operator."}
            return 200, {"jobs": list(self.jobs.values()), "page": 1, "pages": 2, "total": 57, "counts": {"QUEUED": 3, "FAILED": 0}}
        if parts[0] == "session" and parts[-1] == "job-status":
            return 200, {"sessionId": parts[1], "jobId": None, "status": "QUEUED", "progress": 0, "jobs": list(self.jobs.values())}
        job = self.jobs.get(parts[1]) if parts[0] == "jobs" else None
        if not job:
            return 404, {"error": "no_job", "message": "There is no such job."}
        if method == "DELETE":
            return (204, None) if self.jobs.pop(parts[1]) else None
        if parts[-1] == "transcript":
            return 200, self.transcripts.get(parts[1], f"the words of {job['fileName']} as {target.partition('format=')[2]}\n").encode()
        if parts[-1] == "cancel":
            if job["status"] == "COMPLETED":
                return 409, {"error": "state", "message": "It is completed."}
            job.update(status="CANCELLED", version=job["version"] + 1)
        if parts[-1] == "retry":
            job.update(status="QUEUED", version=job["version"] + 1)
        return 200, job

    # ---- /ws

    async def _socket(self, reader, writer, headers):
        accept = base64.b64encode(hashlib.sha1(headers["sec-websocket-key"].encode() + GUID).digest()).decode()
        writer.write(f"HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n".encode())
        self.sockets += 1
        number = self.sockets
        await self._say(writer, "welcome", {"client_id": "00aa11bb22cc33dd", "session": "s", "token": "t", "limits": {}})
        while True:
            first, second = await reader.readexactly(2)
            size = second & 127
            if size > 125:
                size = int.from_bytes(await reader.readexactly(2 if size == 126 else 8), "big")
            mask = await reader.readexactly(4)
            data = bytes(b ^ mask[i % 4] for i, b in enumerate(await reader.readexactly(size)))
            if first & 15 == 8:
                return
            if first & 15 == 1:
                await self._heard(writer, json.loads(data), number)

    async def _say(self, writer, kind, payload):
        data = json.dumps({"type": kind, "payload": payload, "timestamp": 1}).encode()
        head = bytes((129, len(data))) if len(data) < 126 else bytes((129, 126)) + len(data).to_bytes(2, "big")
        writer.write(head + data)
        await writer.drain()

    async def _event(self, writer, kind, job, **more):
        await self._say(writer, kind, {"job_id": job["jobId"], "session_id": job["sessionId"], "status": job["status"], "progress": job["progress"],
                                       "version": job["version"], "job": job, **more})

    async def _heard(self, writer, message, number):
        if message["type"] != "job.watch":
            return
        asked = message["payload"]
        self.watched.append(asked)
        if asked.get("all") and asked.get("token") != self.token:
            await self._say(writer, "error", {"code": "operator", "message": "All jobs are for the operator.", "ref": "job.watch"})
            return
        await self._say(writer, "job.watching", asked)
        for job in [j for j in self.jobs.values() if asked.get("job_id", j["jobId"]) == j["jobId"]]:
            await self._event(writer, "job.progress", job)
            for change in self.script:
                text = change.get("text")
                if change["version"] <= job["version"]:
                    continue
                job.update({k: v for k, v in change.items() if k != "text"})
                kind = {"COMPLETED": "job.completed", "FAILED": "job.failed", "CANCELLED": "job.cancelled"}.get(job["status"], "job.progress")
                await self._event(writer, kind, job, **({"text": text} if text else {}))
                if (number, job["version"]) in self.drop_ws:
                    writer.transport.abort()
                    raise OSError
                await asyncio.wait([self._stop], timeout=self.pause)
