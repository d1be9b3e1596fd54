"""SECURITY.md says what the binaries do: each limit with the flag, the default and the figure that are there, and none left out."""
import functools
import pathlib
import re
import subprocess

from fake_broker import figures_at
from house import BIN, ROOT, House

TEXT = (ROOT / "SECURITY.md").read_text()
ROWS = re.findall(r"^\| `(earshot-\w+) --([\w-]+)` \| `([^`]+)` \| .* \|([^|]*)\|$", TEXT, re.M)
PROGRAMS = {"earshot-broker": "broker", "earshot-edge": "edge", "earshot-transcriber": "transcriber-1", "earshot-room": "room-1",
            "earshot-jobs": "jobs-1", "earshot-analysis": "analysis-1"}
LIMIT = re.compile("max-|.*-(max|bytes|chars|memory|cpu|rate|burst|patience|misses|timeout|deadline|idle|silence|stall|wait|expiry|alive|lifetime|"
                   "backlog|quota|floor|keep|age|count)$|(capacity|queue|history|partials|quarantine)$")
NO_LIMIT = {"drain-timeout": "the end of a program, which no peer brings about", "analysis-wait": "a job of ours waits for an actor of ours",
            "edge-silence": "an edge of the house", "llm-timeout": "a server that the operator has named"}
NO_FIGURE = {"ping-interval": "what comes of it is that of ping-misses"}


@functools.cache
def options(program):
    """{flag: default}"""
    told = subprocess.run([BIN / program, "--help-markdown"], check=True, capture_output=True, text=True).stdout
    return dict(re.findall(r"^\| `--([\w-]+)[^`]*` \| [^|]* \| (?:`([^`]*)`)? ?\|", told, re.M))


def figures_in(text):
    return re.findall(r"`(earshot_[^`]+)`", text)


def teller(program, figure):
    """The program whose page has it: its own name is in it, or it is of the one whose limit it is."""
    return next((other for other in PROGRAMS if figure.startswith(other.replace("-", "_") + "_")), program)


def test_limits_are_as_they_are_told():
    assert len(ROWS) > 70
    assert len({(program, flag) for program, flag, *_ in ROWS}) == len(ROWS), "a limit stands there twice"
    assert not [(program, flag, said, options(program).get(flag)) for program, flag, said, _ in ROWS if options(program).get(flag) != said]


def test_no_limit_is_left_out():
    told = {(program, flag) for program, flag, *_ in ROWS}
    limits = {(program, flag) for program in PROGRAMS for flag in options(program) if LIMIT.match(flag)}
    left = limits - told
    assert {flag for _, flag in left} == set(NO_LIMIT), sorted(limit for limit in left if limit[1] not in NO_LIMIT)


def test_every_limit_has_a_figure_and_every_figure_is_there():
    assert {flag for _, flag, _, cell in ROWS if not figures_in(cell)} == set(NO_FIGURE)
    with House("--metrics", "127.0.0.1:0") as house:
        pages = {program: figures_at(pathlib.Path(house.data) / "run" / f"{name}.metrics") for program, name in PROGRAMS.items()}
    assert not [(program, flag, figure) for program, flag, _, cell in ROWS for figure in figures_in(cell)
                if figure not in pages[teller(program, figure)]]
    there = {name for page in pages.values() for figure in page for name in (figure, figure.split("{")[0])}
    assert not set(figures_in(TEXT)) - there
