"""The analysis actor behind a real broker, with a language model that is well, slow, broken, or none at all."""
import json
import pathlib
import signal
import subprocess
import time

import pytest

from analysis_peer import FAILED, Analysis
from fake_broker import figures_at
from house import BIN, SLOW, wait_until
from llm_server import Llm, said

TALK = {"job": "j", "language": "en", "duration_ms": 10000, "segments": [
    {"start_ms": 0, "end_ms": 2000, "text": "um go forward", "speaker": "Ann",
     "words": [["um", 0, 400, 500], ["go", 500, 900, 900], ["forward", 1000, 2000, 1000]]},
    {"start_ms": 5000, "end_ms": 6000, "text": "ten meters", "speaker": "Bob",
     "words": [["ten", 5000, 5500, 900], ["meters", 5500, 6000, 700]]}]}


def ask(analysis, document=TALK, **more):
    flags, body, reason = analysis.ask(document, **more)
    assert not flags & FAILED, reason
    return body


def test_an_analysis_without_a_language_model():
    with Analysis() as analysis:
        got = ask(analysis)
        assert (got["words"], got["speechMs"], got["silenceMs"], got["confidence"]) == (5, 3000, 7000, 0.8)
        assert got["pauses"] == [{"startMs": 2000, "lengthMs": 3000, "after": "um go forward"}]
        assert got["fillers"] == [{"text": "um", "count": 1}]
        assert [s["speaker"] for s in got["speakers"]] == ["Ann", "Bob"]
        assert got["summary"] == {"state": "off"}


@pytest.mark.parametrize("document,words", [
    (b"{", "not JSON"), (b"", "not JSON"), (b"\xff\xfe", "not JSON"), ({"segments": 1}, "no array of segments"),
    ({"segments": [{"start_ms": 5, "end_ms": 1, "text": ""}]}, "segment 0 ends before it begins"),
    (b'{"segments":[' + b" " * 70000 + b"]}", "--max-document")],
    ids=["half", "empty", "bytes", "no segments", "times", "too large"])
def test_damaged_transcripts_are_refused_with_the_reason(document, words):
    with Analysis("--max-document", "65537") as analysis:
        flags, body, reason = analysis.ask(document)
        assert flags & FAILED and body is None and words in reason, reason
        assert ask(analysis)["words"] == 5


def test_a_day_of_speech():
    row = [["house", 0, 300, 900], ["garden", 300, 700, 900]]
    segments = [{"start_ms": i * 1000, "end_ms": i * 1000 + 700, "text": "house garden",
                 "words": [[w, s + i * 1000, e + i * 1000, c] for w, s, e, c in row]} for i in range(86400)]
    with Analysis() as analysis:
        got = ask(analysis, {"duration_ms": 86400000, "segments": segments}, deadline=60)
        assert got["words"] == 172800 and len(got["pace"]) == 48
        assert got["pairs"] == [{"text": "house garden", "count": 86400}]


def test_a_summary():
    with Llm(said("They went.")) as llm, Analysis("--llm-url", llm.url, "--llm-model", "m1", env={"EARSHOT_LLM_KEY": "k-123"}) as analysis:
        assert ask(analysis)["summary"] == {"state": "ok", "text": "They went.", "model": "m1", "transcriptBytes": 35, "transcriptCut": False}
        path, headers, body = llm.asked[0]
        assert path == "/v1/chat/completions" and headers["Authorization"] == "Bearer k-123"
        assert body["model"] == "m1" and "Ann: um go forward\nBob: ten meters" in body["messages"][1]["content"]
        assert "k-123" not in analysis.logs["analysis-1"].text()


def test_a_long_transcript_is_cut_and_the_model_told():
    with Llm(said("Much.")) as llm, Analysis("--llm-url", llm.url, "--llm-max-chars", "100", "--metrics", "127.0.0.1:0") as analysis:
        got = ask(analysis, {"segments": [{"start_ms": 0, "end_ms": 9, "text": "word " * 100}]})
        assert got["summary"]["transcriptCut"] and got["summary"]["transcriptBytes"] == 501
        content = llm.asked[0][2]["messages"][1]["content"]
        assert "first 100 of 501 bytes" in content and content.count("word") == 20
        figures = figures_at(pathlib.Path(analysis.data) / "run" / "analysis-1.metrics")
        assert figures["earshot_analysis_llm_questions_total"] == figures["earshot_analysis_llm_cut_total"] == 1


@pytest.mark.parametrize("answer,words", [
    ((500, "oops"), "status 500"), ((200, "<html>"), "not JSON"), ((200, "{}"), "no text"), ((200, "x" * 2_000_000), "more than 1048576 bytes"),
    ((429, '{"error":{"message":"quota"}}', {"Retry-After": "1"}), "status 429: quota")],
    ids=["500", "html", "nonsense", "huge", "quota"])
