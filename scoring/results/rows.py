"""Results of an exam: a row for each candidate and question, and a total for each candidate.

The latest attempt counts. Candidates are read in chunks, so an exam of any size takes the same
memory; only the totals of the sheets and of JSON, which come last, are kept.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypedDict

from scoring.models import Answer, Exam, Mark, Question, QuestionGroup, Submission
from scoring.models.exams import number
from scoring.results.sheets import Table

CHUNK = 500
NOT_ANSWERED, ABSENT = "not_answered", "absent"


class Result(TypedDict):
    """One candidate's answer to one question.

    `points` are final and `suggested` the machine's under the present definition and calibration;
    null where there are none. `status` is the answer's, or not_answered, or absent. `counted` says
    whether the question is part of the total under its group's rule.
    """

    candidate: str
    attempt: int
    question: str
    status: str
    points: float | None
    source: str | None
    suggested: float | None
    confidence: float | None
    flags: list[str]
    counted: bool


class Total(TypedDict):
    """One candidate's sum over the questions that count.

    A sum is null while a question that counts has no points, and for an absent candidate.
    `complete` says that `total` will not change by marks still to come.
    """

    candidate: str
    attempt: int
    absent: bool
    total: float | None
    suggested_total: float | None
    complete: bool


RESULTS = Table(
    "results",
    Result,
    {
        "candidate": "受験者",
        "attempt": "回",
        "question": "設問",
        "status": "状態",
        "points": "得点",
        "source": "採点の種別",
        "suggested": "機械の提案",
        "confidence": "確信度",
        "flags": "注意",
        "counted": "合計に算入",
    },
    ("answers", "解答"),
)
TOTALS = Table(
    "totals",
    Total,
    {
        "candidate": "受験者",
        "attempt": "回",
        "absent": "欠席",
        "total": "合計",
        "suggested_total": "提案の合計",
        "complete": "確定",
    },
    ("totals", "合計"),
)
EXAMPLE: dict[str, Any] = {
    "results": [
        {
            "candidate": "c-001",
            "attempt": 1,
            "question": "Q1",
            "status": "scored",
            "points": 4,
            "source": "human",
            "suggested": 4,
            "confidence": None,
            "flags": [],
            "counted": True,
        }
    ],
    "totals": [
        {
            "candidate": "c-001",
            "attempt": 1,
            "absent": False,
            "total": 4,
            "suggested_total": 4,
            "complete": True,
        }
    ],
}


@dataclass(frozen=True)
class Paper:
    """An exam's questions in their order, and the groups of which candidates choose."""

    questions: list[Question]
    groups: dict[int, QuestionGroup]


def parts(exam: Exam) -> Iterator[Sequence[Sequence[Any]]]:
    """Results and total of each candidate."""
    return ((results, [total]) for results, total in candidates(exam))


def candidates(exam: Exam) -> Iterator[tuple[list[Result], Total]]:
    """Rows and total of each candidate."""
    questions = list(exam.questions.order_by("position", "pk"))
    paper = Paper(questions, {group.pk: group for group in exam.groups.all()})
    latest = exam.submissions.order_by("candidate", "-attempt").distinct("candidate")
    found = latest.iterator(CHUNK)
    while chunk := list(islice(found, CHUNK)):
        answers, marks = _answers(chunk), _suggestions(chunk)
        for submission in chunk:
            given = answers[submission.pk]
            counted = set() if submission.absent else counted_questions(paper, given, marks)
            rows = [_row(submission, one, given, marks, counted) for one in questions]
            yield rows, _total(submission, paper, rows, given)


def _answers(chunk: Sequence[Submission]) -> dict[int, dict[int, Answer]]:
    """By submission and question."""
    found: dict[int, dict[int, Answer]] = defaultdict(dict)
    for answer in Answer.objects.filter(submission__in=chunk):
        found[answer.submission_id][answer.question_id] = answer
    return found


