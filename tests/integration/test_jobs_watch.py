"""Jobs and the house on /ws, with a jobs actor in the test's hand."""
import asyncio
import json
import pathlib
import time
import urllib.request

import pytest

from bare_ws import BareWs, until
from desk_peer import Desk
from house import SLOW, House, say, wait_until
from jobs_client import DeskFleet
from wire import Ws

UNKNOWN = "00000000-0000-4000-8000-000000000000"


@pytest.fixture(scope="module")
def house():
    with DeskFleet(edge=["--max-client-watches", "3"]) as fleet, Desk(fleet.broker) as desk:
        fleet.await_desk()
        yield fleet, desk


@pytest.fixture
def fleet(house):
    return house[0]


@pytest.fixture
def desk(house):
    house[1].clear()
    return house[1]


@pytest.fixture
def ws(fleet):
    with connect(fleet) as open_ws:
        yield open_ws


def connect(fleet):
    ws = Ws(fleet.urls[0] + "/ws")
    ws.expect("welcome")
    return ws


def watch(ws, **what):
    ws.send(("job.watch", what))
    shown = {name: value for name, value in what.items() if name != "token"}
    assert ws.expect("job.watching") == shown


def test_a_job_from_now_to_its_end(desk, ws):
    job = desk.add(status="QUEUED", news=False)
    watch(ws, job_id=job)
    said = ws.expect("job.queued", job_id=job, session_id="s", status="QUEUED", progress=0, version=1)
    assert said["job"]["jobId"] == job and "history" not in said["job"] and "text" not in said
    desk.change(job, status="TRANSCRIBING", progress=12.5, text="so the first thing")
    ws.expect("job.progress", job_id=job, status="TRANSCRIBING", progress=12.5, version=2, text="so the first thing")
    desk.tell_again(job, 1)
    desk.tell_again(job, 2)
    desk.add()  # somebody else's
    desk.change(job, status="ANALYZING", progress=99)
    ws.expect("job.progress", status="ANALYZING", version=3)
    desk.change(job, status="COMPLETED", progress=100)
    said = ws.expect("job.completed", status="COMPLETED", version=4)
    assert list(said)[:5] == ["job_id", "session_id", "status", "progress", "version"]
    desk.change(job, status="QUEUED", progress=100)  # tried again
    ws.expect("job.queued", version=5)
    desk.forget(job)
    ws.expect("job.deleted", version=6)


def test_a_session(desk, ws):
    over, live = desk.add(session="one", status="COMPLETED", news=False), desk.add(session="one", status="TRANSCRIBING", news=False)
    watch(ws, session_id="one")
    ws.expect("job.progress", job_id=live)
    fresh = desk.add(session="one")
    ws.expect("job.queued", job_id=fresh)
    desk.add(session="two")
    desk.change(over, status="QUEUED")
    ws.expect("job.queued", job_id=over)
    ws.send(("job.unwatch", {"session_id": "one"}))
    ws.expect("job.unwatched", session_id="one")
    desk.change(live, status="FAILED", error="no")
    ws.send(("ping", {}))
    ws.expect("pong")


def test_a_session_that_has_no_job_yet(desk, ws):
    watch(ws, session_id="empty")
    ws.send(("ping", {}))
    ws.expect("pong")
    job = desk.add(session="empty")
    ws.expect("job.queued", job_id=job)


def test_all_want_the_token(fleet, desk, ws):
    for token in ({}, {"token": "wrong"}, {"token": fleet.token[:-1]}):
        for verb, what in (("job.watch", {"all": True}), ("house.watch", {})):
            ws.send((verb, {**what, **token}))
            said = ws.expect("error", code="unauthorized", ref=verb)
            assert "operator.token" in said["message"] and fleet.token not in said["message"]
    jobs = [desk.add(session=f"s{n}", status=status, news=False) for n, status in enumerate(["QUEUED", "TRANSCRIBING", "ANALYZING", "COMPLETED"])]
    watch(ws, all=True, token=fleet.token)
    assert [ws.recv()["payload"]["job_id"] for _ in range(3)] == jobs[:3]
    desk.change(jobs[3], status="QUEUED")
    ws.expect("job.queued", job_id=jobs[3])


