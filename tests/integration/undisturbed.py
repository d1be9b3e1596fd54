"""Clients that stream while somebody else is attacked, in a process of their own: `python undisturbed.py URL TOKEN COUNT SLOW`. Half of them speak the flat protocol. They
begin at the start, say `streaming` once each has had an answer, end with their input, and print what they found as a line of JSON."""
import asyncio
import json
import sys

from bare_ws import BareWs, pause, until

CHUNK = b"\1\2" * 320
EVERY, TURNS = 0.1, 10  # seconds between two chunks of one; they speak in turns


class Speaker:
    """Every chunk must be acknowledged and transcribed, in order and once."""

    def __init__(self, flat):
        self.flat, self.sent, self.acked, self.heard, self.done = flat, [], 0, 0, False
        self.latencies, self.wrong = [], []

    async def open(self, url, token):
        path = "/api/audio/ws" if self.flat else "/ws"
        self.ws = await BareWs.connect(url + path, self.take, headers=f"Authorization: Bearer {token}\r\n", deadline=30)
        if not self.flat:
            self.ws.send("audio.start", {"sample_rate": 16000, "format": "pcm16"})

    def take(self, _ws, text):
        message = json.loads(text)
        kind, said = (message.get("type"), message.get("payload", {})) if not self.flat else (None, message)
        if "chunk_size" in said:
            self.acked = self.next(said["seq"], self.acked, "acknowledged")
        elif "transcription" in said or kind == "transcript":
            self.heard = self.next(said["seq"], self.heard, "transcribed")
            self.latencies.append(asyncio.get_running_loop().time() - self.sent[self.heard - 1])
        elif said.get("done") or kind == "audio.done":
            self.done = True
        elif kind not in ("welcome", "status", "session.authenticated"):
            self.wrong.append(message)

    def next(self, seq, last, what):
        if seq != last + 1:
            self.wrong.append(f"{what} {seq} after {last}")
        return seq

    def speak(self):
        self.sent.append(asyncio.get_running_loop().time())
        self.ws.send_binary(CHUNK)

    def stop(self):
        self.ws.send_text(b"stop") if self.flat else self.ws.send("audio.stop", {})


async def main(url, token, count, slow):
    loop, over = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(sys.stdin, over.set)
    speakers = [Speaker(n % 2 == 0) for n in range(count)]
    for speaker in speakers:
        await speaker.open(url, token)
    begin, turn = loop.time(), 0
    while not over.is_set():
        for speaker in speakers[turn % TURNS::TURNS]:
            speaker.speak()
        turn += 1
        if turn == 2 * TURNS:
            await until(lambda: all(s.heard for s in speakers), 30, "a first answer to everybody")
            print("streaming", flush=True)
        await pause(max(0.0, begin + turn * EVERY / TURNS - loop.time()))
    for speaker in speakers:
        speaker.stop()
    wrong = [w for s in speakers for w in s.wrong]
    try:
        await until(lambda: all(s.done for s in speakers), 30 * slow, "the end of every stream")
    except AssertionError as late:
        wrong.append(str(late))
    wrong += [f"{s.acked} of {len(s.sent)} acknowledged, {s.heard} transcribed" for s in speakers if not s.acked == s.heard == len(s.sent)]
    latencies = sorted(latency for s in speakers for latency in s.latencies[2:])
    print(json.dumps({"chunks": sum(len(s.sent) for s in speakers), "wrong": wrong[:20],
                      "p50_ms": latencies[len(latencies) // 2] * 1e3, "p99_ms": latencies[len(latencies) * 99 // 100] * 1e3}), flush=True)


asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4])))
