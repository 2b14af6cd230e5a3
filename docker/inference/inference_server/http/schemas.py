"""What /v1/score takes; the same shapes as pmscoring/contract/question.schema.json."""

import json
from collections.abc import Iterator
from typing import Annotated, Any, Literal, NoReturn, Self, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from inference_server.fitting.examples import FEWEST
from pmscoring.base.texts import refused_character


def _storable(text: str) -> str:
    if reason := refused_character(text):
        raise ValueError(reason)
    return text


def _known_step(step: float) -> float:
    if step not in (1, 0.5):
        raise ValueError("a step is 1 or 0.5")
    return step


Text = Annotated[str, AfterValidator(_storable)]
Code = Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{1,32}$")]
Bound = Annotated[int, Field(ge=0, le=100_000)] | None


class Strict(BaseModel):
    """No unknown field, no coercion of text to number."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


Body = TypeVar("Body", bound=Strict)


class SectionLimits(Strict):
    """Bounds of one section."""

    min: Bound
    max: Bound


class Limits(SectionLimits):
    """Bounds of the whole answer, how it is counted and what happens above."""

    count: Literal["characters", "cells"]
    over_limit: Literal["flag", "truncate", "zero"]


class Section(Strict):
    """One section of an essay."""

    label: Annotated[Text, Field(min_length=1, max_length=100)]
    limits: SectionLimits


class Criterion(Strict):
    """What earns points, and texts that would earn them."""

    code: Code
    label: Annotated[Text, Field(max_length=300)]
    points: Annotated[float, Field(ge=0, le=1000)]
    references: Annotated[
        list[Annotated[Text, Field(min_length=1, max_length=2000)]], Field(max_length=50)
    ]
    keywords: Annotated[
        list[Annotated[Text, Field(min_length=1, max_length=100)]], Field(max_length=100)
    ]


class Question(Strict):
    """A question on the wire."""

    language: Literal["ja", "en"]
    prompt: Annotated[Text, Field(max_length=20_000)]
    passage: Annotated[Text, Field(max_length=50_000)]
    max_points: Annotated[float, Field(gt=0, le=1000)]
    step: Annotated[float, AfterValidator(_known_step)]
    limits: Limits
    criteria: Annotated[list[Criterion], Field(min_length=1, max_length=50)]
    model_answers: Annotated[
        list[Annotated[Text, Field(min_length=1, max_length=20_000)]], Field(max_length=50)
    ]
    sections: Annotated[list[Section], Field(max_length=20)]

    @model_validator(mode="after")
    def _codes_differ(self) -> Self:
        if len({criterion.code for criterion in self.criteria}) < len(self.criteria):
            raise ValueError("two criteria have the same code")
        return self

    def plain(self) -> dict[str, Any]:
        """The question as `pmscoring.texts` reads it."""
        return self.model_dump()


class AnswerIn(Strict):
    """One text under the caller's id."""

    id: Annotated[Text, Field(max_length=100)]
    text: Annotated[Text, Field(max_length=50_000)]


class ScoreRequest(Strict):
    """The body of /v1/score."""

    question: Question
    calibration: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None
    answers: list[AnswerIn]

    @model_validator(mode="after")
    def _ids_differ(self) -> Self:
        if len({answer.id for answer in self.answers}) < len(self.answers):
            raise ValueError("two answers have the same id")
        return self


class ExampleIn(Strict):
    """A text that people marked; points by criterion where they gave them."""

    text: Annotated[Text, Field(max_length=50_000)]
    points: float
    criteria: dict[Code, float] | None = None


class CalibrateRequest(Strict):
    """The body of /v1/calibrate."""

    question: Question
    examples: list[ExampleIn]


class GeneralRequest(Strict):
    """The body of /v1/calibrate/general: marked answers of many questions."""

    questions: list[CalibrateRequest]


class GroupsRequest(Strict):
    """The body of /v1/groups; `distance` is the most by which a text may lie off its leader."""

    texts: Annotated[list[AnswerIn], Field(max_length=20_000)]
    distance: Annotated[float, Field(ge=0, le=1)]

    @model_validator(mode="after")
    def _ids_differ(self) -> Self:
        if len({one.id for one in self.texts}) < len(self.texts):
            raise ValueError("two texts have the same id")
        return self


