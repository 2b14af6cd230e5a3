"""JSON bodies, read strictly as RFC 8259 defines JSON."""

from typing import IO, Any

from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser

from pmscoring.base.strict_json import read_json


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
