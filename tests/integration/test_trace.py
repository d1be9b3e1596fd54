"""A trace goes from the request that opens a WebSocket, or uploads a file, to the finals, and its spans to a collector."""
import io
import re
import signal
import time
import urllib.request
import wave

import pytest

from collector import Collector, attributes
from house import House, wait_until
from wire import Ws

ID, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
PARENT = f"00-{ID}-{SPAN}-01"
CHUNK = b"\1\2" * 1600


def start(**more):
    return "audio.start", {"sample_rate": 16000, "format": "pcm16", **more}


def speak(ws, chunks, midway=lambda: None, **more):
    """The transcripts of a stream; midway is done between two of its chunks, once all before are answered."""
    ws.send(start(**more))
    for _ in range(chunks):
        ws.send(CHUNK)
    got = []
    while len(got) < chunks:
        got += [m["payload"] for m in [ws.recv()] if m["type"] == "transcript"]
    midway()
    ws.send(CHUNK)
    ws.send(("audio.stop", {}))
    rest = ws.until(lambda m: m["type"] == "audio.done")
    return got + [m["payload"] for m in rest if m["type"] == "transcript"]


def counter(house, what):
    return int(re.search(r'earshot_edge_traces_total{what="%s"} (\d+)' % what, house.get("/metrics")[2].decode()).group(1))


@pytest.fixture(scope="module")
def collected():
    with Collector() as collector, House("--otlp-url", collector.url) as house:
        yield house, collector


def test_one_trace_from_the_upgrade_to_the_finals(collected):
    house, collector = collected

    def replace_transcriber():
        house.await_restart("transcriber-1", house.kill("transcriber-1"))

    with Ws(house.ws + "/ws", extra_headers={"traceparent": PARENT}) as ws:
        ws.expect("welcome")
        finals = speak(ws, 3, replace_transcriber)
    assert [f["trace"] for f in finals] == [ID] * 4
    (service, stream), = wait_until(lambda: collector.spans(ID, "stream"), what="the stream's span")
    assert service == "earshot-edge" and stream["parentSpanId"] == SPAN and "status" not in stream
    assert attributes(stream)["earshot.frames"] == "5" and int(stream["endTimeUnixNano"]) > int(stream["startTimeUnixNano"])

    def of_the_successor():
        return [s for service, s in collector.spans(ID, "segment") if attributes(s)["earshot.to_seq"] == "4"]
    segment = wait_until(of_the_successor, what="the successor's span")[0]
    assert segment["parentSpanId"] == stream["spanId"]
    assert f"trace={ID}" in house.log.text()


def test_a_trace_that_audio_start_names(collected):
    house, collector = collected
    other = ID[::-1]
    with Ws(house.ws + "/ws") as ws:
        ws.expect("welcome")
        assert speak(ws, 1, traceparent=f"00-{other}-{SPAN}-01")[0]["trace"] == other
    assert wait_until(lambda: collector.spans(other, "segment"), what="the span")[0][0] == "earshot-transcriber"


def test_streams_without_one_begin_their_own(collected):
    house, collector = collected
    before = len(collector.spans(name="stream"))
    with Ws(house.ws + "/ws") as ws:
        ws.expect("welcome")
        assert "trace" not in speak(ws, 1)[0]
    _, stream = wait_until(lambda: collector.spans(name="stream")[before:], what="the span")[0]
    assert "parentSpanId" not in stream and stream["traceId"] != ID


def test_not_recorded_is_carried_and_not_collected(collected):
    house, collector = collected
    quiet = "1" * 32
    with Ws(house.ws + "/ws", extra_headers={"traceparent": f"00-{quiet}-{SPAN}-00"}) as ws:
        ws.expect("welcome")
        assert speak(ws, 1)[0]["trace"] == quiet
    with Ws(house.ws + "/ws", extra_headers={"traceparent": f"00-{'2' * 32}-{SPAN}-01"}) as ws:
        ws.expect("welcome")
        speak(ws, 1)
    wait_until(lambda: collector.spans("2" * 32), what="what came later")
    assert collector.spans(quiet) == []


def test_what_is_no_traceparent_is_ignored(collected):
    house, _ = collected
    before = counter(house, "malformed")
    with Ws(house.ws + "/ws", extra_headers={"traceparent": PARENT.upper()}) as ws:
        ws.expect("welcome")
        assert "trace" not in speak(ws, 1)[0]
    assert counter(house, "malformed") == before + 1


