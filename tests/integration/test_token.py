"""`earshot token`: tokens, keys to sign them with, and API keys. That an edge takes them is tested where the edge is."""
import base64
import hashlib
import hmac
import json
import os
import re
import stat
import subprocess
import time

import pytest

from house import BIN


def token(*args, env=None):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("EARSHOT_")} | (env or {})
    return subprocess.run([BIN / "earshot", "token", *map(str, args)], capture_output=True, text=True, env=environment, timeout=60)


def made(*args, **more):
    run = token(*args, **more)
    assert run.returncode == 0, run.stderr
    return run.stdout.strip()


def refused(status, *args):
    run = token(*args)
    assert run.returncode == status and run.stdout == "", run
    assert run.stderr.startswith("earshot token: ") and "\n" not in run.stderr.rstrip("\n"), run.stderr
    return run.stderr


def part(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def parsed(text):
    header, claims, signature = text.split(".")
    return json.loads(part(header)), json.loads(part(claims)), f"{header}.{claims}".encode(), part(signature)


@pytest.fixture
def secret(tmp_path):
    path = tmp_path / "house.key"
    made("--new-key", path)
    return path


def test_a_secret_is_drawn_once(secret):
    assert re.fullmatch(r"[0-9a-f]{64}\n", secret.read_text()) and stat.S_IMODE(secret.stat().st_mode) == 0o600
    before = secret.read_text()
    assert "is there already" in refused(1, "--new-key", secret) and secret.read_text() == before
    assert "cannot be made" in refused(1, "--new-key", secret.parent / "nowhere" / "key")


def test_a_token_says_what_was_asked_for(secret):
    header, claims, signed, signature = parsed(made("--key", secret, "--sub", "alice", "--rights", "stream,room.join", "--rooms", "team-*,lobby",
                                                    "--expires", "90m", "--audience", "house", "--issuer", "us"))
    assert header == {"alg": "HS256", "typ": "JWT", "kid": "house"}
    assert signature == hmac.new(secret.read_text().strip().encode(), signed, hashlib.sha256).digest()
    assert claims["exp"] - claims["iat"] == 5400 and abs(claims["iat"] - time.time()) < 30
    assert {**claims, "exp": 0, "iat": 0} == {"sub": "alice", "aud": "house", "iss": "us", "rights": ["stream", "room.join"], "rooms": ["team-*", "lobby"],
                                              "exp": 0, "iat": 0}
    _, claims, _, _ = parsed(made("--key", secret, "--sub", "bob", "--rights", "admin"))
    assert sorted(claims) == ["exp", "iat", "rights", "sub"] and claims["exp"] - claims["iat"] == 3600


@pytest.mark.parametrize("make, algorithm, bits", [(("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"), "RS256", "sha256"),
                                                   (("ecparam", "-genkey", "-noout", "-name", "prime256v1"), "ES256", None),
                                                   (("ecparam", "-genkey", "-noout", "-name", "secp384r1"), "ES384", None)])
def test_a_private_key_signs_too(tmp_path, make, algorithm, bits):
    key, public = tmp_path / "idp.pem", tmp_path / "idp.pub"
    subprocess.run(["openssl", *make, "-out", key], check=True, capture_output=True)
    key.chmod(0o600)
    header, _, signed, signature = parsed(made("--key", key, "--sub", "alice", "--rights", "stream"))
    assert header["alg"] == algorithm and header["kid"] == "idp"
    if bits:
        subprocess.run(["openssl", "pkey", "-in", key, "-pubout", "-out", public], check=True, capture_output=True)
        (tmp_path / "signature").write_bytes(signature)
        subprocess.run(["openssl", "dgst", f"-{bits}", "-verify", public, "-signature", tmp_path / "signature"], input=signed, check=True,
                       capture_output=True)


def test_keys_that_cannot_sign(tmp_path, secret):
    short, public, open_one = tmp_path / "short", tmp_path / "idp.pub", tmp_path / "open"
    for path, text in ((short, "short\n"), (public, "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"), (open_one, "x" * 40)):
        path.write_text(text)
        path.chmod(0o644 if path == open_one else 0o600)
    who = ("--sub", "alice", "--rights", "stream")
    assert "at least 32 bytes" in refused(1, "--key", short, *who)
    assert "no private key" in refused(1, "--key", public, *who)
    assert "chmod" in refused(1, "--key", open_one, *who)
    assert "No such file" in refused(1, "--key", tmp_path / "nowhere", *who)
    assert "not a regular file" in refused(1, "--key", "/dev/null", *who)


def test_what_is_asked_wrongly(secret):
    assert "say what to make" in refused(2)
    assert "one at a time" in refused(2, "--key", secret, "--api-key", "ci")
    assert "--sub is missing" in refused(2, "--key", secret, "--rights", "stream")
    assert "--rights is missing" in refused(2, "--key", secret, "--sub", "a")
    assert '"strem" is no right; there are stream, room.join' in refused(2, "--key", secret, "--sub", "a", "--rights", "jobs,strem")
    assert "cannot be a room" in refused(2, "--key", secret, "--sub", "a", "--rights", "room.join", "--rooms", "a,,b")
    assert "is no name" in refused(2, "--api-key", "a b", "--rights", "stream")
    assert "blank" in refused(2, "--api-key", "a", "--rights", "room.join", "--rooms", "two words")


def test_api_keys(tmp_path):
    run, keys = token("--api-key", "ci", "--rights", "stream,jobs", "--rooms", "a,b*"), tmp_path / "api.keys"
    key = run.stdout.strip()
    assert re.fullmatch(r"earshot_[A-Za-z0-9_-]{43}", key)
    assert f"ci {hashlib.sha256(key.encode()).hexdigest()} stream,jobs rooms=a,b*" in run.stderr.splitlines() and key not in run.stderr
    keys.write_text("# ours")
    keys.chmod(0o640)
    first, second = (made("--api-key", name, "--rights", "stream", "--api-keys", keys) for name in ("ci", "ci2"))
    third = made("--api-key", "c", "--rights", "jobs", env={"EARSHOT_API_KEYS": str(keys)})
    lines = [f"{name} {hashlib.sha256(key.encode()).hexdigest()} {rights}"
             for name, key, rights in (("ci", first, "stream"), ("ci2", second, "stream"), ("c", third, "jobs"))]
    assert keys.read_text().splitlines() == ["# ours", *lines] and stat.S_IMODE(keys.stat().st_mode) == 0o640
    assert 'a key "ci2" already' in refused(1, "--api-key", "ci2", "--rights", "stream", "--api-keys", keys)
    keys.chmod(0o644)
    assert "chmod" in refused(1, "--api-key", "new", "--rights", "stream", "--api-keys", keys)
    assert len(keys.read_text().splitlines()) == 4
    fresh = tmp_path / "fresh"
    made("--api-key", "ci", "--rights", "stream", "--api-keys", fresh)
    assert stat.S_IMODE(fresh.stat().st_mode) == 0o600
