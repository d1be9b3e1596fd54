"""Plain HTTP: health, readiness, metrics, the page."""
import json
import signal

from house import wait_until


def test_health_and_readiness(house):
    for path in ("/api/audio/health", "/healthz"):
        status, headers, body = house.get(path)
        assert status == 200 and json.loads(body)["status"] == "ok" and "json" in headers["content-type"]
    assert house.get("/readyz")[0] == 200


def test_readiness_follows_the_broker(house):
    house.kill("broker", signal.SIGSTOP)
    wait_until(lambda: house.get("/readyz")[0] == 503, 15, "readyz says no")
    assert house.get("/healthz")[0] == 200
    house.kill("broker", signal.SIGCONT)
    wait_until(lambda: house.get("/readyz")[0] == 200, 15, "readyz says yes again")


def test_metrics_are_prometheus_text(house):
    status, headers, body = house.get("/metrics")
    assert status == 200 and headers["content-type"].startswith("text/plain")
    text = body.decode()
    assert "# HELP earshot_edge_" in text and "# TYPE earshot_edge_" in text


def test_the_page_and_its_policy(house):
    status, headers, body = house.get("/")
    assert status == 200 and b"<!doctype html" in body.lower()
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    status, headers, body = house.get("/web/earshot.js")
    assert status == 200 and "javascript" in headers["content-type"] and b"export" in body


def test_unknown_paths_and_traversal(house):
    for path in ("/nothing", "/web/../../../etc/passwd", "/web/%2e%2e/edge_actor.c", "/web/"):
        assert house.get(path)[0] in (400, 403, 404), path
