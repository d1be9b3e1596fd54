"""`earshot doctor`: what it says of houses that are well, and of those that are not."""
import json
import os
import subprocess

import pytest

from certificates import Certificate
from house import BIN, SLOW, House
from key_house import KeyHouse

CLEAN = {name: value for name, value in os.environ.items() if not name.startswith("EARSHOT_")}


class Report:
    def __init__(self, *args, cwd=None, env=None):
        done = subprocess.run([BIN / "earshot", "doctor", "--json", *map(str, args)], capture_output=True, text=True, cwd=cwd or "/",
                              timeout=60 * SLOW, env={**CLEAN, **(env or {})})
        self.status, self.err = done.returncode, done.stderr
        self.all = json.loads(done.stdout) if done.stdout else None

    def of(self, check, verdict=None):
        """What is said, with what to do."""
        return [f"{one['said']} | {one['mend']}" for one in self.all["findings"] if one["check"] == check and verdict in (None, one["verdict"])]

    def said(self, check, verdict, *words):
        found = self.of(check, verdict)
        assert any(all(word in line for word in words) for line in found), f"no {verdict} of {check} has {words}:\n" + json.dumps(self.all, indent=1)


@pytest.fixture(scope="module")
def house():
    with House() as running:
        yield running


def test_a_house_that_is_well(house):
    report = Report("--data", house.data)
    assert report.all["fail"] == 0, json.dumps(report.all, indent=1)
    assert report.status == (3 if report.all["warn"] else 0)
    report.said("broker", "ok", "1 of 1 brokers are heard")
    report.said("broker", "ok", f"broker broker is of release {report.all['release']}")
    report.said("broker", "ok", "the clock of broker broker is this one's")
    report.said("services", "ok", "1 transcriber, ")
    report.said("edge", "ok", f"{house.ws}/ws is ready")
    report.said("loop", "ok", "1.2 s of sound went through", "12 finals")
    report.said("loop", "ok", f"the clock of {house.ws}/ws")
    report.said("programs", "ok", "6 programs are here")
    report.said("keys", "skip", "no tcp is spoken")


def test_lines_for_people(house):
    done = subprocess.run([BIN / "earshot", "doctor", "--data", house.data, "libraries", "loop"], capture_output=True, text=True, env=CLEAN, cwd="/", timeout=60 * SLOW)
    lines = done.stdout.splitlines()
    assert done.returncode == 0 and lines[0].startswith("ok    libraries  libzmq 4.") and lines[-1] == "5 ok, 0 to be looked at, 0 wrong"


def test_a_house_of_threads_is_well_too():
    with House("--threads") as threads:
        report = Report("--data", threads.data, "broker", "services", "edge", "loop")
        assert report.status in (0, 3) and report.all["fail"] == 0, json.dumps(report.all, indent=1)


def test_nobody_is_there(tmp_path):
    report = Report("--data", tmp_path, "--wait", "500ms", "--url", "ws://127.0.0.1:1/ws")
    assert report.status == 1
    report.said("broker", "fail", "nobody answers at ipc://", "earshot up")
    report.said("broker", "fail", "0 of 1 brokers were heard")
    report.said("services", "skip", "no broker was heard")
    report.said("edge", "fail", "ws://127.0.0.1:1/ws does not answer", "--url")
    report.said("loop", "fail", "Connection refused")


def test_what_is_asked_wrongly(tmp_path):
    assert "there is no check \"brocker\". There are: data settings" in Report("--data", tmp_path, "brocker").err
    for args in (["brocker"], ["--url", "ftp://a"], ["--token-file", tmp_path / "none"]):
        assert Report("--data", tmp_path, *args).status == 2


def test_settings(tmp_path):
    env = tmp_path / ".env"
    env.write_text("EARSHOT_LLM_KEY=abc\nEARSHOT_PORT=9000\n")
    env.chmod(0o644)
    report = Report("--data", tmp_path / "data", "settings", cwd=tmp_path, env={"EARSHOT_TRANSCRIBER": "2"})
    assert report.status == 3
    report.said("settings", "ok", "has 2 settings")
    report.said("settings", "warn", ".env holds a secret, and others may read it (0644) | chmod 0640 .env")
    report.said("settings", "warn", "EARSHOT_TRANSCRIBER in the environment is no setting")
    for address, secret in (("EARSHOT_STORE=postgresql://me:pass@db/jobs", True), ("EARSHOT_LLM_URL=http://me:pass@llm/v1", True), \
                            ("EARSHOT_STORE=postgresql://me@db/jobs", False)):
        env.write_text(address + "\n")
        report = Report("--data", tmp_path / "data", "settings", cwd=tmp_path)
        assert report.status == (3 if secret else 0) and ("holds a secret" in str(report.all)) == secret, report.all
    env.write_text("EARSHOT_PROT=9000\n")
    broken = Report("--data", tmp_path / "data", "settings", cwd=tmp_path)
    assert broken.status == 2 and "EARSHOT_PROT" in broken.err


