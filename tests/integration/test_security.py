"""SECURITY.md says what the binaries do: each limit with the flag, the default and the figure that are there."""
import re
import subprocess

from house import BIN, ROOT, House

TEXT = (ROOT / "SECURITY.md").read_text()
ROWS = re.findall(r"^\| `(earshot-\w+) --([\w-]+)` \| `([^`]+)` \| .* \|([^|]*)\|$", TEXT, re.M)


def options(program):
    """{flag: default}"""
    told = subprocess.run([BIN / program, "--help-markdown"], check=True, capture_output=True, text=True).stdout
    return dict(re.findall(r"^\| `--([\w-]+)[^`]*` \| [^|]* \| (?:`([^`]*)`)? ?\|", told, re.M))


def test_limits_are_as_they_are_told():
    known = {program: options(program) for program, *_ in ROWS}
    assert len(ROWS) > 35
    assert not [(program, flag, said, known[program].get(flag)) for program, flag, said, _ in ROWS if known[program].get(flag) != said]


def test_no_limit_of_the_edge_is_left_out():
    told = {flag for program, flag, *_ in ROWS if program == "earshot-edge"}
    limits = {flag for flag in options("earshot-edge") if re.match(r"max-|.*-(timeout|rate|misses|patience)$", flag)}
    assert limits - told <= {"drain-timeout", "sync-timeout", "max-rooms", "max-room-members", "max-client-watches", "max-token-tickets"}


def test_figures_are_there():
    with House() as house:
        names = {name.split("{")[0] for name in house.metrics()}
    told = set(re.findall(r"`(earshot_edge_\w+)(?:{[^}]*})?`", TEXT))
    assert not told - names - {"earshot_edge_tls_certificate_expires_seconds"}, told - names
