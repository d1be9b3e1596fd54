"""Plain HTTP: health, readiness, metrics, the page."""
import json
import shutil
import signal
import subprocess
import urllib.request

import pytest

from house import BIN, SLOW, wait_until


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


@pytest.fixture
def moved(tmp_path):
    """An edge somewhere else than where it was built or installed, and the page beside it."""
    page = tmp_path / "share" / "earshot" / "web"
    page.mkdir(parents=True)
    (tmp_path / "bin").mkdir()
    (page / "index.html").write_text("<!doctype html>the page beside")
    shutil.copy(BIN / "earshot-edge", tmp_path / "bin")
    return tmp_path


def test_the_page_is_the_one_beside_the_program(moved):
    address = moved / "address"
    edge = subprocess.Popen([moved / "bin" / "earshot-edge", "--port", "0", "--addr-file", address, "--data", moved / "data"], cwd=moved)
    try:
        url = wait_until(lambda: edge.poll() is None and address.exists() and address.read_text().strip(), 20, "an edge that listens")
        with urllib.request.urlopen(url, timeout=10 * SLOW) as answer:
            assert answer.read() == b"<!doctype html>the page beside"
    finally:
        edge.kill()
        edge.wait()