def test_the_last_state_comes_though_nobody_tells(fleet, desk):
    """All news are lost: for one by its id, one by its session, and all."""
    job = desk.add(status="TRANSCRIBING", news=False)
    with connect(fleet) as one, connect(fleet) as session, connect(fleet) as everything:
        watch(one, job_id=job)
        watch(session, session_id="s")
        watch(everything, all=True, token=fleet.token)
        for ws in (one, session, everything):
            ws.expect("job.progress", version=1)
        desk.mute = True
        desk.change(job, status="COMPLETED", progress=100)
        new = desk.add(session="s", status="QUEUED")
        one.expect("job.completed", version=2, job_id=job)
        for ws in (session, everything):
            got = {message["payload"]["job_id"]: message["type"] for message in (ws.recv(), ws.recv())}
            assert got == {job: "job.completed", new: "job.queued"}


def test_a_job_that_is_removed_without_a_word(desk, ws):
    job = desk.add(status="QUEUED", news=False)
    watch(ws, job_id=job)
    ws.expect("job.queued")
    desk.forget(job, news=False)
    ws.expect("job.deleted", job_id=job, session_id="s")


def test_a_job_that_is_not_there(desk, ws):
    watch(ws, job_id=UNKNOWN)
    ws.expect("error", code="not_found", ref="job.watch", job_id=UNKNOWN)


def test_mistakes_leave_the_connection_usable(desk, ws):
    for verb, payload, code in (("job.watch", {}, "missing_field"), ("job.watch", {"job_id": "x"}, "bad_field"), ("job.watch", {"all": 1}, "bad_field"),
                                ("job.watch", {"session_id": "", "all": True}, "missing_field"), ("house.watch", {"x": 1}, "unknown_field"),
                                ("job.unwatch", {"job": UNKNOWN}, "unknown_field")):
        ws.send((verb, payload))
        ws.expect("error", code=code, ref=verb)
    ws.send(("job.unwatch", {"job_id": UNKNOWN}))
    ws.expect("job.unwatched", job_id=UNKNOWN)
    ws.send(("house.unwatch", {}))
    ws.expect("house.unwatched")


def test_too_many_watches(desk, ws):
    for n in range(3):
        watch(ws, session_id=f"s{n}")
    ws.send(("job.watch", {"session_id": "s3"}))
    ws.expect("error", code="too_many_watches", ref="job.watch", session_id="s3")
    ws.send(("job.unwatch", {"session_id": "s0"}))
    ws.expect("job.unwatched")
    watch(ws, session_id="s3")


def test_watches_end_with_their_client(fleet, desk):
    with connect(fleet) as ws:
        watch(ws, session_id="s")
        ws.send(("house.watch", {"token": fleet.token}))
        ws.expect("house.state")
        assert fleet.metrics()["earshot_edge_job_watches"] == 1 and fleet.metrics()["earshot_edge_house_watches"] == 1
        ws.abort()
        wait_until(lambda: fleet.metrics()["earshot_edge_job_watches"] == 0, 10, "no watch")
        wait_until(lambda: fleet.metrics()["earshot_edge_house_watches"] == 0, 10, "no watch of the house")
        ws.close = lambda: None


def test_nobody_answers_at_first(desk, ws):
    job = desk.add(status="TRANSCRIBING", news=False)
    desk.deaf = True
    watch(ws, job_id=job)
    said = ws.expect("error", code="jobs_unavailable", ref="job.watch", job_id=job)
    assert "is one running?" in said["message"]
    desk.deaf = False
    ws.expect("job.progress", job_id=job, deadline=30)


def test_the_house_each_second(fleet, desk, ws):
    desk.add(news=False)
    ws.send(("house.watch", {"token": fleet.token}))
    first = ws.expect("house.state")
    assert first["edge"] == "edge-1" and "history" not in first and first["brokers"][0]["name"] == "broker"
    began, seen = time.monotonic(), [ws.expect("house.state") for _ in range(3)]
    assert 1.2 < time.monotonic() - began < 6 * SLOW
    assert seen[2]["now"]["time"] > seen[1]["now"]["time"] > seen[0]["now"]["time"]
    wait_until(lambda: ws.expect("house.state")["counts"].get("QUEUED") == 1, 10, "the count")
    ws.send(("house.unwatch", {}))
    ws.until(lambda message: message["type"] == "house.unwatched")
    ws.send(("ping", {}))
    ws.expect("pong")


