"""Fits the general calibration to marked answers of many questions.

What it reaches is measured on questions left out: the answers of each are marked under a fit to the
others', through the very code that scores.
"""

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson

from inference_server.arrays import Doubles, Floats, Indices
from inference_server.fitting import measures
from inference_server.fitting.examples import Example, TooFew
from inference_server.fitting.reading import read_in_parts
from inference_server.fitting.regression import Pairs, fit
from inference_server.fitting.result import FitResult, Say
from inference_server.judging.facts import facts
from inference_server.judging.general import GeneralCalibration
from inference_server.judging.packing import sha256_of
from inference_server.marking import matching
from inference_server.marking.marks import mark
from inference_server.marking.matching import NO_MATCH, Match, Reading
from inference_server.marking.rules import apply_rules
from inference_server.marking.sheet import reference_texts
from inference_server.scorer import PreparedQuestion, Scorer
from pmscoring.base import texts

FOLDS = 5
READING = 0.95
"""The share of the time that reading takes."""


@dataclass(frozen=True)
class MarkedQuestion:
    """A question, what the scorer prepared of it, its fold, and its examples."""

    question: dict[str, Any]
    prepared: PreparedQuestion
    fold: int
    examples: Sequence[Example]


@dataclass(frozen=True)
class ReadExample:
    """An example as it was read; `facts` is [criteria, NAMES], or None where there are none.

    `disorder` are the flags that the order of its words would earn were it long enough.
    """

    marked: MarkedQuestion
    example: Example
    folded: texts.Folded
    matches: Sequence[Match]
    facts: Floats | None
    disorder: Sequence[str]

    @property
    def max_points(self) -> float:
        """The question's most points."""
        return float(self.marked.question["max_points"])

    @property
    def is_void(self) -> bool:
        """Whether a rule leaves it without points, whatever it says."""
        best = max(match.strength for match in self.matches)
        sheet = self.marked.prepared.sheet
        text, folded = self.example.text, self.folded.text
        return apply_rules(text, folded, sheet, best, self.disorder).is_void

    def points(self, general: GeneralCalibration | None) -> float:
        """The service's points under this calibration; without one by the uncalibrated method."""
        sheet, judgement, void_judgement = self.marked.prepared.sheet, None, None
        if general:
            judgement = general.judge(self.folded.text, self.facts, sheet)
            void_judgement = general.void_judgement
        result = mark(
            self.example.text,
            self.folded,
            sheet,
            self.matches,
            judgement,
            void_judgement,
            disorder=self.disorder,
        )
        return float(result["points"])


def calibrate(
    scorer: Scorer, marked: Sequence[tuple[dict[str, Any], Sequence[Example]]], say: Say
) -> FitResult:
    """The general calibration, fitted to the examples of these questions.

    No question has sections, and all points are on their question's scale. Raises TooFew, TooLarge,
    and what `say` raises.
    """
    began = time.monotonic()
    folds = folds_of([question for question, _ in marked])
    questions = [
        MarkedQuestion(question, scorer.prepare(question), fold, examples)
        for (question, examples), fold in zip(marked, folds, strict=True)
    ]
    read_examples = _read(scorer, questions, say)
    say("fitting", READING)
    pairs, pair_folds = _pairs(read_examples)
    general = GeneralCalibration(scorer.encoder.model, fit(pairs))
    without = [_without(general, pairs, pair_folds, fold) for fold in range(FOLDS)]
    points = np.array([read.points(without[read.marked.fold]) for read in read_examples])
    uncalibrated = np.array([read.points(None) for read in read_examples])
    artefact = general.pack()
    metrics = {
        "questions": len(questions),
        "examples": len(read_examples),
        "folds": FOLDS,
        **_measured(points, read_examples),
        "uncalibrated": _measured(uncalibrated, read_examples),
        "seconds": round(time.monotonic() - began, 2),
        "out_of_fold": [[float(value), None] for value in points],
    }
    return FitResult(sha256_of(artefact), artefact, metrics)


def _without(
    general: GeneralCalibration, pairs: Pairs, folds: Indices, fold: int
) -> GeneralCalibration | None:
    """The calibration fitted to the other folds; None where there is nothing in them."""
    others = folds != fold
    return GeneralCalibration(general.encoder, fit(pairs.where(others))) if others.any() else None


def _measured(points: Doubles, read_examples: Sequence[ReadExample]) -> dict[str, Any]:
    truth = np.array([read.example.points for read in read_examples], np.float64)
    max_points = np.array([read.max_points for read in read_examples])
    return measures.over_questions(points, truth, max_points)


def folds_of(questions: Sequence[dict[str, Any]]) -> list[int]:
    """The fold of each question, in [0, FOLDS), as many questions in each.

    Folds go by the hash of what is asked, so that equal questions share one.
    """
    names = [hashlib.sha256(_content(question)).hexdigest() for question in questions]
    order = {name: index for index, name in enumerate(sorted(set(names)))}
    return [order[name] % FOLDS for name in names]


def _content(question: dict[str, Any]) -> bytes:
    return orjson.dumps([texts.folded(question["prompt"]), reference_texts(question)])


def _read(scorer: Scorer, questions: Sequence[MarkedQuestion], say: Say) -> list[ReadExample]:
    """All examples, question by question, in their order."""
    read_examples: list[ReadExample] = []
    for index, marked in enumerate(questions):
        say("reading", READING * index / len(questions))
        folded = [
            texts.fold(texts.read_part(example.text, marked.question))
            for example in marked.examples
        ]
        contents = _contents(scorer, marked, [part.text for part in folded])
        blank = [NO_MATCH] * len(marked.question["criteria"]), None, ()
        for example, part in zip(marked.examples, folded, strict=True):
            content = contents.get(part.text, blank)
            read_examples.append(ReadExample(marked, example, part, *content))
    return read_examples


Content = tuple[Sequence[Match], Floats | None, Sequence[str]]


def _contents(scorer: Scorer, marked: MarkedQuestion, folded: Sequence[str]) -> dict[str, Content]:
    """Matches, facts and disorder of each distinct text that is not blank."""
    rubric, count = marked.prepared.rubric, len(marked.question["criteria"])

    def use(reading: Reading) -> Content:
        matches = matching.matches(reading, rubric, count)
        return matches, facts(reading, rubric, count), scorer.disorder(reading)

    return read_in_parts(scorer, [text for text in folded if text], use)


def _pairs(read_examples: Sequence[ReadExample]) -> tuple[Pairs, Indices]:
    """The pairs that are learned from, and the fold of each; raise TooFew where there are none.

    Where points by criterion are not given the share of the total stands for each; every example
    counts once.
    """
    rows, shares, counts, folds = [], [], [], []
    for read in read_examples:
        if read.facts is None or read.is_void:
            continue
        criteria = read.marked.question["criteria"]
        for criterion, row in zip(criteria, read.facts, strict=True):
            if criterion["points"]:
                rows.append(row)
                shares.append(_share(read, criterion))
                counts.append(1 / len(criteria))
                folds.append(read.marked.fold)
    if not rows:
        raise TooFew("a rule marks every example; there is nothing to be learned from")
    pairs = Pairs(np.array(rows, np.float64), np.array(shares), np.array(counts))
    return pairs, np.array(folds)


def _share(read: ReadExample, criterion: dict[str, Any]) -> float:
    if read.example.criteria is not None:
        return float(read.example.criteria[criterion["code"]] / criterion["points"])
    return float(read.example.points / read.max_points)
