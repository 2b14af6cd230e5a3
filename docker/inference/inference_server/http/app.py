"""The HTTP edge: routes, the table of errors, start and stop."""

import asyncio
import gc
import hmac
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import orjson
from prometheus_client import CONTENT_TYPE_LATEST, Counter, Gauge, Histogram, generate_latest
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from inference_server import grouping
from inference_server.config import Config
from inference_server.encoding.batching import Batcher, EncoderThread, Overloaded, TooLarge
from inference_server.fitting.examples import Example
from inference_server.http.job import Job
from inference_server.http.schemas import (
    ExampleIn,
    GroupsRequest,
    Invalid,
    ScoreRequest,
    read,
    read_calibrate_request,
    read_general_request,
    read_score_request,
)
from inference_server.judging import artefacts
from inference_server.judging.artefacts import Fitted
from inference_server.judging.question import Unreadable, named
from inference_server.judging.shelf import Shelf
from inference_server.scorer import EncoderLike, Scorer
from pmscoring.base.request_id import new_request_id, request_id

if TYPE_CHECKING:  # It imports torch, which only a loaded model needs.
    from inference_server.fitting.question import Made

log = logging.getLogger("inference")
T = TypeVar("T")
ANSWERS = Counter("inference_answers_total", "Answers scored")
REFUSED = Counter("inference_refused_total", "Requests refused", ["error_type"])
SECONDS = Histogram("inference_request_seconds", "Seconds a scoring request took")
WAITING = Gauge("inference_waiting_sequences", "Sequences in the queue")
MOST_REQUESTS = 32
"""Fewer than the threads that Starlette lends, so that one is left to read the next request."""
MUCH = 65_536
"""Bytes that take longer to read than a thread takes to begin."""
Handler = Callable[[Request], Awaitable[Response]]


class Turns:
    """At most so many requests at once; more would hold their bodies while they wait."""

    def __init__(self, most: int) -> None:
        self.left = most

    def __enter__(self) -> None:
        if not self.left:
            raise Overloaded("too many requests are being scored")
        self.left -= 1

    def __exit__(self, *_: object) -> None:
        self.left += 1


@dataclass(frozen=True)
class Loaded:
    """What there is once the weights are read."""

    encoder: EncoderLike
    precision: str
    batcher: Batcher
    scorer: Scorer
    turns: Turns = field(default_factory=lambda: Turns(MOST_REQUESTS))
    fits: Turns = field(default_factory=lambda: Turns(1))
    shelf: Shelf = field(default_factory=lambda: Shelf(256 * 1024 * 1024))


class Refusal(Exception):
    """An error of the table: HTTP status, type, message and headers."""

    def __init__(self, status: int, kind: str, message: str, **headers: str) -> None:
        super().__init__(message)
        self.status, self.kind, self.headers = status, kind, headers


