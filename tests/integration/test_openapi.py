"""/openapi.json against the edge: every route is described and no other, and what a real house answers is what is said there."""
import json
import re
import urllib.parse

import jsonschema
import pytest

from house import ROOT, House, say, wait_until

ROUTE = re.compile(r'\{\s*"(GET|POST|PUT|DELETE|PATCH)",\s*"(/[^"]*)"')
UNKNOWN = "00000000-0000-4000-8000-000000000000"
SPEC = json.loads((ROOT / "actors/edge/web/openapi.json").read_text())


def routes():
    """What the tables of the router have."""
    return {(method, path) for source in (ROOT / "actors/edge").rglob("*.c") for method, path in ROUTE.findall(source.read_text())}


def test_every_route_is_described_and_no_other():
    described = {(method.upper(), path) for path, item in SPEC["paths"].items() for method in item}
    assert len(routes()) > 20 and described == routes()


RIGHT = re.compile(r'"(GET|POST|DELETE)",\s*"(/[^"]*)",\s*\w+,\s*(ES_[A-Z_| ]+?)\s*\}')


def test_every_route_says_which_right_it_takes():
    """In the tables of the router, and the same in the description."""
    found = {}
    for source in (ROOT / "actors/edge").rglob("*.c"):
        found.update({(method, path): right.split(" | ") for method, path, right in RIGHT.findall(source.read_text())})
    assert found.keys() == routes()
    for (method, path), (right, *guarded) in found.items():
        security = SPEC["paths"][path][method.lower()].get("security")
        if path == "/api/ticket":  # it looks for itself: any right will do
            assert security == [{"bearer": []}, {}]
        elif right == "ES_HTTP_PUBLIC":
            assert security is None, path
        else:
            assert security == [{"bearer": [right.removeprefix("ES_RIGHT_").lower()]}] + ([] if guarded else [{}]), path


