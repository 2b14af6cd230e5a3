"""JSON bodies, read strictly as RFC 8259 defines JSON."""

import json
from collections.abc import Iterable, Iterator
from typing import IO, Any

import orjson
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser

from pmscoring.base import texts
from pmscoring.base.faults import Fault, fault


def read_json(data: bytes | str) -> Any:
    """The value; raises ValueError for anything else, NaN and Infinity included.

    Lone surrogates, as \\ud800, are let through: `refused_texts` finds them.
    """
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        return json.loads(data, parse_constant=_refuse_constant)


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def refused_texts(value: Any, pointer: str = "") -> Iterator[Fault]:
    """A fault for each text in the value that PostgreSQL or JSON cannot carry."""
    if isinstance(value, str) and (reason := texts.refused_character(value)):
        yield fault(pointer, reason)
    pairs: Iterable[tuple[Any, Any]] = ()
    if isinstance(value, dict):
        pairs = value.items()
    elif isinstance(value, list):
        pairs = enumerate(value)
    for key, inner in pairs:
        yield from refused_texts(inner, f"{pointer}/{key}")


class StrictJSONParser(BaseParser):
    """Reads a body that is one JSON value."""

    media_type = "application/json"

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Any = None
    ) -> Any:
        """The value; raises ParseError."""
        try:
            return read_json(stream.read())
        except (ValueError, RecursionError) as error:
            raise ParseError(f"not JSON: {error}") from error
