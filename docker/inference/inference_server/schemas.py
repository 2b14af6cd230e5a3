"""What /v1/score takes; the same shapes as pmscoring/contract/question.schema.json."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from pmscoring.texts import refused_character


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

    def plain(self) -> dict[str, Any]:
        """The question as `pmscoring.texts` reads it."""
        return self.model_dump()


class AnswerIn(Strict):
    """One text under the caller's id."""

    id: Annotated[str, Field(max_length=100)]
    text: Annotated[Text, Field(max_length=50_000)]


class ScoreRequest(Strict):
    """The body of /v1/score."""

    question: Question
    calibration: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None
    answers: list[AnswerIn]
