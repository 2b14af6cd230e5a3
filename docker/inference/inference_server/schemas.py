"""What a request may hold: the wire form of a question and of its answers.

The same shapes stand as JSON Schemas in pmscoring/contract; the tests hold both to one set of
examples.
"""

import json
from collections.abc import Iterator
from typing import Annotated, Any, Literal, NoReturn

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)

from pmscoring.texts import refused_character


def _storable(text: str) -> str:
    if reason := refused_character(text):
        raise ValueError(reason)
    return text


def _known_step(step: float) -> float:
    if step not in (1, 0.5):
        raise ValueError("the step is 1 or 0.5")
    return step


Text = Annotated[str, AfterValidator(_storable)]
Code = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]{1,32}$")]
Bound = Annotated[int, Field(ge=0, le=100_000)] | None


class Shape(BaseModel):
    """JSON as it stands: unknown fields are refused and no type is guessed."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Bounds(Shape):
    """The least and the most that a section may count."""

    min: Bound
    max: Bound


class Limits(Bounds):
    """The bounds of a question, how it is counted and what happens beyond the most."""

    count: Literal["characters", "cells"]
    over_limit: Literal["flag", "truncate", "zero"]


class Section(Shape):
    """One section of an essay."""

    label: Annotated[Text, Field(min_length=1, max_length=100)]
    limits: Bounds


class Criterion(Shape):
    """What earns points, told by references and keywords."""

    code: Code
    label: Annotated[Text, Field(max_length=300)]
    points: Annotated[float, Field(ge=0, le=1000)]
    references: Annotated[
        list[Annotated[Text, Field(min_length=1, max_length=2000)]], Field(max_length=50)
    ]
    keywords: Annotated[
        list[Annotated[Text, Field(min_length=1, max_length=100)]], Field(max_length=100)
    ]


class Question(Shape):
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
    def _codes_differ(self) -> "Question":
        if len({criterion.code for criterion in self.criteria}) < len(self.criteria):
            raise ValueError("two criteria have the same code")
        return self


class Answer(Shape):
    """A text under the id that its result will carry."""

    id: Annotated[Text, Field(min_length=1, max_length=100)]
    text: Annotated[Text, Field(max_length=200_000)]


class ScoreRequest(Shape):
    """The body of POST /v1/score."""

    question: Question
    calibration: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")] | None
    answers: Annotated[list[Answer], Field(min_length=1)]

    @model_validator(mode="after")
    def _ids_differ(self) -> "ScoreRequest":
        if len({answer.id for answer in self.answers}) < len(self.answers):
            raise ValueError("two answers have the same id")
        return self


class Invalid(ValueError):
    """The body is not what the contract says; `problems` holds pairs of pointer and detail."""

    def __init__(self, problems: list[tuple[str, str]]) -> None:
        super().__init__("; ".join(f"{pointer or '/'}: {detail}" for pointer, detail in problems))
        self.problems = problems


def read_score_request(body: bytes) -> ScoreRequest:
    """The request in the body, or Invalid.

    The standard reader keeps lone surrogates, so that they are refused with a pointer.
    """
    try:
        value = json.loads(body, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise Invalid([("", f"not JSON: {error}")]) from error
    try:
        return ScoreRequest.model_validate(value)
    except ValidationError as error:
        raise Invalid(list(problems(error))) from error


def problems(error: ValidationError, most: int = 20) -> Iterator[tuple[str, str]]:
    """(JSON pointer, what is wrong) of each fault, never the value that was given."""
    for fault in error.errors(include_url=False, include_input=False)[:most]:
        yield "".join(f"/{_escaped(part)}" for part in fault["loc"]), fault["msg"]


def _escaped(part: Any) -> str:
    return str(part).replace("~", "~0").replace("/", "~1")


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")
