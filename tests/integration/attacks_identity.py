"""Attacks on who somebody is: tokens that are none, and what is another's."""
import time

from attack import AUTH, Attack, auth, closed, error, opened, request
from ground import SECRET, dear, token
from raw_ws import TEXT, RawWs, frame, frames_of


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


def dear_tokens(ground, sizes):
    """Requests one after another on many connections: the statuses that they get."""
    count, each = 20, request("GET /jobs HTTP/1.1", "Authorization: Bearer " + dear())
    made = [ground.connect(each * count) for _ in range(sizes["crowd"])]
    came = set()
    for sock in made:
        with sock:
            got = b""
            while got.count(b"HTTP/1.1 ") < count and (piece := sock.recv(65536)):
                got += piece
            came |= {line.split(b" ")[1].decode() for line in got.split(b"\r\n") if line.startswith(b"HTTP/1.1 ")} or {"closed"}
    return " ".join(sorted(came))


def shows_again(ground, _):
    """Who it is, and who it is, and who it is."""
    with opened(ground) as raw:
        raw.send(frame(TEXT, b'{"type":"session.auth","payload":{"token":"%s"},"timestamp":0}' % token().encode()) * 50)
        answers = (b'"rate_limited"', b'"session.authenticated"')
        frames = raw.until(lambda frames: sum(any(answer in said for answer in answers) for _, said in frames) == 50)
        return "rate_limited" if any(answers[0] in said for _, said in frames) else "heard"


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
    Attack("forged tokens without end", dear_tokens, "401", "earshot_edge_tokens_late_total", 10),
    Attack("tokens shown without end", shows_again, "rate_limited", error("rate_limited"), 1),
    Attack("another's session", foreign_session, "ok false", "earshot_edge_sessions_refused_total", 1),
    Attack("a room without the right", foreign_room, "forbidden", 'earshot_edge_forbidden_total{right="room.join"}', 1),
    Attack("who comes into rooms and goes, without end", comes_and_goes, "rate_limited", error("rate_limited"), 1),
    Attack("audio without the right", without_right, "forbidden", 'earshot_edge_forbidden_total{right="stream"}', 1),
    Attack("all jobs without the right", asked("/jobs", lambda _: token()), "403", 'earshot_edge_forbidden_total{right="dashboard"}', 1),
    Attack("a ticket twice", ticket_twice, "unknown_token 1008", auth("unknown_token"), 1),
]