def test_a_directory_that_others_may_change(tmp_path):
    tmp_path.chmod(0o777)
    (tmp_path / "operator.token").write_text("secret\n")
    (tmp_path / "operator.token").chmod(0o644)
    report = Report("--data", tmp_path, "data")
    assert report.status == 1
    report.said("data", "fail", "others may change it (0777)", "chmod 0755")
    report.said("data", "warn", "operator.token holds the operator's token, and others may read it", "chmod 0600")


def test_a_model_that_is_not_there(tmp_path):
    report = Report("--data", tmp_path, "--model-dir", tmp_path, "packages")
    assert report.status == 3
    report.said("packages", "warn", "en-us/mdef", "pocketsphinx-en-us")


def test_an_edge_that_wants_a_token(tmp_path):
    secret = tmp_path / "secret"
    secret.write_bytes(b"k" * 48)
    secret.chmod(0o600)
    for name, rights in (("good", "stream"), ("poor", "room.join")):
        made = subprocess.run([BIN / "earshot", "token", "--key", secret, "--sub", "doctor", "--rights", rights], capture_output=True, check=True)
        (tmp_path / name).write_bytes(made.stdout)
    with House("--jwt-key", secret) as guarded:
        asked = ["--data", guarded.data, "edge", "loop"]
        bare = Report(*asked)
        assert bare.status == 1
        bare.said("edge", "ok", "is ready")
        bare.said("loop", "fail", "no sound comes through", "--token-file")
        assert Report(*asked, "--token-file", tmp_path / "good").status == 0
        poor = Report(*asked, "--token-file", tmp_path / "poor")
        assert poor.status == 1
        poor.said("loop", "fail", "stream")


def test_tls(tmp_path):
    made = Certificate(tmp_path)
    with House(tls=made) as hidden:
        trusted = Report("--data", hidden.data, "--ca", made.cert, "edge", "tls", "loop")
        assert trusted.status == 0, json.dumps(trusted.all, indent=1)
        trusted.said("tls", "ok", "more days")
        strange = Report("--data", hidden.data, "edge", "tls", "loop")
        assert strange.status == 1
        strange.said("edge", "fail", "--ca FILE")
        strange.said("loop", "fail", "certificate")
        plain = Report("--url", hidden.ws.replace("wss", "ws"), "--data", hidden.data, "edge")
        assert plain.status == 1
        plain.said("edge", "fail", "wss://")


def test_keys():
    with KeyHouse("edge", "transcriber") as keys:
        ring = keys.ring
        ring.let_in("operator")
        asked = ["--data", keys.data, "--keys", ring.path, "--broker", keys.base, "--url", keys.ws + "/ws"]
        well = Report(*asked, "keys", "broker", "services", "edge", "loop")
        assert well.status in (0, 3) and well.all["fail"] == 0, json.dumps(well.all, indent=1)
        well.said("keys", "ok", "lets 3 keys in")
        well.said("keys", "ok", "transcriber.key is a key of role transcriber, and the broker lets it in")
        well.said("broker", "ok", f"{keys.base} answers")
        ring.make("room")
        ring.ok("keys", "revoke", "operator")
        (ring.path / "edge.key").chmod(0o644)
        (ring.path / "broker.pub").write_text((ring.path / "room.pub").read_text())
        ill = Report(*asked, "--wait", "1500ms", "keys", "broker")
        assert ill.status == 1
        ill.said("keys", "warn", "room.key (role room) is not among those", "earshot keys add")
        ill.said("keys", "warn", "operator.key (role operator) is not among those")
        ill.said("keys", "fail", "edge.key", "chmod 0600")
        ill.said("keys", "fail", "broker.pub is the key of role room")
        ill.said("keys", "fail", "broker.key and the .pub beside it are not of one pair")
        ill.said("broker", "fail", "no broker can be asked")
        (ring.path / "broker.pub").unlink()


def test_keys_that_are_missing(tmp_path):
    report = Report("--data", tmp_path, "--broker", "tcp://192.0.2.1:5570", "--wait", "300ms", "keys")
    assert report.status == 1
    report.said("keys", "fail", "there is no key of ours", "earshot keygen operator")
    report.said("keys", "fail", "broker.pub", "bring the broker's broker.pub here")
