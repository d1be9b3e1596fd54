"""Attacks on the HTTP of an edge: heads and bodies without end, names that are not its own, requests in disguise."""
import collections
import contextlib
import select
import socket
import subprocess
import tempfile
import time
import urllib.request

import hostile_peer as hostile
from attack import Attack, http, open_edge, request
from certificates import Certificate
from house import SLOW, wait_until
from raw_ws import BINARY, RawWs, frame


def status(data):
    """Plays one request: the status that it gets."""
    return lambda ground, _: str(ground.answer(data(ground) if callable(data) else data))


def many(size, data, drip=b"", refill=None):
    """So many connections that say this and then a byte now and then, until each is ended: the statuses that they got."""
    def play(ground, sizes):
        what = data(ground) if callable(data) else data
        poll, open_, ends = select.poll(), {}, collections.Counter()
        for _ in range(sizes[size]):
            made = ground.connect(what)
            made.setblocking(False)
            open_[made.fileno()] = made
            poll.register(made, select.POLLIN)
        give_up, next_drip = time.monotonic() + 30 * SLOW, time.monotonic()
        while open_ and time.monotonic() < give_up:
            for fd, _ in poll.poll(100):
                said = b""
                with contextlib.suppress(OSError):
                    said = open_[fd].recv(4096)
                ends[said.split(b" ")[1].decode() if said.startswith(b"HTTP/1.") else "closed"] += 1
                poll.unregister(fd)
                open_.pop(fd).close()
            if drip and time.monotonic() >= next_drip:
                next_drip = time.monotonic() + 0.2 * SLOW
                for made in open_.values():
                    with contextlib.suppress(OSError):
                        made.send(drip)
        for made in open_.values():
            made.close()
        return " ".join(sorted({*ends, *(["still open"] if open_ else [])}))
    return play


def upload(ground):
    return request("POST /session/attack/upload?file_name=a.wav HTTP/1.1", f"Authorization: Bearer {ground.operator}", "Content-Length: 100000", body=b"RIFF")


def more_than_descriptors(ground, _):
    """An edge that has few: who was there first is served on, and of the others some are told no."""
    crowd = []
    try:
        with open_edge(ground, files=300) as url, RawWs(url.replace("http", "ws", 1) + "/api/audio/ws") as first:
            port = int(url.rsplit(":", 1)[1])
            crowd += [hostile.connect_raw(port) for _ in range(400)]
            first.send(frame(BINARY, b"ab"))
            first.until(lambda frames: any(b"transcription" in payload for _, payload in frames))
            wait_until(lambda: any(hostile.gone(made) for made in crowd), 5, "somebody who is told no at once")
            return "served"
    finally:
        for made in crowd:
            made.close()


def rebound(ground, _):
    """A page under a name that was pointed at an edge which asks nobody: what it reads, does and opens, and what is told of it."""
    with open_edge(ground) as url:
        port = int(url.rsplit(":", 1)[1])
        name = f"Host: evil.example:{port}"
        lines = [request(f"{method} {path} HTTP/1.1", *more, host=name) for method, path, *more in (
            ("GET", "/session/cli/job-status"), ("HEAD", "/jobs/1/transcript"), ("GET", "/jobs/1/audio"), ("GET", "/metrics"), ("GET", "/"),
            ("GET", "/jobs/1", "X-Forwarded-Proto: https"), ("POST", "/session/cli/upload", "Origin: https://evil.example", "Content-Length: 0"),
            ("GET", "/ws", *UPGRADE), ("GET", "/ws", *UPGRADE, "Origin: " + name.replace("Host: ", "http://")))]
        came = {str(ground.answer(line, port)) for line in lines}
        with urllib.request.urlopen(url + "/metrics", timeout=20 * SLOW) as answer:
            told = f'earshot_edge_refused_total{{reason="host"}} {len(lines)}\n'.encode() in answer.read()
        return " ".join(sorted(came)) + ("" if told else " untold")


def changes_keys(ground, _):
    """TLS: new keys, again and again. s_client takes each packet that begins with k for the wish."""
    made = Certificate(tempfile.mkdtemp(dir=ground.keys.name))
    with open_edge(ground, *made.flags) as url:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with ours, theirs, subprocess.Popen(["openssl", "s_client", "-connect", url.removeprefix("https://")], stdin=theirs, stdout=subprocess.PIPE,
                                            stderr=subprocess.STDOUT) as client:
            theirs.close()
            for _ in range(40):
                with contextlib.suppress(OSError):
                    ours.send(b"k\n")
            try:
                client.communicate(timeout=20 * SLOW)
            except subprocess.TimeoutExpired:
                client.kill()
                return "still open"
        with urllib.request.urlopen(url + "/metrics", timeout=20 * SLOW, context=made.trusting()) as answer:
            return "closed" if b"\nearshot_edge_tls_flooded_total 1\n" in answer.read() else "untold"


