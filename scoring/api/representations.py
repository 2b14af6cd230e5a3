"""Rows as the API returns them; the OpenAPI document's components are made from these types."""

from typing import Any, NotRequired, TypedDict

from django.db.models import Count

from pmscoring.base.api.representations import Links, Moment, Page, moment
from scoring import models
from scoring.marks import visibility
from scoring.models.exams import number


class ExamSummary(TypedDict):
    """An exam in a list."""

    code: str
    title: str
    language: str
    state: str


class ExamPage(Page):
    """Exams, newest first."""

    results: list[ExamSummary]


class Evidence(TypedDict):
    """A span of the text as submitted, in Unicode code points."""

    start: int
    end: int


class CriterionMark(TypedDict):
    """A criterion's points (null where they are not shown), and their evidence in the text."""

    code: str
    points: float | None
    evidence: list[Evidence]


class Mark(TypedDict):
    """One marker's judgement of one answer; the machine is a marker too.

    `confidence` is null where the mark was not made under a calibration. `group` is the id of the
    group of answers that were marked together.
    """

    id: int
    source: str
    points: float
    criteria: list[CriterionMark]
    flags: list[str]
    confidence: float | None
    model: str
    calibration: str | None
    comment: str
    group: int | None
    created_at: Moment


class Final(TypedDict):
    """The points that count, and whether the machine, a marker or an adjudicator gave them."""

    points: float
    source: str


class Answer(TypedDict):
    """An answer with its marks; `submission` and `candidate` are left out for markers."""

    id: int
    submission: NotRequired[int]
    candidate: NotRequired[str]
    exam: str
    question: str
    text: str
    status: str
    review: str
    reason: str
    flags: list[str]
    final: Final | None
    marks: list[Mark]


class AnswerPage(Page):
    """Answers, newest first."""

    results: list[Answer]


class Submission(TypedDict):
    """One candidate's answers at one attempt."""

    id: int
    exam: str
    candidate: str
    attempt: int
    absent: bool
    batch: int | None
    links: Links
    answers: list[Answer]


class Rejection(TypedDict):
    """A line or row that was rejected, and why."""

    line: int
    pointer: str
    detail: str


class RejectedRow(Rejection):
    """A rejected row of a file; `sheet` or, in a ZIP, `file` names the part that it stands in."""

    sheet: NotRequired[str]
    file: NotRequired[str]


class Bulk(TypedDict):
    """How many of the submissions were accepted, and which lines were rejected."""

    batch: int
    accepted: int
    rejected: list[Rejection]


class Batch(TypedDict):
    """A batch's progress: answers by status, answers per second, and seconds left at that rate."""

    id: int
    accepted: int
    rejected: int
    answers: dict[str, int]
    rate: float
    seconds_left: float | None


class Upload(TypedDict):
    """An uploaded file. `seen` is how many rows were read so far.

    Once `status` is read, `accepted` and `rejected_rows` are how many rows were accepted and
    rejected; `rejected` lists the first of the rejected ones. `notes` says what was not read and is
    no row, such as a hidden sheet or a title above the headings.
    """

    id: int
    exam: str
    name: str
    size: int
    status: str
    reason: str
    seen: int
    accepted: int
    rejected: list[RejectedRow]
    rejected_rows: int
    notes: list[str]
    batch: int | None
    links: Links
    created_at: Moment


class Scored(TypedDict):
    """The mark of one text, which was not stored."""

    model: str
    calibration: str | None
    points: float
    criteria: list[CriterionMark]
    flags: list[str]
    confidence: float | None


class Token(TypedDict):
    """A valid token without its secret."""

    id: int
    name: str
    user: str
    scope: str
    created_at: Moment
    expires_at: Moment


class TokenPage(Page):
    """Tokens, newest first."""

    results: list[Token]


class IssuedToken(Token):
    """A new token with its secret, which is shown only in this response."""

    token: str


