"""JSON as RFC 8259 has it, YAML that says the same as JSON, and streams of lines."""

import json
from collections.abc import Iterable, Iterator
from typing import IO, Any

import orjson
import yaml
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser

from pmscoring.base import texts
from scoring.api.problems import TooLarge
from scoring.contract.faults import Fault, PlainLoader, fault
from scoring.documents import lines

MOST_LINE_BYTES = 4 * 1024 * 1024
MOST_YAML_BYTES = 2 * 1024 * 1024


def read_json(data: bytes | str) -> Any:
    """The value; ValueError on NaN and the like. Lone surrogates, as \\ud800, come through."""
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        return json.loads(data, parse_constant=_refuse_constant)


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def refused_texts(value: Any, pointer: str = "") -> Iterator[Fault]:
    """Every text in the value that PostgreSQL or JSON cannot carry, with its place."""
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
    """One JSON value."""

    media_type = "application/json"

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Any = None
    ) -> Any:
        """The value, or a ParseError."""
        try:
            return read_json(stream.read())
        except (ValueError, RecursionError) as error:
            raise ParseError(f"not JSON: {error}") from error


class YAMLParser(BaseParser):
    """One YAML document."""

    media_type = "application/yaml"

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Any = None
    ) -> Any:
        """The value, or a ParseError."""
        data = stream.read(MOST_YAML_BYTES + 1)
        if len(data) > MOST_YAML_BYTES:
            raise TooLarge(f"at most {MOST_YAML_BYTES} bytes of YAML are taken; send JSON")
        try:
            return yaml.load(data, PlainLoader)  # noqa: S506  it is a SafeLoader
        except (yaml.YAMLError, ValueError, RecursionError) as error:
            raise ParseError(f"not YAML: {error}") from error


class NDJSONParser(BaseParser):
    """A stream of lines, read as it comes."""

    media_type = "application/x-ndjson"

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Any = None
    ) -> Any:
        """(number, line) unread, None for a line that is too long; the verb asks one by one."""
        return lines(stream, MOST_LINE_BYTES)
