"""The golden messages of proto/vectors, decoded and said again by another implementation in another language."""

import json
import re

import msgpack
import pytest

import envelope
from envelope import KINDS, PROTO, Refused


def vectors(name):
    found = json.loads((PROTO / "vectors" / name).read_text(encoding="utf-8"))
    assert len(found) > 10
    return [pytest.param(vector, id=vector["name"]) for vector in found]


def number(value):
    """Numbers beyond 2^53 stand as decimal strings."""
    return int(value)


def expected(vector):
    kinds = {name: n for n, (name, _, _) in KINDS.items()}
    meta = {}
    for name, value in vector["meta"].items():
        kind = envelope.FIELDS[envelope.KEYS[name]][1]
        meta[name] = {"uint": number, "str": str, "bin": bytes.fromhex}[kind](value)
    return {
        "kind": kinds.get(vector["kind"], vector["kind"]),
        "epoch": number(vector["epoch"]),
        "seq": number(vector["seq"]),
        "time_us": number(vector["time_us"]),
        "trace": vector["trace"] and bytes.fromhex(vector["trace"]),
        "meta": meta,
    }


@pytest.mark.parametrize("vector", vectors("envelopes.json"))
def test_envelope(vector):
    data = bytes.fromhex(vector["hex"])
    msg = envelope.decode(data)
    assert msg == expected(vector)
    assert (envelope.encode(msg) == data) == vector["canonical"]
    assert envelope.check(msg, vector["body_bytes"]) == vector["check"]


@pytest.mark.parametrize("vector", vectors("refusals.json"))
def test_refusal(vector):
    with pytest.raises(Refused) as refused:
        envelope.decode(bytes.fromhex(vector["hex"]))
    assert refused.value.reason == vector["error"]
    assert refused.value.version == vector.get("version")


# By the name of a list: its decoder, and which cells are texts.
LISTS = {
    "words": (envelope.decode_words, {0}),
    "streams": (envelope.decode_streams, {0}),
    "events": (envelope.decode_events, {3, 4, 5, 6, 7}),
    "members": (envelope.decode_members, {0, 1, 2}),
}


@pytest.mark.parametrize("vector", vectors("bodies.json"))
def test_body(vector):
    data = bytes.fromhex(vector["hex"])
    decoder, texts = LISTS[vector["list"]]
    items = decoder(data)
    if vector["items"] is None:
        assert items is None
        return
    assert items == [[cell if i in texts else number(cell) for i, cell in enumerate(row)] for row in vector["items"]]
    assert (msgpack.packb(items, use_bin_type=True) == data) == vector["canonical"]


def test_names_are_unique():
    for name in ("envelopes.json", "refusals.json", "bodies.json"):
        names = [param.id for param in vectors(name)]
        assert len(names) == len(set(names))


def test_specification_and_headers_say_the_same():
    """Every kind and every meta key, by number."""
    header = (PROTO / "catalogue.h").read_text(encoding="utf-8")
    enum = header[header.index("typedef enum"):header.index("} es_kind_t")]
    kinds = {int(n): name for name, n in re.findall(r"ES_(\w+) = (\d+)", enum)}
    assert kinds == {n: name for n, (name, _, _) in KINDS.items()}
    header = (PROTO / "envelope.h").read_text(encoding="utf-8")
    keys = {int(n): name.lower() for name, n in re.findall(r"ES_M_(\w+) = (\d+)", header)}
    assert keys == {n: name for n, (name, _, _) in envelope.FIELDS.items()}
