"""The two forms of a response: a JSON value, or a stream of JSON values, one a line."""

from collections.abc import AsyncIterable, Iterable
from typing import Any

import orjson
from starlette.responses import Response, StreamingResponse


def json_response(body: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A response of a JSON value."""
    return Response(orjson.dumps(body), status, headers, "application/json")


def ndjson_response(lines: AsyncIterable[bytes] | Iterable[bytes]) -> Response:
    """A response of lines from `ndjson_line`, each sent as soon as it is there.

    A plain iterable is advanced in Starlette's thread pool, an asynchronous one in the event loop.
    """
    return StreamingResponse(lines, media_type="application/x-ndjson")


def ndjson_line(value: Any) -> bytes:
    """A JSON value and its line break."""
    return orjson.dumps(value) + b"\n"