def test_who_does_not_read_gets_the_last_state(fleet, desk):
    """Progress is left out while it is behind; the end is there, and nobody is closed for it."""
    jobs = [desk.add(status="TRANSCRIBING", news=False) for _ in range(5)]
    got, ends = [], {}

    def on_text(_ws, data):
        message = json.loads(data)
        got.append(message["type"])
        if message["type"] == "job.completed":
            ends[message["payload"]["job_id"]] = message["payload"]["version"]

    def left_out():
        return fleet.metrics()["earshot_edge_job_events_left_out_total"]

    async def slow():
        ws = await BareWs.connect(fleet.urls[0] + "/ws", on_text, receive_buffer=4096)
        ws.send("job.watch", {"session_id": "s"})
        await until(lambda: got.count("job.progress") == 5, 10, "the present state")
        ws.stop_reading()
        changes, before = 0, left_out()
        while left_out() < before + 100:
            for _ in range(100):
                changes += 1
                desk.change(jobs[changes % 5], progress=changes % 90, text="x" * 2000)
            await until(lambda: not desk._out, 10, "news that are told")
            assert changes < 50_000
        wanted = {job: desk.change(job, status="COMPLETED")["version"] for job in jobs}
        await until(lambda: not desk._out, 10, "the last news")
        ws.read_on()
        await until(lambda: ends == wanted, 30, "the last states")
        assert got.count("job.progress") < changes
        ws.close()
    asyncio.run(slow())


def test_the_broker_dies(fleet, desk, ws):
    """What ends while nobody can tell is told once somebody can."""
    job = desk.add(status="TRANSCRIBING", news=False)
    watch(ws, job_id=job)
    ws.expect("job.progress")
    starts = fleet.kill("broker", away=1.0)
    desk.change(job, status="COMPLETED", progress=100)
    ws.expect("job.completed", job_id=job, version=2, deadline=40)
    fleet.await_restart("broker", starts)
    fleet.await_desk()


def test_two_brokers_tell_once():
    with DeskFleet(brokers=2) as fleet, Desk(f"ipc://{fleet.data}/broker") as desk, Desk(f"ipc://{fleet.data}/broker-2", name="jobs-2") as other:
        other.jobs = desk.jobs
        fleet.await_desk()
        wait_until(lambda: any(w["service"] == "jobs" for w in fleet.status("broker-2")["workers"]), 20, "a jobs actor")
        job = desk.add(status="QUEUED", news=False)
        with connect(fleet) as ws:
            watch(ws, job_id=job)
            ws.expect("job.queued")
            for version in range(2, 10):
                changed = desk.change(job, progress=version)
                other._out.append((b"jobs/" + job.encode(), 98, 0, {}, json.dumps({"type": "job.progress", "version": version, "job": changed}).encode()))
            desk.change(job, status="COMPLETED")
            got = ws.until(lambda message: message["type"] == "job.completed")
            versions = [message["payload"]["version"] for message in got]
            assert versions == sorted(set(versions)) and versions[-1] == 10


def test_a_real_house(tmp_path):
    """From the upload to the last state, with the words as they are found; and all of it in the house's figures."""
    say(tmp_path / "talk.wav", "one two three", "please call me tomorrow", gap=2.0)
    with House() as house, Ws(house.ws + "/ws") as ws, Ws(house.ws + "/ws") as operator:
        ws.expect("welcome")
        operator.expect("welcome")
        watch(ws, session_id="desk-1")
        operator.send(("job.watch", {"all": True, "token": (pathlib.Path(house.data) / "operator.token").read_text().strip()}))
        operator.expect("job.watching")
        request = urllib.request.Request(house.url + "/session/desk-1/upload?file_name=talk.wav", (tmp_path / "talk.wav").read_bytes(),
                                         {"Content-Type": "audio/wav"})
        with urllib.request.urlopen(request, timeout=30 * SLOW) as answer:
            job = json.loads(answer.read())["jobId"]
        for listener in (ws, operator):
            got = [message["payload"] for message in listener.until(lambda message: message["type"] == "job.completed", 60)]
            assert {one["job_id"] for one in got} == {job} and got[-1]["progress"] == 100
            versions, progress = [one["version"] for one in got], [one["progress"] for one in got]
            assert versions == sorted(set(versions)) and progress == sorted(progress)
            assert [one["text"] for one in got if one.get("text")], "words while it runs"
