"""Somebody speaks: how long until the first words come back?"""
import asyncio
import contextlib
import json
import time

import websockets

from house import SLOW

CHUNK_MS = 100


def envelope(kind, **payload):
    return json.dumps({"type": kind, "payload": payload, "timestamp": 0})


async def _speak(ws, pcm, began):
    """In real time."""
    size, never = 32 * CHUNK_MS, asyncio.Event()
    for at in range(0, len(pcm), size):
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(never.wait(), max(0.0, began + at / 32000 - time.monotonic()))
        await ws.send(pcm[at:at + size])
    await ws.send(envelope("audio.stop"))


async def _listen(ws, began):
    """Times of the first partial, the first final with words, the end; and the longest place in the queue."""
    heard, places = {}, [0]
    async for text in ws:
        message = json.loads(text)
        payload = message["payload"]
        assert message["type"] != "error", message
        if message["type"] == "transcript" and payload["text"]:
            heard.setdefault("final" if payload["final"] else "partial", time.monotonic() - began)
        if message["type"] == "status":
            places.append(payload.get("queue") or 0)
        if message["type"] == "audio.done":
            heard["done"] = time.monotonic() - began
            break
    return {**heard, "queue": max(places)}


async def _talk(url, pcm):
    async with websockets.connect(url + "/ws", compression=None, max_size=None) as ws:
        await ws.recv()
        began = time.monotonic()
        await ws.send(envelope("audio.start", sample_rate=16000, format="pcm16", partials=True))
        speaker = asyncio.create_task(_speak(ws, pcm, began))
        try:
            return await _listen(ws, began)
        finally:
            speaker.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await speaker


def talk(url, pcm, deadline=90):
    """{"partial", "final", "done": seconds after the first sample, "queue": ...}; url: ws://..."""
    return asyncio.run(asyncio.wait_for(_talk(url, pcm), deadline * SLOW))