def exam(row: models.Exam) -> ExamSummary:
    return {"code": row.code, "title": row.title, "language": row.language, "state": row.status}


def mark(row: models.Mark) -> Mark:
    return {
        "id": row.pk,
        "source": row.source,
        "points": number(row.points),
        "criteria": row.criteria,
        "flags": row.flags,
        "confidence": row.confidence,
        "model": row.model,
        "calibration": row.calibration or None,
        "comment": row.comment,
        "group": row.from_group,
        "created_at": moment(row.created_at),
    }


def evidence_of(row: models.Mark) -> list[CriterionMark]:
    """The criteria's evidence without their points."""
    return [
        {"code": criterion["code"], "points": None, "evidence": criterion["evidence"]}
        for criterion in row.criteria
    ]


def answer(
    row: models.Answer, candidate: bool = True, visible: visibility.VisibleAnswer | None = None
) -> Answer:
    """An answer with its marks; with `candidate` False without its submission and candidate.

    `visible` is what the caller may know of it; by default everything.
    """
    visible = visible or visibility.VisibleAnswer(
        row.review, list(row.marks.all()), visibility.final_of(row)
    )
    shown: Answer = {
        "id": row.pk,
        "exam": row.question.exam.code,
        "question": row.question.code,
        "text": row.text,
        "status": row.status,
        "review": visible.review,
        "reason": row.reason,
        "flags": row.flags,
        "final": _final(*visible.final) if visible.final else None,
        "marks": [mark(visible_mark) for visible_mark in visible.marks],
    }
    if candidate:
        shown |= {"submission": row.submission_id, "candidate": row.submission.candidate}
    return shown


def _final(points: Any, source: str) -> Final:
    return {"points": number(points), "source": source}


def submission(row: models.Submission) -> Submission:
    answers = row.answers.select_related("submission", "question__exam").prefetch_related("marks")
    return {
        "id": row.pk,
        "exam": row.exam.code,
        "candidate": row.candidate,
        "attempt": row.attempt,
        "absent": row.absent,
        "batch": row.batch_id,
        "links": {"self": f"/api/v1/submissions/{row.pk}"},
        "answers": [answer(its_answer) for its_answer in answers.order_by("pk")],
    }


def batch(row: models.Batch) -> Batch:
    """A batch with its progress, counted from its answers."""
    answers = models.Answer.objects.filter(submission__batch=row)
    by_status = answers.order_by().values_list("status").annotate(Count("pk"))
    counts = {str(status): 0 for status in models.Answer.Status} | dict(by_status)
    marks = models.Mark.objects.filter(answer__submission__batch=row).by_machine()
    ended = marks.order_by("-pk").values_list("created_at", flat=True).first()
    seconds = (ended - row.created_at).total_seconds() if ended else 0.0
    rate = counts["scored"] / seconds if seconds > 0 else 0.0
    open_answers = counts["waiting"] + counts["scoring"]
    return {
        "id": row.pk,
        "accepted": row.accepted,
        "rejected": row.rejected,
        "answers": counts,
        "rate": round(rate, 2),
        "seconds_left": round(open_answers / rate, 1) if rate else None,
    }


def upload(row: models.Upload) -> Upload:
    return {
        "id": row.pk,
        "exam": row.exam.code,
        "name": row.name,
        "size": row.size,
        "status": row.status,
        "reason": row.reason,
        "seen": row.seen,
        "accepted": row.accepted,
        "rejected": row.rejections,
        "rejected_rows": row.rejected,
        "notes": row.notes,
        "batch": row.batch_id,
        "links": {"self": f"/api/v1/uploads/{row.pk}"},
        "created_at": moment(row.created_at),
    }


def token(row: models.ApiToken) -> Token:
    return {
        "id": row.pk,
        "name": row.name,
        "user": row.user.get_username(),
        "scope": row.scope,
        "created_at": moment(row.created_at),
        "expires_at": moment(row.expires_at),
    }
