"""What an attacker may try, as a table: each attack, what must become of it, and which figure must tell of it. `python attacks.py` plays all of it at full size."""
import collections
import concurrent.futures
import contextlib
import pathlib
import resource
import select
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

import zmq

import hostile_peer as hostile
from ground import SECRET, Ground, Undisturbed, token
from house import BIN, SLOW, wait_until
from key_house import Ring
from raw_ws import BINARY, CLOSE, PING, PONG, TEXT, RawWs, frame, frames_of
from swarm import allow_descriptors

Attack = collections.namedtuple("Attack", "name play wanted figure rise")
AUTH = "earshot_edge_auth_refused_total"
FULL = {"slow": 1000, "half open": 10000, "mute": 1000, "crowd": 200}
PLAIN = {"slow": 100, "half open": 1000, "mute": 100, "crowd": 20}


def http(reason):
    return f'earshot_edge_http_refused_total{{reason="{reason}"}}'


def closed(reason):
    return f'earshot_edge_closed_total{{reason="{reason}"}}'


def error(code):
    return f'earshot_edge_errors_total{{code="{code}"}}'


def auth(code):
    return f'{AUTH}{{reason="{code}"}}'


# ---- HTTP

def request(line="GET /healthz HTTP/1.1", *headers, body=b"", host="Host: x"):
    return "\r\n".join([line, *([host] if host else []), *headers, "", ""]).encode() + body


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


def mute_at_the_broker(ground, sizes):
    made = [hostile.connect_raw(ground.tcp + port) for port in range(4) for _ in range(sizes["mute"])]
    poll = select.poll()
    for sock in made:
        sock.setblocking(False)
        poll.register(sock, select.POLLIN)
    left = {sock.fileno(): sock for sock in made}
    end = time.monotonic() + 30 * SLOW
    while left and time.monotonic() < end:
        for fd, _ in poll.poll(100):
            with contextlib.suppress(OSError):
                if left[fd].recv(4096):
                    continue
            poll.unregister(fd)
            left.pop(fd).close()
    for sock in left.values():
        sock.close()
    return "still open" if left else "closed"


@contextlib.contextmanager
def open_edge(ground, files=1024):
    """The address of a further edge of the house, which asks nobody who comes and has so many descriptors."""
    address = pathlib.Path(tempfile.mkdtemp(dir=ground.keys.name)) / "address"
    edge = subprocess.Popen([BIN / "earshot-edge", "--data", address.parent, "--broker", f"ipc://{ground.data}/broker", "--name", "open", "--port", "0",
                             "--addr-file", address, "--log-level", "error"], preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (files, files)))
    try:
        yield wait_until(lambda: address.exists() and address.read_text().strip(), 20, "an address").rstrip("/")
    finally:
        edge.terminate()
        edge.wait(20 * SLOW)


def more_than_descriptors(ground, _):
    """An edge that has few: who was there first is served on, and of the others some are told no."""
    crowd = []
    try:
        with open_edge(ground, 300) as url, RawWs(url.replace("http", "ws", 1) + "/api/audio/ws") as first:
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

# ---- WebSocket


def opened(ground, path="/ws", bearer=None, **options):
    return RawWs(ground.ws + path, headers=f"Authorization: Bearer {bearer or token()}\r\n", **options)


def ended(data, path="/ws", **options):
    """Sends this; the code of the Close that ends the connection, or `cut`: one that sends on may be reset before it can read it."""
    def play(ground, _):
        with opened(ground, path, **options) as raw:
            with contextlib.suppress(OSError):
                raw.send(data)
            return str(raw.end()[0] or "cut")
    return play


def flood(data):
    def play(ground, _):
        with opened(ground, "/api/audio/ws") as raw:
            return str(raw.flood(data)[0] or "cut")
    return play


def said(text):
    """An error is said, and the connection goes on."""
    def play(ground, _):
        with opened(ground) as raw:
            raw.send(frame(TEXT, text))
            frames = raw.until(lambda frames: any(b'"error"' in payload for _, payload in frames))
            raw.send(frame(TEXT, b'{"type":"ping","payload":{},"timestamp":0}'))
            raw.until(lambda frames: any(b'"pong"' in payload for _, payload in frames))
            told = next(payload for _, payload in frames if b'"error"' in payload)
            return told.split(b'"code":"')[1].split(b'"')[0].decode()
    return play


