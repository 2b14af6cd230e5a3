"""Fits the calibration of a question: its marked texts are read, fitted, measured and packed."""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from inference_server.arrays import Doubles, Mask
from inference_server.fitting import measures
from inference_server.fitting.examples import FEWEST, Example
from inference_server.fitting.folds import FOLDS
from inference_server.fitting.model import SEED, fit
from inference_server.fitting.reading import read_in_parts
from inference_server.fitting.result import FitResult, Say, part_of
from inference_server.fitting.worthless import worthless_texts
from inference_server.judging.packing import sha256_of
from inference_server.judging.question import QuestionCalibration, RuleAgreement, made_for
from inference_server.judging.texts import Text
from inference_server.marking import matching
from inference_server.marking.judgement import Judgement
from inference_server.marking.matching import Reading
from inference_server.marking.points import FULL
from inference_server.marking.rules import apply_rules
from inference_server.scorer import Scorer
from pmscoring.base import texts

READING = 0.3
"""The share of the time that reading takes."""


@dataclass(frozen=True)
class ReadText:
    """A text as it was read, its greatest strength, and what its word order would flag."""

    text: Text
    best_strength: float
    disorder: Sequence[str]


def calibrate(
    scorer: Scorer,
    question: dict[str, Any],
    examples: Sequence[Example],
    say: Say,
    foreign: Sequence[str] = (),
) -> FitResult:
    """The calibration of the question, fitted to the examples.

    `foreign` are texts that answer other questions, learned as worth nothing at this one.

    There are FEWEST examples or more, on the question's scale, and two at least differ in points.
    Raises TooLarge, and what `say` raises.
    """
    began = time.monotonic()
    folded = [texts.folded(texts.read_part(example.text, question)) for example in examples]
    read_texts = _read(scorer, question, folded, say)
    points = np.array([example.points for example in examples], np.float64)
    void = _void(scorer, question, examples, folded, read_texts)
    learned = _learned(void, points)
    criteria, constant = _criteria(question, [examples[i] for i in learned])
    learned_texts = [read_texts[folded[i]].text for i in learned]
    fitted = fit(
        learned_texts,
        [points[learned], *criteria.values()],
        _weights(question, criteria),
        part_of(say, READING, 1.0),
        worthless=_worthless(scorer, question, [folded[i] for i in learned], foreign),
    )
    rule = RuleAgreement(int((points[void] == 0).sum()), int(void.sum()))
    calibration = QuestionCalibration(
        scorer.encoder.model, made_for(question), tuple(criteria), constant, rule, fitted.model
    )
    artefact = calibration.pack()
    judgements = [calibration.void_judgement] * len(examples)
    for index, verdicts in zip(learned, fitted.out_of_fold, strict=True):
        if not void[index]:
            judgements[index] = calibration.judgement(verdicts)
    seconds = time.monotonic() - began
    metrics = _metrics(judgements, points, question["step"], seconds)
    return FitResult(sha256_of(artefact), artefact, metrics)


def _metrics(
    judgements: Sequence[Judgement], points: Doubles, step: float, seconds: float
) -> dict[str, Any]:
    return {
        "examples": len(points),
        "folds": FOLDS,
        **measures.of_question(
            np.array([judgement.points for judgement in judgements]),
            np.array([judgement.confidence for judgement in judgements], np.float64),
            points,
            step,
        ),
        "seconds": round(seconds, 2),
        "seed": SEED,
        "out_of_fold": [[judgement.points, judgement.confidence] for judgement in judgements],
    }


def _read(
    scorer: Scorer, question: dict[str, Any], folded: Sequence[str], say: Say
) -> dict[str, ReadText]:
    """Each distinct text, read once."""
    prepared, count = scorer.prepare(question), len(question["criteria"])

    def use(reading: Reading) -> ReadText:
        matches = matching.matches(reading, prepared.rubric, count, average=prepared.is_essay)
        best_strength = max(match.strength for match in matches)
        return ReadText(Text.of(reading, matches), best_strength, scorer.disorder(reading))

    return read_in_parts(scorer, folded, use, lambda share: say("reading", READING * share))


def _worthless(
    scorer: Scorer, question: dict[str, Any], answers: Sequence[str], foreign: Sequence[str]
) -> list[Text]:
    """What earns nothing here, read like the folded answers, but what is as near as a right one."""
    own = worthless_texts(question, answers, foreign)
    read_texts = _read(scorer, question, own, lambda *_: None).values()
    return [read.text for read in read_texts if read.best_strength < FULL]


def _void(
    scorer: Scorer,
    question: dict[str, Any],
    examples: Sequence[Example],
    folded: Sequence[str],
    read_texts: dict[str, ReadText],
) -> Mask:
    """[examples]: which of them a rule leaves without points, whatever they say."""
    sheet = scorer.prepare(question).sheet
    void = []
    for example, text in zip(examples, folded, strict=True):
        read = read_texts[text]
        rules = apply_rules(example.text, text, sheet, read.best_strength, read.disorder)
        void.append(rules.is_void)
    return np.array(void)


def _learned(void: Mask, points: Doubles) -> list[int]:
    """Which examples are learned from: not the void ones, unless too few others are left."""
    kept = np.flatnonzero(~void)
    if len(kept) < FEWEST // 2 or len(np.unique(points[kept])) < 2:
        return list(range(len(points)))
    return [int(index) for index in kept]


def _weights(question: dict[str, Any], learned: Iterable[str]) -> Doubles:
    """[1 + learned, criteria]: what criteria weigh in the total, then each learned one alone."""
    codes = [criterion["code"] for criterion in question["criteria"]]
    most = np.array([criterion["points"] for criterion in question["criteria"]], np.float64)
    alone = [np.array([code == own for code in codes], np.float64) for own in learned]
    return np.stack([most / max(most.sum(), 1e-9), *alone])


def _criteria(
    question: dict[str, Any], examples: Sequence[Example]
) -> tuple[dict[str, Doubles], dict[str, float]]:
    """Points of criteria that can be learned, NaN where not given; and those that never differ."""
    varied: dict[str, Doubles] = {}
    constant: dict[str, float] = {}
    for code in (criterion["code"] for criterion in question["criteria"]):
        points = np.array(
            [(example.criteria or {}).get(code, np.nan) for example in examples], np.float64
        )
        known = points[~np.isnan(points)]
        if len(known) >= FEWEST and len(np.unique(known)) > 1:
            varied[code] = points
        elif len(known) >= FEWEST:
            constant[code] = float(known[0])
    return varied, constant
