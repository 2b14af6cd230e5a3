"""The shapes of request bodies; a question has that of pmscoring/contract/question.schema.json."""

from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from pmscoring.base.texts import unstorable_character


def _storable(text: str) -> str:
    if reason := unstorable_character(text):
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
    """Refuses unknown fields and texts in place of numbers."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


Body = TypeVar("Body", bound=Strict)


class SectionLimits(Strict):
    """Bounds of a section's length."""

    min: Bound
    max: Bound


class Limits(SectionLimits):
    """Bounds of the whole answer's length, how it is counted, and what happens above them."""

    count: Literal["characters", "cells"]
    over_limit: Literal["flag", "truncate", "zero"]


class Section(Strict):
    """A section of an essay."""

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
    """A question as the caller sends it."""

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
    no_answers: Annotated[
        list[Annotated[Text, Field(min_length=1, max_length=100)]], Field(max_length=200)
    ] = []

    @model_validator(mode="after")
    def _codes_differ(self) -> Self:
        if len({criterion.code for criterion in self.criteria}) < len(self.criteria):
            raise ValueError("two criteria have the same code")
        return self

    def plain(self) -> dict[str, Any]:
        """The question as `pmscoring.base.texts` reads it."""
        return self.model_dump()


class AnswerIn(Strict):
    """A text under an id of the caller's choice."""

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
    """A text that people marked, with points by criterion where they gave any."""

    text: Annotated[Text, Field(max_length=50_000)]
    points: float
    criteria: dict[Code, float] | None = None


class MarkedQuestion(Strict):
    """A question, and answers to it that people marked."""

    question: Question
    examples: list[ExampleIn]


class CalibrateRequest(MarkedQuestion):
    """The body of /v1/calibrate; `foreign` are texts that answer other questions."""

    foreign: Annotated[
        list[Annotated[Text, Field(min_length=1, max_length=2000)]], Field(max_length=200)
    ] = []


class GeneralRequest(Strict):
    """The body of /v1/calibrate/general: marked answers of many questions."""

    questions: list[MarkedQuestion]


class GroupsRequest(Strict):
    """The body of /v1/groups; `distance` is the largest cosine distance of a text to its leader."""

    texts: Annotated[list[AnswerIn], Field(max_length=20_000)]
    distance: Annotated[float, Field(ge=0, le=1)]

    @model_validator(mode="after")
    def _ids_differ(self) -> Self:
        if len({text.id for text in self.texts}) < len(self.texts):
            raise ValueError("two texts have the same id")
        return self
