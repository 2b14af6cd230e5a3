"""Nouns as the API shows them; the OpenAPI document is made from these types."""

from datetime import datetime
from typing import Annotated, Any, NotRequired, TypedDict

from django.db.models import Count

from scoring import models
from scoring.marks import visibility
from scoring.models.exams import number

Moment = Annotated[str, {"format": "date-time"}]


class Page(TypedDict):
    """Addresses of the pages before and after."""

    next: str | None
    previous: str | None


class Links(TypedDict):
    """Where more is told."""

    self: str


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
    """What a criterion earned (null where that is not shown), and where in the text."""

    code: str
    points: float | None
    evidence: list[Evidence]


class Mark(TypedDict):
    """One marker's judgement of one answer. Without a calibration there is no confidence.

    `group` is that of the answers that were marked together.
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
    """The points that count, and whose they are."""

    points: float
    source: str


class Answer(TypedDict):
    """An answer with its marks; `submission` and `candidate` are not told to markers."""

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
    """A line that was not taken."""

    line: int
    pointer: str
    detail: str


class Bulk(TypedDict):
    """What became of many submissions."""

    batch: int
    accepted: int
    rejected: list[Rejection]


class Batch(TypedDict):
    """Progress: answers by status, answers a second, and seconds left at that rate."""

    id: int
    accepted: int
    rejected: int
    answers: dict[str, int]
    rate: float
    seconds_left: float | None


class Upload(TypedDict):
    """A file: rows seen so far, and what became of them once `status` is read.

    `rejected` tells of the first ones of `rejected_rows`.
    """

    id: int
    exam: str
    name: str
    size: int
    status: str
    reason: str
    seen: int
    accepted: int
    rejected: list[Rejection]
    rejected_rows: int
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
    """A token that is valid, without its secret."""

    id: int
    name: str
    user: str
    created_at: Moment
    expires_at: Moment


class TokenPage(Page):
    """Tokens, newest first."""

    results: list[Token]


class IssuedToken(Token):
    """A new token with its secret, which is shown this once."""

    token: str


def exam(one: models.Exam) -> ExamSummary:
    """An exam in a list."""
    return {"code": one.code, "title": one.title, "language": one.language, "state": one.status}


def mark(one: models.Mark) -> Mark:
    """A mark with its evidence."""
    return {
        "id": one.pk,
        "source": one.source,
        "points": number(one.points),
        "criteria": one.criteria,
        "flags": one.flags,
        "confidence": one.confidence,
        "model": one.model,
        "calibration": one.calibration or None,
        "comment": one.comment,
        "group": one.from_group,
        "created_at": moment(one.created_at),
    }


def moment(at: datetime) -> str:
    """As RFC 3339 has it."""
    return at.isoformat()


def evidence_of(one: models.Mark) -> list[CriterionMark]:
    """Where criteria show, without their points."""
    return [
        {"code": each["code"], "points": None, "evidence": each["evidence"]}
        for each in one.criteria
    ]


def answer(
    one: models.Answer, candidate: bool = True, seen: visibility.VisibleAnswer | None = None
) -> Answer:
    """An answer with its marks; whose it is is left out for markers.

    `seen` is what the caller may know of it, where that is not all.
    """
    seen = seen or visibility.VisibleAnswer(
        one.review, list(one.marks.all()), visibility.final_of(one)
    )
    told: Answer = {
        "id": one.pk,
        "exam": one.question.exam.code,
        "question": one.question.code,
        "text": one.text,
        "status": one.status,
        "review": seen.review,
        "reason": one.reason,
        "flags": one.flags,
        "final": _final(*seen.final) if seen.final else None,
        "marks": [mark(each) for each in seen.marks],
    }
    if candidate:
        told |= {"submission": one.submission_id, "candidate": one.submission.candidate}
    return told


def _final(points: Any, source: str) -> Final:
    return {"points": number(points), "source": source}


def submission(one: models.Submission) -> Submission:
    """A submission with its answers."""
    answers = one.answers.select_related("submission", "question__exam").prefetch_related("marks")
    return {
        "id": one.pk,
        "exam": one.exam.code,
        "candidate": one.candidate,
        "attempt": one.attempt,
        "absent": one.absent,
        "batch": one.batch_id,
        "links": {"self": f"/api/v1/submissions/{one.pk}"},
        "answers": [answer(each) for each in answers.order_by("pk")],
    }


def batch(one: models.Batch) -> Batch:
    """Counts by state, answers a second, and seconds left at that rate."""
    answers = models.Answer.objects.filter(submission__batch=one)
    found = answers.order_by().values_list("status").annotate(Count("pk"))
    counts = {str(status): 0 for status in models.Answer.Status} | dict(found)
    last = models.Mark.objects.filter(answer__submission__batch=one).by_machine()
    ended = last.order_by("-pk").values_list("created_at", flat=True).first()
    seconds = (ended - one.created_at).total_seconds() if ended else 0.0
    rate = counts["scored"] / seconds if seconds > 0 else 0.0
    open_answers = counts["waiting"] + counts["scoring"]
    return {
        "id": one.pk,
        "accepted": one.accepted,
        "rejected": one.rejected,
        "answers": counts,
        "rate": round(rate, 2),
        "seconds_left": round(open_answers / rate, 1) if rate else None,
    }


def upload(one: models.Upload) -> Upload:
    """What became, or becomes, of a file."""
    return {
        "id": one.pk,
        "exam": one.exam.code,
        "name": one.name,
        "size": one.size,
        "status": one.status,
        "reason": one.reason,
        "seen": one.seen,
        "accepted": one.accepted,
        "rejected": one.rejections,
        "rejected_rows": one.rejected,
        "batch": one.batch_id,
        "links": {"self": f"/api/v1/uploads/{one.pk}"},
        "created_at": moment(one.created_at),
    }


def token(one: models.ApiToken) -> Token:
    """A token without its secret."""
    return {
        "id": one.pk,
        "name": one.name,
        "user": one.user.get_username(),
        "created_at": moment(one.created_at),
        "expires_at": moment(one.expires_at),
    }
