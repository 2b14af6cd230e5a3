"""Routes that read answers: /v1/score and /v1/groups."""

import logging
import time
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from functools import partial
from typing import Any

from starlette.concurrency import iterate_in_threadpool, run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from inference_server import grouping
from inference_server.encoding.batching import Overloaded, TooLarge
from inference_server.encoding.callers import Gone
from inference_server.http.bodies import read, read_score_request
from inference_server.http.errors import ERROR_TYPES, Refusal, error_body
from inference_server.http.metrics import ANSWERS, REFUSED, SECONDS
from inference_server.http.requests import (
    caller_of,
    check_folding,
    parse,
    protected,
    read_body,
    service_of,
)
from inference_server.http.responses import json_response, ndjson_line, ndjson_response
from inference_server.http.schemas import GroupsRequest, ScoreRequest
from inference_server.http.state import Service
from inference_server.judging.artefacts import Calibration
from pmscoring.base import lengths

log = logging.getLogger("inference")
LARGE_BODY = 65_536
"""Bytes that take longer to parse than a thread takes to start."""


@protected
async def score(request: Request) -> Response:
    """POST /v1/score."""
    started = time.perf_counter()
    check_folding(request)
    service, config = service_of(request), request.app.state.config
    payload = await _read_score_request(request)
    if len(payload.answers) > config.max_answers:
        raise Refusal(413, "too_large", f"more than {config.max_answers} answers")
    calibration = _calibration_of(service, payload)
    texts = [answer.text for answer in payload.answers]
    try:
        async with caller_of(request) as caller:
            with service.slots:
                marks = await run_in_threadpool(
                    service.scorer.score, payload.question.plain(), texts, calibration, caller
                )
    except Gone as error:
        raise Refusal(400, "incomplete", "the caller has hung up") from error
    except Overloaded as error:
        raise Refusal(429, "overloaded", str(error), Retry_After="1") from error
    except TooLarge as error:
        raise Refusal(413, "too_large", str(error)) from error
    seconds = time.perf_counter() - started
    ANSWERS.inc(len(texts))
    SECONDS.observe(seconds)
    log.info("scored", extra={"answers": len(texts), "seconds": round(seconds, 4)})
    results = [
        {"id": answer.id, **mark} for answer, mark in zip(payload.answers, marks, strict=True)
    ]
    return json_response({"model": service.encoder.model, "results": results})


async def _read_score_request(request: Request) -> ScoreRequest:
    body = await read_body(request)
    if len(body) > LARGE_BODY:
        return await run_in_threadpool(parse, read_score_request, body)
    return parse(read_score_request, body)


def _calibration_of(service: Service, payload: ScoreRequest) -> Calibration | None:
    """The calibration that the request names; it must be at hand and suit the question."""
    if payload.calibration is None:
        return None
    calibration = service.shelf.get(payload.calibration)
    if calibration is None:
        raise Refusal(424, "calibration_missing", f"{payload.calibration} is not here")
    if not calibration.suits(payload.question.plain()):
        raise Refusal(422, "invalid", "/calibration: made for another question")
    return calibration


@protected
async def group(request: Request) -> Response:
    """POST /v1/groups: lines of progress, then the groups of texts that say nearly the same."""
    service = service_of(request)
    body = await read_body(request)
    payload = await run_in_threadpool(parse, partial(read, GroupsRequest), body)
    texts = [(text.id, text.text) for text in payload.texts]
    await run_in_threadpool(_check_lengths, [text for _, text in texts])
    return ndjson_response(_groups(request, service, texts, payload.distance))


def _check_lengths(texts: Iterable[str]) -> None:
    """A Refusal with 413 where a text is longer than any question takes."""
    if any(lengths.size(text) > lengths.MOST for text in texts):
        raise Refusal(413, "too_large", f"a text has more than {lengths.MOST} code points")


async def _groups(
    request: Request, service: Service, texts: Sequence[tuple[str, str]], distance: float
) -> AsyncIterator[bytes]:
    """The lines of the response. When the client goes away, the step under way ends with it."""
    async with caller_of(request) as caller:
        values = grouping.group(service.scorer.serving(caller), texts, distance)
        async for line in iterate_in_threadpool(_lines(service, values)):
            yield line


def _lines(service: Service, values: Iterable[Any]) -> Iterator[bytes]:
    """Each value as a line; an error on the way is the last.

    Starlette advances this generator in its thread pool. When the client goes away it drops the
    generator, and so the slot is given back.
    """
    try:
        with service.slots:
            for value in values:
                yield ndjson_line(value)
    except Gone:
        log.info("grouping stopped")
    except (Overloaded, TooLarge) as error:
        error_type = ERROR_TYPES[type(error)]
        REFUSED.labels(error_type).inc()
        yield ndjson_line(error_body(str(error), error_type))
