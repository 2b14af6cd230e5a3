"""Reads request bodies, and says where a body breaks the contract."""

import json
from collections.abc import Iterator
from typing import NoReturn

from pydantic import ValidationError

from inference_server.fitting.examples import FEWEST
from inference_server.http.schemas import (
    Body,
    CalibrateRequest,
    ExampleIn,
    GeneralRequest,
    MarkedQuestion,
    Question,
    ScoreRequest,
)
from pmscoring.base import lengths

MAX_FAULTS = 20
"""Of more faults the first so many are listed."""
FEWEST_QUESTIONS, FEWEST_IN_ALL = 5, 200
"""Questions, and examples of all of them, that are enough for a general calibration."""
Fault = tuple[str, str]
"""A JSON pointer and what is wrong there."""


class Invalid(ValueError):
    """The body is not what the contract says; `faults` are pairs of JSON pointer and detail."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__("; ".join(f"{pointer or '/'}: {detail}" for pointer, detail in faults))
        self.faults = faults


def read(model: type[Body], body: bytes) -> Body:
    """The body as an instance of the model; raise Invalid, which never quotes the caller's values.

    The standard reader lets lone surrogates through, so that they are refused with a pointer.
    """
    try:
        value = json.loads(body, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise Invalid([("", f"not JSON: {error}")]) from error
    try:
        return model.model_validate(value)
    except ValidationError as error:
        errors = error.errors(include_url=False, include_input=False)[:MAX_FAULTS]
        raise Invalid([(_pointer(fault["loc"]), fault["msg"]) for fault in errors]) from error


def _pointer(path: tuple[int | str, ...]) -> str:
    return "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in path)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")


def read_score_request(body: bytes) -> ScoreRequest:
    """The body of /v1/score; raise Invalid."""
    return read(ScoreRequest, body)


def read_calibrate_request(body: bytes) -> CalibrateRequest:
    """The body of /v1/calibrate, with enough examples on the question's scale; raise Invalid."""
    payload = read(CalibrateRequest, body)
    faults = list(_example_faults(payload))
    if len(payload.examples) < FEWEST:
        faults.append(("/examples", f"fewer than {FEWEST} examples"))
    elif len({example.points for example in payload.examples}) < 2:
        faults.append(("/examples", "all have the same points"))
    if faults:
        raise Invalid(faults[:MAX_FAULTS])
    return payload


def read_general_request(body: bytes) -> GeneralRequest:
    """The body of /v1/calibrate/general, with enough questions and examples; raise Invalid."""
    payload = read(GeneralRequest, body)
    faults = [
        (f"/questions/{index}{pointer}", detail)
        for index, marked in enumerate(payload.questions)
        for pointer, detail in _question_faults(marked)
    ]
    shares = [
        example.points / marked.question.max_points
        for marked in payload.questions
        for example in marked.examples
    ]
    if len(payload.questions) < FEWEST_QUESTIONS:
        faults.append(("/questions", f"fewer than {FEWEST_QUESTIONS} questions"))
    elif len(shares) < FEWEST_IN_ALL:
        faults.append(("/questions", f"fewer than {FEWEST_IN_ALL} examples in all"))
    elif len(set(shares)) < 2:
        faults.append(("/questions", "all examples have the same share of the points"))
    if faults:
        raise Invalid(faults[:MAX_FAULTS])
    return payload


def _question_faults(marked: MarkedQuestion) -> Iterator[Fault]:
    """Why a question and its examples are of no use to a general calibration."""
    if marked.question.sections:
        yield "/question/sections", "a question in sections does not carry over"
    yield from _example_faults(marked)


def _example_faults(marked: MarkedQuestion) -> Iterator[Fault]:
    most = lengths.longest(marked.question.plain())
    for index, example in enumerate(marked.examples):
        for place, detail in _scale_faults(example, marked.question):
            yield f"/examples/{index}/{place}", detail
        if (size := lengths.size(example.text, most)) > most:
            yield f"/examples/{index}/text", f"{size} code points; at most {most} at this question"


def _scale_faults(example: ExampleIn, question: Question) -> Iterator[Fault]:
    """Where an example's points are off the question's scale."""
    if not _is_on_scale(example.points, question.max_points, question.step):
        yield "points", f"not from 0 to {question.max_points} in steps of {question.step}"
    if example.criteria is None:
        return
    max_points = {criterion.code: criterion.points for criterion in question.criteria}
    if example.criteria.keys() != max_points.keys():
        yield "criteria", "not the criteria of the question"
        return
    for code, points in example.criteria.items():
        if not _is_on_scale(points, max_points[code], question.step):
            detail = f"not from 0 to {max_points[code]} in steps of {question.step}"
            yield f"criteria/{code}", detail


def _is_on_scale(points: float, max_points: float, step: float) -> bool:
    return 0 <= points <= max_points and points % step == 0
