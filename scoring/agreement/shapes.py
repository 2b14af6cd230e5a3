"""What is told of agreement; the REST edge tells these shapes as they are."""

from typing import TypedDict


class Figures(TypedDict):
    """Agreement of two judgements of the same answers: shares in [0, 1], the rest in points.

    `kappa` is the quadratic weighted one, `kappa_interval` its 95 % bootstrap interval; null where
    one side gives the same points always. `bias` is what the first gives more, on average.
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
    """Were the machine's marks final from this confidence on: their share, and their agreement."""

    threshold: float
    count: int
    coverage: float
    agreement: float


class AuditPeriod(TypedDict):
    """The audit sample that people marked on these days: a day, or a week from Monday on."""

    first: str
    last: str
    count: int
    exact: float
    exact_interval: list[float]
    bias: float


class MarkerPair(TypedDict):
    """Two markers on the answers that both read; nameless where names are not told."""

    one: str
    other: str
    figures: Figures


class CriterionAgreement(TypedDict):
    """A criterion: machine against people, and people against each other."""

    code: str
    label: str
    points: float
    machine: Figures | None
    people: Figures | None


class QuestionAgreement(TypedDict):
    """Of one question.

    `machine` compares all answers that people settled, `audit` those of them that were drawn from
    what the machine had settled; `people` the markers of each answer that more than one read.
    `out_of_fold` of the machine's predictions are an earlier fit's that had not seen the answer,
    for the active calibration had. `open` answers are in dispute or wait for a further reading,
    and `unpredicted` ones have no machine mark as yet; neither is compared.
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
    """Over the questions: pooled shares, and the mean of the kappas through Fisher's z."""

    count: int
    exact: float | None
    adjacent: float | None
    kappa: float | None


class ExamAgreement(TypedDict):
    """Of an exam, question by question."""

    exam: str
    overall: OverallAgreement
    questions: list[QuestionAgreement]
