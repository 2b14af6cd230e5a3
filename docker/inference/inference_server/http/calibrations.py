"""Routes that make calibrations, and the one that takes an artefact back."""

import logging
from collections.abc import Callable, Iterable
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from inference_server.config import Config
from inference_server.encoding.batching import Overloaded
from inference_server.encoding.callers import Caller
from inference_server.fitting.examples import Example
from inference_server.fitting.result import FitResult, Say
from inference_server.http.bodies import read_calibrate_request, read_general_request
from inference_server.http.errors import Refusal
from inference_server.http.fit_job import FitJob
from inference_server.http.requests import parse, protected, read_body, service_of
from inference_server.http.responses import ndjson_line, ndjson_response
from inference_server.http.schemas import ExampleIn
from inference_server.http.state import Service
from inference_server.judging import artefacts
from inference_server.judging.packing import Unreadable, sha256_of
from inference_server.scorer import Scorer

log = logging.getLogger("inference")


@protected
async def calibrate_question(request: Request) -> Response:
    """POST /v1/calibrate: lines of progress, then the calibration."""
    service, config = service_of(request), request.app.state.config
    body = await read_body(request)
    payload = await run_in_threadpool(parse, read_calibrate_request, body)
    question = payload.question.plain()
    examples = _examples(payload.examples)

    def fit(scorer: Scorer, say: Say) -> FitResult:
        # Imported here, because it imports torch and stand-ins for the encoder need none.
        from inference_server.fitting.question import calibrate
        from inference_server.fitting.training import limit_threads

        limit_threads(config.calibration_threads)
        return calibrate(scorer, question, examples, say, payload.foreign)

    return _start(service, config, len(examples), fit)


@protected
async def calibrate_general(request: Request) -> Response:
    """POST /v1/calibrate/general: the same from many questions, for any question."""
    service, config = service_of(request), request.app.state.config
    body = await read_body(request)
    payload = await run_in_threadpool(parse, read_general_request, body)
    marked = [(part.question.plain(), _examples(part.examples)) for part in payload.questions]

    def fit(scorer: Scorer, say: Say) -> FitResult:
        from inference_server.fitting.general import calibrate

        return calibrate(scorer, marked, say)

    return _start(service, config, sum(len(examples) for _, examples in marked), fit)


def _examples(payload: Iterable[ExampleIn]) -> list[Example]:
    return [Example(example.text, example.points, example.criteria) for example in payload]


def _start(
    service: Service, config: Config, examples: int, fit: Callable[[Scorer, Say], FitResult]
) -> Response:
    """Start the fit of so many examples and stream its lines; its artefact is kept at hand.

    Raises Refusal while another fit is under way, and for too many examples.
    """
    if examples > config.max_examples:
        raise Refusal(413, "too_large", f"more than {config.max_examples} examples")

    caller = Caller()
    scorer = service.scorer.serving(caller)

    def work(say: Say) -> dict[str, Any]:
        result = fit(scorer, say)
        calibration = artefacts.unpack(result.artefact)
        service.shelf.put(result.sha256, len(result.artefact), calibration)
        return result.as_line()

    try:
        service.fit_slots.take()
    except Overloaded as error:
        raise Refusal(429, "overloaded", "a calibration is under way", Retry_After="10") from error
    job = FitJob(work, service.fit_slots.give_back, caller.leave)
    log.info("calibrating", extra={"examples": examples})
    return ndjson_response(ndjson_line(line) async for line in job)


@protected
async def put_calibration(request: Request) -> Response:
    """PUT /v1/calibrations/{sha256}: the artefact in the body."""
    service, config = service_of(request), request.app.state.config
    content = await read_body(request, config.max_calibration)
    if sha256_of(content) != request.path_params["sha256"]:
        raise Refusal(422, "invalid", "the body is not what its SHA-256 says")
    try:
        calibration = await run_in_threadpool(artefacts.unpack, content)
    except Unreadable as error:
        raise Refusal(422, "invalid", str(error)) from error
    if calibration.encoder != service.encoder.model:
        raise Refusal(422, "other_encoder", f"made under the encoder {calibration.encoder}")
    service.shelf.put(sha256_of(content), len(content), calibration)
    return Response(status_code=204)