def test_a_model_that_fails_twice(answer, words):
    with Llm(answer) as llm, Analysis("--llm-url", llm.url) as analysis:
        got = ask(analysis)
        assert got["words"] == 5 and got["summary"]["state"] == "unavailable" and got["summary"]["tries"] == 2
        assert words in got["summary"]["reason"] and len(llm.asked) == 2


def test_a_model_that_refuses_is_asked_once():
    with Llm((401, '{"error":{"message":"no such key"}}')) as llm, Analysis("--llm-url", llm.url) as analysis:
        summary = ask(analysis)["summary"]
        assert summary["state"] == "unavailable" and "no such key" in summary["reason"] and len(llm.asked) == 1


def test_a_model_that_recovers():
    with Llm((503, ""), said("Back.")) as llm, Analysis("--llm-url", llm.url) as analysis:
        assert ask(analysis)["summary"]["text"] == "Back." and len(llm.asked) == 2


def test_nobody_at_the_address():
    with Analysis("--llm-url", "http://127.0.0.1:1/v1", "--llm-tries", "1") as analysis:
        assert ask(analysis)["summary"]["state"] == "unavailable"


def test_a_slow_model_holds_nobody_up():
    with Llm(None, said("Fast.")) as llm, Analysis("--llm-url", llm.url, "--llm-timeout", "3s", "--llm-tries", "1") as analysis:
        slow = analysis.stream()
        slow.push(json.dumps(TALK).encode())
        wait_until(lambda: slow._turn(60) or llm.asked, 10, "the first question")
        began = time.monotonic()
        assert ask(analysis)["summary"]["text"] == "Fast."
        assert time.monotonic() - began < 2.5 * SLOW and slow.result is None
        summary = slow.final(again=60)[1]["summary"]
        assert summary["state"] == "unavailable" and summary["tries"] == 1


def test_a_killed_actor_is_asked_again():
    with Llm(None, said("After all.")) as llm, Analysis("--llm-url", llm.url) as analysis:
        stream = analysis.stream()
        stream.push(json.dumps(TALK).encode())
        wait_until(lambda: stream._turn(60) or llm.asked, 10, "the question")
        analysis.processes["analysis-1"].send_signal(signal.SIGKILL)
        analysis.processes["analysis-1"].wait()
        analysis.start("analysis-2")
        assert stream.final(again=1)[1]["summary"]["text"] == "After all."


def test_sigterm_waits_for_what_is_under_way():
    with Llm(None) as llm, Analysis("--llm-url", llm.url, "--llm-timeout", "2s", "--llm-tries", "1") as analysis:
        stream = analysis.stream()
        stream.push(json.dumps(TALK).encode())
        wait_until(lambda: stream._turn(60) or llm.asked, 10, "the question")
        analysis.processes["analysis-1"].send_signal(signal.SIGTERM)
        assert stream.final(again=60)[1]["words"] == 5
        stream.close()
        assert analysis.processes["analysis-1"].wait(20) == 0


def test_malformed_configuration_is_refused(tmp_path):
    empty, key = tmp_path / "empty", tmp_path / "key"
    empty.write_text("\n")
    key.write_text("k\n")
    for file in empty, key:
        file.chmod(0o600)
    seen = tmp_path / "seen"
    seen.write_text("secret\n")
    seen.chmod(0o644)
    for args, words, env in (["--llm-url", "model:80"], ["model:80", "http://127.0.0.1:8080/v1"], {}), \
                            (["--llm-key-file", str(tmp_path / "none")], ["none", "No such file"], {}), \
                            (["--llm-key-file", str(seen)], [f"{seen} holds a key and may be read by others on this machine: chmod 640"], {}), \
                            (["--llm-key-file", str(empty)], ["holds no key"], {}), \
                            (["--llm-key-file", str(key)], ["leave one of them out"], {"EARSHOT_LLM_KEY": "secret"}), \
                            ([], ["space or a control character"], {"EARSHOT_LLM_KEY": "sec ret"}), \
                            ([], ["EARSHOT_LLM_KEY", "4096"], {"EARSHOT_LLM_KEY": "secret" * 1000}), \
                            (["--capacity", "x"], ["capacity", "whole number"], {}):
        done = subprocess.run([BIN / "earshot-analysis", "--data", tmp_path / "d", *args], env={"PATH": "/usr/bin:/bin", **env}, capture_output=True,
                              timeout=10)
        assert done.returncode == 2, args
        for word in words:
            assert word in done.stderr.decode(), (args, done.stderr)
        assert b"secret" not in done.stderr
