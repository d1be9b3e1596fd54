"""TLS at the edge: what is spoken, what is refused, and that everything behind it is as without."""
import asyncio
import http.client
import json
import os
import re
import signal
import socket
import ssl
import subprocess

import pytest
import websockets

from certificates import Certificate
from house import BIN, SLOW, House, wait_until

GET = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return Certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def house(made):
    with House(tls=made) as running:
        yield running


def place(house):
    host, port = house.url.removeprefix("https://").split(":")
    return host, int(port)


def connect(house, context):
    raw = socket.create_connection(place(house), 10 * SLOW)
    try:
        return context.wrap_socket(raw, server_hostname="localhost", suppress_ragged_eofs=False)
    except Exception:
        raw.close()
        raise


def weak(version, ciphers="ALL:@SECLEVEL=0"):
    """Speaks this version and no other, as badly as may be."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_ciphers(ciphers)
    context.minimum_version = context.maximum_version = version
    return context


def until_closed(sock):
    answer = b""
    while piece := sock.recv(65536):
        answer += piece
    return answer


def refused(house, reason):
    return house.metrics()[f'earshot_edge_tls_refused_total{{reason="{reason}"}}']


def test_versions_and_protocols(house, made):
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        with connect(house, weak(version)) as sock:
            sock.sendall(GET)
            assert sock.recv(12) == b"HTTP/1.1 200"
            assert sock.compression() is None
    context = made.trusting()
    context.set_alpn_protocols(["h2", "http/1.1"])
    with connect(house, context) as sock:
        assert sock.selected_alpn_protocol() == "http/1.1" and sock.version() == "TLSv1.3"
    assert house.get("/healthz")[0] == 200


def foreign():
    context = weak(ssl.TLSVersion.TLSv1_3)
    context.set_alpn_protocols(["h2"])
    return context


REFUSED = {"TLS 1.0": (lambda: weak(ssl.TLSVersion.TLSv1), "version"),
           "TLS 1.1": (lambda: weak(ssl.TLSVersion.TLSv1_1), "version"),
           "no forward secrecy": (lambda: weak(ssl.TLSVersion.TLSv1_2, "AES256-GCM-SHA384:@SECLEVEL=0"), "cipher"),
           "HTTP/2 alone": (foreign, "protocol"),
           "who does not trust us": (ssl.create_default_context, "alert")}


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused(house, case):
    make, reason = REFUSED[case]
    before = refused(house, reason)
    with pytest.raises(ssl.SSLError):
        connect(house, make())
    wait_until(lambda: refused(house, reason) == before + 1, 10, f"counted as {reason}")


def test_plain_http_is_told(house):
    before = refused(house, "plain_http")
    with socket.create_connection(place(house), 10 * SLOW) as sock:
        sock.sendall(GET)
        answer = until_closed(sock)
    head, body = answer.split(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ") and b"content-length: %d\r\n" % len(body) in head and b"https://" in body
    assert refused(house, "plain_http") == before + 1
    with socket.create_connection(place(house), 10 * SLOW) as sock:
        sock.sendall(bytes(100))
        assert not until_closed(sock).startswith(b"HTTP")


def test_a_giant_hello_is_not_waited_for(house):
    """Ten bytes that announce 128 KiB, in one record or in several."""
    before = refused(house, "hello_too_large")
    head = b"\1" + (131396).to_bytes(3, "big")
    for said in (b"\x16\3\1\0\5" + head + b"\3", b"".join(b"\x16\3\1\0\1" + head[i:i + 1] for i in range(4))):
        with socket.create_connection(place(house), 10 * SLOW) as sock:
            sock.sendall(said)
            until_closed(sock)
    wait_until(lambda: refused(house, "hello_too_large") == before + 2, 10, "counted as hello_too_large")


async def speak(house, context, chunks):
    async with websockets.connect(house.ws + "/api/audio/ws", ssl=context, max_size=None) as ws:
        for _ in range(chunks):
            await ws.send(bytes(640))
        said = [json.loads(await ws.recv()) for _ in range(2 * chunks)]
        await ws.send("stop")
        assert json.loads(await ws.recv())["done"]
    assert [m["seq"] for m in said if "chunk_size" in m] == list(range(1, chunks + 1))
    assert [m["seq"] for m in said if "transcription" in m] == list(range(1, chunks + 1))


def test_many_speak_at_once(house, made):
    async def all_of_them():
        context = made.trusting()
        await asyncio.gather(*(speak(house, context, 30) for _ in range(60)))
    asyncio.run(all_of_them())
    assert house.metrics()["earshot_edge_clients"] == 0


def test_a_message_of_many_records(house, made):
    async def long():
        async with websockets.connect(house.ws + "/api/audio/ws", ssl=made.trusting(), max_size=None) as ws:
            for _ in range(8):
                await ws.send(bytes(1 << 20))
            said = [json.loads(await ws.recv()) for _ in range(16)]
            assert sum(m.get("chunk_size", 0) for m in said) == 8 << 20
    asyncio.run(long())


def test_a_long_upload(house, made):
    length, sent = 100 << 20, 0
    connection = http.client.HTTPSConnection(*place(house), context=made.trusting(), timeout=30 * SLOW)
    connection.putrequest("POST", "/session/tls/upload?file_name=a.raw")
    connection.putheader("Content-Type", "audio/wav")
    connection.putheader("Content-Length", str(length))
    connection.endheaders()
    piece = os.urandom(1 << 20)
    while sent < length:
        connection.send(piece)
        sent += len(piece)
    answer = connection.getresponse()
    assert answer.status == 202 and json.loads(answer.read())["jobId"]
    connection.close()


def test_an_early_answer_to_a_long_upload_is_seen(house, made):
    with connect(house, made.trusting()) as sock:
        sock.sendall(b"POST /nowhere HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000\r\n\r\n")
        for _ in range(20):
            sock.sendall(bytes(65536))
        answer = until_closed(sock)  # and its end is one that TLS tells
        assert answer.startswith(b"HTTP/1.1 404 ") and b"connection: close" in answer


def test_who_has_said_all_still_hears_the_answer(house, made):
    with connect(house, made.trusting()) as sock:
        sock.sendall(b"GET /web/earshot.js HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        with socket.socket(fileno=os.dup(sock.fileno())) as under:
            under.shutdown(socket.SHUT_WR)
        head, body = until_closed(sock).split(b"\r\n\r\n", 1)
        assert head.startswith(b"HTTP/1.1 200 ") and f"content-length: {len(body)}".encode() in head
    context = made.trusting()
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(incoming, outgoing, server_hostname="localhost")
    with socket.create_connection(place(house), 10 * SLOW) as sock:
        def do(step):
            while True:
                try:
                    return step()
                except ssl.SSLWantReadError:
                    sock.sendall(outgoing.read())
                    incoming.write(sock.recv(65536))
        do(tls.do_handshake)
        tls.write(GET)
        try:
            tls.unwrap()  # close_notify right behind the request
        except ssl.SSLWantReadError:
            sock.sendall(outgoing.read())
        assert until_closed(sock)  # encrypted, to its end


@pytest.fixture(scope="module")
def hasty(made):
    with House(tls=made, env={"EARSHOT_HANDSHAKE_TIMEOUT": "1s", "EARSHOT_SEND_TIMEOUT": "1s"}) as running:
        yield running


def await_nobody(house):
    wait_until(lambda: house.metrics()["earshot_edge_tls_connections"] == 1, 10, "nobody else is there")


def test_mute_and_slow_peers(hasty, made):
    mute = [socket.create_connection(place(hasty), 10 * SLOW) for _ in range(1000)]
    slow = socket.create_connection(place(hasty), 10 * SLOW)
    slow.sendall(b"\x16\x03\x01\x02\x00\x01")  # the beginning of a good one
    asyncio.run(speak(hasty, made.trusting(), 50))
    for sock in [*mute, slow]:
        assert sock.recv(1) == b""
        sock.close()
    await_nobody(hasty)
    assert refused(hasty, "slow") == 1001


def test_who_takes_nothing_is_cut_off(hasty, made):
    """And cannot take what it has for the whole: no close_notify comes."""
    with connect(hasty, made.trusting()) as sock:
        sock.sendall(1500 * b"GET /web/earshot.js HTTP/1.1\r\nHost: x\r\n\r\n")
        await_nobody(hasty)
        with pytest.raises(OSError):
            until_closed(sock)


def test_handshakes_count_as_connections(made):
    with House(tls=made, env={"EARSHOT_MAX_HTTP": "12", "EARSHOT_MAX_ADDRESS": "2"}) as house:
        await_nobody(house)

        def come(source):
            return socket.create_connection(place(house), 10 * SLOW, (source, 0))

        def welcome(source):
            with come(source) as sock:
                sock.settimeout(0.05)
                try:
                    return sock.recv(1) != b""
                except TimeoutError:
                    return True
        mute = [come("127.0.0.2"), come("127.0.0.2")]
        wait_until(lambda: not welcome("127.0.0.2"), 10, "an address has its two")
        assert can_connect(house)  # and others theirs
        assert house.metrics()['earshot_edge_http_refused_total{reason="too_many_of_address"}'] >= 1
        others = iter(range(3, 200))

        def full():
            mute.append(come(f"127.0.0.{next(others)}"))
            return not welcome("127.0.0.200")
        wait_until(full, 10, "there is no room for one more")
        assert len(mute) >= 12
        for sock in mute:
            sock.close()
        wait_until(lambda: can_connect(house), 10, "there is room again")
        wait_until(lambda: welcome("127.0.0.2"), 10, "for that address too")


def can_connect(house):
    try:
        house.get("/healthz")
        return True
    except OSError:
        return False


def shown(house):
    with connect(house, weak(ssl.TLSVersion.TLSv1_3)) as sock:
        return sock.getpeercert(binary_form=True)


def test_reload_drops_nobody(tmp_path):
    made = Certificate(tmp_path)
    with House(tls=made) as house:
        first = made.der()

        async def through_reloads():
            async with websockets.connect(house.ws + "/api/audio/ws", ssl=made.trusting()) as ws:
                async def one():
                    await ws.send(bytes(640))
                    return [json.loads(await ws.recv()) for _ in range(2)]
                await one()
                made.make()
                house.process.send_signal(signal.SIGHUP)
                await asyncio.to_thread(wait_until, lambda: shown(house) == made.der() != first, 10, "the new certificate is shown")
                await one()
                good, good_key = made.cert.read_text(), made.key.read_text()
                Certificate(tmp_path, "other")
                made.key.write_text((tmp_path / "other.key").read_text())
                house.process.send_signal(signal.SIGHUP)
                await asyncio.to_thread(house.log.await_line, "the certificate is not changed.*is not the key of")
                assert shown(house) == ssl.PEM_cert_to_DER_cert(good)
                made.key.write_text(good_key)
                assert (await one())[0]["seq"] == 3
        asyncio.run(through_reloads())
        counters = house.metrics()
        assert counters['earshot_edge_tls_reloads_total{outcome="done"}'] == counters['earshot_edge_tls_reloads_total{outcome="failed"}'] == 1


def start(tmp_path, *args):
    """(status, standard error) of an edge that is not to start."""
    done = subprocess.run([BIN / "earshot-edge", "--port", "0", "--data", tmp_path / "data", *args], capture_output=True, timeout=20 * SLOW)
    return done.returncode, (done.stderr + done.stdout).decode()


def test_wrong_files(tmp_path):
    made, other = Certificate(tmp_path), Certificate(tmp_path, "other")
    (tmp_path / "nonsense").write_text("nonsense\n")
    subprocess.run(["openssl", "ec", "-aes128", "-passout", "pass:secret", "-in", made.key, "-out", tmp_path / "locked"], check=True, capture_output=True)
    for cert, key, said in ((tmp_path / "none", made.key, "--tls-cert .*none cannot be read: No such file"),
                            (made.cert, tmp_path / "none", "--tls-key .*none cannot be read"),
                            (tmp_path / "nonsense", made.key, "is no PEM file of a certificate"),
                            (made.cert, tmp_path / "nonsense", "is no PEM file of a private key"),
                            (made.cert, tmp_path / "locked", "without a passphrase"),
                            (made.cert, other.key, "is not the key of the certificate")):
        os.chmod(key, 0o600) if key.exists() else None
        status, text = start(tmp_path, "--tls-cert", cert, "--tls-key", key)
        assert status == 1 and re.search(said, text), text
    os.chmod(made.key, 0o644)
    status, text = start(tmp_path, *made.flags)
    assert status == 1 and "open to every user" in text
    status, text = start(tmp_path, "--tls-cert", made.cert)
    assert status == 2 and "--tls-key is missing" in text


def test_nothing_goes_beyond_this_machine_unasked(tmp_path, made):
    status, text = start(tmp_path, "--host", "0.0.0.0")
    assert status == 2 and "--tls-cert" in text and "--insecure" in text
    done = subprocess.run([BIN / "earshot", "up", "--host", "::", "--data", tmp_path / "up"], capture_output=True, timeout=20 * SLOW)
    assert done.returncode == 2 and b"--tls-cert" in done.stderr and b"--insecure" in done.stderr
    with House("--host", "0.0.0.0", tls=made) as house:
        assert house.get("/healthz")[0] == 200
        assert "without TLS" not in house.log.text()


def test_commands_speak_it(house, made, spoken):
    url, trust = house.ws + "/ws", ["--ca", made.cert]

    def run(*args, given=b""):
        return subprocess.run([BIN / "earshot", *args], input=given, capture_output=True, timeout=60 * SLOW)
    done = run("stream", "--fast", "--url", url, *trust, spoken[0])
    assert done.returncode == 0 and b"mock transcription" in done.stdout, done.stderr
    done = run("stream", "--fast", "--data", house.data, "--insecure-tls", spoken[0])
    assert done.returncode == 0, done.stderr
    done = run("stream", "--fast", "--url", url, spoken[0])
    assert done.returncode == 3 and b"--ca FILE" in done.stderr, done.stderr
    done = run("chat", "lobby", "--name", "ci", "--url", url, *trust, given=b"hello\n")
    assert done.returncode == 0 and b"hello" in done.stdout, done.stderr
    done = run("jobs", "submit", "--url", house.url, *trust, spoken[0])
    assert done.returncode == 0 and len(done.stdout.strip()) == 36, done.stderr
    done = run("jobs", "submit", "--patience", "0s", "--url", house.url, spoken[0])
    assert done.returncode != 0 and b"certificate" in done.stderr, done.stderr


def test_one_process_too(made):
    with House("--threads", tls=made) as house:
        asyncio.run(speak(house, made.trusting(), 5))
        house.process.send_signal(signal.SIGHUP)
        wait_until(lambda: house.metrics()['earshot_edge_tls_reloads_total{outcome="done"}'] == 1, 10, "a reload")


def test_going_down_says_all_first(made):
    """What was answered is not lost between the gate and the socket."""
    with House(tls=made) as house:
        idle = connect(house, made.trusting())
        idle.sendall(GET)
        assert idle.recv(12) == b"HTTP/1.1 200"
        idle.recv(4096)
        pid = house.kill("edge", signal.SIGTERM)
        assert until_closed(idle) == b""  # with close_notify: anything else is an error here
        idle.close()
        house.await_restart("edge", pid)
