"""Marks made-up texts beside honest answers: without marks, and by calibrations of other answers.

Under a calibration the made-up texts come from the answers that it was fitted to, and the honest
ones are of the fold that was left out.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from inference_server.fitting.examples import FEWEST, Example
from inference_server.fitting.folds import fold_of
from inference_server.fitting.question import calibrate
from inference_server.judging.question import QuestionCalibration
from inference_server.scorer import Scorer
from pmscoring.base import texts
from tests.bench.foreign import right_texts
from tests.bench.gaming import makers, product
from tests.bench.gaming.makers import Made, Material
from tests.bench.gaming.probes import Probe
from tests.bench.gaming.questions import Marked, Question
from tests.bench.gaming.words import Language, Split

HONEST, WRITTEN = "honest", "written "
PLAIN, CALIBRATED = "without marks", "calibrated"
GOOD = 0.75
"""The share of the points from which on an answer is good."""
SURE = 0.5
"""The threshold of a person who trusts the machine early; the product proposes a stricter one."""
Calibration = QuestionCalibration | None


@dataclass(frozen=True)
class Bounds:
    """How much is made and marked.

    `each` texts of a kind and `honest` answers for each fit; `marks` answers that are fitted to,
    None for all but those of the fold; so many of the five `folds`.
    """

    kinds: Sequence[str]
    each: int = 20
    honest: int = 80
    marks: int | None = None
    folds: int = 2


@dataclass(frozen=True)
class Seen:
    """What came of a text; `share` is of the points, `kept` whether it has those of its origin.

    `people` is the share that people gave, or that a written text earns. `final` and
    `final_if_sure` tell of the threshold that the product proposes and of SURE; `declined` is
    whether a calibration supports none. `probe` is the text if it was written.
    """

    set: str
    language: str
    regime: str
    question: str
    kind: str
    share: float
    flags: Sequence[str]
    asks: bool
    confidence: float | None
    final: bool
    final_if_sure: bool
    declined: bool
    people: float | None = None
    kept: bool | None = None
    probe: Probe | None = None


@dataclass(frozen=True)
class Trial:
    """A question under one regime: what texts are made of, and which answers are honest."""

    question: Question
    regime: str
    train: Sequence[Marked]
    honest: Sequence[Marked]
    seed: str


class Bench:
    """Marks through the scorer of the service."""

    def __init__(self, scorer: Scorer, pieces: Split, bounds: Bounds) -> None:
        self.scorer, self.pieces, self.bounds = scorer, pieces, bounds

    def plain(self, questions: Sequence[Question], probes: Sequence[Probe]) -> Iterator[Seen]:
        """Every text by the method that needs no marks."""
        for question in questions:
            trial = Trial(question, PLAIN, question.answers, question.answers, question.code)
            yield from self._tried(trial, questions, probes, None, None)

    def calibrated(self, questions: Sequence[Question], probes: Sequence[Probe]) -> Iterator[Seen]:
        """Every text by calibrations, a fold left out of each."""
        for question in questions:
            for trial in trials(question, self.bounds):
                calibration, threshold = self._fitted(trial, questions)
                yield from self._tried(trial, questions, probes, calibration, threshold)

    def _fitted(
        self, trial: Trial, questions: Sequence[Question]
    ) -> tuple[QuestionCalibration, float | None]:
        wire, sources = trial.question.wire, [one.text for one in trial.train]
        foreign = right_texts(one.wire for one in questions if one != trial.question)
        examples = [Example(one.text, one.points, one.criteria) for one in trial.train]
        fit = calibrate(self.scorer, wire, examples, lambda *_: None, foreign)
        calibration = QuestionCalibration.unpack(fit.artefact)
        pairs = [
            (confidence, points == one.points)
            for (points, confidence), one in zip(
                fit.metrics["out_of_fold"], trial.train, strict=True
            )
        ]
        if len(pairs) < product.FEWEST:
            return calibration, None
        marks = self.scorer.score(wire, sources, calibration)
        return calibration, product.proposed(wire, pairs, marks)

    def _tried(
        self,
        trial: Trial,
        questions: Sequence[Question],
        probes: Sequence[Probe],
        calibration: Calibration,
        threshold: float | None,
    ) -> Iterator[Seen]:
        question, bounds = trial.question, self.bounds
        material = material_of(trial, questions, self.pieces)
        told = [
            text
            for kind in bounds.kinds
            if kind in makers.MAKERS
            for text in makers.made(material, kind, bounds.each, trial.seed)
        ]
        honest = _drawn(trial.honest, bounds.honest, trial.seed) if HONEST in bounds.kinds else []
        own = [one for one in probes if _is_of(one, question)]
        sources = [answer.text for answer in honest] + [made.text for made in told]
        sources += [probe.text for probe in own]
        sources += [made.origin for made in told if made.origin is not None]
        marks = self._marks(question.wire, sources, calibration)
        see = Seer(trial, threshold)
        for answer in honest:
            people = answer.points / question.most
            yield see(HONEST, marks[answer.text], people=people)
        for made in told:
            yield see(made.kind, marks[made.text], kept=_has_kept(made, marks))
        for probe in own:
            people = probe.share(question.wire)
            yield see(WRITTEN + probe.kind, marks[probe.text], people=people, probe=probe)

    def _marks(
        self, wire: dict[str, Any], sources: Sequence[str], calibration: Calibration
    ) -> dict[str, Any]:
        distinct = list(dict.fromkeys(sources))
        marks = self.scorer.score(wire, distinct, calibration)
        return dict(zip(distinct, marks, strict=True))


class Seer:
    """Puts marks of a trial into words."""

    def __init__(self, trial: Trial, threshold: float | None) -> None:
        self.trial = trial
        self.declined = threshold is None and trial.regime != PLAIN
        self.desk = product.Desk(trial.question.wire, threshold)
        self.sure = product.Desk(trial.question.wire, SURE)

    def __call__(self, kind: str, mark: dict[str, Any], **more: Any) -> Seen:
        question = self.trial.question
        return Seen(
            question.set,
            question.language,
            self.trial.regime,
            question.code,
            kind,
            float(mark["points"]) / question.most,
            mark["flags"],
            self.desk.asks(mark),
            mark["confidence"],
            self.desk.is_final(mark),
            self.sure.is_final(mark),
            self.declined,
            **more,
        )


def trials(question: Question, bounds: Bounds) -> Iterator[Trial]:
    """A trial for each fold that is left out; none where too few answers are left to fit to."""
    folds = [fold_of(texts.folded(one.text)) for one in question.answers]
    for fold in sorted(set(folds))[: bounds.folds]:
        pairs = list(zip(question.answers, folds, strict=True))
        seed = f"{question.code} {fold}"
        others = [one for one, own in pairs if own != fold]
        train = _drawn(others, bounds.marks, seed)
        if len(train) >= FEWEST and len({one.points for one in train}) > 1:
            held_back = [one for one, own in pairs if own == fold]
            yield Trial(question, _name_of(bounds), train, held_back, seed)


def _name_of(bounds: Bounds) -> str:
    return f"{CALIBRATED}, {bounds.marks or 'all'} marks"


def material_of(trial: Trial, questions: Sequence[Question], pieces: Split) -> Material:
    """What is made of the trial's answers, and of those to the set's other questions."""
    question = trial.question
    ranked = sorted(trial.train, key=lambda one: -one.points)
    others = [one for one in questions if one.code != question.code]
    after = [
        one for one in [*questions[_place(question, questions) + 1 :], *others] if one in others
    ]
    return Material(
        Language(question.language, pieces),
        question.wire,
        good=[one.text for one in ranked if one.points >= GOOD * question.most]
        or question.wire["model_answers"],
        full=[one.text for one in ranked if one.points == question.most],
        rest=[one.text for one in ranked if one.points < question.most],
        others=_right_answers(after[0]) if after else [],
        foreign=[text for one in others for text in _right_answers(one)],
    )


def _place(question: Question, questions: Sequence[Question]) -> int:
    return [one.code for one in questions].index(question.code)


def _right_answers(question: Question) -> list[str]:
    full = [one.text for one in question.answers if one.points == question.most]
    return [*question.wire["model_answers"], *full]


def _drawn(answers: Sequence[Marked], most: int | None, seed: str) -> Sequence[Marked]:
    if most is None or len(answers) <= most:
        return answers
    return Random(f"{seed} drawn").sample(list(answers), most)


def _is_of(probe: Probe, question: Question) -> bool:
    return (probe.language, probe.question) == (question.language, question.code)


def _has_kept(made: Made, marks: dict[str, Any]) -> bool | None:
    """Whether a spoilt text has as many points as before; None of others, and of no points."""
    if made.origin is None or not marks[made.origin]["points"]:
        return None
    return bool(marks[made.text]["points"] >= marks[made.origin]["points"])
