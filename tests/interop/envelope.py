"""The envelope in Python, from proto/PROTOCOL.md alone: field and message tables are read out of that document, so what is
wrong there fails here."""

import pathlib
import re

import msgpack

PROTO = pathlib.Path(__file__).resolve().parents[2] / "proto"
SPECIFICATION = (PROTO / "PROTOCOL.md").read_text(encoding="utf-8")
ENVELOPE_MAX, TRACE_LEN, VERSION, NESTING_MAX = 4096, 25, 1, 8
FLAG_START, FLAG_MARK = 1, 4


class Refused(Exception):
    def __init__(self, reason, version=None):
        super().__init__(reason)
        self.reason, self.version = reason, version


class Pairs(list):
    """A map, with keys that came twice."""


def rows_below(heading):
    """Cells of the first table after a heading."""
    lines = iter(SPECIFICATION.splitlines())
    for line in lines:
        if re.fullmatch(r"#+ (\d+(\.\d+)* )?" + re.escape(heading), line):
            break
    else:
        raise LookupError(f"PROTOCOL.md has no heading {heading!r}")
    table = []
    for line in lines:
        if line.startswith("|"):
            table.append([cell.strip().strip("`") for cell in line.strip("|").split("|")])
        elif table:
            break
    return table[2:]  # without head and rule


def amount(text):
    """`256 bytes`, `2 MiB`, `2^64 - 1`, `none`."""
    power = re.fullmatch(r"2\^(\d+) - 1", text)
    if power:
        return 2 ** int(power[1]) - 1
    size = re.fullmatch(r"(\d+) (bytes|KiB|MiB)", text)
    return int(size[1]) * {"bytes": 1, "KiB": 1024, "MiB": 1024 * 1024}[size[2]] if size else 0


FIELDS = {int(n): (name, kind, amount(limit)) for n, name, kind, limit, *_ in rows_below("Meta fields")}
KEYS = {name: n for n, (name, _, _) in FIELDS.items()}
KINDS = {int(n): (name, set(re.findall(r"[a-z_]+", need)), amount(body))
         for n, name, _, need, body, *_ in rows_below("The catalogue")}


def is_uint(value):
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def is_utf8(text):
    return not any("\ud800" <= c <= "\udfff" for c in text)


def depth(value):
    if isinstance(value, Pairs):
        return 1 + max((depth(item) for pair in value for item in pair), default=-1)
    if isinstance(value, list):
        return 1 + max(map(depth, value), default=-1) if value else 0
    return 0


def unpack(data):
    try:
        return msgpack.unpackb(data, raw=False, unicode_errors="surrogateescape", strict_map_key=False,
                               object_pairs_hook=Pairs)
    except msgpack.ExtraData:
        raise Refused("TRAILING") from None
    except (msgpack.FormatError, msgpack.StackError):
        raise Refused("MALFORMED") from None
    except ValueError:  # incomplete, or a count that the bytes cannot hold
        raise Refused("TRUNCATED") from None


def decode_field(key, value):
    name, kind, limit = FIELDS[key]
    if not {"uint": is_uint(value), "str": isinstance(value, str), "bin": isinstance(value, bytes)}[kind]:
        raise Refused("TYPE")
    if kind == "str" and not is_utf8(value):
        raise Refused("RANGE")
    if (value if kind == "uint" else len(value.encode() if kind == "str" else value)) > limit:
        raise Refused("RANGE")
    return name, value


def decode_meta(meta):
    if meta is None:
        return {}
    if not isinstance(meta, Pairs):
        raise Refused("TYPE")
    fields = {}
    for key, value in meta:
        if not is_uint(key):
            raise Refused("TYPE")
        if key not in FIELDS:
            continue
        name, value = decode_field(key, value)
        if name in fields:
            raise Refused("SHAPE")
        fields[name] = value
    return fields


def decode(data):
    """An envelope as the vectors describe it; raises Refused."""
    if len(data) > ENVELOPE_MAX:
        raise Refused("TOO_LONG")
    array = unpack(data)
    if depth(array) > NESTING_MAX:
        raise Refused("MALFORMED")
    if isinstance(array, Pairs) or not isinstance(array, list) or not array:
        raise Refused("SHAPE")
    if not is_uint(array[0]):
        raise Refused("TYPE")
    if array[0] != VERSION:
        raise Refused("VERSION", array[0])
    if len(array) < 7:
        raise Refused("SHAPE")
    _, kind, epoch, seq, time_us, trace, meta = array[:7]
    if not all(map(is_uint, (kind, epoch, seq, time_us))):
        raise Refused("TYPE")
    if kind >= 2**32:
        raise Refused("RANGE")
    if trace is not None:
        if not isinstance(trace, bytes):
            raise Refused("TYPE")
        if len(trace) != TRACE_LEN:
            raise Refused("RANGE")
    return {"kind": kind, "epoch": epoch, "seq": seq, "time_us": time_us, "trace": trace, "meta": decode_meta(meta)}


def encode(msg):
    """The canonical bytes."""
    meta = {KEYS[name]: value for name, value in sorted(msg["meta"].items(), key=lambda item: KEYS[item[0]])}
    return msgpack.packb([VERSION, msg["kind"], msg["epoch"], msg["seq"], msg["time_us"], msg["trace"], meta or None],
                         use_bin_type=True)


def check(msg, body_len):
    """OK, UNKNOWN_KIND, MISSING or BODY."""
    if msg["kind"] not in KINDS:
        return "UNKNOWN_KIND"
    name, needed, body_max = KINDS[msg["kind"]]
    if not needed <= set(msg["meta"]):
        return "MISSING"
    if body_len > body_max:
        return "BODY"
    if name != "FRAME":
        return "OK"
    if msg["epoch"] == 0 or msg["seq"] == 0:
        return "MISSING"
    if msg["meta"]["flags"] & FLAG_START and not {"base", "service"} <= set(msg["meta"]):
        return "MISSING"
    return "BODY" if msg["meta"]["flags"] & FLAG_MARK and body_len else "OK"


def decode_rows(data, judges):
    """A list body: rows of at least these cells. None for bytes that are no such list."""
    try:
        rows = unpack(data)
    except Refused:
        return None
    if isinstance(rows, Pairs) or not isinstance(rows, list):
        return None
    for row in rows:
        if not isinstance(row, list) or len(row) < len(judges) or not all(judge(c) for judge, c in zip(judges, row)):
            return None
    return [row[:len(judges)] for row in rows]


def is_text(value):
    return isinstance(value, str) and is_utf8(value)


def is_u32(value):
    return is_uint(value) and value < 2**32


def text_within(limit):
    return lambda value: is_text(value) and len(value.encode()) <= limit


def decode_words(data):
    return decode_rows(data, (is_text, is_uint, is_uint, is_u32))


def decode_streams(data):
    judges = (lambda c: isinstance(c, (str, bytes)) and len(c) <= 128, is_uint)
    rows = decode_rows(data, judges)
    # A third cell is the priority, where it is one; 0 is not said.
    return rows and [[c.decode() if isinstance(c, bytes) else c for c in row] + [c for c in whole[2:3] if is_u32(c)]
                     for row, whole in zip(rows, unpack(data))]


def decode_events(data):
    return decode_rows(data, (is_uint, is_u32, is_uint) + 5 * (is_text,) + (is_uint, is_uint))


def decode_members(data):
    return decode_rows(data, tuple(text_within(FIELDS[KEYS[name]][2]) for name in ("client", "session", "name")))
