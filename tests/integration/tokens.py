"""JWTs and API keys, made by hand: what the house thinks of them must not be its own idea alone."""
import base64
import hashlib
import hmac
import json
import time


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def jwt(secret, **claims):
    """HS256, for an hour unless said otherwise. A claim that is None is left out."""
    now = int(time.time())
    claims = {"sub": "alice", "exp": now + 3600, **claims}
    claims = {"iat": min(now, claims["exp"] - 3600), **claims}
    body = ".".join(b64(json.dumps(part).encode())
                    for part in ({"alg": "HS256", "typ": "JWT"}, {k: v for k, v in claims.items() if v is not None}))
    return body + "." + b64(hmac.new(secret, body.encode(), hashlib.sha256).digest())


def api_key_line(name, key, rights):
    return f"{name} {hashlib.sha256(key.encode()).hexdigest()} {rights}\n"