def test_the_description_is_sound():
    assert SPEC["openapi"].startswith("3.1.")
    for schema in SPEC["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)
    operations = [operation for item in SPEC["paths"].values() for operation in item.values()]
    assert len({operation["operationId"] for operation in operations}) == len(operations)
    for path, item in SPEC["paths"].items():
        for operation in item.values():
            named = {p["name"] for p in operation.get("parameters", []) if p["in"] == "path"}
            assert named == set(re.findall(r"\{(\w+)\}", path)), path
    for name in re.findall(r'"#/components/schemas/(\w+)"', json.dumps(SPEC)):
        assert name in SPEC["components"]["schemas"]


class Described:
    """Asks a house, and holds each answer against the description."""

    def __init__(self, house):
        self.address, self.seen = house.url.removeprefix("http://"), set()
        with open(f"{house.data}/operator.token") as file:
            self.operator = {"Authorization": f"Bearer {file.read().strip()}"}

    def ask(self, method, template, status, ids=None, query="", headers=None, body=None):
        import http.client
        path = re.sub(r"\{\w+\}", lambda _: urllib.parse.quote(ids), template) if ids else template
        connection = http.client.HTTPConnection(self.address, timeout=60)
        try:
            connection.request(method, path + query, body=body, headers=headers or {})
            answer = connection.getresponse()
            said = answer.read()
        finally:
            connection.close()
        assert answer.status == status, (method, path, answer.status, said)
        return self.check(method, template, answer, said)

    def check(self, method, template, answer, said):
        operation = SPEC["paths"][template]["get" if method == "HEAD" else method.lower()]
        response = operation["responses"][str(answer.status)]
        self.seen.add((method, template, answer.status))
        kind = (answer.getheader("Content-Type") or "").split(";")[0]
        if method == "HEAD" or not response.get("content"):
            return said
        fitting = [known for known in response["content"] if re.fullmatch(known.replace("*", ".*").replace("+", r"\+"), kind)]
        assert fitting, (template, kind)
        if kind != "application/json":
            return said
        value = json.loads(said)
        jsonschema.Draft202012Validator({**response["content"][fitting[0]]["schema"], "components": SPEC["components"]}).validate(value)
        return value


@pytest.fixture(scope="module")
def house():
    with House() as running:
        yield running


@pytest.fixture(scope="module")
def wav(tmp_path_factory):
    path = tmp_path_factory.mktemp("openapi") / "talk.wav"
    say(path, "one two three")
    return path.read_bytes()


AUDIO = {"Content-Type": "audio/wav"}


def completed(api, wav, session, query="?file_name=talk.wav"):
    job = api.ask("POST", "/session/{id}/upload", 202, session, query, AUDIO, wav)["jobId"]
    wait_until(lambda: api.ask("GET", "/jobs/{id}", 200, job)["status"] == "COMPLETED", 60, "a completed job")
    return job


def test_answers_about_jobs(house, wav):
    api = Described(house)
    job = completed(api, wav, "desk-1")
    assert api.ask("GET", "/session/{id}/job-status", 200, "desk-1")["jobId"] == job
    assert api.ask("GET", "/jobs", 200, query="?state=COMPLETED&q=talk&page=1&per_page=5", headers=api.operator)["total"] == 1
    assert api.ask("GET", "/jobs/{id}/transcript", 200, job)["complete"]
    for kind in ("json", "text", "srt", "vtt"):
        api.ask("GET", "/jobs/{id}/transcript", 200, job, f"?format={kind}")
    assert api.ask("GET", "/jobs/{id}/audio", 200, job) == wav
    assert api.ask("GET", "/jobs/{id}/audio", 206, job, headers={"Range": "bytes=4-99"}) == wav[4:100]
    api.ask("HEAD", "/jobs/{id}/audio", 200, job)
    api.ask("GET", "/jobs/{id}/audio", 304, job, headers={"If-None-Match": f'"{job}"'})
    api.ask("GET", "/jobs/{id}/audio", 416, job, headers={"Range": f"bytes={len(wav)}-"})
    api.ask("POST", "/jobs/{id}/cancel", 409, job)
    api.ask("POST", "/jobs/{id}/retry", 409, job)
    api.ask("DELETE", "/jobs/{id}", 204, job)
    api.ask("GET", "/jobs/{id}", 404, job)


def test_a_job_that_fails_and_is_tried_again(house):
    api = Described(house)
    job = api.ask("POST", "/session/{id}/upload", 202, "bad", "", AUDIO, b"this is not audio at all")["jobId"]
    wait_until(lambda: api.ask("GET", "/jobs/{id}", 200, job)["status"] == "FAILED", 60, "a failed job")
    assert api.ask("POST", "/jobs/{id}/retry", 200, job)["jobId"] == job
    api.ask("POST", "/session/{id}/upload-sync", 422, "bad", "", AUDIO, b"nor is this")


def test_an_answer_at_once(house, wav):
    assert Described(house).ask("POST", "/session/{id}/upload-sync", 200, "desk-2", "", AUDIO, wav)["complete"]


def test_a_recording_that_is_not_kept(house, wav):
    api = Described(house)
    job = completed(api, wav, "desk-3", "?delete_after_analysis=true")
    wait_until(lambda: not api.ask("GET", "/jobs/{id}", 200, job)["audio"], 20, "a job without its recording")
    api.ask("GET", "/jobs/{id}/audio", 410, job)


def test_refusals(house):
    api = Described(house)
    for template in ("/jobs/{id}", "/jobs/{id}/transcript", "/jobs/{id}/audio"):
        api.ask("GET", template, 404, UNKNOWN)
        api.ask("GET", template, 404, "nonsense")
    for method, template in (("POST", "/jobs/{id}/cancel"), ("POST", "/jobs/{id}/retry"), ("DELETE", "/jobs/{id}")):
        api.ask(method, template, 404, UNKNOWN)
    api.ask("GET", "/session/{id}/job-status", 404, "nobody")
    api.ask("GET", "/session/{id}/job-status", 400, "no body")
    api.ask("GET", "/jobs", 401)
    api.ask("GET", "/jobs", 400, query="?page=0", headers=api.operator)
    api.ask("GET", "/api/house", 401)
    api.ask("GET", "/jobs/{id}/transcript", 400, UNKNOWN, "?format=doc")
    api.ask("POST", "/session/{id}/upload", 415, "s", "", {"Content-Type": "text/html"}, b"<p>")
    api.ask("POST", "/session/{id}/upload", 400, "s", "?priority=11", AUDIO, b"RIFF")


def test_the_house_and_the_rest(house):
    api = Described(house)
    said = wait_until(lambda: (now := api.ask("GET", "/api/house", 200, headers=api.operator))["jobs"] and now["counts"] and now["edges"] and now, 15,
                      "figures of jobs")
    assert [edge["name"] for edge in said["edges"]] == ["edge"] and {actor["service"] for actor in said["actors"]} >= {"transcribe", "jobs", "upload"}
    assert api.ask("GET", "/openapi.json", 200) == SPEC
    for path in ("/healthz", "/api/audio/health", "/readyz", "/metrics", "/", "/dashboard"):
        api.ask("GET", path, 200)
    for path in ("/ws", "/api/audio/ws"):
        api.ask("GET", path, 426)
    api.ask("GET", "/web/{file}", 200, "jobs.js")
    api.ask("POST", "/api/ticket", 200)
    api.ask("POST", "/api/ticket", 403, headers={"Origin": "http://elsewhere.example"})