def never_reads(ground, sizes):
    """They ask and ask, and read nothing: their own sockets fill up, nobody else's. More of them would share the processor and fill them later. Most are cut in the middle of a frame."""
    asks = [(f"/{path}", frame(TEXT, b'{"type":"' + b"x" * 60 + b'","payload":{},"timestamp":0}') * 100) for path in ("ws", "api/audio/ws")]
    deaf = [opened(ground, asks[n % 2][0], receive_buffer=4096) for n in range(min(sizes["crowd"], int(20 / SLOW)))]
    left = dict(enumerate(deaf))
    for raw in deaf:
        raw.sock.setblocking(False)
    give_up = time.monotonic() + 30 * SLOW
    while left and time.monotonic() < give_up:
        for n, raw in list(left.items()):
            try:
                raw.sock.send(asks[n % 2][1])
            except BlockingIOError:
                continue
            except OSError:
                left.pop(n)
    for raw in deaf:
        raw.sock.close()
    return "still open" if left else "cut"


def takes_nothing(ground, sizes):
    """Requests one after another, whose answers nobody takes. More of them would take longer than a second to fill what the kernel keeps for each."""
    left = []
    for _ in range(min(sizes["crowd"], 20)):
        left.append(ground.connect())
        left[-1].setblocking(False)
    before, figure = ground.figures(), http("send_slow")
    give_up = time.monotonic() + 20 * SLOW
    while time.monotonic() < give_up and ground.figures()[figure] - before[figure] < len(left):
        for made in left:
            with contextlib.suppress(OSError):
                made.send(request("GET /dashboard HTTP/1.1") * 20)
    for made in left:
        made.close()
    return "cut" if time.monotonic() < give_up else "still open"


CHAIN = frame(BINARY, fin=False) + frame(0, fin=False) * 2000
DEEP = b'{"type":"ping","payload":' + b'{"a":' * 2000 + b"1" + b"}" * 2000 + b',"timestamp":0}'
SOCKETS = [
    Attack("an endless message", ended(frame(BINARY, b"a" * 16384, announced=1 << 62)), "1009", closed("message_too_large"), 1),
    Attack("an oversize message in pieces", ended(frame(BINARY, bytes(600000), fin=False) + frame(0, bytes(600000))), "1009 cut", closed("message_too_large"), 1),
    Attack("an oversize text", ended(frame(TEXT, b"a" * 70000)), "1009 cut", closed("text_too_large"), 1),
    Attack("endless fragments", ended(CHAIN), "1009 cut", closed("too_many_fragments"), 1),
    Attack("text that is not UTF-8", ended(frame(TEXT, b"\xed\xa0\x80")), "1007", closed("not_utf8"), 1),
    Attack("a compressed message", ended(frame(BINARY, b"ab", reserved=4)), "1002", closed("violation"), 1),
    Attack("reserved bits", ended(frame(BINARY, b"ab", reserved=3)), "1002", closed("violation"), 1),
    Attack("an opcode that is none", ended(frame(11, b"ab")), "1002", closed("violation"), 1),
    Attack("a ping in fragments", ended(frame(PING, b"ab", fin=False)), "1002", closed("violation"), 1),
    Attack("a flood of pings", flood(frame(PING, b"a") * 2000), "1008 cut", closed("flood"), 1),
    Attack("a flood of empty pongs", flood(frame(PONG) * 2000), "1008 cut", closed("flood"), 1),
    Attack("a flood of empty messages", flood(frame(BINARY) * 2000), "1008 cut", closed("flood"), 1),
    Attack("a flood of requests", flood(frame(TEXT, b'{"type":"ping"}') * 500), "1008 cut", closed("flood"), 1),
    Attack("a flood of audio", flood(frame(BINARY, bytes(60000)) * 10), "1008 cut", closed("flood"), 1),
    Attack("who does not take an answer", takes_nothing, "cut", http("send_slow"), 10),
    Attack("who reads nothing", never_reads, "cut", "earshot_edge_throttled_total", 1),
    Attack("who answers no ping", ended(b""), "cut", closed("silent"), 1),
    Attack("who does not answer Close", lambda ground, _: unanswered(ground), "1007", closed("close_unanswered"), 1),
    Attack("JSON nested two thousand deep", said(DEEP), "json_too_deep", error("json_too_deep"), 1),
    Attack("a name twice", said(b'{"type":"ping","type":"ping","payload":{},"timestamp":0}'), "invalid_json", error("invalid_json"), 1),
    Attack("a huge number", said(b'{"type":"ping","payload":{},"timestamp":1e99999}'), "invalid_json", error("invalid_json"), 1),
    Attack("a number of 60 000 digits", said(b'{"type":"ping","payload":{},"timestamp":' + b"9" * 60000 + b"}"), "invalid_json", error("invalid_json"), 1),
    Attack("half of a surrogate pair", said(b'{"type":"\\ud800","payload":{},"timestamp":0}'), "invalid_json", error("invalid_json"), 1),
    Attack("four thousand names", said(b'{"type":"ping","payload":{' + b",".join(b'"%d":1' % n for n in range(4000)) + b'},"timestamp":0}'), "unknown_field",
           error("other"), 1),
]


