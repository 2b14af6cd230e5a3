"""Calibrations, promotions and thresholds as the API returns them."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated, NotRequired, TypedDict

from pmscoring.base.api.representations import Moment, Page
from scoring import models
from scoring.agreement import coverage
from scoring.calibration import thresholds


class Metrics(TypedDict, total=False):
    """A calibration's figures out of fold, on answers that the fit had not seen.

    `examples` is how many texts it was fitted to.
    """

    examples: int
    folds: int
    kappa: float | None
    exact: float
    adjacent: float
    mae: float
    calibration_error: float
    seconds: float
    seed: int


class Calibration(TypedDict):
    """A question's model fitted to marks by people; `fraction`, in [0, 1], is the fit's progress.

    `active` tells whether the question's machine marks are made under it.
    """

    id: int
    status: str
    active: bool
    sha256: str | None
    model: str | None
    metrics: Metrics
    stage: str
    fraction: float
    reason: str
    requested_by: str | None
    created_at: Moment
    finished_at: Annotated[str | None, {"format": "date-time"}]


class CalibrationPage(Page):
    """Calibrations, newest first."""

    results: list[Calibration]


class Measured(TypedDict):
    """Agreement with people; `kappa` is null where all texts get the same mark."""

    kappa: float | None
    exact: float
    adjacent: float
    mae: float


class Comparison(TypedDict):
    """The new and the present calibration's agreement on the same texts, both out of fold."""

    texts: int
    new: Measured | None
    present: Measured | None


class Promotion(TypedDict):
    """The calibration that marks the question from now on; null for the uncalibrated method.

    `waiting` is how many answers the machine marks again; marks by people stay.
    """

    calibration: int | None
    kind: str
    comparison: NotRequired[Comparison]
    threshold: float | None
    waiting: int


class Cut(TypedDict):
    """Answers with at least this confidence: their share of all, and the share that agrees."""

    threshold: float
    count: int
    coverage: float
    agreement: float


class Proposal(TypedDict):
    """The lowest threshold that is shown to keep the target; null where none is.

    With 95 % probability at least the share `bound` of the answers above it agrees. `texts` is how
    many texts were compared; `fewest` is how many are needed for this target if all agree.
    """

    target: float
    threshold: float | None
    coverage: float | None
    agreement: float | None
    bound: float | None
    texts: int
    fewest: int


class Threshold(TypedDict):
    """The confidence from which the machine's marks stand, and the coverage curve.

    `standing` of the `marked` answers keep the machine's mark at `threshold`, or would keep it at
    the proposed threshold where nothing was applied.
    """

    calibration: int | None
    threshold: float | None
    applied: bool
    standing: int
    marked: int
    proposal: Proposal
    curve: list[Cut]


def calibration(row: models.Calibration, active: int | None) -> Calibration:
    """A calibration; `active` is the key of the active one of its question."""
    return {
        "id": row.pk,
        "status": row.status,
        "active": row.pk == active,
        "sha256": row.sha256 or None,
        "model": row.model or None,
        "metrics": _metrics(row),
        "stage": row.stage,
        "fraction": row.fraction,
        "reason": row.reason,
        "requested_by": row.requested_by.get_username() if row.requested_by else None,
        "created_at": row.created_at.isoformat(),
        "finished_at": row.finished_at.isoformat() if row.finished_at else None,
    }


def _metrics(row: models.Calibration) -> Metrics:
    shown: Metrics = {}
    for name in Metrics.__annotations__:
        if name in row.metrics:
            shown[name] = row.metrics[name]  # type: ignore[literal-required]
    return shown


def promotion(row: models.Promotion, waiting: int) -> Promotion:
    """A promotion or rollback, with the number of answers that wait for the machine after it."""
    shown: Promotion = {
        "calibration": row.calibration_id,
        "kind": row.kind,
        "threshold": row.question.threshold if row.question else None,
        "waiting": waiting,
    }
    if row.comparison:
        shown["comparison"] = row.comparison
    return shown


def proposal(row: thresholds.Proposal) -> Proposal:
    return {
        "target": row.target,
        "threshold": row.value,
        "coverage": row.cut.coverage if row.cut else None,
        "agreement": row.cut.agreement if row.cut else None,
        "bound": row.cut.bound if row.cut else None,
        "texts": row.texts,
        "fewest": row.fewest,
    }


def curve(cuts: Sequence[coverage.Cut]) -> list[Cut]:
    """A coverage curve, the highest threshold first."""
    names = Cut.__annotations__
    return [
        {name: value for name, value in asdict(cut).items() if name in names}  # type: ignore[misc]
        for cut in cuts
    ]
