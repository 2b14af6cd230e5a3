"""The figures of an exam and of a question."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from django.contrib.auth import get_user_model

from scoring.agreement import coverage, kappa
from scoring.agreement.drift import drift
from scoring.agreement.pairs import Compared, Pair, Reading, compared, points_by_code
from scoring.agreement.shapes import (
    ConfusionCell,
    CoveragePoint,
    CriterionAgreement,
    ExamAgreement,
    Figures,
    MarkerPair,
    OverallAgreement,
    QuestionAgreement,
)
from scoring.models import Exam, Question
from scoring.models.exams import number

MOST_CUTS = 50


def of_exam(exam: Exam, names: bool = False) -> ExamAgreement:
    """Of all its questions; markers are named where that is wanted."""
    questions = exam.questions.select_related("calibration").order_by("position", "pk")
    told = [of_question(question, names) for question in questions]
    return {"exam": exam.code, "overall": _overall(told), "questions": told}


def of_question(question: Question, names: bool = False) -> QuestionAgreement:
    """All figures of one question."""
    found = compared(question)
    step = float(question.step)
    audited = [pair for pair in found.pairs if pair.audit]
    guessed = [pair for pair in found.pairs if pair.confidence is not None]
    return {
        "question": question.code,
        "label": question.label,
        "points": number(question.max_points),
        "step": number(question.step),
        "calibration": question.calibration.sha256 if question.calibration else None,
        "threshold": question.threshold,
        "machine": _figures([pair.points for pair in found.pairs], step),
        "audit": _figures([pair.points for pair in audited], step),
        "people": _figures([_points(reading) for reading in found.readings], step),
        "out_of_fold": sum(pair.fitted for pair in found.pairs),
        "open": found.open,
        "unpredicted": found.unpredicted,
        "markers": _marker_pairs(found.readings, step, names),
        "criteria": _criteria(question, found, step),
        "confusion": _confusion(found.pairs),
        "coverage": _coverage(guessed, step),
        "drift": drift(audited, step),
    }


def _figures(pairs: Sequence[tuple[float, float]], step: float) -> Figures | None:
    if not pairs:
        return None
    found = kappa.agreement(pairs, step)
    interval = kappa.kappa_interval(pairs)
    return {
        "count": found.count,
        "exact": found.exact,
        "adjacent": found.adjacent,
        "kappa": found.kappa,
        "kappa_interval": None if interval is None else list(interval),
        "mae": found.mae,
        "bias": found.bias,
    }


def _points(reading: Reading) -> tuple[float, float]:
    return reading.one.points, reading.other.points


def _overall(questions: Sequence[QuestionAgreement]) -> OverallAgreement:
    figures = [one["machine"] for one in questions if one["machine"]]
    total = sum(one["count"] for one in figures)
    kappas = [one["kappa"] for one in figures if one["kappa"] is not None]
    exact = sum(one["exact"] * one["count"] for one in figures)
    adjacent = sum(one["adjacent"] * one["count"] for one in figures)
    return {
        "count": total,
        "exact": exact / total if total else None,
        "adjacent": adjacent / total if total else None,
        "kappa": kappa.mean_kappa(kappas),
    }


def _marker_pairs(readings: Sequence[Reading], step: float, names: bool) -> list[MarkerPair]:
    """Whoever has the lower key is `one`, whichever of them was the first to read."""
    pairs: dict[tuple[int, int], list[tuple[float, float]]] = defaultdict(list)
    for reading in readings:
        one, other = sorted(
            (reading.one, reading.other), key=lambda mark: (mark.marker or 0, mark.at)
        )
        pairs[one.marker or 0, other.marker or 0].append((one.points, other.points))
    shown = _shown({key for pair in pairs for key in pair}, names)
    return [
        {"one": shown[one], "other": shown[other], "figures": figures}
        for (one, other), given in sorted(pairs.items())
        if (figures := _figures(given, step))
    ]


def _shown(keys: Iterable[int], names: bool) -> dict[int, str]:
    """The markers' names, else numbers in the order of their keys."""
    keys = sorted(keys)
    if not names:
        return {key: str(place) for place, key in enumerate(keys, start=1)}
    users = get_user_model().objects.filter(pk__in=keys)
    known = {user.pk: user.get_username() for user in users}
    return {key: known.get(key, "-") for key in keys}


def _criteria(question: Question, found: Compared, step: float) -> list[CriterionAgreement]:
    read: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for reading in found.readings:
        others = points_by_code(reading.other.criteria)
        for code, points in points_by_code(reading.one.criteria).items():
            if code in others:
                read[code].append((points, others[code]))
    return [
        {
            "code": criterion.code,
            "label": criterion.label,
            "points": number(criterion.points),
            "machine": _figures(found.criteria.get(criterion.code, []), step),
            "people": _figures(read[criterion.code], step),
        }
        for criterion in question.criteria.all()
    ]


def _confusion(pairs: Sequence[Pair]) -> list[ConfusionCell]:
    counts = Counter((pair.people, pair.machine) for pair in pairs)
    return [
        {"people": number(people), "machine": number(machine), "count": counts[people, machine]}
        for people, machine in sorted(counts)
    ]


def _coverage(pairs: Sequence[Pair], step: float) -> list[CoveragePoint]:
    """At most some fifty cuts, spread evenly over the answers; the last covers all."""
    cuts = coverage.curve([(pair.confidence or 0.0, pair.is_exact(step)) for pair in pairs])
    wanted = max(len(pairs) / MOST_CUTS, 1)
    kept, told = 0.0, []
    for cut in cuts:
        if cut.count >= kept + wanted or cut.count == len(pairs):
            kept = cut.count
            told.append(cut)
    return [
        {
            "threshold": cut.threshold,
            "count": cut.count,
            "coverage": cut.coverage,
            "agreement": cut.agreement,
        }
        for cut in told
    ]
