"""The HTTP edge: routes, the table of errors, start and stop."""

import hmac
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import orjson
from prometheus_client import CONTENT_TYPE_LATEST, Counter, Gauge, Histogram, generate_latest
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from inference_server.batching import Batcher, Overloaded
from inference_server.config import Config
from inference_server.schemas import Invalid, ScoreRequest, read_score_request
from inference_server.service import Scorer
from pmscoring.requestid import new_request_id, request_id

log = logging.getLogger("inference")
ANSWERS = Counter("inference_answers_total", "Answers scored")
REFUSED = Counter("inference_refused_total", "Requests refused", ["error_type"])
SECONDS = Histogram("inference_request_seconds", "Seconds a scoring request took")
WAITING = Gauge("inference_waiting_sequences", "Sequences in the queue")
Handler = Callable[[Request], Awaitable[Response]]


class Refusal(Exception):
    """An error of the table: HTTP status, type, message and headers."""

    def __init__(self, status: int, kind: str, message: str, **headers: str) -> None:
        super().__init__(message)
        self.status, self.kind, self.headers = status, kind, headers


def answer(body: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A JSON response."""
    return Response(orjson.dumps(body), status, headers, "application/json")


async def refuse(request: Request, error: Exception) -> Response:
    """The one error body."""
    assert isinstance(error, Refusal)  # noqa: S101
    REFUSED.labels(error.kind).inc()
    headers = {name.replace("_", "-"): value for name, value in error.headers.items()}
    return answer({"error": str(error), "error_type": error.kind}, error.status, headers)


def protected(handler: Handler) -> Handler:
    """Only for who brings the token."""

    async def checked(request: Request) -> Response:
        given = request.headers.get("Authorization", "")
        wanted = f"Bearer {request.app.state.config.token}"
        if not hmac.compare_digest(given.encode(), wanted.encode()):
            raise Refusal(401, "unauthorized", "the token is missing or wrong")
        request_id.set(new_request_id(request.headers.get("X-Request-ID", "")))
        response = await handler(request)
        response.headers["X-Request-ID"] = request_id.get()
        return response

    return checked


async def read_body(request: Request) -> bytes:
    """The body, as far as it may be long."""
    most = request.app.state.config.max_body
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > most:
            raise Refusal(413, "too_large", f"the body is over {most} bytes")
    return bytes(body)


def parse(body: bytes) -> ScoreRequest:
    """The request, or a 422 that names the places of its faults."""
    try:
        return read_score_request(body)
    except Invalid as error:
        raise Refusal(422, "invalid", str(error)) from error


@protected
async def score(request: Request) -> Response:
    """POST /v1/score."""
    started = time.perf_counter()
    state = request.app.state
    asked = parse(await read_body(request))
    if len(asked.answers) > state.config.max_answers:
        raise Refusal(413, "too_large", f"more than {state.config.max_answers} answers")
    if asked.calibration:
        raise Refusal(424, "calibration_missing", f"{asked.calibration} is not here")
    sources = [one.text for one in asked.answers]
    try:
        found = await run_in_threadpool(state.scorer.score, asked.question.plain(), sources)
    except Overloaded as error:
        raise Refusal(429, "overloaded", str(error), Retry_After="1") from error
    ANSWERS.inc(len(sources))
    SECONDS.observe(time.perf_counter() - started)
    log.info("scored", extra={"answers": len(sources), "request_id": request_id.get()})
    results = [{"id": one.id, **mark} for one, mark in zip(asked.answers, found, strict=True)]
    return answer({"model": state.encoder.model, "results": results})


@protected
async def info(request: Request) -> Response:
    """GET /info."""
    state, config = request.app.state, request.app.state.config
    return answer(
        {
            "model": state.encoder.model,
            "device": state.encoder.device,
            "dtype": state.precision,
            "window_tokens": state.encoder.window,
            "max_answers": config.max_answers,
            "max_body_bytes": config.max_body,
            "pack_tokens": config.pack_tokens,
        }
    )


@protected
async def metrics(request: Request) -> Response:
    """GET /metrics, for Prometheus."""
    WAITING.set(request.app.state.batcher.waiting)
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


async def health(request: Request) -> Response:
    """GET /health, without a token."""
    return answer({"status": "healthy", "model_loaded": True})


def make_app(config: Config) -> Starlette:
    """The service; the encoder is loaded before the first request is taken."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        from inference_server.engine import Encoder, choose

        device, precision = choose(config.device, config.precision)
        encoder = Encoder.load(config.model, device, precision, config.threads)
        batcher = Batcher(encoder.forward, config.pack_tokens, config.queue_answers)
        app.state.config, app.state.precision = config, precision
        app.state.encoder, app.state.batcher = encoder, batcher
        app.state.scorer = Scorer(encoder, batcher)
        yield
        batcher.close()

    routes = [
        Route("/v1/score", score, methods=["POST"]),
        Route("/info", info),
        Route("/health", health),
        Route("/metrics", metrics),
    ]
    return Starlette(routes=routes, lifespan=lifespan, exception_handlers={Refusal: refuse})
