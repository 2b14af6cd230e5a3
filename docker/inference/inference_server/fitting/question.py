"""Marked texts of a question become a calibration: read, fitted, measured, packed."""

import base64
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from inference_server.arrays import Doubles, Mask
from inference_server.fitting import reading
from inference_server.fitting.examples import FEWEST, Example
from inference_server.fitting.folds import FOLDS
from inference_server.fitting.measures import metrics
from inference_server.fitting.model import SEED, fit
from inference_server.judging.packing import named
from inference_server.judging.question import Calibration, Rule, made_for
from inference_server.judging.texts import Text
from inference_server.marking import matching, scoring
from inference_server.marking.judged import Judged
from inference_server.marking.matching import Reading
from inference_server.scorer import Scorer
from pmscoring.base import texts

READING = 0.3
"""The share of the time that reading takes."""
Say = Callable[[str, float], None]


@dataclass(frozen=True)
class Read:
    """A text as it was read, and its greatest strength."""

    text: Text
    best: float


@dataclass(frozen=True)
class Made:
    """What came of it."""

    sha256: str
    artefact: bytes
    metrics: dict[str, Any]

    def told(self) -> dict[str, Any]:
        """The last line of the stream."""
        content = base64.b64encode(self.artefact).decode()
        return {"sha256": self.sha256, "metrics": self.metrics, "artefact_base64": content}


def calibrate(
    scorer: Scorer, question: dict[str, Any], examples: Sequence[Example], say: Say
) -> Made:
    """`say` is told stage and fraction in [0, 1], and may raise to stop.

    The examples are 30 or more, on the question's scale, of two different points at least.
    """
    began = time.monotonic()
    folded = [texts.folded(texts.read_part(one.text, question)) for one in examples]
    read = _read(scorer, question, folded, say)
    points = np.array([one.points for one in examples], np.float64)
    void = _void(scorer, question, examples, folded, read)
    learned = _learned(void, points)
    criteria, settled = _criteria(question, [examples[i] for i in learned])
    picked = [read[folded[i]].text for i in learned]
    fitted = fit(picked, [points[learned], *criteria.values()], _within(say, READING, 1.0))
    rule = Rule(int((points[void] == 0).sum()), int(void.sum()))
    calibration = Calibration(
        scorer.encoder.model, made_for(question), tuple(criteria), settled, rule, fitted.model
    )
    content = calibration.pack()
    judged = [calibration.voided] * len(examples)
    for index, verdicts in zip(learned, fitted.without, strict=True):
        if not void[index]:
            judged[index] = calibration.judged(verdicts)
    told = _told(judged, points, question["step"], time.monotonic() - began)
    return Made(named(content), content, told)


def _told(judged: Sequence[Judged], points: Doubles, step: float, seconds: float) -> dict[str, Any]:
    return {
        "examples": len(points),
        "folds": FOLDS,
        **metrics(
            np.array([one.points for one in judged]),
            np.array([one.confidence for one in judged], np.float64),
            points,
            step,
        ),
        "seconds": round(seconds, 2),
        "seed": SEED,
        "out_of_fold": [[one.points, one.confidence] for one in judged],
    }


def _read(
    scorer: Scorer, question: dict[str, Any], folded: Sequence[str], say: Say
) -> dict[str, Read]:
    """Each distinct text once."""
    known, count = scorer.known(question), len(question["criteria"])

    def use(one: Reading) -> Read:
        found = matching.matches(one, known.rubric, count, all_count=known.is_essay)
        return Read(Text.of(one, found), max(match.strength for match in found))

    return reading.read(scorer, folded, use, lambda share: say("reading", READING * share))


def _void(
    scorer: Scorer,
    question: dict[str, Any],
    examples: Sequence[Example],
    folded: Sequence[str],
    read: dict[str, Read],
) -> Mask:
    """Which of them a rule gives no points, whatever they say."""
    sheet = scorer.known(question).sheet
    return np.array(
        [
            scoring.rules(one.text, text, sheet, read[text].best).is_void
            for one, text in zip(examples, folded, strict=True)
        ]
    )


def _learned(void: Mask, points: Doubles) -> list[int]:
    """Which examples are learned from: not those that a rule marks, unless too little is left."""
    kept = np.flatnonzero(~void)
    if len(kept) < FEWEST // 2 or len(np.unique(points[kept])) < 2:
        return list(range(len(points)))
    return [int(index) for index in kept]


def _criteria(
    question: dict[str, Any], examples: Sequence[Example]
) -> tuple[dict[str, Doubles], dict[str, float]]:
    """Points of criteria that can be learned, NaN where not given; and those that never differ."""
    varied: dict[str, Doubles] = {}
    settled: dict[str, float] = {}
    for code in (criterion["code"] for criterion in question["criteria"]):
        given = np.array([(one.criteria or {}).get(code, np.nan) for one in examples], np.float64)
        there = given[~np.isnan(given)]
        if len(there) >= FEWEST and len(np.unique(there)) > 1:
            varied[code] = given
        elif len(there) >= FEWEST:
            settled[code] = float(there[0])
    return varied, settled


def _within(say: Say, start: float, end: float) -> Say:
    """Tells the fractions of a part as those of the whole."""
    return lambda stage, fraction: say(stage, start + (end - start) * fraction)
