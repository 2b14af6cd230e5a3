"""Results of an exam: a row for each candidate and question, and a total for each candidate.

Only the latest attempt of each candidate counts. Candidates are read in chunks, so the memory does
not grow with the exam, but for the totals of JSON, which are written last.

Markers and workers may write marks while an export is read. It takes no locks, so that nobody waits
for a slow download, and each chunk shows the marks of the moment at which it is read. Once the exam
is fixed, its marks no longer change.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypedDict

from django.db.models import QuerySet

from pmscoring.base.texts import is_blank
from scoring.models import Answer, Exam, Mark, Question, QuestionGroup, Submission
from scoring.models.exams import number
from scoring.results import words
from scoring.results.sheets import Table
from scoring.results.words import ABSENT, NOT_ANSWERED

CHUNK = 500


class Result(TypedDict):
    """One candidate's answer to one question.

    `points` are the final ones, and `suggested` those of the machine under the present definition
    and calibration; either is null where there are none. `status` is that of the answer, or
    "not_answered" or "absent". `counted` says whether the question counts towards the total by the
    rule of its group.
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

    A sum is null while an answer that counts has no points, and for an absent candidate. `complete`
    says that marks still to come cannot change `total`.
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
    {"status": words.status, "source": words.source, "flags": words.flags},
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
    """An exam's questions in order, and by key the groups from which candidates choose."""

    questions: list[Question]
    groups: dict[int, QuestionGroup]


def chunks(exam: Exam) -> Iterator[Sequence[Sequence[Any]]]:
    """For an export: the results of one candidate, and the one total, in each chunk."""
    return ((results, [total]) for results, total in candidates(exam))


def without_total(exam: Exam) -> int:
    """How many candidates, but for absent ones, have no total yet."""
    # Who has final points for all answers has a total, so the others alone are looked at.
    open_answers = Answer.objects.filter(question__exam=exam, final_points=None)
    latest = _latest(exam).values("pk")
    rows = exam.submissions.filter(pk__in=latest, absent=False)
    rows = rows.filter(pk__in=open_answers.values("submission")).order_by("pk")
    return sum(total["total"] is None for _results, total in _results_of(exam, rows))


def candidates(exam: Exam) -> Iterator[tuple[list[Result], Total]]:
    """Yield the results and the total of each candidate, in the order of the candidates' names.

    The results are those of all questions of the exam, in their order.
    """
    return _results_of(exam, _latest(exam))


def _latest(exam: Exam) -> "QuerySet[Submission]":
    return exam.submissions.order_by("candidate", "-attempt").distinct("candidate")


def _results_of(exam: Exam, rows: "QuerySet[Submission]") -> Iterator[tuple[list[Result], Total]]:
    questions = list(exam.questions.order_by("position", "pk"))
    paper = Paper(questions, {group.pk: group for group in exam.groups.all()})
    submissions = rows.iterator(CHUNK)
    while chunk := list(islice(submissions, CHUNK)):
        answers_of, marks = _answers(chunk), _suggestions(chunk)
        for submission in chunk:
            answers = answers_of[submission.pk]
            counted = set() if submission.absent else counted_questions(paper, answers, marks)
            results = [
                _row(submission, question, answers, marks, counted) for question in questions
            ]
            yield results, _total(submission, paper, results, answers)


def _answers(chunk: Sequence[Submission]) -> dict[int, dict[int, Answer]]:
    """The answers by the keys of submission and question."""
    answers: dict[int, dict[int, Answer]] = defaultdict(dict)
    for answer in Answer.objects.filter(submission__in=chunk):
        answers[answer.submission_id][answer.question_id] = answer
    return answers


def _suggestions(chunk: Sequence[Submission]) -> dict[int, Mark]:
    """The machine's mark in force of each answer, by the answer's key."""
    # An answer has several where the service's weights have changed; the newest comes last and so
    # replaces the others.
    marks = Mark.objects.filter(answer__submission__in=chunk).in_force()
    return {mark.answer_id: mark for mark in marks.order_by("pk")}


def counted_questions(paper: Paper, answers: dict[int, Answer], marks: dict[int, Mark]) -> set[int]:
    """Return the keys of the questions that count towards the total.

    Questions outside groups always count. In a group, those count that were answered with more than
    white space. Where these are too many, the group's rule decides which of them count.

    `answers` are one candidate's by question, and `marks` the machine's by answer.
    """
    counted = {question.pk for question in paper.questions if question.group_id is None}
    for group in paper.groups.values():
        chosen = _chosen(paper, group, answers)
        if len(chosen) > group.choose:
            chosen = _limited(group, chosen, answers, marks)
        counted |= {question.pk for question in chosen}
    return counted


def _chosen(paper: Paper, group: QuestionGroup, answers: dict[int, Answer]) -> list[Question]:
    """The group's questions that the candidate answered with more than white space."""
    return [
        question
        for question in paper.questions
        if question.group_id == group.pk
        and question.pk in answers
        and not is_blank(answers[question.pk].text)
    ]


def _limited(
    group: QuestionGroup, chosen: list[Question], answers: dict[int, Answer], marks: dict[int, Mark]
) -> list[Question]:
    """Those of too many chosen questions that count by the group's rule."""
    if group.over_answering == QuestionGroup.OverAnswering.NONE:
        return []
    if group.over_answering == QuestionGroup.OverAnswering.BEST:

        def best_first(question: Question) -> float:
            answer = answers[question.pk]
            points = _points(answer, marks.get(answer.pk))
            return 0.0 if points is None else -points

        chosen = sorted(chosen, key=best_first)
    return chosen[: group.choose]


def _points(answer: Answer, mark: Mark | None) -> float | None:
    """The final points or, where there are none, those that the machine suggests."""
    if answer.final_points is not None:
        return float(answer.final_points)
    return None if mark is None else float(mark.points)


def _row(
    submission: Submission,
    question: Question,
    answers: dict[int, Answer],
    marks: dict[int, Mark],
    counted: set[int],
) -> Result:
    answer = answers.get(question.pk)
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
    submission: Submission, paper: Paper, rows: Sequence[Result], answers: dict[int, Answer]
) -> Total:
    counted = [row for row in rows if row["counted"] and row["status"] != NOT_ANSWERED]
    settled = _is_settled(paper, rows, answers)
    return {
        "candidate": submission.candidate,
        "attempt": submission.attempt,
        "absent": submission.absent,
        "total": _sum([row["points"] for row in counted], settled and not submission.absent),
        "suggested_total": _sum([row["suggested"] for row in counted], not submission.absent),
        "complete": settled,
    }


def _is_settled(paper: Paper, rows: Sequence[Result], answers: dict[int, Answer]) -> bool:
    """Whether all questions that count have final points, and marks cannot change which count."""
    if any(
        row["counted"] and row["points"] is None and row["status"] != NOT_ANSWERED for row in rows
    ):
        return False
    for group in paper.groups.values():
        chosen = _chosen(paper, group, answers)
        best = group.over_answering == QuestionGroup.OverAnswering.BEST
        is_open = any(answers[question.pk].final_points is None for question in chosen)
        if best and len(chosen) > group.choose and is_open:
            return False
    return True


def _sum(points: Sequence[float | None], is_known: bool) -> float | None:
    known = [value for value in points if value is not None]
    return number(sum(known)) if is_known and len(known) == len(points) else None