def unanswered(ground):
    with opened(ground, "/api/audio/ws") as raw:
        raw.send(frame(TEXT, b"\xff"))
        return str(raw.end(answer=False)[0])


# ---- who somebody is

def shown(make):
    """A token in the opening of a WebSocket: the code of the error that it is told, and of the Close."""
    def play(ground, _):
        with opened(ground, bearer=make(ground)) as raw:
            code, _ = raw.end()
            told = [payload for _, payload in frames_of(raw.got) if b'"error"' in payload]
            return told[-1].split(b'"code":"')[1].split(b'"')[0].decode() + f" {code}"
    return play


def asked(path, make, data=None):
    return lambda ground, _: str(ground.get(path, bearer=make(ground), data=data)[0])


def stranger(ground, _):
    with RawWs(ground.ws + "/ws") as raw:
        return str(raw.end()[0])


def told(ground, kind, payload, answers, **claims):
    """What is said to this, among these types."""
    with opened(ground, bearer=token(**claims)) as raw:
        raw.send(frame(TEXT, ('{"type":"%s","payload":%s,"timestamp":0}' % (kind, payload)).encode()))
        frames = raw.until(lambda frames: any(b'"type":"%s"' % answer in said for answer in answers for _, said in frames))
        return next(said for _, said in frames if any(b'"type":"%s"' % answer in said for answer in answers))


def foreign_session(ground, _):
    with opened(ground, bearer=token(sub="ann")) as raw:
        welcome = raw.until(lambda frames: any(b'"welcome"' in said for _, said in frames))[0][1]
    session = welcome.split(b'"token":"')[1].split(b'"')[0].decode()
    answer = told(ground, "session.resume", '{"token":"%s"}' % session, [b"session.resumed"], sub="bob")
    return "ok false" if b'"ok":false' in answer else "taken over"


def foreign_room(ground, _):
    answer = told(ground, "room.join", '{"room":"board","name":"Bob"}', [b"room.joined", b"error"], rooms=["team-*"])
    return "forbidden" if b'"forbidden"' in answer else answer.decode()


def comes_and_goes(ground, _):
    """Into sixteen rooms and out of them, again and again, with the right to listen alone."""
    visit = [frame(TEXT, b'{"type":"room.join","payload":{"room":"way-%d","name":"Eve"},"timestamp":0}' % n) for n in range(16)]
    visit += [frame(TEXT, b'{"type":"room.leave","payload":{"room":"way-%d"},"timestamp":0}' % n) for n in range(16)]
    with opened(ground, bearer=token(rights=["room.join"])) as raw:
        for left in range(16, 1 << 20, 16):
            raw.send(b"".join(visit))
            frames = raw.until(lambda frames: any(b'"rate_limited"' in said for _, said in frames) or
                               sum(said.startswith(b'{"type":"room.left"') for _, said in frames) >= left)
            if any(b'"rate_limited"' in said for _, said in frames):
                return "rate_limited"


def without_right(ground, _):
    answer = told(ground, "audio.start", '{"sample_rate":16000,"format":"pcm16"}', [b"error", b"audio.started"], rights=["room.join"])
    return "forbidden" if b'"forbidden"' in answer else answer.decode()


def ticket_twice(ground, _):
    ticket = ground.get("/api/ticket", bearer=token(), data=b"")[2].split(b'"ticket":"')[1].split(b'"')[0].decode()
    RawWs(ground.ws + f"/ws?ticket={ticket}").sock.close()
    with RawWs(ground.ws + f"/ws?ticket={ticket}") as raw:
        code, _ = raw.end()
        return ("unknown_token" if b"unknown_token" in raw.got else "let in") + f" {code}"


