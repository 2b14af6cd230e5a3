"""Marked answers of many questions become a general model: read, fitted, measured, packed.

What it reaches is measured on questions left out: each one's answers are judged by a fit to the
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
from inference_server.fitting import reading
from inference_server.fitting.examples import Example, TooFew
from inference_server.fitting.measures import measures
from inference_server.fitting.question import Made, Say
from inference_server.fitting.regression import Items, fit
from inference_server.judging.facts import facts
from inference_server.judging.general import General
from inference_server.judging.packing import named
from inference_server.marking import matching, scoring
from inference_server.marking.matching import Match, Reading
from inference_server.scorer import Known, Scorer
from pmscoring.base import texts

FOLDS = 5


@dataclass(frozen=True)
class Asked:
    """A question with examples of answers to it; `known` what the service makes of the question."""

    question: dict[str, Any]
    known: Known
    examples: Sequence[Example]


@dataclass(frozen=True)
class Seen:
    """An example as it was read; `facts` None where there are none."""

    asked: Asked
    fold: int
    example: Example
    source: texts.Folded
    matches: Sequence[Match]
    facts: Floats | None

    @property
    def most(self) -> float:
        """The most points that there are."""
        return float(self.asked.question["max_points"])

    @property
    def is_learned(self) -> bool:
        """Not from a text that a rule marks, whatever it says."""
        best = max(match.strength for match in self.matches)
        sheet = self.asked.known.sheet
        told = scoring.rules(self.example.text, self.source.text, sheet, best)
        return self.facts is not None and not told.is_void

    def marked(self, general: General | None) -> float:
        """Points as the service would give them; by the uncalibrated method without a model."""
        sheet, judged = self.asked.known.sheet, None
        if general:
            judged = general.judge(self.source.text, self.facts, sheet)
        voided = general.voided if general else None
        mark = scoring.score(self.example.text, self.source, sheet, self.matches, judged, voided)
        return float(mark["points"])


def calibrate(
    scorer: Scorer, marked: Sequence[tuple[dict[str, Any], Sequence[Example]]], say: Say
) -> Made:
    """`say` is told stage and fraction in [0, 1], and may raise to stop.

    No question has sections, and all points are on their question's scale.
    """
    began = time.monotonic()
    asked = [Asked(question, scorer.known(question), examples) for question, examples in marked]
    seen = _read(scorer, asked, say)
    say("fitting", 0.95)
    items, folds = _items(seen)
    general = General(scorer.encoder.model, fit(items))
    without = [
        General(general.encoder, fit(items.part(folds != fold))) if (folds != fold).any() else None
        for fold in range(FOLDS)
    ]
    points = np.array([one.marked(without[one.fold]) for one in seen])
    content = general.pack()
    told = {
        "questions": len(asked),
        "examples": len(seen),
        "folds": FOLDS,
        **_measured(points, seen),
        "uncalibrated": _measured(np.array([one.marked(None) for one in seen]), seen),
        "seconds": round(time.monotonic() - began, 2),
        "out_of_fold": [[float(one), None] for one in points],
    }
    return Made(named(content), content, told)


def _measured(points: Doubles, seen: Sequence[Seen]) -> dict[str, Any]:
    given = np.array([one.example.points for one in seen], np.float64)
    return measures(points, given, np.array([one.most for one in seen]))


def folds_of(questions: Sequence[dict[str, Any]]) -> list[int]:
    """By the hash of what is asked, so that equal questions share a fold; as many in each."""
    names = [hashlib.sha256(_asked(one)).hexdigest() for one in questions]
    order = {name: index for index, name in enumerate(sorted(set(names)))}
    return [order[name] % FOLDS for name in names]


def _asked(question: dict[str, Any]) -> bytes:
    return orjson.dumps([texts.folded(question["prompt"]), scoring.expected(question)])


def _read(scorer: Scorer, asked: Sequence[Asked], say: Say) -> list[Seen]:
    """All examples, question by question, in the order given."""
    found: list[Seen] = []
    folds = folds_of([one.question for one in asked])
    for index, (one, fold) in enumerate(zip(asked, folds, strict=True)):
        say("reading", 0.95 * index / len(asked))
        parts = [texts.fold(texts.read_part(each.text, one.question)) for each in one.examples]
        read = _each(scorer, one, [part.text for part in parts])
        nothing = [matching.NO_MATCH] * len(one.question["criteria"]), None
        for example, part in zip(one.examples, parts, strict=True):
            found.append(Seen(one, fold, example, part, *read.get(part.text, nothing)))
    return found


Read = tuple[Sequence[Match], Floats | None]


def _each(scorer: Scorer, asked: Asked, sources: Sequence[str]) -> dict[str, Read]:
    """By distinct text."""
    rubric, count = asked.known.rubric, len(asked.question["criteria"])

    def use(one: Reading) -> Read:
        return matching.matches(one, rubric, count), facts(one, rubric, count)

    return reading.read(scorer, [text for text in sources if text], use)


def _items(seen: Sequence[Seen]) -> tuple[Items, Indices]:
    """What is learned from, a pair a criterion, and the fold of each.

    Where points by criterion are not given the share of the total stands for each; every example
    counts once.
    """
    rows, shares, counts, folds = [], [], [], []
    for one in seen:
        if not one.is_learned or one.facts is None:
            continue
        criteria = one.asked.question["criteria"]
        for criterion, row in zip(criteria, one.facts, strict=True):
            if criterion["points"]:
                rows.append(row)
                shares.append(_share(one, criterion))
                counts.append(1 / len(criteria))
                folds.append(one.fold)
    if not rows:
        raise TooFew("a rule marks every example; there is nothing to be learned from")
    items = Items(np.array(rows, np.float64), np.array(shares), np.array(counts))
    return items, np.array(folds)


def _share(one: Seen, criterion: dict[str, Any]) -> float:
    if one.example.criteria is not None:
        return float(one.example.criteria[criterion["code"]] / criterion["points"])
    return float(one.example.points / one.most)
