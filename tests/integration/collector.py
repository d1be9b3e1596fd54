"""A collector of spans that speaks OTLP/HTTP with JSON."""
import http.server
import json
import threading


class Collector:
    """`slow`: seconds that it takes for its first answer."""

    def __init__(self, status=200, slow=0):
        self.status, self.requests, self._lock, self._over = status, [], threading.Lock(), threading.Event()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                with outer._lock:
                    outer.requests.append((self.path, dict(self.headers), body))
                    first = len(outer.requests) == 1
                if first:
                    outer._over.wait(slow)
                self.send_response(outer.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = "http://127.0.0.1:%d" % self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        self._server.shutdown()
        self._server.server_close()

    def spans(self, trace=None, name=None):
        """[(service, span)] of what has come so far."""
        with self._lock:
            bodies = [body for _, _, body in self.requests]
        return [(attributes(resource["resource"])["service.name"], span) for body in bodies for resource in body["resourceSpans"]
                for scope in resource["scopeSpans"] for span in scope["spans"]
                if trace in (None, span["traceId"]) and name in (None, span["name"])]


def attributes(holder):
    return {entry["key"]: next(iter(entry["value"].values())) for entry in holder["attributes"]}
