"""What one attack is, which figures tell of it, and how it is begun. The attacks are in attacks_*.py, their table in attacks.py."""
import collections
import contextlib
import pathlib
import resource
import subprocess
import tempfile

from ground import token
from house import BIN, SLOW, wait_until
from raw_ws import RawWs

Attack = collections.namedtuple("Attack", "name play wanted figure rise")
AUTH = "earshot_edge_auth_refused_total"
HANDSHAKES = "earshot_broker_handshakes_refused_total"


def http(reason):
    return f'earshot_edge_http_refused_total{{reason="{reason}"}}'


def closed(reason):
    return f'earshot_edge_closed_total{{reason="{reason}"}}'


def error(code):
    return f'earshot_edge_errors_total{{code="{code}"}}'


def auth(code):
    return f'{AUTH}{{reason="{code}"}}'


def total(figures, name):
    """Of a figure, or of all of its labels."""
    return sum(value for figure, value in figures.items() if figure == name or figure.startswith(name + "{"))


def request(line="GET /healthz HTTP/1.1", *headers, body=b"", host="Host: x"):
    return "\r\n".join([line, *([host] if host else []), *headers, "", ""]).encode() + body


def opened(ground, path="/ws", bearer=None, **options):
    return RawWs(ground.ws + path, headers=f"Authorization: Bearer {bearer or token()}\r\n", **options)


@contextlib.contextmanager
def open_edge(ground, *flags, broker=None, files=1024):
    """The address of a further edge, which asks nobody who comes unless flags say so, and has so many descriptors; of the house, where it is not sent to another broker."""
    address = pathlib.Path(tempfile.mkdtemp(dir=ground.keys.name)) / "address"
    edge = subprocess.Popen([BIN / "earshot-edge", "--data", address.parent, "--broker", broker or f"ipc://{ground.data}/broker", "--name", "open", "--port", "0",
                             "--addr-file", address, "--log-level", "error", *flags],
                            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (files, files)))
    try:
        yield wait_until(lambda: address.exists() and address.read_text().strip(), 20, "an address").rstrip("/")
    finally:
        edge.terminate()
        edge.wait(20 * SLOW)
