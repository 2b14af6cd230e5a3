"""What became of each question and criterion, over all candidates: for the comments (採点講評).

Answers count that are part of a candidate's total at the latest attempt: with their final points,
else with those that the machine suggests; `final` says for how many they are final.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from math import sqrt
from typing import Any, TypedDict

from scoring.agreement.kappa import correlation
from scoring.models import Exam, Mark, Question
from scoring.models.exams import number
from scoring.results.rows import Result, candidates
from scoring.results.sheets import Table

CHUNK = 500
UPPER = 0.27
"""The best and the worst candidates are told apart by these shares (Kelley 1939)."""


class Statistic(TypedDict):
    """A question, or one of its criteria where `criterion` is not empty.

    `rate` is the mean by the points to be had, `full` and `zero` the shares with all and with none
    of them. `discrimination` is by how much of the points the best 27 % of the candidates do better
    than the worst, `correlation` that with the rest of the candidate's total. `distribution` counts
    answers by points, and `flags` by flag. Null where there are too few answers to tell.
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
class Gathered:
    """Points of a question or of a criterion, each with the candidate's place in `totals`."""

    points: list[tuple[int, float]] = field(default_factory=list)
    final: int = 0
    flags: Counter[str] = field(default_factory=Counter)

    def add(self, place: int, points: float, is_final: bool) -> None:
        """One answer's."""
        self.points.append((place, points))
        self.final += is_final


Tally = dict[tuple[str, str], Gathered]
Key = tuple[str, int, str]
"""Candidate, attempt and question."""


def statistics(exam: Exam) -> list[Statistic]:
    """A row for each question, followed by one for each of its criteria."""
    totals: list[float] = []
    table: Tally = defaultdict(Gathered)
    papers = candidates(exam)
    while chunk := list(islice(papers, CHUNK)):
        criteria = _criteria(exam, [rows[0]["candidate"] for rows, _total in chunk if rows])
        for rows, _total in chunk:
            _gather(table, totals, rows, criteria)
    return list(_rows(exam, table, totals))


def _gather(
    table: Tally,
    totals: list[float],
    rows: Sequence[Result],
    criteria: dict[Key, dict[str, float]],
) -> None:
    place, total = len(totals), 0.0
    for row in rows:
        points = row["suggested"] if row["points"] is None else row["points"]
        if points is None or not row["counted"]:
            continue
        total += points
        final = row["points"] is not None
        question = table[row["question"], ""]
        question.add(place, points, final)
        question.flags.update(row["flags"])
        found = criteria.get((row["candidate"], row["attempt"], row["question"]), {})
        for code, earned in found.items():
            table[row["question"], code].add(place, earned, final)
    totals.append(total)


def _criteria(exam: Exam, names: Sequence[str]) -> dict[Key, dict[str, float]]:
    """Points by criterion of the marks by which the candidates' answers have their points."""
    marks = (
        Mark.objects.filter(answer__submission__exam=exam, answer__submission__candidate__in=names)
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
    found: dict[Key, dict[str, float]] = {}
    row: Any
    for row in marks.iterator():
        *key, final, source, told = row
        # The newest that tells of criteria; what an adjudicator overruled is not asked.
        if told and source == (final or Mark.Source.MACHINE):
            found[tuple(key)] = {one["code"]: float(one["points"]) for one in told}
    return found


def _rows(exam: Exam, table: Tally, totals: Sequence[float]) -> Iterator[Statistic]:
    nothing = Gathered()
    for question in exam.questions.prefetch_related("criteria").order_by("position", "pk"):
        found = table.get((question.code, ""), nothing)
        yield _row(question, "", "", question.max_points, found, totals)
        for criterion in question.criteria.all():
            found = table.get((question.code, criterion.code), nothing)
            yield _row(question, criterion.code, criterion.label, criterion.points, found, totals)


def _row(
    question: Question,
    criterion: str,
    label: str,
    points: Any,
    found: Gathered,
    totals: Sequence[float],
) -> Statistic:
    most = float(points)
    given = [one for _place, one in found.points]
    count = len(given)
    mean = sum(given) / count if count else None
    rest = [(one, totals[place] - one) for place, one in found.points]
    spread = [(totals[place], one) for place, one in found.points]
    between = discrimination(spread)
    return {
        "question": question.code,
        "label": question.label,
        "criterion": criterion,
        "criterion_label": label,
        "points": number(points),
        "count": count,
        "final": found.final,
        "mean": _rounded(mean),
        "rate": _rounded(None if mean is None else mean / most),
        "deviation": _rounded(_deviation(given)),
        "full": _rounded(_share(given, lambda one: one >= most)),
        "zero": _rounded(_share(given, lambda one: one == 0)),
        "discrimination": _rounded(None if between is None else between / most),
        "correlation": _rounded(correlation(rest)),
        "distribution": {f"{number(p)}": n for p, n in sorted(Counter(given).items())},
        "flags": dict(found.flags.most_common()),
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def _share(given: Sequence[float], holds: Any) -> float | None:
    return sum(map(holds, given)) / len(given) if given else None


def _deviation(given: Sequence[float]) -> float | None:
    """Of a sample; None of fewer than two."""
    if len(given) < 2:
        return None
    mean = sum(given) / len(given)
    return sqrt(sum((one - mean) ** 2 for one in given) / (len(given) - 1))


def discrimination(given: Iterable[tuple[float, float]]) -> float | None:
    """Mean points of those with the highest 27 % of totals less those of the lowest.

    Of (total, points). Candidates of one total are not told apart: where only some of them belong
    to a group, they count there with their mean. None of fewer than four candidates.
    """
    by_total: dict[float, list[float]] = defaultdict(list)
    for total, points in given:
        by_total[total].append(points)
    count = sum(map(len, by_total.values()))
    if count < 4:
        return None
    size = max(round(count * UPPER), 1)
    ranked = [by_total[total] for total in sorted(by_total)]
    return _mean_of_first(ranked[::-1], size) - _mean_of_first(ranked, size)


def _mean_of_first(ranked: Sequence[Sequence[float]], size: int) -> float:
    left, total = size, 0.0
    for points in ranked:
        taken = min(left, len(points))
        total += taken * sum(points) / len(points)
        left -= taken
    return total / size


def parts(exam: Exam) -> Iterator[Sequence[Sequence[Statistic]]]:
    """All at once and at once: a row tells of all candidates."""
    return iter([[statistics(exam)]])
