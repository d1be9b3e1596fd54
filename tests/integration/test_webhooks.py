"""Webhooks: told until they are heard, signed, and never to an address that only the house can reach."""
import contextlib
import hashlib
import hmac
import http.server
import json
import pathlib
import signal
import socket
import threading
import time

from fake_broker import figures_at
from house import SLOW, wait_until
from jobs_peer import Jobs, Peer


class Receiver:
    """Answers with the given statuses, one after the other, the last one for ever; None cuts the connection."""

    def __init__(self, *statuses, body=b"thanks"):
        self.got, statuses = [], list(statuses)
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                sent = self.rfile.read(int(self.headers["Content-Length"]))
                status = statuses.pop(0) if len(statuses) > 1 else statuses[0]
                receiver.got.append((self.path, dict(self.headers), sent))
                if status is None:
                    self.close_connection = True
                    return
                self.send_response(status)
                if status == 302:
                    self.send_header("Location", "/elsewhere")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def url(self, path="/hook?x=1", host="127.0.0.1"):
        return f"http://{host}:{self.port}{path}"


def over(peer, webhook):
    """A job that is over, one way or the other, and has this webhook."""
    job = peer.upload(b"no audio", webhook=webhook).run()
    assert peer.ask("cancel", job=job)[0] in (200, 409)
    return job


def check_signature(jobs, headers, sent):
    key = (pathlib.Path(jobs.data) / "webhook.key").read_text().strip().encode()
    at, signature = (part.split("=")[1] for part in headers["Earshot-Signature"].split(","))
    assert hmac.new(key, at.encode() + b"." + sent, hashlib.sha256).hexdigest() == signature


def test_told_and_signed():
    with Receiver(200) as receiver, Jobs("jobs-1", options=("--webhook-private",)) as jobs, Peer(jobs) as peer:
        job = over(peer, receiver.url())
        wait_until(lambda: receiver.got, 10, "a webhook")
        path, headers, sent = receiver.got[0]
        body = json.loads(sent)
        assert path == "/hook?x=1" and headers["Content-Type"] == "application/json" and headers["Earshot-Delivery"]
        assert body["type"] in ("job.cancelled", "job.failed") and body["job"]["jobId"] == job and body["transcriptUrl"] == f"/jobs/{job}/transcript"
        check_signature(jobs, headers, sent)
        jobs.restart("jobs-1", signal.SIGTERM)
        other = over(peer, receiver.url("/other"))
        wait_until(lambda: len(receiver.got) > 1, 10, "another webhook")
        assert [json.loads(sent)["job"]["jobId"] for _, _, sent in receiver.got] == [job, other]


def test_tried_again():
    """Whatever is no 2xx is tried again; a redirection is not followed; a long answer is not read."""
    with Receiver(302, None, 204, body=b"x" * 1_000_000) as receiver, \
            Jobs("jobs-1", options=("--webhook-private",)) as jobs, Peer(jobs) as peer:
        over(peer, receiver.url())
        wait_until(lambda: receiver.got, 10, "the first try")
        wait_until(lambda: len(receiver.got) > 1, 25, "the second try, 10 s later")
        assert {path for path, _, _ in receiver.got} == {"/hook?x=1"}
        assert len({headers["Earshot-Delivery"] for _, headers, _ in receiver.got}) == 1
        for _, headers, sent in receiver.got:
            check_signature(jobs, headers, sent)


class Mute:
    """Takes connections and says nothing, until it is told to end them."""

    def __init__(self):
        self.listener, self.taken = socket.create_server(("127.0.0.1", 0), backlog=128), []
        self.thread = threading.Thread(target=self._take, daemon=True)
        self.thread.start()

    def _take(self):
        with contextlib.suppress(OSError):
            while True:
                self.taken.append(self.listener.accept()[0])

    def url(self):
        return f"http://127.0.0.1:{self.listener.getsockname()[1]}/hook"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for taken in self.taken:
            taken.close()


def test_a_host_that_does_not_answer_keeps_nobody_waiting():
    with Mute() as mute, Receiver(200) as receiver, \
            Jobs("jobs-1", options=("--webhook-private", "--metrics", "127.0.0.1:0")) as jobs, Peer(jobs) as peer:
        for _ in range(20):
            over(peer, mute.url())
        wait_until(lambda: len(mute.taken) == 4, 10, "its share of the calls")
        began = time.monotonic()
        over(peer, receiver.url(host="localhost"))
        wait_until(lambda: receiver.got, 10, "the other's webhook")
        assert time.monotonic() - began < 5 * SLOW, "it waited for calls to another host"
        assert len(mute.taken) == 4
        assert figures_at(pathlib.Path(jobs.data) / "run" / "jobs-1.metrics")["earshot_jobs_webhooks_full_total"] == 1
        mute.taken[0].close()
        wait_until(lambda: len(mute.taken) == 5, 10, "the next in the place of the first")


def test_only_public_addresses():
    with Receiver(200) as receiver, Jobs("jobs-1") as jobs, Peer(jobs) as peer:
        hosts = ("127.0.0.1", "localhost", "[::1]", "0x7f000001", "2130706433", "127.1", "[::ffff:127.0.0.1]", "0.0.0.0", "user:pass@127.0.0.1")
        told = [over(peer, receiver.url(host=host)) for host in hosts]
        for job in told:
            jobs.logs["jobs-1"].await_line(f"webhook not delivered.* job={job} .*address that may not be reached")
        assert receiver.got == []