def upload(house, data, **headers):
    request = urllib.request.Request(house.url + "/session/s/upload", data=data, headers={"Content-Type": "audio/wav", **headers})
    with urllib.request.urlopen(request) as answer:
        assert answer.status == 202


def recording(seconds):
    held = io.BytesIO()
    with wave.open(held, "wb") as w:
        w.setnchannels(1), w.setsampwidth(2), w.setframerate(16000)
        w.writeframes(CHUNK * 10 * seconds)
    return held.getvalue()


def test_an_upload_is_a_span(collected):
    house, collector = collected
    trace = "3" * 32
    upload(house, b"RIFF", traceparent=f"00-{trace}-{SPAN}-01")
    services = wait_until(lambda: {s for s, _ in collector.spans(trace)} >= {"earshot-edge", "earshot-jobs"} and collector.spans(trace),
                          what="the spans of edge and jobs actor")
    assert {span["name"] for _, span in services} >= {"upload", "segment"}


def test_a_job_keeps_the_trace_of_its_upload(collected):
    house, collector = collected
    trace = "4" * 32
    house.kill("transcriber-1", signal.SIGSTOP)  # so that there is work left for the successor
    upload(house, recording(2), traceparent=f"00-{trace}-{SPAN}-01")
    killed, pid = time.time_ns(), house.kill("jobs-1")
    house.await_restart("jobs-1", pid)
    house.kill("transcriber-1", signal.SIGCONT)
    job = wait_until(lambda: collector.spans(trace, "job"), 30, what="the job's span")[-1][1]
    (_, uploaded), = wait_until(lambda: collector.spans(trace, "upload"), what="the upload's span")
    assert job["parentSpanId"] == uploaded["spanId"] and int(job["startTimeUnixNano"]) > killed and "status" not in job
    assert {"earshot.attempt": "1", "earshot.state": "COMPLETED"}.items() <= attributes(job).items()

    def served_by():
        return {service for service, span in collector.spans(trace, "segment") if span["parentSpanId"] == job["spanId"]}
    wait_until(lambda: served_by() == {"earshot-transcriber", "earshot-analysis"}, what="the spans of those who served it")
    assert house.log.await_line(f'msg="job ends" .*state=COMPLETED trace={trace}')


def test_an_upload_without_one_begins_it_for_its_job(collected):
    house, collector = collected
    upload(house, recording(1))
    (_, uploaded), = wait_until(lambda: [s for s in collector.spans(name="upload") if "parentSpanId" not in s[1]], what="the upload's span")
    _, job = wait_until(lambda: collector.spans(uploaded["traceId"], "job"), what="the job's span")[0]
    assert job["parentSpanId"] == uploaded["spanId"] and attributes(job)["earshot.samples"] == "16000"


@pytest.mark.parametrize("status", [None, 503])
def test_a_collector_that_takes_nothing_disturbs_nobody(status):
    collector = Collector(status or 200)
    url = "http://127.0.0.1:9" if status is None else collector.url
    with collector, House("--otlp-url", url, "--metrics", "127.0.0.1:0") as house:
        with Ws(house.ws + "/ws", extra_headers={"traceparent": PARENT}) as ws:
            ws.expect("welcome")
            assert len(speak(ws, 3)) == 4
        house.log.await_line("spans are lost")


@pytest.mark.parametrize("how", [(), ("--threads",)], ids=["processes", "threads"])
def test_what_waits_at_the_end_is_sent(how):
    with Collector(slow=3) as collector:
        with House("--otlp-url", collector.url, *how) as house:
            for trace in (ID, ID[::-1]):
                with Ws(house.ws + "/ws") as ws:
                    ws.expect("welcome")
                    speak(ws, 1, traceparent=f"00-{trace}-{SPAN}-01")
                wait_until(lambda: collector.spans(ID, "stream"), what="the span of the first stream, which is not answered yet")
        assert collector.spans(ID[::-1], "stream")


def test_only_a_collectors_address_is_taken(tmp_path):
    house = House("--otlp-url", "http://user:secret@collector")
    with pytest.raises(AssertionError) as error:
        house.__enter__()
    assert "--otlp-url" in str(error.value) and "secret@" not in str(error.value)
