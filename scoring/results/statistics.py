"""Statistics of each question and criterion over all candidates, for the exam report (採点講評).

Only answers that count towards a candidate's total at the latest attempt are included, with their
final points or, where there are none, with those that the machine suggests.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import islice
from math import sqrt
from typing import Any, TypedDict

from scoring.agreement.kappa import correlation
from scoring.models import Exam, Mark, Question
from scoring.models.exams import number
from scoring.results import words
from scoring.results.rows import Result, candidates
from scoring.results.sheets import Table

CHUNK = 500
GROUP_SHARE = 0.27
"""The share of the candidates in the best group and in the worst one (Kelley 1939)."""


class Statistic(TypedDict):
    """Statistics of a question, or of one of its criteria where `criterion` is not empty.

    `points` is the maximum and `count` the number of answers, of which `final` have final points.
    `rate` is `mean` as a share of `points`; `full` and `zero` are the shares of answers with all
    points and with none. `deviation` is that of a sample, in points. `discrimination`, in [-1, 1],
    is how much larger the mean of the best 27 % of the candidates is than that of the worst 27 %,
    as a share of `points`. `correlation` is that with the rest of the candidate's total.
    `distribution` counts answers by their points, and `flags` by flag. Figures for which there are
    too few answers are null.
    """

    question: str
    label: str
    criterion: str
    criterion_label: str
    points: float
    count: int
    final: int
    mean: float | None
    rate: float | None
    deviation: float | None
    full: float | None
    zero: float | None
    discrimination: float | None
    correlation: float | None
    distribution: dict[str, int]
    flags: dict[str, int]


STATISTICS = Table(
    "statistics",
    Statistic,
    {
        "question": "設問",
        "label": "設問名",
        "criterion": "採点基準",
        "criterion_label": "採点基準の内容",
        "points": "配点",
        "count": "解答数",
        "final": "うち確定",
        "mean": "平均点",
        "rate": "得点率",
        "deviation": "標準偏差",
        "full": "満点の割合",
        "zero": "0点の割合",
        "discrimination": "識別指数",
        "correlation": "残りとの相関",
        "distribution": "得点の分布",
        "flags": "注意",
    },
    ("statistics", "統計"),
    {"flags": words.flag_counts},
)
_QUESTION: dict[str, Any] = {
    "question": "Q1",
    "label": "設問1(1)",
    "criterion": "",
    "criterion_label": "",
    "points": 4,
    "count": 180,
    "final": 180,
    "mean": 2.65,
    "rate": 0.6625,
    "deviation": 1.4142,
    "full": 0.35,
    "zero": 0.1,
    "discrimination": 0.52,
    "correlation": 0.47,
    "distribution": {"0": 18, "2": 54, "3": 45, "4": 63},
    "flags": {"too_long": 4},
}
EXAMPLE: dict[str, Any] = {
    "statistics": [
        _QUESTION,
        {**_QUESTION, "criterion": "C1", "criterion_label": "要件", "flags": {}},
    ],
}


@dataclass
class Tally:
    """The points of all answers to a question, or by a criterion.

    Each comes with the index of its candidate in the list of totals.
    """

    points: list[tuple[int, float]] = field(default_factory=list)
    final: int = 0
    flags: Counter[str] = field(default_factory=Counter)

    def add(self, index: int, points: float, is_final: bool) -> None:
        """Count the points of one answer."""
        self.points.append((index, points))
        self.final += is_final


Tallies = dict[tuple[str, str], Tally]
"""By the codes of question and criterion; the criterion is "" for the question itself."""
AnswerKey = tuple[str, int, str]
"""Candidate, attempt and the question's code."""


def statistics(exam: Exam) -> list[Statistic]:
    """Return a row for each question, followed by one for each of its criteria."""
    totals: list[float] = []
    tallies: Tallies = defaultdict(Tally)
    exam_results = candidates(exam)
    while chunk := list(islice(exam_results, CHUNK)):
        names = [results[0]["candidate"] for results, _total in chunk if results]
        criteria = _criteria(exam, names)
        for results, _total in chunk:
            _count(tallies, totals, results, criteria)
    return list(_rows(exam, tallies, totals))


def _count(
    tallies: Tallies,
    totals: list[float],
    results: Sequence[Result],
    criteria: dict[AnswerKey, dict[str, float]],
) -> None:
    """Count one candidate's results, and add the total, with suggested points, to `totals`."""
    index, total = len(totals), 0.0
    for row in results:
        points = row["suggested"] if row["points"] is None else row["points"]
        if points is None or not row["counted"]:
            continue
        total += points
        final = row["points"] is not None
        question = tallies[row["question"], ""]
        question.add(index, points, final)
        question.flags.update(row["flags"])
        by_criterion = criteria.get((row["candidate"], row["attempt"], row["question"]), {})
        for code, criterion_points in by_criterion.items():
            tallies[row["question"], code].add(index, criterion_points, final)
    totals.append(total)


