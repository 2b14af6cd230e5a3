"""The agreement of an exam and of a question, in the shapes that the REST API returns."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from django.contrib.auth import get_user_model

from scoring.agreement import coverage, kappa
from scoring.agreement.drift import drift
from scoring.agreement.pairs import Comparison, Giver, Pair, Reading, compare, points_by_code
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


def exam_agreement(exam: Exam, names: bool = False) -> ExamAgreement:
    """The agreement of all the exam's questions; with `names`, markers by name, not by number."""
    questions = exam.questions.select_related("calibration").order_by("position", "pk")
    figures = [question_agreement(question, names) for question in questions]
    return {"exam": exam.code, "overall": _overall(figures), "questions": figures}


def question_agreement(question: Question, names: bool = False) -> QuestionAgreement:
    """All figures of the question; `names` as in `exam_agreement`."""
    comparison = compare(question)
    step = float(question.step)
    pairs = comparison.pairs
    audited = [pair for pair in pairs if pair.audit]
    confident = [pair for pair in pairs if pair.confidence is not None]
    return {
        "question": question.code,
        "label": question.label,
        "points": number(question.max_points),
        "step": number(question.step),
        "calibration": question.calibration.sha256 if question.calibration else None,
        "threshold": question.threshold,
        "machine": _figures([pair.points for pair in pairs], step),
        "audit": _figures([pair.points for pair in audited], step),
        "people": _figures([_points(reading) for reading in comparison.readings], step),
        "out_of_fold": sum(pair.fitted for pair in pairs),
        "open": comparison.open,
        "unpredicted": comparison.unpredicted,
        "markers": _marker_pairs(comparison.readings, step, names),
        "criteria": _criteria(question, comparison, step),
        "confusion": _confusion(pairs),
        "coverage": _coverage(confident, step),
        "drift": drift(audited, step),
    }


def _figures(pairs: Sequence[tuple[float, float]], step: float) -> Figures | None:
    if not pairs:
        return None
    agreement = kappa.agreement(pairs, step)
    interval = kappa.kappa_interval(pairs)
    return {
        "count": agreement.count,
        "exact": agreement.exact,
        "adjacent": agreement.adjacent,
        "kappa": agreement.kappa,
        "kappa_interval": None if interval is None else list(interval),
        "mae": agreement.mae,
        "bias": agreement.bias,
    }


def _points(reading: Reading) -> tuple[float, float]:
    return reading.first.points, reading.second.points


def _overall(questions: Sequence[QuestionAgreement]) -> OverallAgreement:
    machine = [question["machine"] for question in questions if question["machine"]]
    total = sum(figures["count"] for figures in machine)
    kappas = [figures["kappa"] for figures in machine if figures["kappa"] is not None]
    exact = sum(figures["exact"] * figures["count"] for figures in machine)
    adjacent = sum(figures["adjacent"] * figures["count"] for figures in machine)
    return {
        "count": total,
        "exact": exact / total if total else None,
        "adjacent": adjacent / total if total else None,
        "kappa": kappa.mean_kappa(kappas),
    }


def _marker_pairs(readings: Sequence[Reading], step: float, names: bool) -> list[MarkerPair]:
    """Figures of each two markers, the marker with the lower key first, whoever marked earlier.

    Sources outside come before the markers, by their names.
    """
    pairs: dict[tuple[Giver, Giver], list[tuple[float, float]]] = defaultdict(list)
    for reading in readings:
        first, second = sorted((reading.first, reading.second), key=lambda mark: mark.giver)
        pairs[first.giver, second.giver].append((first.points, second.points))
    labels = _marker_labels({key for markers in pairs for key in markers}, names)
    return [
        {"one": labels[first], "other": labels[second], "figures": figures}
        for (first, second), points in sorted(pairs.items())
        if (figures := _figures(points, step))
    ]


def _marker_labels(givers: Iterable[Giver], names: bool) -> dict[Giver, str]:
    """The names of markers and sources, or numbers in their order."""
    givers = sorted(givers)
    if not names:
        return {giver: str(place) for place, giver in enumerate(givers, start=1)}
    users = get_user_model().objects.filter(pk__in={marker for marker, _origin in givers})
    usernames = {user.pk: user.get_username() for user in users}
    return {giver: giver[1] or usernames.get(giver[0], "-") for giver in givers}


def _criteria(question: Question, comparison: Comparison, step: float) -> list[CriterionAgreement]:
    people: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for reading in comparison.readings:
        second = points_by_code(reading.second.criteria)
        for code, points in points_by_code(reading.first.criteria).items():
            if code in second:
                people[code].append((points, second[code]))
    return [
        {
            "code": criterion.code,
            "label": criterion.label,
            "points": number(criterion.points),
            "machine": _figures(comparison.criteria.get(criterion.code, []), step),
            "people": _figures(people[criterion.code], step),
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
    """At most about MOST_CUTS cuts, spread evenly over the answers; the last covers all."""
    cuts = coverage.curve([(pair.confidence or 0.0, pair.is_exact(step)) for pair in pairs])
    distance = max(len(pairs) / MOST_CUTS, 1)
    shown: list[coverage.Cut] = []
    for cut in cuts:
        last = shown[-1].count if shown else 0
        if cut.count >= last + distance or cut.count == len(pairs):
            shown.append(cut)
    return [
        {
            "threshold": cut.threshold,
            "count": cut.count,
            "coverage": cut.coverage,
            "agreement": cut.agreement,
        }
        for cut in shown
    ]
