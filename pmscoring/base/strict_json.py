"""JSON as RFC 8259 defines it, and what of it neither PostgreSQL nor a recursion can carry."""

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

import orjson

from pmscoring.base import texts
from pmscoring.base.faults import Fault, fault
from pmscoring.base.words import worded
from pmscoring.base.words import words as _

MOST_DEPTH = 32
"""Of a document; the deepest that is defined, an exam's, has eight levels."""
UNSTORABLE = re.compile("[\0\ud800-\udfff]")


def read_json(data: bytes | str) -> Any:
    """The value; raises ValueError for anything else, NaN and Infinity included.

    Lone surrogates, as \\ud800, are let through: `refused_texts` finds them. So that whatever reads
    the value afterwards may do so by recursion, it is at most `MOST_DEPTH` levels deep.
    """
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError:
        value = json.loads(data, parse_constant=refuse_constant)
    refuse_deep(value)
    return value


def refuse_deep(value: Any) -> None:
    """Raise ValueError where lists and objects are nested deeper than `MOST_DEPTH` levels."""
    level = [value]
    for _depth in range(MOST_DEPTH + 1):
        level = [inner for outer in level for inner in _members(outer)]
        if not level:
            return
    raise ValueError(f"nested deeper than {MOST_DEPTH} levels")


def _members(value: Any) -> Iterable[Any]:
    """What a list or an object holds directly."""
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def storable(value: Any) -> Any:
    """The value, with U+FFFD in place of what PostgreSQL cannot carry in its texts and names."""
    if isinstance(value, str):
        return UNSTORABLE.sub("\ufffd", value)
    if isinstance(value, dict):
        return {storable(name): storable(inner) for name, inner in value.items()}
    return [storable(inner) for inner in value] if isinstance(value, list) else value


def refuse_constant(name: str) -> None:
    """Raise ValueError: for `json.loads`, whose NaN and Infinity RFC 8259 does not know."""
    raise ValueError(f"{name} is not JSON")


def refused_texts(value: Any, pointer: str = "") -> Iterator[Fault]:
    """A fault for each text and name in the value that PostgreSQL or JSON cannot carry."""
    if isinstance(value, str) and (reason := texts.refused_character(value)):
        yield fault(pointer, worded(reason))
    pairs: Iterable[tuple[Any, Any]] = ()
    if isinstance(value, dict):
        pairs = value.items()
    elif isinstance(value, list):
        pairs = enumerate(value)
    for key, inner in pairs:
        if isinstance(key, str) and (reason := texts.refused_character(key)):
            yield fault(pointer, _("a member's name: %s") % worded(reason))
        yield from refused_texts(inner, f"{pointer}/{key}")
