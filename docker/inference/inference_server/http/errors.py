"""Refusals, and the error body that all of them share: `{error, error_type}`."""

from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from inference_server.encoding.batching import Overloaded, TooLarge
from inference_server.fitting.examples import TooFew
from inference_server.http.metrics import REFUSED
from inference_server.http.responses import json_response
from pmscoring.base.request_id import request_id

ERROR_TYPES: dict[type[Exception], str] = {
    TooLarge: "too_large",
    Overloaded: "overloaded",
    TooFew: "invalid",
}
"""The `error_type` of an error that ends a stream, whose status was sent with its first line."""


class Refusal(Exception):
    """A request that is refused: HTTP status, `error_type`, message and headers.

    Headers are keyword arguments with underscores for hyphens.
    """

    def __init__(self, status: int, error_type: str, message: str, **headers: str) -> None:
        super().__init__(message)
        self.status, self.error_type, self.headers = status, error_type, headers


async def refuse(request: Request, error: Exception) -> Response:
    """The response to a Refusal, to an error of the router, or to a failure of the service."""
    if isinstance(error, HTTPException):
        error = Refusal(error.status_code, "invalid", error.detail, **dict(error.headers or {}))
    elif not isinstance(error, Refusal):
        # Starlette answers failures outside all middleware, so RequestId cannot add its header.
        message = "the service failed; its log says how"
        error = Refusal(500, "internal", message, X_Request_ID=request_id.get())
    REFUSED.labels(error.error_type).inc()
    headers = {name.replace("_", "-"): value for name, value in error.headers.items()}
    return json_response(error_body(str(error), error.error_type), error.status, headers)


def error_body(message: str, error_type: str) -> dict[str, Any]:
    """The error body, which is also the last line of a stream that fails."""
    return {"error": message, "error_type": error_type}
