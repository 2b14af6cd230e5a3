"""Parsers for bodies in YAML, limited to what JSON can express, and in newline-delimited JSON."""

from typing import IO, Any

import yaml
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser

from pmscoring.base.api.problems import TooLarge
from pmscoring.base.strict_json import refuse_deep
from scoring.contract.faults import PlainLoader
from scoring.documents import lines

MOST_LINE_BYTES = 4 * 1024 * 1024
MOST_YAML_BYTES = 2 * 1024 * 1024


class YAMLParser(BaseParser):
    """Reads a body that is one YAML document."""

    media_type = "application/yaml"

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Any = None
    ) -> Any:
        """The value; raises ParseError or TooLarge."""
        data = stream.read(MOST_YAML_BYTES + 1)
        if len(data) > MOST_YAML_BYTES:
            raise TooLarge(f"at most {MOST_YAML_BYTES} bytes of YAML are taken; send JSON")
        try:
            value = yaml.load(data, PlainLoader)  # noqa: S506  it is a SafeLoader
            refuse_deep(value)
            return value
        except (yaml.YAMLError, ValueError, RecursionError) as error:
            raise ParseError(f"not YAML: {error}") from error


class NDJSONParser(BaseParser):
    """Splits a body into lines as a stream."""

    media_type = "application/x-ndjson"

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Any = None
    ) -> Any:
        """An iterator of the lines' numbers and bytes, None for a line that is too long.

        The lines are not read from the stream before they are iterated over.
        """
        return lines(stream, MOST_LINE_BYTES)
