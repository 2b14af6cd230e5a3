"""What routes do with a request before they serve it: token, state of the service, body."""

import asyncio
import hmac
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from inference_server.encoding.callers import Caller
from inference_server.http.bodies import Invalid
from inference_server.http.errors import Refusal
from inference_server.http.state import Service
from pmscoring.base import folding

T = TypeVar("T")
Handler = Callable[[Request], Awaitable[Response]]


def protected(handler: Handler) -> Handler:
    """The handler behind a check of the bearer token."""

    async def checked(request: Request) -> Response:
        header = request.headers.get("Authorization", "").encode()
        good = [f"Bearer {token}".encode() for token in request.app.state.config.tokens()]
        if not any(hmac.compare_digest(header, expected) for expected in good):
            raise Refusal(401, "unauthorized", "the token is missing or wrong")
        return await handler(request)

    return checked


def service_of(request: Request) -> Service:
    """The service that answers the request; a Refusal with 503 until the weights are read."""
    service: Service | None = request.app.state.service
    if service is None:
        raise Refusal(503, "not_ready", "the model is being loaded", Retry_After="5")
    return service


def check_folding(request: Request) -> None:
    """A Refusal with 503 where the caller folds texts by the rules of another release.

    While a release is rolled out, workers and services of two releases run side by side. The marks
    would be kept as if they were made by the caller's rules. A caller that names none is served.
    """
    named = request.headers.get(folding.HEADER, str(folding.FOLDING))
    if named != str(folding.FOLDING):
        raise Refusal(503, "other_folding", f"texts are folded by rules {folding.FOLDING} here")


async def read_body(request: Request, max_bytes: int | None = None) -> bytes:
    """The body, of at most `max_bytes` or the configured number of bytes."""
    max_bytes = max_bytes or request.app.state.config.max_body
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > max_bytes:
                raise Refusal(413, "too_large", f"the body is over {max_bytes} bytes")
    except ClientDisconnect as error:
        raise Refusal(400, "incomplete", "the body broke off") from error
    return bytes(body)


@asynccontextmanager
async def caller_of(request: Request) -> AsyncIterator[Caller]:
    """The caller of a request whose body was read; it leaves when the connection is closed."""
    caller = Caller()

    async def listen() -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass
        caller.leave()

    listening = asyncio.create_task(listen())
    try:
        yield caller
    finally:
        listening.cancel()


def parse(read_request: Callable[[bytes], T], body: bytes) -> T:
    """What `read_request` makes of the body; a Refusal with 422 that points at its faults."""
    try:
        return read_request(body)
    except Invalid as error:
        raise Refusal(422, "invalid", str(error)) from error
