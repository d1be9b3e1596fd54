"""Keys: `earshot keygen` and `earshot keys`."""
import json
import os
import pathlib
import resource
import shutil
import signal
import stat
import subprocess
import tempfile

import pytest

from house import BIN, SLOW, wait_until
from key_house import Ring, four_ports


@pytest.fixture
def ring(tmp_path):
    return Ring(tmp_path / "keys")


def test_a_pair_of_files(ring):
    said = ring.ok("keygen", "transcriber", "far-1")
    assert "earshot keys add far-1.pub" in said and "broker.pub" in said
    assert stat.S_IMODE((ring.path / "far-1.key").stat().st_mode) == 0o600
    assert stat.S_IMODE(ring.path.stat().st_mode) == 0o700
    secret, public = (ring.path / "far-1.key").read_text(), (ring.path / "far-1.pub").read_text()
    assert 'role = "transcriber"' in public and 'name = "far-1"' in public and "secret-key" not in public and "secret-key" in secret
    assert not ring.allowed.exists()
    ring.make("edge")
    assert (ring.path / "edge.key").exists()


def test_the_brokers_pair_comes_with_a_list(ring):
    said = ring.ok("keygen", "broker")
    assert "earshot keys add" in said and ring.allowed.is_dir() and stat.S_IMODE(ring.allowed.stat().st_mode) == 0o700
    assert "nobody may come" in ring.ok("keys", "list") and ring.names() == []


def test_other_tools_read_them(ring):
    import zmq.auth
    ring.make("observer", "watcher")
    public, secret = zmq.auth.load_certificate(ring.path / "watcher.key")
    assert len(public) == len(secret) == 40 and zmq.auth.load_certificate(ring.path / "watcher.pub") == (public, None)


def no_room():
    """Files end in their midst, as on a full disk."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))


def test_a_full_disk_takes_no_key_away(ring):
    ring.let_in("edge")
    new = Ring(ring.path.parent / "new")
    new.make("edge")
    before = {path: path.read_text() for path in ring.path.rglob("*") if path.is_file()}
    assert len(before) == 3
    for verb in (["keygen", "edge", "--force"], ["keygen", "room"], ["keys", "add", new.path / "edge.pub", "--force"]):
        done = subprocess.run([BIN / "earshot", *verb, "--keys", ring.path], capture_output=True, text=True, timeout=20 * SLOW, preexec_fn=no_room)
        assert done.returncode == 1 and done.stdout == "" and "cannot write" in done.stderr and "nothing is changed" in done.stderr
    assert {path: path.read_text() for path in ring.path.rglob("*") if path.is_file()} == before


def test_what_is_wrong_is_said(ring):
    assert 'did you mean "transcriber"' in ring.refused(2, "keygen", "transcribr")
    assert "ROLE is missing" in ring.refused(2, "keygen") and "too many" in ring.refused(2, "keygen", "edge", "a", "b")
    for name in ("../edge", ".edge", "a b", "a/b", "x" * 65):
        assert name in ring.refused(1, "keygen", "edge", name)
    old = ring.make("edge").read_text()
    assert "is there already" in ring.refused(1, "keygen", "edge") and "--force" in ring.refused(1, "keygen", "edge")
    assert (ring.path / "edge.pub").read_text() == old
    ring.ok("keygen", "edge", "--force")
    assert (ring.path / "edge.pub").read_text() != old
    assert "FILE.pub is missing" in ring.refused(2, "keys", "add") and "NAME is missing" in ring.refused(2, "keys", "revoke")
    assert "no command" in subprocess.run([BIN / "earshot", "keys", "lst"], capture_output=True, text=True).stderr


def test_who_may_come(ring):
    far, edge = ring.make("transcriber", "far-1"), ring.make("edge")
    assert "transcriber/far-1 may come" in ring.ok("keys", "add", far, edge)
    assert ring.names() == [("edge", "edge"), ("transcriber", "far-1")]
    assert "already" in ring.ok("keys", "add", far)
    table = ring.ok("keys", "list").splitlines()
    assert table[0].split()[:2] == ["NAME", "ROLE"] and table[2].split()[:2] == ["far-1", "transcriber"]
    assert "throws it out" in ring.ok("keys", "revoke", "far-1") and ring.names() == [("edge", "edge")]
    assert "far-1" in ring.refused(1, "keys", "revoke", "far-1")
    assert 'did you mean "edge"' in ring.refused(1, "keys", "revoke", "edeg")
    assert ring.refused(1, "keys", "revoke", "room/edge") and ring.ok("keys", "revoke", "edge/edge") and ring.names() == []


def test_whom_nobody_lets_in(ring, tmp_path):
    broker, far = ring.make("broker"), ring.make("transcriber", "far-1")
    junk = tmp_path / "junk.pub"
    junk.write_text("curve\n    public-key = \"x\"\n")
    assert "key of a broker" in ring.refused(1, "keys", "add", broker)
    assert "nowhere.pub" in ring.refused(1, "keys", "add", tmp_path / "nowhere.pub") and "junk.pub" in ring.refused(1, "keys", "add", junk)
    assert ring.names() == []
    # one that is wrong keeps no other out
    ring.refused(1, "keys", "add", junk, far)
    assert ring.names() == [("transcriber", "far-1")]


def test_what_is_no_key_is_told_beside_the_list(ring):
    ring.let_in("edge")
    for n, text in enumerate((":x:0:0\n", "curve\n        public-key = \"x\"\n", "a = \"b\nc\n", "curve = 'x'\n", "\x01\n", "a = \"\"\"\n", "\"", " a\n", "=\n")):
        (ring.allowed / f"junk-{n}.pub").write_text(text)
        done = ring.run("keys", "list", "--json")
        assert done.returncode == 0 and [key["name"] for key in json.loads(done.stdout)["keys"]] == ["edge"]
        assert f"junk-{n}.pub" in done.stderr


def test_another_key_of_the_same_name(ring):
    ring.let_in("transcriber", "far-1")
    old = (ring.allowed / "far-1.pub").read_text()
    (ring.allowed / "far-1.pub").rename(ring.allowed / "copied-by-hand.pub")
    ring.ok("keygen", "transcriber", "far-1", "--force")
    assert "--force" in ring.refused(1, "keys", "add", ring.path / "far-1.pub")
    assert (ring.allowed / "copied-by-hand.pub").read_text() == old
    ring.ok("keys", "add", ring.path / "far-1.pub", "--force")
    assert ring.names() == [("transcriber", "far-1")] and [path.name for path in ring.allowed.iterdir()] == ["far-1.pub"]
    # a copy under another name goes too
    (ring.allowed / "copy.pub").write_text((ring.allowed / "far-1.pub").read_text())
    ring.ok("keys", "revoke", "far-1")
    assert list(ring.allowed.iterdir()) == []


def test_a_list_that_others_may_write_is_no_list(ring):
    ring.let_in("edge")
    ring.allowed.chmod(0o777)
    assert "chmod" in ring.refused(1, "keys", "list")


@pytest.fixture
def theirs():
    """The data directory of a house whose user is nobody, as that of the package's user is."""
    home = pathlib.Path(tempfile.mkdtemp(prefix="es-"))
    home.chmod(0o755)
    (home / "data").mkdir(mode=0o700)
    shutil.chown(home / "data", "nobody")
    yield home / "data"
    shutil.rmtree(home)


