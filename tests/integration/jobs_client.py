"""What a program asks of jobs at the edge, with the operator's token where it is wanted."""
import http.client
import json

from fleet import Fleet
from house import SLOW, wait_until


class DeskFleet(Fleet):
    """Broker and edge; the test brings a desk_peer.Desk along."""

    def __init__(self, **more):
        super().__init__(rooms=0, **more)

    def await_desk(self):
        wait_until(lambda: any(w["service"] == "jobs" for w in self.status()["workers"]), 20, "a jobs actor")

    @property
    def broker(self):
        return f"ipc://{self.data}/broker"

    @property
    def token(self):
        return (self.data / "operator.token").read_text().strip()

    def ask(self, method, path, headers=None, operator=False, body=None):
        """(status, headers in lower case, body: what the JSON says, else bytes)"""
        host, port = self.urls[0].removeprefix("ws://").split(":")
        connection = http.client.HTTPConnection(host, int(port), timeout=30 * SLOW)
        try:
            token = {"Authorization": f"Bearer {self.token}"} if operator else {}
            connection.request(method, path, body=body, headers={**token, **(headers or {})})
            answer = connection.getresponse()
            said = answer.read()
        finally:
            connection.close()
        fields = {name.lower(): value for name, value in answer.getheaders()}
        is_json = fields.get("content-type", "").startswith("application/json") and said
        return answer.status, fields, json.loads(said) if is_json else said

    def refused(self, status, code, *request, **more):
        got, fields, said = self.ask(*request, **more)
        assert (got, said["error"]) == (status, code), (got, said)
        assert said["message"][-1] in ".?", said
        return fields, said["message"]