UPGRADE = ("Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version: 13")
GET_WS = "GET /ws HTTP/1.1"
HIDDEN = b"0\r\n\r\nGET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"
SMUGGLED = [
    ("length and chunked", request("POST /healthz HTTP/1.1", "Content-Length: 4", "Transfer-Encoding: chunked", body=HIDDEN), "400", http("bad_framing")),
    ("two lengths", request("POST /healthz HTTP/1.1", "Content-Length: 4", "Content-Length: 5", body=b"abcde"), "400", http("bad_length")),
    ("a list of lengths", request("POST /healthz HTTP/1.1", "Content-Length: 4, 4", body=b"abcd"), "400", http("bad_length")),
    ("a negative length", request("POST /healthz HTTP/1.1", "Content-Length: -1"), "400", http("bad_length")),
    ("a length with a sign", request("POST /healthz HTTP/1.1", "Content-Length: +4", body=b"abcd"), "400", http("bad_length")),
    ("a length without end", request("POST /healthz HTTP/1.1", "Content-Length: 99999999999999999999"), "400", http("bad_length")),
    ("chunked twice", request("POST /healthz HTTP/1.1", "Transfer-Encoding: chunked, chunked", body=HIDDEN), "501", http("coding_unknown")),
    ("chunked in disguise", request("POST /healthz HTTP/1.1", "Transfer-Encoding: xchunked", body=HIDDEN), "501", http("coding_unknown")),
    ("chunked with a space before the colon", request("POST /healthz HTTP/1.1", "Transfer-Encoding : chunked", body=HIDDEN), "400", http("bad_field")),
    ("a field that goes on", request("GET /healthz HTTP/1.1", "X: a", " Transfer-Encoding: chunked"), "400", http("bad_field")),
    ("chunked in HTTP/1.0", request("POST /healthz HTTP/1.0", "Transfer-Encoding: chunked", body=HIDDEN), "400", http("bad_framing")),
    ("a line feed alone", b"GET /healthz HTTP/1.1\nHost: x\n\n", "400", http("bad_line_end")),
    ("a carriage return alone", request("GET /healthz HTTP/1.1", "X: a\rContent-Length: 4"), "400", http("bad_line_end")),
    ("a NUL", request("GET /healthz HTTP/1.1", "X: a\0b"), "400", http("bad_byte")),
    ("two hosts", request("GET /healthz HTTP/1.1", "Host: y"), "400", http("bad_host")),
    ("no host", request(host=None), "400", http("bad_host")),
    ("the preface of HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "505", http("version_unknown")),
    ("CONNECT", request("CONNECT x:443 HTTP/1.1"), "405", http("method_not_allowed")),
    ("a whole address", request("GET http://x/healthz HTTP/1.1"), "400", http("bad_target")),
    ("dots in the path", request("GET /web/../../etc/passwd HTTP/1.1"), "400", http("bad_target")),
    ("dots in disguise", request("GET /web/%2e%2e/%2e%2e/etc/passwd HTTP/1.1"), "400", http("bad_target")),
    ("a method that is none", request("GE\tT /healthz HTTP/1.1"), "400", http("bad_request_line")),
    ("an unknown method", request("BREW /healthz HTTP/1.1"), "501", http("method_unknown")),
    ("TRACE", request("TRACE /healthz HTTP/1.1"), "405", http("method_not_allowed")),
    ("HTTP/0.9", b"GET /healthz\r\n\r\n", "400", http("bad_request_line")),
    ("HTTP/3.0", request("GET /healthz HTTP/3.0"), "505", http("version_unknown")),
    ("TLS to a plain port", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(64), "400", http("bad_byte")),
    ("101 header lines", request(GET_WS, *["X: y"] * 101), "431", http("head_too_large")),
    ("headers of 20 KiB", request(GET_WS, *["X: " + "y" * 1000] * 20), "431", http("head_too_large")),
    ("a line without an end", b"GET /" + b"a" * 20000, "414", http("target_too_long")),
    ("a header without an end", request()[:-4] + b"\r\nX: " + b"y" * 40000, "431", http("head_too_large")),
    ("WebSocket of another version", request(GET_WS, *UPGRADE[:3], "Sec-WebSocket-Version: 8"), "426", http("upgrade_version")),
    ("WebSocket without a key", request(GET_WS, *UPGRADE[:2], UPGRADE[3]), "400", http("bad_upgrade")),
    ("WebSocket with a body", request(GET_WS, *UPGRADE, "Content-Length: 4", body=b"abcd"), "400", http("bad_upgrade")),
    ("a page of a stranger", request(GET_WS, *UPGRADE, "Origin: http://evil.example"), "403", 'earshot_edge_refused_total{reason="origin"}'),
    ("a page of the origin null", request(GET_WS, *UPGRADE, "Origin: null"), "403", 'earshot_edge_refused_total{reason="origin"}'),
    ("a WebSocket elsewhere", request("GET /jobs HTTP/1.1", *UPGRADE), "404", 'earshot_edge_refused_total{reason="path"}'),
]
HTTP = [
    Attack("slow heads", many("slow", b"GET / HTTP/1.1\r\nHost: x\r\nX: ", drip=b"y"), "408", http("head_slow"), 10),
    Attack("slow bodies", many("crowd", upload), "408 503", http("body_slow"), 10),  # 503: of one subject there are --max-address-uploads already
    Attack("half-open sockets", many("half open", b""), "closed 503", http("mute"), 500),
    Attack("a page under a name pointed here", rebound, "421", 'earshot_edge_refused_total{reason="host"}', 0),  # of the open edge: `rebound` has looked
    Attack("new keys without end", changes_keys, "closed", "earshot_edge_tls_flooded_total", 0),  # likewise
    Attack("more connections than descriptors", more_than_descriptors, "served", "earshot_broker_placed_total", 1),
    *(Attack(name, status(data), wanted, figure, 1) for name, data, wanted, figure in SMUGGLED),
]