def broker_of_nobody(data, host, code):
    """What a broker says that nobody starts; one that serves is ended."""
    broker = subprocess.Popen([BIN / "earshot-broker", "--data", data, "--tcp", f"{host}:{four_ports()}", "--name", "broker", "--user", "nobody"],
                              stderr=subprocess.PIPE, text=True, cwd="/")
    try:
        wait_until(lambda: broker.poll() is not None or (data / "run" / "broker.pid").exists(), 20, "a broker that serves, or does not")
        broker.terminate()
        said = broker.communicate(timeout=20 * SLOW)[1]
        assert broker.returncode == code, said
        return said
    finally:
        broker.kill()
        broker.wait()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root looks after the house of another user")
def test_what_root_does_in_a_house_leaves_it_usable(theirs):
    for command in (["doctor", "data"], ["keygen", "broker"], ["keygen", "edge"], ["keys", "add", theirs / "keys" / "edge.pub"]):
        subprocess.run([BIN / "earshot", *command, "--data", theirs], capture_output=True, timeout=20 * SLOW, cwd="/")
    made = list(theirs.rglob("*"))
    assert len(made) == 8 and {path.owner() for path in made} == {"nobody"}, made
    assert "tcp is served to those with an allowed key" in broker_of_nobody(theirs, "127.0.0.1", 0)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes what nobody may not read")
def test_keys_that_cannot_be_read_are_not_missing(theirs):
    said = broker_of_nobody(theirs, "0.0.0.0", 2)
    assert f"there is no key: sudo -u nobody earshot keygen broker --keys {theirs}/keys" in said
    (theirs / "keys").mkdir(mode=0o700)
    said = broker_of_nobody(theirs, "0.0.0.0", 2)
    assert "there is no key" not in said and "Permission denied" in said and f'"{theirs}/keys" belongs to user root, and this is user nobody' in said


def test_a_list_where_nothing_may_be_written_is_one(ring):
    """As a Secret is mounted: everybody's to write, on a file system that is read-only."""
    ring.let_in("edge")
    ring.allowed.chmod(0o1777)
    alone = ["unshare", "--mount", *(["--map-root-user"] if os.geteuid() else [])]
    if subprocess.run([*alone, "true"], capture_output=True).returncode:
        pytest.skip("no mount namespaces here")
    mount = 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && exec "$@"'
    done = subprocess.run([*alone, "sh", "-c", mount, ring.allowed, BIN / "earshot", "keys", "list", "--keys", ring.path], capture_output=True, text=True)
    assert done.returncode == 0 and "edge" in done.stdout, done.stderr
