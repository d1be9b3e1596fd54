"""The store's server goes and comes back in the middle of a job: nothing is lost, and nobody has to do anything."""
import json
import urllib.error
import urllib.request

from house import SLOW, House, wait_until
from postgres import Postgres
from test_jobs_cli_house import jobs, wav


def shown(house, job):
    return json.loads(jobs(house, "show", "--json", job))


def pieces(house, job):
    """Where each segment lies: the mock's words tell of the stream, which is another one each time."""
    status, _, body = house.get(f"/jobs/{job}/transcript?format=json")
    assert status == 200
    return [(s["startMs"], s["endMs"]) for s in json.loads(body)["segments"]]


def upload(house, data):
    request = urllib.request.Request(f"{house.url}/session/s1/upload", data, {"Content-Type": "audio/wav"})
    try:
        with urllib.request.urlopen(request, timeout=30 * SLOW) as answer:
            return answer.status, answer.headers
    except urllib.error.HTTPError as error:
        return error.code, error.headers


def test_the_server_goes_and_comes_back(tmp_path):
    talk, short = wav(tmp_path / "talk.wav", 1800), wav(tmp_path / "short.wav", 1)
    with Postgres() as server, House(env={"EARSHOT_STORE": server.url}) as house:
        calm = jobs(house, "submit", talk).strip()
        jobs(house, "watch", calm)
        job = jobs(house, "submit", talk).strip()
        wait_until(lambda: shown(house, job)["progress"] > 0, 30, "progress")
        before = shown(house, job)["progress"]
        server.stop()
        wait_until(lambda: house.get(f"/jobs/{job}")[0] == 503, 20, "a store out of reach")
        status, fields = upload(house, short.read_bytes())
        assert status == 503 and int(fields["Retry-After"]) > 0
        server.start()
        wait_until(lambda: house.get(f"/jobs/{job}")[0] == 200, 30, "the store")
        assert shown(house, job)["progress"] >= before
        assert jobs(house, "watch", job).endswith(f"{job} COMPLETED 100 %\n")
        done = shown(house, job)
        assert (done["attempt"], [h["outcome"] for h in done["history"]]) == (1, ["completed"])
        assert pieces(house, job) == pieces(house, calm)
        assert upload(house, short.read_bytes())[0] == 202
        assert len(json.loads(jobs(house, "list", "--json"))["jobs"]) == 3
