"""What the edge's HTTP front lets in, and what it answers to the rest. Raw bytes in, answers out."""
import json
import os
import re
import resource
import signal
import socket

import pytest

from house import SLOW, House, wait_until

WS = (b"GET /api/audio/ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n"
      b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n")
GET = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
POST = b"POST /session/s/upload HTTP/1.1\r\nHost: x\r\n"
UPLOAD = POST + b"Content-Type: audio/wav\r\n"
CHUNKED = UPLOAD + b"Transfer-Encoding: chunked\r\n\r\n"


@pytest.fixture(scope="module")
def house():
    """One for all: each test leaves it as it was."""
    with House() as running:
        yield running


class Raw:
    """A connection that says what it is told to."""

    def __init__(self, house, said=b"", source="127.0.0.1"):
        host, port = house.url.removeprefix("http://").split(":")
        self.socket = socket.create_connection((host, int(port)), 10 * SLOW, (source, 0))
        self.rest = b""
        self.say(said)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def say(self, data):
        self.socket.sendall(data)

    def until(self, end):
        while end not in self.rest:
            piece = self.socket.recv(65536)
            assert piece, f"closed after {self.rest!r}"
            self.rest += piece
        found, self.rest = self.rest.split(end, 1)
        return found

    def answer(self, body=True):
        """(status, headers, body) of the next answer, which announces its length."""
        first, *lines = self.until(b"\r\n\r\n").decode().split("\r\n")
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
        length = int(headers.get("content-length", 0)) if body else 0
        while len(self.rest) < length:
            piece = self.socket.recv(65536)
            assert piece
            self.rest += piece
        content, self.rest = self.rest[:length], self.rest[length:]
        assert first.startswith("HTTP/1.1 ")
        return int(first.split(" ")[1]), headers, content

    def closed(self):
        """Nothing more comes; a reset is no clean end."""
        return self.rest == b"" and self.socket.recv(1) == b""


def change(old, new):
    return WS.replace(old, new)


REFUSED = {
    "no version": (b"GET /healthz\r\n\r\n", 400, "bad_request_line"),
    "HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, "version_unknown"),
    "HTTP/1.2": (b"GET / HTTP/1.2\r\nHost: x\r\n\r\n", 505, "version_unknown"),
    "TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400, "bad_byte"),
    "a proxy's address": (b"GET http://x/ HTTP/1.1\r\nHost: x\r\n\r\n", 400, "bad_target"),
    "CONNECT": (b"CONNECT x:80 HTTP/1.1\r\nHost: x\r\n\r\n", 405, "method_not_allowed"),
    "TRACE": (b"TRACE / HTTP/1.1\r\nHost: x\r\n\r\n", 405, "method_not_allowed"),
    "an unknown method": (b"BREW / HTTP/1.1\r\nHost: x\r\n\r\n", 501, "method_unknown"),
    "up and out": (b"GET /web/../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n", 400, "bad_target"),
    "the same in code": (b"GET /web/%2e%2e/%2E%2e/etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n", 400, "bad_target"),
    "NUL in code": (b"GET /web/a%00.js HTTP/1.1\r\nHost: x\r\n\r\n", 400, "bad_target"),
    "half a code": (b"GET /%4 HTTP/1.1\r\nHost: x\r\n\r\n", 400, "bad_target"),
    "a long address": (b"GET /" + 8192 * b"a" + b" HTTP/1.1\r\n", 414, "target_too_long"),
    "a long head": (b"GET / HTTP/1.1\r\nHost: x\r\nCookie: " + 16384 * b"a", 431, "head_too_large"),
    "many lines": (b"GET / HTTP/1.1\r\nHost: x\r\n" + 100 * b"A: b\r\n" + b"\r\n", 431, "head_too_large"),
    "bare LF": (b"GET / HTTP/1.1\nHost: x\n\n", 400, "bad_line_end"),
    "bare CR": (b"GET / HTTP/1.1\r\nHost: x\r\nA: b\rC: d\r\n\r\n", 400, "bad_line_end"),
    "NUL": (b"GET / HTTP/1.1\r\nHost: x\0y\r\n\r\n", 400, "bad_byte"),
    "no colon": (b"GET / HTTP/1.1\r\nHost: x\r\nnonsense\r\n\r\n", 400, "bad_field"),
    "a space before the colon": (b"GET / HTTP/1.1\r\nHost : x\r\n\r\n", 400, "bad_field"),
    "a folded line": (b"GET / HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\r\n", 400, "bad_field"),
    "no Host": (b"GET / HTTP/1.1\r\n\r\n", 400, "bad_host"),
    "two Hosts": (b"GET / HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n", 400, "bad_host"),
    "a Host that is none": (b"GET / HTTP/1.1\r\nHost: x/y\r\n\r\n", 400, "bad_host"),
    "two lengths": (POST + b"Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello", 400, "bad_length"),
    "a length that is none": (POST + b"Content-Length: 5x\r\n\r\nhello", 400, "bad_length"),
    "a length beyond numbers": (POST + b"Content-Length: 99999999999999999999\r\n\r\nhello", 400, "bad_length"),
    "length and chunks": (POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + GET, 400, "bad_framing"),
    "two codings": (POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501, "coding_unknown"),
    "chunked twice": (POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, "bad_framing"),
    "chunks in HTTP/1.0": (b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, "bad_framing"),
    "a chunk without a size": (CHUNKED + b"\r\nhello\r\n0\r\n\r\n" + GET, 400, "bad_chunk"),
    "a chunk longer than it says": (CHUNKED + b"4\r\nhello\r\n0\r\n\r\n" + GET, 400, "bad_chunk"),
    "a chunk of more than there is": (CHUNKED + b"fffffffffffffffff\r\nhello", 400, "bad_chunk"),
    "chunks with LF alone": (CHUNKED + b"5\nhello\n0\n\n", 400, "bad_chunk"),
    "an endless extension": (CHUNKED + b"5;" + 300 * b"x", 400, "bad_chunk"),
    "an endless trailer": (CHUNKED + b"5\r\nhello\r\n0\r\n" + 1000 * b"A: b\r\n", 400, "bad_chunk"),
    "another expectation": (POST + b"Expect: more\r\nContent-Length: 5\r\n\r\nhello", 417, "expect_unknown"),
    "WebSocket 8": (change(b"Version: 13", b"Version: 8"), 426, "upgrade_version"),
    "WebSocket without a version": (change(b"Sec-WebSocket-Version: 13\r\n", b""), 426, "upgrade_version"),
    "WebSocket without a key": (re.sub(rb"Sec-WebSocket-Key.*?\r\n", b"", WS), 400, "bad_upgrade"),
    "WebSocket with a short key": (change(b"dGhlIHNhbXBsZSBub25jZQ==", b"dGhlIHNhbXBsZQ=="), 400, "bad_upgrade"),
    "WebSocket by POST": (change(b"GET", b"POST"), 400, "bad_upgrade"),
    "WebSocket in HTTP/1.0": (change(b"HTTP/1.1", b"HTTP/1.0"), 400, "bad_upgrade"),
    "WebSocket without Connection": (change(b"keep-alive, Upgrade", b"keep-alive"), 400, "bad_upgrade"),
    "WebSocket with a body": (change(b"\r\n\r\n", b"\r\nContent-Length: 5\r\n\r\nhello"), 400, "bad_upgrade"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_malformed_has_its_answer(house, case):
    said, status, code = REFUSED[case]
    counter = f'earshot_edge_http_refused_total{{reason="{code}"}}'
    before = house.metrics()[counter]
    with Raw(house, said) as raw:
        got, headers, body = raw.answer()
        assert (got, json.loads(body)["error"]) == (status, code)
        assert len(json.loads(body)["message"]) > 20 and headers["connection"] == "close"
        assert (headers.get("sec-websocket-version") == "13") == (status == 426)
        assert raw.closed()  # and what was hidden behind it is not answered
    assert house.metrics()[counter] == before + 1


def test_odd_but_right(house):
    for said in (b"\r\n" + GET, b"GET /healthz?a=%zz HTTP/1.1\r\nhOsT:x:80\r\nX:\r\n\r\n",
                 b"GET /%68ealthz HTTP/1.1\r\nHost: [::1]:8000\r\nUpgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\n\r\n"):
        with Raw(house, said) as raw:
            assert raw.answer()[0] == 200
    with Raw(house, b"GET /healthz HTTP/1.0\r\n\r\n") as raw:
        assert raw.answer()[0] == 200 and raw.closed()


def test_requests_sent_ahead_are_answered_in_turn(house):
    with Raw(house, GET + b"HEAD /readyz HTTP/1.1\r\nHost: x\r\n\r\n" + b"GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n" + 50 * GET) as raw:
        assert json.loads(raw.answer()[2])["status"] == "ok"
        status, headers, _ = raw.answer(body=False)
        assert status == 200 and int(headers["content-length"]) > 0
        assert raw.answer()[0] == 404
        assert [raw.answer()[0] for _ in range(50)] == 50 * [200]
        for byte in GET:
            raw.say(bytes([byte]))
        assert raw.answer()[0] == 200


def test_methods_and_pages(house):
    with Raw(house, b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello" + GET) as raw:
        status, headers, _ = raw.answer()
        assert status == 405 and headers["allow"] == "GET, HEAD"
        assert raw.answer()[0] == 200  # a short body that nobody wants is read away
        raw.say(b"GET /web/earshot.js HTTP/1.1\r\nHost: x\r\n\r\n")
        status, headers, body = raw.answer()
        assert status == 200 and b"export" in body and headers["cache-control"] == "no-cache"
        raw.say(b"GET /web/earshot.js HTTP/1.1\r\nHost: x\r\nIf-None-Match: " + headers["etag"].encode() + b"\r\n\r\n")
        status, again, body = raw.answer()
        assert (status, again["etag"], body) == (304, headers["etag"], b"")


def test_a_websocket_and_what_is_said_right_after(house):
    chunk = b"\x82\xfe\x02\x80" + bytes(4) + bytes(640)
    with Raw(house, b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n" + WS + 3 * chunk) as raw:
        assert raw.answer()[0] == 200  # the connection was kept until then
        assert raw.until(b"\r\n\r\n").startswith(b"HTTP/1.1 101 ")
        for number in (1, 2, 3):
            assert b"chunk_size" in raw.until(b'"seq":%d,' % number) + raw.until(b"}")
    long_cookie = change(b"\r\n\r\n", b"\r\nCookie: " + 12000 * b"c" + b"\r\n\r\n")
    with Raw(house, long_cookie) as raw:
        assert raw.until(b"\r\n\r\n").startswith(b"HTTP/1.1 101 ")
    with Raw(house, change(b"/api/audio/ws", b"/nowhere")) as raw:
        assert raw.answer()[0] == 404
    with Raw(house, change(b"/api/audio/ws", b"/ws?" + 600 * b"a")) as raw:
        assert raw.answer()[0] == 431


def test_a_chunked_upload_and_what_follows_it(house):
    chunks = b"4\r\nRIFF\r\n5;x=\"y\"\r\nhello\r\n0\r\nA: b\r\n\r\n"
    with Raw(house, CHUNKED + chunks + GET) as raw:
        status, headers, body = raw.answer()
        assert status == 202 and headers["location"] == "/jobs/" + json.loads(body)["jobId"]
        assert raw.answer()[0] == 200
    with Raw(house, UPLOAD + b"Content-Length: 9\r\nExpect: 100-continue\r\n\r\n") as raw:
        assert raw.until(b"\r\n\r\n") == b"HTTP/1.1 100 Continue"
        raw.say(b"RIFFhello" + GET)
        assert (raw.answer()[0], raw.answer()[0]) == (202, 200)


def test_an_early_answer_to_a_long_upload_is_seen(house):
    """The connection is closed, but not so that what the client still sends resets it before it has read the answer."""
    with Raw(house, b"POST /nowhere HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000\r\n\r\n") as raw:
        for _ in range(20):
            raw.say(bytes(65536))
        status, headers, _ = raw.answer()
        assert status == 404 and headers["connection"] == "close"
        raw.say(bytes(65536))
        assert raw.closed()
    with Raw(house, b"POST /nowhere HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n") as raw:
        status, headers, _ = raw.answer()
        assert status == 404 and headers["connection"] == "close"  # and no 100 before it


def test_slow_clients_are_told_or_closed():
    timeouts = {"EARSHOT_HEAD_TIMEOUT": "400ms", "EARSHOT_BODY_TIMEOUT": "400ms", "EARSHOT_KEEP_ALIVE": "400ms"}
    with House(env=timeouts) as house:
        with Raw(house, b"GET /healthz HTT") as raw:
            assert raw.answer()[0] == 408 and raw.closed()
        with Raw(house) as raw:
            assert raw.closed()  # nothing asked, nothing answered
        with Raw(house, GET) as raw:
            assert raw.answer()[0] == 200 and raw.closed()
        with Raw(house, b"POST /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\nhalf") as raw:
            assert raw.answer()[0] == 405 and raw.closed()
        for announced in (b"Content-Length: 50\r\n\r\nhalf", b"Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n"):
            with Raw(house, UPLOAD + announced) as raw:
                status, _, body = raw.answer()
                assert (status, json.loads(body)["error"]) == (408, "body_slow") and raw.closed()
        counters = house.metrics()
        assert counters['earshot_edge_http_refused_total{reason="head_slow"}'] == 1
        assert counters['earshot_edge_http_refused_total{reason="body_slow"}'] == 2


def alone(house):
    """A connection that has seen that there is no other."""
    raw = Raw(house)

    def count():
        raw.say(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
        return int(re.search(rb"^earshot_edge_http_connections (\d+)$", raw.answer()[2], re.M).group(1))
    wait_until(lambda: count() == 1, 10, "there is no other connection")
    return raw


def test_connections_are_limited():
    with House(env={"EARSHOT_MAX_HTTP": "3"}) as house:
        open_ones = [alone(house), Raw(house, GET), Raw(house, GET)]
        assert [raw.answer()[0] for raw in open_ones[1:]] == [200, 200]
        with Raw(house, GET) as raw:
            status, headers, _ = raw.answer()
            assert status == 503 and headers["retry-after"] == "10" and raw.closed()
        open_ones.pop().socket.close()
        wait_until(lambda: house.get("/healthz")[0] == 200, 10, "there is room again")
        for raw in open_ones:
            raw.socket.close()


def test_one_address_is_limited_and_websockets_count():
    with House(env={"EARSHOT_MAX_ADDRESS": "2"}) as house:
        sockets = [Raw(house, WS, "127.0.0.2"), Raw(house, WS, "127.0.0.2")]
        for raw in sockets:
            assert raw.until(b"\r\n\r\n").startswith(b"HTTP/1.1 101 ")
        with Raw(house, GET, "127.0.0.2") as raw:
            assert raw.answer()[0] == 503
        assert house.metrics()['earshot_edge_http_refused_total{reason="too_many_of_address"}'] == 1  # 127.0.0.1 is not counted
        with Raw(house, GET, "127.0.0.3") as raw:
            assert raw.answer()[0] == 200

        def welcome():
            with Raw(house, GET, "127.0.0.2") as raw:
                return raw.answer()[0] == 200
        sockets.pop().socket.close()
        wait_until(welcome, 10, "there is room again")
        sockets[0].socket.close()


def small(limit):
    """Runs what follows with so many descriptors."""
    def confine():
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    return confine


def test_descriptors_are_kept_from_clients(tmp_path):
    """More come than there are descriptors: who was there first is served on, and files can be opened."""
    with House(confine=small(300)) as house:
        house.log.await_line("fewer connections than --max-clients", 10)
        first = Raw(house, WS)
        assert first.until(b"\r\n\r\n").startswith(b"HTTP/1.1 101 ")
        crowd = []
        for number in range(400):
            crowd.append(Raw(house, source=f"127.0.0.{2 + number % 4}"))
        chunk = b"\x82\xfe\x02\x80" + bytes(4) + bytes(640)
        first.say(chunk)
        assert b"chunk_size" in first.until(b"}")
        open_files = len(os.listdir(f"/proc/{house.pid('edge')}/fd"))
        assert open_files <= 150, "half of them are the reserve"
        for raw in [*crowd, first]:
            raw.socket.close()
        wait_until(lambda: house.get("/healthz")[0] == 200, 10, "there is room again")


def test_going_down_closes_what_is_idle():
    with House() as house:
        idle = Raw(house, GET)
        assert idle.answer()[0] == 200
        pid = house.kill("edge", signal.SIGTERM)
        assert idle.closed()
        house.await_restart("edge", pid)