IDENTITY = [
    Attack("who says nothing of himself", stranger, "1008", closed("unknown"), 1),
    Attack("a request without a token", lambda ground, _: str(ground.answer(request("GET /jobs HTTP/1.1"))), "401", auth("unauthorized"), 1),
    Attack("a forged token", shown(lambda _: token(b"another secret of thirty-two bytes")), "forged_token 1008", auth("forged_token"), 1),
    Attack("an expired token", shown(lambda _: token(exp=int(time.time()) - 60)), "expired_token 1008", auth("expired_token"), 1),
    Attack("a token for others", shown(lambda _: token(aud="elsewhere")), "foreign_token 1008", auth("foreign_token"), 1),
    Attack("a token without an end", shown(lambda _: token(exp=None)), "malformed_token 1008", auth("malformed_token"), 1),
    Attack("a token of the algorithm none", shown(lambda _: token(b"", alg="none")), "malformed_token forged_token 1008", AUTH, 1),
    Attack("HMAC with the public key", shown(lambda ground: token(ground.public)), "forged_token 1008", auth("forged_token"), 1),
    Attack("RSA with the secret", shown(lambda _: token(SECRET, alg="RS256")), "forged_token malformed_token 1008", AUTH, 1),
    Attack("another's session", foreign_session, "ok false", "earshot_edge_sessions_refused_total", 1),
    Attack("a room without the right", foreign_room, "forbidden", 'earshot_edge_forbidden_total{right="room.join"}', 1),
    Attack("who comes into rooms and goes, without end", comes_and_goes, "rate_limited", error("rate_limited"), 1),
    Attack("audio without the right", without_right, "forbidden", 'earshot_edge_forbidden_total{right="stream"}', 1),
    Attack("all jobs without the right", asked("/jobs", lambda _: token()), "403", 'earshot_edge_forbidden_total{right="dashboard"}', 1),
    Attack("a ticket twice", ticket_twice, "unknown_token 1008", auth("unknown_token"), 1),
]


# ---- inside

HANDSHAKES, MALFORMED = "earshot_broker_handshakes_refused_total", "earshot_broker_malformed_total"


def hostile_envelopes(ground, _):
    peer = hostile.Peer(f"ipc://{ground.data}/broker")
    try:
        peer.await_open("frontend", "backend", "results")
        before = total(ground.figures(), MALFORMED)
        messages = hostile.refused_messages(hostile.STRANGER)
        for name in ("frontend", "backend", "results"):
            for parts in messages:
                peer.send(name, parts)
        wait_until(lambda: total(ground.figures(), MALFORMED) - before > 2 * len(messages), 20, "hostile envelopes that are counted")
        return "dropped"
    finally:
        peer.close()


def kept_out(dress, figure=HANDSHAKES, closed_to=("frontend", "backend")):
    """A peer at every port of the broker: its handshakes fail, and nothing of what it would say comes in."""
    def play(ground, _):
        before = total(ground.figures(), figure)
        peer = hostile.Peer(f"tcp://127.0.0.1:{ground.tcp}", dress(ground), hwm=1)
        try:
            wait_until(lambda: total(ground.figures(), figure) > before, 15, "a handshake that is refused")
            for name in closed_to:
                with contextlib.suppress(zmq.Again):
                    for _ in range(3):
                        peer.sockets[name].send_multipart([hostile.STRANGER, hostile.start_frame(), bytes(640)], zmq.DONTWAIT)
                    return "let in"
            return "refused"
        finally:
            peer.close()
    return play


def foreign_key(ground):
    stranger = Ring(pathlib.Path(tempfile.mkdtemp(dir=ground.keys.name)))
    stranger.make("edge")
    return ground.dress(stranger.path / "edge.key")


def foreign_broker(ground):
    stranger = Ring(pathlib.Path(tempfile.mkdtemp(dir=ground.keys.name)))
    stranger.make("broker")
    return ground.dress(ground.ring.path / "evil-transcriber.key", stranger.path / "broker.pub")


def room_as_transcriber(ground, _):
    """It says finals for a stream; a room may not."""
    figure = 'earshot_broker_denied_total{socket="results"}'
    before = ground.figures()[figure]
    peer = hostile.Peer(f"tcp://127.0.0.1:{ground.tcp}", ground.dress(ground.ring.path / "evil-room.key"), route=b"evil000000000001")
    told = {hostile.KEY[name]: value for name, value in (("inc", 1), ("expected", 2), ("committed", 1), ("from", 1), ("to", 1), ("text", "lies"))}
    try:
        peer.await_open("results")
        for epoch in range(1, 11):
            peer.send("results", [hostile.STRANGER, hostile.pack(hostile.KIND["FINAL"], told, epoch, 1)])
        wait_until(lambda: ground.figures()[figure] - before >= 10, 15, "finals of a room that are denied")
        return "dropped"
    finally:
        peer.close()


