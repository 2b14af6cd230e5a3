"""Calibrations, promotions and thresholds as the API shows them."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated, NotRequired, TypedDict

from scoring import models
from scoring.agreement import coverage
from scoring.api.representations import Moment, Page
from scoring.calibration import thresholds


class Metrics(TypedDict, total=False):
    """Measured out of fold, on answers that the fit had not seen; `examples` are texts."""

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
    """A question's model fitted to marks by people; `fraction` tells how far the fit is.

    `active` says whether the question's machine marks are made under it.
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
    """How one agrees with people; without a kappa where it gives one mark only."""

    kappa: float | None
    exact: float
    adjacent: float
    mae: float


class Comparison(TypedDict):
    """Both on the same texts, of which neither prediction was fitted to its text."""

    texts: int
    new: Measured | None
    present: Measured | None


class Promotion(TypedDict):
    """What marks the question from now on; null for the uncalibrated method.

    `waiting` answers are marked anew; marks by people stay.
    """

    calibration: int | None
    kind: str
    comparison: NotRequired[Comparison]
    threshold: float | None
    waiting: int


class Cut(TypedDict):
    """Of the answers of at least this confidence: their share, and how many agree of them."""

    threshold: float
    count: int
    coverage: float
    agreement: float


class Proposal(TypedDict):
    """The loosest threshold that is shown to keep the target; null where none is.

    At least the share `bound` agrees of the answers above it, with 95 % probability. `texts` were
    looked at; at least `fewest` are needed for this target, if all agree.
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

    `standing` of the `marked` answers would keep the machine's mark at `threshold`, or at what is
    proposed where nothing was applied.
    """

    calibration: int | None
    threshold: float | None
    applied: bool
    standing: int
    marked: int
    proposal: Proposal
    curve: list[Cut]


def calibration(one: models.Calibration, active: int | None) -> Calibration:
    """A calibration; `active` is the key of the one in use."""
    return {
        "id": one.pk,
        "status": one.status,
        "active": one.pk == active,
        "sha256": one.sha256 or None,
        "model": one.model or None,
        "metrics": _metrics(one),
        "stage": one.stage,
        "fraction": one.fraction,
        "reason": one.reason,
        "requested_by": one.requested_by.get_username() if one.requested_by else None,
        "created_at": one.created_at.isoformat(),
        "finished_at": one.finished_at.isoformat() if one.finished_at else None,
    }


def _metrics(one: models.Calibration) -> Metrics:
    told: Metrics = {}
    for name in Metrics.__annotations__:
        if name in one.metrics:
            told[name] = one.metrics[name]  # type: ignore[literal-required]
    return told


def promotion(one: models.Promotion, waiting: int) -> Promotion:
    """A promotion or a step back, and what it sets going."""
    told: Promotion = {
        "calibration": one.calibration_id,
        "kind": one.kind,
        "threshold": one.question.threshold if one.question else None,
        "waiting": waiting,
    }
    if one.comparison:
        told["comparison"] = one.comparison
    return told


def proposal(one: thresholds.Proposal) -> Proposal:
    """A proposal."""
    return {
        "target": one.target,
        "threshold": one.value,
        "coverage": one.cut.coverage if one.cut else None,
        "agreement": one.cut.agreement if one.cut else None,
        "bound": one.cut.bound if one.cut else None,
        "texts": one.texts,
        "fewest": one.fewest,
    }


def curve(cuts: Sequence[coverage.Cut]) -> list[Cut]:
    """A curve, strictest cut first."""
    names = Cut.__annotations__
    return [
        {name: value for name, value in asdict(cut).items() if name in names}  # type: ignore[misc]
        for cut in cuts
    ]