class Invalid(ValueError):
    """The body is not what the contract says; `problems` are pairs of JSON pointer and detail."""

    def __init__(self, problems: list[tuple[str, str]]) -> None:
        super().__init__("; ".join(f"{pointer or '/'}: {detail}" for pointer, detail in problems))
        self.problems = problems


def read_score_request(body: bytes) -> ScoreRequest:
    """The request in the body, or Invalid."""
    return read(ScoreRequest, body)


def read(model: type[Body], body: bytes) -> Body:
    """The body as the model has it, or Invalid, which never repeats a value that was given.

    The standard reader lets lone surrogates through, so that they are refused with a pointer.
    """
    try:
        value = json.loads(body, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise Invalid([("", f"not JSON: {error}")]) from error
    try:
        return model.model_validate(value)
    except ValidationError as error:
        faults = error.errors(include_url=False, include_input=False)[:20]
        raise Invalid([(_pointer(fault["loc"]), fault["msg"]) for fault in faults]) from error


def _pointer(place: tuple[int | str, ...]) -> str:
    return "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in place)


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")


MOST_FAULTS = 20


def read_calibrate_request(body: bytes) -> CalibrateRequest:
    """The request in the body, whose points the question could earn, or Invalid."""
    asked = read(CalibrateRequest, body)
    faults = [
        (f"/examples/{index}/{place}", detail)
        for index, example in enumerate(asked.examples)
        for place, detail in _misfits(example, asked.question)
    ]
    if len(asked.examples) < FEWEST:
        faults.append(("/examples", f"fewer than {FEWEST} examples"))
    elif len({example.points for example in asked.examples}) < 2:
        faults.append(("/examples", "all have the same points"))
    if faults:
        raise Invalid(faults[:MOST_FAULTS])
    return asked


FEWEST_QUESTIONS, FEWEST_OF_ALL = 5, 200
"""Questions, and examples of them all, that are enough for a model that carries over."""


def read_general_request(body: bytes) -> GeneralRequest:
    """The request in the body, from which a model that carries over can be learned, or Invalid."""
    asked = read(GeneralRequest, body)
    faults = [
        (f"/questions/{place}{pointer}", detail)
        for place, one in enumerate(asked.questions)
        for pointer, detail in _marked_misfits(one)
    ]
    shares = [
        example.points / one.question.max_points
        for one in asked.questions
        for example in one.examples
    ]
    if len(asked.questions) < FEWEST_QUESTIONS:
        faults.append(("/questions", f"fewer than {FEWEST_QUESTIONS} questions"))
    elif len(shares) < FEWEST_OF_ALL:
        faults.append(("/questions", f"fewer than {FEWEST_OF_ALL} examples in all"))
    elif len(set(shares)) < 2:
        faults.append(("/questions", "all examples have the same share of the points"))
    if faults:
        raise Invalid(faults[:MOST_FAULTS])
    return asked


def _marked_misfits(one: CalibrateRequest) -> Iterator[tuple[str, str]]:
    """Where a question or its examples cannot be learned from with others."""
    if one.question.sections:
        yield "/question/sections", "a question in sections does not carry over"
    for index, example in enumerate(one.examples):
        for place, detail in _misfits(example, one.question):
            yield f"/examples/{index}/{place}", detail


def _misfits(example: ExampleIn, question: Question) -> Iterator[tuple[str, str]]:
    """Where an example's points are off the question's scale."""
    if not _is_on(example.points, question.max_points, question.step):
        yield "points", f"not from 0 to {question.max_points} in steps of {question.step}"
    if example.criteria is None:
        return
    most = {criterion.code: criterion.points for criterion in question.criteria}
    if example.criteria.keys() != most.keys():
        yield "criteria", "not the criteria of the question"
        return
    for code, points in example.criteria.items():
        if not _is_on(points, most[code], question.step):
            yield f"criteria/{code}", f"not from 0 to {most[code]} in steps of {question.step}"


def _is_on(points: float, most: float, step: float) -> bool:
    return 0 <= points <= most and points % step == 0
