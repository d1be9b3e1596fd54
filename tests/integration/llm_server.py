"""A server of OpenAI's chat completions that behaves as a test wants."""
import http.server
import json
import threading


class Llm:
    """answers: one after the other, the last one for ever: (status, body, headers), or None: says nothing until `release`."""

    def __init__(self, *answers):
        self.answers, self.asked, self.held = list(answers), [], threading.Event()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                answer = outer.answers[min(len(outer.asked), len(outer.answers) - 1)]
                outer.asked.append((self.path, dict(self.headers), json.loads(body)))
                if answer is None:
                    outer.held.wait(30)
                    return
                status, text, headers = (*answer, {})[:3]
                data = text if isinstance(text, bytes) else text.encode()
                self.send_response(status)
                for name, value in {"Content-Type": "application/json", "Content-Length": str(len(data)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                try:
                    self.wfile.write(data)
                except OSError:
                    pass

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = "http://127.0.0.1:%d/v1" % self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self.held.set()
        self._server.shutdown()
        self._server.server_close()


def said(text):
    return 200, json.dumps({"choices": [{"message": {"role": "assistant", "content": text}}]})
