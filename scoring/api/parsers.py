"""YAML that says the same as JSON, and streams of lines."""

from typing import IO, Any

import yaml
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser

from pmscoring.base.api.problems import TooLarge
from scoring.contract.faults import PlainLoader
from scoring.documents import lines

MOST_LINE_BYTES = 4 * 1024 * 1024
MOST_YAML_BYTES = 2 * 1024 * 1024


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