def answer(body: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A JSON response."""
    return Response(orjson.dumps(body), status, headers, "application/json")


async def refuse(request: Request, error: Exception) -> Response:
    """The one error body, for our own refusals and for those of the router."""
    if isinstance(error, HTTPException):
        error = Refusal(error.status_code, "invalid", error.detail, **dict(error.headers or {}))
    elif not isinstance(error, Refusal):
        # This answer is made outside RequestId, which would have named it.
        text = "the service failed; its log says how"
        error = Refusal(500, "internal", text, X_Request_ID=request_id.get())
    REFUSED.labels(error.kind).inc()
    headers = {name.replace("_", "-"): value for name, value in error.headers.items()}
    return answer({"error": str(error), "error_type": error.kind}, error.status, headers)


class RequestId:
    """ASGI middleware: takes or makes the X-Request-ID of each request and sends it back."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on under its id."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        name = new_request_id(Headers(scope=scope).get("X-Request-ID", ""))
        request_id.set(name)

        async def send_named(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)["X-Request-ID"] = name
            await send(message)

        return await self.app(scope, receive, send_named)


def protected(handler: Handler) -> Handler:
    """Only for who brings the token."""

    async def checked(request: Request) -> Response:
        given = request.headers.get("Authorization", "")
        wanted = f"Bearer {request.app.state.config.token}"
        if not hmac.compare_digest(given.encode(), wanted.encode()):
            raise Refusal(401, "unauthorized", "the token is missing or wrong")
        return await handler(request)

    return checked


def loaded(request: Request) -> Loaded:
    """What serves once the weights are read; a 503 until then."""
    found: Loaded | None = request.app.state.loaded
    if found is None:
        raise Refusal(503, "not_ready", "the model is being loaded", Retry_After="5")
    return found


async def read_body(request: Request, most: int | None = None) -> bytes:
    """The body, as far as it may be long."""
    most = most or request.app.state.config.max_body
    body = bytearray()
    try:
        async for part in request.stream():
            body += part
            if len(body) > most:
                raise Refusal(413, "too_large", f"the body is over {most} bytes")
    except ClientDisconnect as error:
        raise Refusal(400, "incomplete", "the body broke off") from error
    return bytes(body)


def parse(read_request: Callable[[bytes], T], body: bytes) -> T:
    """The request, or a 422 that names the places of its faults."""
    try:
        return read_request(body)
    except Invalid as error:
        raise Refusal(422, "invalid", str(error)) from error


@protected
async def score(request: Request) -> Response:
    """POST /v1/score."""
    started = time.perf_counter()
    service, config = loaded(request), request.app.state.config
    body = await read_body(request)
    if len(body) > MUCH:
        asked = await run_in_threadpool(parse, read_score_request, body)
    else:
        asked = parse(read_score_request, body)
    if len(asked.answers) > config.max_answers:
        raise Refusal(413, "too_large", f"more than {config.max_answers} answers")
    calibration = calibration_of(service, asked)
    sources = [one.text for one in asked.answers]
    try:
        with service.turns:
            found = await run_in_threadpool(
                service.scorer.score, asked.question.plain(), sources, calibration
            )
    except Overloaded as error:
        raise Refusal(429, "overloaded", str(error), Retry_After="1") from error
    except TooLarge as error:
        raise Refusal(413, "too_large", str(error)) from error
    seconds = time.perf_counter() - started
    ANSWERS.inc(len(sources))
    SECONDS.observe(seconds)
    log.info("scored", extra={"answers": len(sources), "seconds": round(seconds, 4)})
    results = [{"id": one.id, **mark} for one, mark in zip(asked.answers, found, strict=True)]
    return answer({"model": service.encoder.model, "results": results})


def calibration_of(service: Loaded, asked: ScoreRequest) -> Fitted | None:
    """The one that is asked for, which must be here and have been made for such a question."""
    if asked.calibration is None:
        return None
    found = service.shelf.get(asked.calibration)
    if found is None:
        raise Refusal(424, "calibration_missing", f"{asked.calibration} is not here")
    if not found.suits(asked.question.plain()):
        raise Refusal(422, "invalid", "/calibration: made for another question")
    return found


@protected
async def calibrate_question(request: Request) -> Response:
    """POST /v1/calibrate: lines of progress, then the calibration."""
    service, config = loaded(request), request.app.state.config
    body = await read_body(request)
    asked = await run_in_threadpool(parse, read_calibrate_request, body)
    question = asked.question.plain()
    examples = examples_of(asked.examples)

    def make(say: Callable[[str, float], None]) -> "Made":
        from inference_server.fitting.question import calibrate
        from inference_server.fitting.training import limit_threads

        limit_threads(config.calibration_threads)
        return calibrate(service.scorer, question, examples, say)

    return fit(service, config, len(examples), make)


@protected
async def calibrate_general(request: Request) -> Response:
    """POST /v1/calibrate/general: the same from many questions, for any question."""
    service, config = loaded(request), request.app.state.config
    body = await read_body(request)
    asked = await run_in_threadpool(parse, read_general_request, body)
    marked = [(one.question.plain(), examples_of(one.examples)) for one in asked.questions]

    def make(say: Callable[[str, float], None]) -> "Made":
        from inference_server.fitting.general import calibrate

        return calibrate(service.scorer, marked, say)

    return fit(service, config, sum(len(examples) for _, examples in marked), make)


def examples_of(given: Iterable[ExampleIn]) -> list[Example]:
    """As they are learned from."""
    return [Example(one.text, one.points, one.criteria) for one in given]


def fit(
    service: Loaded,
    config: Config,
    examples: int,
    make: "Callable[[Callable[[str, float], None]], Made]",
) -> Response:
    """The lines of the making, one such at a time, and what is made is kept at hand.

    Raises Refusal while another is under way, and at too many examples.
    """
    if examples > config.max_examples:
        raise Refusal(413, "too_large", f"more than {config.max_examples} examples")

    def work(say: Callable[[str, float], None]) -> dict[str, Any]:
        made = make(say)
        keep(service, made.artefact)
        return made.told()

    try:
        service.fits.__enter__()
    except Overloaded as error:
        raise Refusal(429, "overloaded", "a calibration is under way", Retry_After="10") from error
    job = Job(work, service.fits.__exit__)
    log.info("calibrating", extra={"examples": examples})
    return StreamingResponse(
        (orjson.dumps(line) + b"\n" async for line in job), media_type="application/x-ndjson"
    )


def keep(service: Loaded, artefact: bytes) -> None:
    """Have it at hand as it will be read from the store; raise Unreadable."""
    service.shelf.put(named(artefact), len(artefact), artefacts.unpack(artefact))


@protected
async def put_calibration(request: Request) -> Response:
    """PUT /v1/calibrations/{sha256}: the artefact in the body."""
    service, config = loaded(request), request.app.state.config
    content = await read_body(request, config.max_calibration)
    if named(content) != request.path_params["sha256"]:
        raise Refusal(422, "invalid", "the body is not what its SHA-256 says")
    try:
        found = await run_in_threadpool(artefacts.unpack, content)
    except Unreadable as error:
        raise Refusal(422, "invalid", str(error)) from error
    if found.encoder != service.encoder.model:
        raise Refusal(422, "other_encoder", f"made under the encoder {found.encoder}")
    service.shelf.put(named(content), len(content), found)
    return Response(status_code=204)


@protected
async def groups(request: Request) -> Response:
    """POST /v1/groups: lines of progress, then the groups of texts that say nearly the same."""
    service = loaded(request)
    body = await read_body(request)
    asked = await run_in_threadpool(parse, partial(read, GroupsRequest), body)
    named = [(one.id, one.text) for one in asked.texts]
    return told_by_lines(service, grouping.group(service.scorer, named, asked.distance))


def told_by_lines(service: Loaded, told: Iterable[Any]) -> Response:
    """A JSON value a line, each sent when it is there; an error on the way is the last."""

    def lines() -> Iterator[bytes]:
        try:
            with service.turns:
                for one in told:
                    yield orjson.dumps(one) + b"\n"
        except (Overloaded, TooLarge) as error:
            kind = "overloaded" if isinstance(error, Overloaded) else "too_large"
            REFUSED.labels(kind).inc()
            yield orjson.dumps({"error": str(error), "error_type": kind}) + b"\n"

    return StreamingResponse(lines(), media_type="application/x-ndjson")


@protected
async def info(request: Request) -> Response:
    """GET /info."""
    service, config = loaded(request), request.app.state.config
    return answer(
        {
            "model": service.encoder.model,
            "device": service.encoder.device,
            "dtype": service.precision,
            "window_tokens": service.encoder.window,
            "max_answers": config.max_answers,
            "max_tokens": config.max_tokens,
            "max_body_bytes": config.max_body,
            "pack_tokens": config.pack_tokens,
        }
    )


@protected
async def metrics(request: Request) -> Response:
    """GET /metrics, for Prometheus."""
    if service := request.app.state.loaded:
        WAITING.set(service.batcher.waiting)
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


async def health(request: Request) -> Response:
    """GET /health, without a token; 503 until the weights are read."""
    state = request.app.state
    if state.loaded:
        return answer({"status": "healthy", "model_loaded": True})
    status = "unhealthy" if state.loading.done() else "starting"
    return answer({"status": status, "model_loaded": False}, 503)


def load(config: Config) -> Loaded:
    """Read the weights and start the thread that computes."""
    from inference_server.encoding.engine import Encoder, choose

    device, precision = choose(config.device, config.precision)
    thread = EncoderThread()
    encoder = thread.submit(
        lambda: Encoder.load(config.model, device, precision, config.threads)
    ).result()
    batcher = Batcher(encoder.forward, config.pack_tokens, config.queue_answers, thread)
    scorer = Scorer(encoder, batcher, config.max_tokens)
    shelf = Shelf(config.kept_calibrations)
    return Loaded(encoder, precision, batcher, scorer, shelf=shelf)


def make_app(config: Config, loader: Callable[[Config], Loaded] = load) -> Starlette:
    """The service; it answers /health while `loader` reads the weights."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async def fill() -> None:
            app.state.loaded = await run_in_threadpool(loader, config)
            gc.collect()
            gc.freeze()  # the vocabulary's many objects stay; no collection need visit them
            log.info("ready", extra={"model": app.state.loaded.encoder.model})

        app.state.loading = asyncio.create_task(fill())
        app.state.loading.add_done_callback(_tell_failure)
        yield
        if app.state.loaded:
            app.state.loaded.batcher.close()

    routes = [
        Route("/v1/score", score, methods=["POST"]),
        Route("/v1/groups", groups, methods=["POST"]),
        Route("/v1/calibrate", calibrate_question, methods=["POST"]),
        Route("/v1/calibrate/general", calibrate_general, methods=["POST"]),
        Route("/v1/calibrations/{sha256}", put_calibration, methods=["PUT"]),
        Route("/info", info),
        Route("/health", health),
        Route("/metrics", metrics),
    ]
    app = Starlette(
        routes=routes,
        lifespan=lifespan,
        middleware=[Middleware(RequestId)],
        exception_handlers={Refusal: refuse, HTTPException: refuse, Exception: refuse},
    )
    app.state.config, app.state.loaded = config, None
    return app


def _tell_failure(loading: "asyncio.Task[None]") -> None:
    if not loading.cancelled() and (error := loading.exception()):
        log.error("the model could not be loaded", exc_info=error)