INSIDE = [
    Attack("mute peers at the broker", mute_at_the_broker, "closed", HANDSHAKES, 100),
    Attack("hostile envelopes", hostile_envelopes, "dropped", MALFORMED, 1000),
    Attack("a peer without a key", kept_out(lambda _: lambda made: None), "refused", HANDSHAKES, 1),
    Attack("a key of nobody", kept_out(foreign_key), "refused", HANDSHAKES + '{reason="unknown_key"}', 1),
    Attack("a key for another broker", kept_out(foreign_broker), "refused", HANDSHAKES, 1),
    Attack("a transcriber that speaks as an edge",
           kept_out(lambda ground: ground.dress(ground.ring.path / "evil-transcriber.key"), HANDSHAKES + '{reason="role"}', ("frontend",)), "refused",
           HANDSHAKES + '{reason="role"}', 1),
    Attack("a room that speaks as a transcriber", room_as_transcriber, "dropped", 'earshot_broker_denied_total{socket="results"}', 10),
]


ATTACKS = [
    Attack("slow heads", many("slow", b"GET / HTTP/1.1\r\nHost: x\r\nX: ", drip=b"y"), "408", http("head_slow"), 10),
    Attack("slow bodies", many("crowd", upload), "408 503", http("body_slow"), 10),  # 503: of one subject there are --max-address-uploads already
    Attack("half-open sockets", many("half open", b""), "closed 503", http("mute"), 500),
    Attack("a page under a name pointed here", rebound, "421", 'earshot_edge_refused_total{reason="host"}', 0),  # of the open edge: `rebound` has looked
    Attack("more connections than descriptors", more_than_descriptors, "served", "earshot_broker_placed_total", 1),
    *(Attack(name, status(data), wanted, figure, 1) for name, data, wanted, figure in SMUGGLED),
    *SOCKETS,
    *IDENTITY,
    *INSIDE,
]


def total(figures, name):
    """Of a figure, or of all of its labels."""
    return sum(value for figure, value in figures.items() if figure == name or figure.startswith(name + "{"))


def play(attack, ground, sizes):
    """(what became of it, how much its figure rose). Attacks of one figure are not played at once."""
    before = ground.figures()
    try:
        came = attack.play(ground, sizes)
    except Exception as trouble:
        return f"{type(trouble).__name__}: {trouble}"[:200], 0
    risen = 0
    end = time.monotonic() + 10 * SLOW
    while risen < attack.rise and time.monotonic() < end:
        risen = total(ground.figures(), attack.figure) - total(before, attack.figure)
    return came, int(risen)


def is_as_wanted(attack, came, risen):
    """Wanted are these words; where there are several, some of them may be missing."""
    return set(came.split()) <= set(attack.wanted.split()) and bool(came) and risen >= attack.rise


def play_all(ground, sizes, tell=lambda *_: None):
    """[(attack, what became of it, rise of its figure)], one after another for each figure, and the figures side by side."""
    lines = collections.defaultdict(list)
    for attack in ATTACKS:
        family = attack.figure.split("{")[0]
        lines[family if family in (AUTH, HANDSHAKES) else attack.figure].append(attack)
    guard = threading.Lock()

    def play_line(line):
        results = []
        for attack in line:
            result = (attack, *play(attack, ground, sizes))
            results.append(result)
            with guard:
                tell(*result)
        return results
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        return [result for results in pool.map(play_line, sorted(lines.values(), key=len, reverse=True)) for result in results]


def at_rest(ground):
    """The processes once nobody is there any more and the edge has given back what it gives back."""
    last, since = None, time.monotonic()

    def quiet():
        nonlocal last, since
        figures = ground.figures()
        now = (ground.processes()["edge"][1] // 1024, figures["earshot_edge_clients"], figures["earshot_edge_http_connections"])
        if now != last:
            last, since = now, time.monotonic()
        return now[1] == 0 and now[2] <= 1 and time.monotonic() - since > 1.5
    wait_until(quiet, 30, "nobody is there any more")
    return ground.processes()


def descriptors(ground):
    return {name: files for name, (files, _) in ground.processes().items()}


def main():
    allow_descriptors(FULL["half open"] + 4 * FULL["mute"] + 2000)

    def tell(attack, came, risen):
        good = is_as_wanted(attack, came, risen)
        print(f"{'ok ' if good else 'BAD'} {attack.name:42} {came:28} {attack.figure:66} +{risen}", flush=True)
    with Ground() as ground:
        play_all(ground, FULL)  # whatever grows once has grown
        before = at_rest(ground)
        with Undisturbed(ground) as undisturbed:
            results = play_all(ground, FULL, tell)
        print(f"{len(results)} attacks; 50 clients beside them: {undisturbed.found}")
        for name, (files, kilobytes) in sorted(at_rest(ground).items()):
            print(f"{name:16} descriptors {before[name][0]} -> {files}, resident kB {before[name][1]} -> {kilobytes}")
    return 0 if not undisturbed.found["wrong"] and all(is_as_wanted(*result) for result in results) else 1


if __name__ == "__main__":
    sys.exit(main())
