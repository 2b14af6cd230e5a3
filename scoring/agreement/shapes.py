"""The shapes of agreement figures, which the REST API returns unchanged."""

from typing import TypedDict


class Figures(TypedDict):
    """Agreement of two judgements of the same answers: shares in [0, 1], the rest in points.

    `kappa` is quadratic weighted and `kappa_interval` its 95 % bootstrap interval; both are null
    where one side always gives the same points. `bias` is by how many points the first side gives
    more than the second, on average.
    """

    count: int
    exact: float
    adjacent: float
    kappa: float | None
    kappa_interval: list[float] | None
    mae: float
    bias: float


class ConfusionCell(TypedDict):
    """How many answers got these points from people and those from the machine."""

    people: float
    machine: float
    count: int


class CoveragePoint(TypedDict):
    """The share of answers of at least this confidence, and their exact agreement with people."""

    threshold: float
    count: int
    coverage: float
    agreement: float


class AuditPeriod(TypedDict):
    """The part of the audit sample marked within these dates: a day, or a week from Monday.

    `exact_interval` is Wilson's 95 % interval; `bias` is in points, the machine's minus people's.
    """

    first: str
    last: str
    count: int
    exact: float
    exact_interval: list[float]
    bias: float


class MarkerPair(TypedDict):
    """Two markers on the answers that both marked; numbers in place of names for some callers."""

    one: str
    other: str
    figures: Figures


class CriterionAgreement(TypedDict):
    """Agreement on one criterion: of the machine with people, and of people with each other."""

    code: str
    label: str
    points: float
    machine: Figures | None
    people: Figures | None


class QuestionAgreement(TypedDict):
    """Agreement on one question.

    `machine` compares all answers that people settled, `audit` those of them that were drawn from
    the answers that the machine had settled, and `people` any two markers of an answer.
    `out_of_fold` counts the predictions that come from cross-validation, since the active
    calibration was fitted to the answer. `open` counts the answers that are in dispute or wait for
    a further reading, `unpredicted` those that the machine has not marked; neither are compared.
    """

    question: str
    label: str
    points: float
    step: float
    calibration: str | None
    threshold: float | None
    machine: Figures | None
    audit: Figures | None
    people: Figures | None
    out_of_fold: int
    open: int
    unpredicted: int
    markers: list[MarkerPair]
    criteria: list[CriterionAgreement]
    confusion: list[ConfusionCell]
    coverage: list[CoveragePoint]
    drift: list[AuditPeriod]


class OverallAgreement(TypedDict):
    """Agreement over all questions: pooled shares, and the kappas' mean through Fisher's z."""

    count: int
    exact: float | None
    adjacent: float | None
    kappa: float | None


class ExamAgreement(TypedDict):
    """Agreement on an exam, overall and by question."""

    exam: str
    overall: OverallAgreement
    questions: list[QuestionAgreement]