def _suggestions(chunk: Sequence[Submission]) -> dict[int, Mark]:
    """The machine's mark in force of each answer.

    The newest, should the service's weights have changed since.
    """
    marks = Mark.objects.filter(answer__submission__in=chunk).in_force()
    return {mark.answer_id: mark for mark in marks.order_by("pk")}


def counted_questions(paper: Paper, given: dict[int, Answer], marks: dict[int, Mark]) -> set[int]:
    """Keys of the questions that make up the total.

    Those outside groups always do. Of a group those do that were answered with more than white
    space, and of too many of them the ones that the group's rule says.
    """
    counted = {question.pk for question in paper.questions if question.group_id is None}
    for group in paper.groups.values():
        chosen = _chosen(paper, group, given)
        if len(chosen) > group.choose:
            chosen = _kept(group, chosen, given, marks)
        counted |= {question.pk for question in chosen}
    return counted


def _chosen(paper: Paper, group: QuestionGroup, given: dict[int, Answer]) -> list[Question]:
    return [
        question
        for question in paper.questions
        if question.group_id == group.pk
        and question.pk in given
        and given[question.pk].text.strip()
    ]


def _kept(
    group: QuestionGroup, chosen: list[Question], given: dict[int, Answer], marks: dict[int, Mark]
) -> list[Question]:
    if group.over_answering == QuestionGroup.OverAnswering.NONE:
        return []
    if group.over_answering == QuestionGroup.OverAnswering.BEST:

        def best_first(question: Question) -> float:
            points = _points(given[question.pk], marks.get(given[question.pk].pk))
            return 0.0 if points is None else -points

        chosen = sorted(chosen, key=best_first)
    return chosen[: group.choose]


def _points(answer: Answer, mark: Mark | None) -> float | None:
    """The final points, else those that the machine suggests."""
    if answer.final_points is not None:
        return float(answer.final_points)
    return None if mark is None else float(mark.points)


def _row(
    submission: Submission,
    question: Question,
    given: dict[int, Answer],
    marks: dict[int, Mark],
    counted: set[int],
) -> Result:
    answer = given.get(question.pk)
    mark = marks.get(answer.pk) if answer else None
    missing = ABSENT if submission.absent else NOT_ANSWERED
    final = answer.final_points if answer else None
    return {
        "candidate": submission.candidate,
        "attempt": submission.attempt,
        "question": question.code,
        "status": answer.status if answer else missing,
        "points": None if final is None else number(final),
        "source": (answer.final_source or None) if answer else None,
        "suggested": None if mark is None else number(mark.points),
        "confidence": None if mark is None else mark.confidence,
        "flags": answer.flags if answer else [],
        "counted": question.pk in counted,
    }


def _total(
    submission: Submission, paper: Paper, rows: Sequence[Result], given: dict[int, Answer]
) -> Total:
    counted = [row for row in rows if row["counted"] and row["status"] != NOT_ANSWERED]
    settled = _is_settled(paper, rows, given)
    return {
        "candidate": submission.candidate,
        "attempt": submission.attempt,
        "absent": submission.absent,
        "total": _sum([row["points"] for row in counted], settled and not submission.absent),
        "suggested_total": _sum([row["suggested"] for row in counted], not submission.absent),
        "complete": settled,
    }


def _is_settled(paper: Paper, rows: Sequence[Result], given: dict[int, Answer]) -> bool:
    """No question that counts is without final points, nor one that yet may be among the best."""
    if any(
        row["counted"] and row["points"] is None and row["status"] != NOT_ANSWERED for row in rows
    ):
        return False
    for group in paper.groups.values():
        chosen = _chosen(paper, group, given)
        best = group.over_answering == QuestionGroup.OverAnswering.BEST
        open_still = any(given[question.pk].final_points is None for question in chosen)
        if best and len(chosen) > group.choose and open_still:
            return False
    return True


def _sum(points: Sequence[float | None], known: bool) -> float | None:
    found = [one for one in points if one is not None]
    return number(sum(found)) if known and len(found) == len(points) else None