def _criteria(exam: Exam, names: Sequence[str]) -> dict[AnswerKey, dict[str, float]]:
    """Points by criterion of the candidates' answers, from the marks that gave their points."""
    marks = (
        Mark.objects.filter(answer__submission__exam=exam, answer__submission__candidate__in=names)
        .filter(answer__counts=True)
        .that_count()
        .order_by("pk")
        .values_list(
            "answer__submission__candidate",
            "answer__submission__attempt",
            "answer__question__code",
            "answer__final_source",
            "source",
            "criteria",
        )
    )
    points: dict[AnswerKey, dict[str, float]] = {}
    for candidate, attempt, question, final_source, source, criteria in marks.iterator():
        # Only marks of the final source count, so none that an adjudicator has overruled. The
        # newest that has criteria comes last and replaces the others.
        if criteria and source == (final_source or Mark.Source.MACHINE):
            points[candidate, attempt, question] = {
                criterion["code"]: float(criterion["points"]) for criterion in criteria
            }
    return points


def _rows(exam: Exam, tallies: Tallies, totals: Sequence[float]) -> Iterator[Statistic]:
    for question in exam.questions.prefetch_related("criteria").order_by("position", "pk"):
        tally = tallies.get((question.code, ""), Tally())
        yield _row(question, "", "", question.max_points, tally, totals)
        for criterion in question.criteria.all():
            tally = tallies.get((question.code, criterion.code), Tally())
            yield _row(question, criterion.code, criterion.label, criterion.points, tally, totals)


def _row(
    question: Question,
    criterion: str,
    label: str,
    most_points: Decimal,
    tally: Tally,
    totals: Sequence[float],
) -> Statistic:
    most = float(most_points)
    points = [value for _index, value in tally.points]
    count = len(points)
    mean = sum(points) / count if count else None
    with_rest = [(value, totals[index] - value) for index, value in tally.points]
    difference = discrimination((totals[index], value) for index, value in tally.points)
    return {
        "question": question.code,
        "label": question.label,
        "criterion": criterion,
        "criterion_label": label,
        "points": number(most_points),
        "count": count,
        "final": tally.final,
        "mean": _rounded(mean),
        "rate": _rounded(None if mean is None else mean / most),
        "deviation": _rounded(_deviation(points)),
        "full": _rounded(_share(points, lambda value: value >= most)),
        "zero": _rounded(_share(points, lambda value: value == 0)),
        "discrimination": _rounded(None if difference is None else difference / most),
        "correlation": _rounded(correlation(with_rest)),
        "distribution": {
            f"{number(value)}": answers for value, answers in sorted(Counter(points).items())
        },
        "flags": dict(tally.flags.most_common()),
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def _share(points: Sequence[float], holds: Callable[[float], bool]) -> float | None:
    return sum(map(holds, points)) / len(points) if points else None


def _deviation(points: Sequence[float]) -> float | None:
    """The standard deviation of a sample; None for fewer than two values."""
    if len(points) < 2:
        return None
    mean = sum(points) / len(points)
    return sqrt(sum((value - mean) ** 2 for value in points) / (len(points) - 1))


def discrimination(pairs: Iterable[tuple[float, float]]) -> float | None:
    """Return the mean points of the best 27 % of the candidates less those of the worst 27 %.

    `pairs` are the total and the points of each candidate. Candidates with equal totals are treated
    alike: where only some of them fit into a group, each of these counts with the mean of all of
    them. None for fewer than four candidates.
    """
    by_total: dict[float, list[float]] = defaultdict(list)
    for total, points in pairs:
        by_total[total].append(points)
    count = sum(map(len, by_total.values()))
    if count < 4:
        return None
    size = max(round(count * GROUP_SHARE), 1)
    ranked = [by_total[total] for total in sorted(by_total)]
    return _mean_of_first(ranked[::-1], size) - _mean_of_first(ranked, size)


def _mean_of_first(ranked: Sequence[Sequence[float]], size: int) -> float:
    """The mean points of the first `size` candidates, of lists with those of equal totals."""
    missing, total = size, 0.0
    for points in ranked:
        taken = min(missing, len(points))
        total += taken * sum(points) / len(points)
        missing -= taken
    return total / size


def chunks(exam: Exam) -> Iterator[Sequence[Sequence[Statistic]]]:
    """For an export: all rows in one chunk, because each row is about all candidates."""
    return iter([[statistics(exam)]])
