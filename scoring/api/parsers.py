"""JSON as RFC 8259 has it, and streams of lines."""

import json
from typing import IO, Any

import orjson
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser

MOST_LINE_BYTES = 4 * 1024 * 1024


def read_json(data: bytes | str) -> Any:
    """The value; JSONDecodeError on NaN, lone surrogates as raw bytes and the like."""
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        return json.loads(data, parse_constant=_refuse_constant)


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


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


class NDJSONParser(BaseParser):
    """A stream of JSON lines, read as it comes: (line number, value or fault text)."""

    media_type = "application/x-ndjson"

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Any = None
    ) -> Any:
        """The lines, unread; the verb asks for them one by one."""
        return iter(lambda: stream.readline(MOST_LINE_BYTES), b"")
