"""Rows as the API returns them; the OpenAPI document's components are made from these types."""

from typing import Any, NotRequired, TypedDict, cast

from django.db.models import Count

from pmscoring.base.api.representations import Links, MaybeMoment, Moment, Page, moment
from pmscoring.base.words import spoken
from scoring import models
from scoring.intake import rejections
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


class Doubt(Evidence):
    """A span where the text may say the reverse, and what was compared.

    `reason` is `negation`, `number` or `cause`.
    """

    reason: str


class CriterionMark(TypedDict):
    """A criterion's points (null where they are not shown), and their evidence in the text.

    `doubts` are the spans for which the mark has the flag `reversed`; marks by people, and older
    ones of the machine, do not have them.
    """

    code: str
    points: float | None
    evidence: list[Evidence]
    doubts: NotRequired[list[Doubt]]


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
    """One candidate's answers at one attempt; `withdrawn` where it was taken back as a whole."""

    id: int
    exam: str
    candidate: str
    attempt: int
    absent: bool
    withdrawn: bool
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
    """How many of the submissions were accepted, and which lines were rejected.

    `skipped` are single answers in whose place another text is stored, which was kept.
    """

    batch: int
    accepted: int
    rejected: list[Rejection]
    skipped: list[Rejection]


class Batch(TypedDict):
    """A batch's progress: answers by status, answers per second, and seconds left at that rate."""

    id: int
    accepted: int
    rejected: int
    answers: dict[str, int]
    rate: float
    seconds_left: float | None


class PreviewColumn(TypedDict):
    """A heading, and what it means: the name of a column, or a question's code."""

    heading: str
    meaning: str


class PreviewTable(TypedDict):
    """How a table was understood; `line` is that of its headings."""

    line: int
    sheet: str
    encoding: str
    separator: str
    columns: list[PreviewColumn]


class PreviewRow(TypedDict):
    """One of the first rows, with the beginning of its text and the length of the whole.

    In a file of marks the text is the comment; `points`, `criteria` and `source`, who gave the
    mark, are the row's.
    """

    place: str
    candidate: str
    attempt: int
    absent: bool
    question: str
    text: str
    length: int
    points: float | None
    criteria: dict[str, float]
    source: str


class Preview(TypedDict):
    """What would be taken of a file: `submissions` and, of these, `added` new answers.

    `conflicts` is how many texts differ from stored ones, `marked` how many of these stored ones
    people have marked, and `conflicting` lists the first. In a file of marks `submissions` is how
    many candidates it marks, `added` how many marks are new, and conflicts are other marks than
    those that are stored of the same source.
    """

    tables: list[PreviewTable]
    first: list[PreviewRow]
    rows: int
    accepted: int
    submissions: int
    added: int
    conflicts: int
    marked: int
    conflicting: list[RejectedRow]


class Upload(TypedDict):
    """An uploaded file. `seen` is how many rows were read so far.

    `kind` says whether it holds answers or marks, and `source` who gave the marks that name nobody.

    Once `status` is read, `accepted` and `rejected_rows` are how many rows were accepted and
    rejected; `rejected` lists the first of the rejected ones. `notes` says what was not read and is
    no row, such as a hidden sheet or a title above the headings. `preview` is there while `status`
    is preview.
    """

    id: int
    exam: str
    name: str
    size: int
    status: str
    reason: str
    conflicts: str
    format: str
    kind: str
    source: str
    preview: Preview | None
    seen: int
    accepted: int
    rejected: list[RejectedRow]
    rejected_rows: int
    notes: list[str]
    batch: int | None
    links: Links
    created_at: Moment


class Withdrawal(TypedDict):
    """Answers that were taken back, and by whom; `marked` is how many of them people had marked.

    `kind` and `subject` name the upload, the batch or the submission. Of the kind `marks`, which
    also names an upload, the marks were taken back and not the answers.
    """

    id: int
    exam: str
    kind: str
    subject: int
    reason: str
    answers: int
    marked: int
    withdrawn_by: str
    withdrawn_at: Moment
    restored_by: str | None
    restored_at: MaybeMoment


class WithdrawalPage(Page):
    """Withdrawals, newest first."""

    results: list[Withdrawal]


class Restoration(Withdrawal):
    """What was restored: how many answers, of which `replaced` stay behind later ones."""

    restored: int
    replaced: int


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
    """The criteria's evidence and doubts without their points."""
    return [cast("CriterionMark", {**criterion, "points": None}) for criterion in row.criteria]


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
        "reason": row.explanation,
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
        "withdrawn": row.withdrawal_id is not None,
        "batch": row.batch_id,
        "links": {"self": f"/api/v1/submissions/{row.pk}"},
        "answers": [answer(its_answer) for its_answer in answers.order_by("pk")],
    }


def batch(row: models.Batch) -> Batch:
    """A batch with its progress, counted from its answers."""
    answers = models.Answer.objects.filter(batch=row)
    by_status = answers.order_by().values_list("status").annotate(Count("pk"))
    counts = {str(status): 0 for status in models.Answer.Status} | dict(by_status)
    marks = models.Mark.objects.filter(answer__batch=row, answer__counts=True).by_machine()
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


def reason_of(row: models.Upload) -> str:
    """Why the file was refused, in the active language."""
    return spoken(row.refusal) if row.refusal else row.reason


def preview(kept: dict[str, Any]) -> Preview:
    """A kept preview in the active language."""
    no_mark: dict[str, Any] = {"points": None, "criteria": {}, "source": ""}
    first = [{**no_mark, **row, "place": spoken(row["place"])} for row in kept["first"]]
    tables = [
        {
            **table,
            "sheet": table.get("sheet", ""),
            "columns": [{"heading": head, "meaning": name} for head, name in table["columns"]],
        }
        for table in kept["tables"]
    ]
    conflicting = rejections.shown(kept["conflicting"])
    whole = {**kept, "first": first, "tables": tables, "conflicting": conflicting}
    return cast(Preview, whole)


def upload(row: models.Upload) -> Upload:
    return {
        "id": row.pk,
        "exam": row.exam.code,
        "name": row.name,
        "size": row.size,
        "status": row.status,
        "reason": reason_of(row),
        "conflicts": row.conflicts,
        "format": row.format,
        "kind": row.kind,
        "source": row.source,
        "preview": preview(row.preview) if row.status == row.Status.PREVIEW else None,
        "seen": row.seen,
        "accepted": row.accepted,
        "rejected": cast(list[RejectedRow], rejections.shown(row.rejections)),
        "rejected_rows": row.rejected,
        "notes": list(map(spoken, row.notes)),
        "batch": row.batch_id,
        "links": {"self": f"/api/v1/uploads/{row.pk}"},
        "created_at": moment(row.created_at),
    }


def withdrawal(row: models.Withdrawal) -> Withdrawal:
    return {
        "id": row.pk,
        "exam": row.exam.code,
        "kind": row.kind,
        "subject": row.subject,
        "reason": row.reason,
        "answers": row.answer_count,
        "marked": row.marked_count,
        "withdrawn_by": row.withdrawn_by.get_username(),
        "withdrawn_at": moment(row.created_at),
        "restored_by": row.restored_by.get_username() if row.restored_by else None,
        "restored_at": moment(row.restored_at) if row.restored_at else None,
    }


def restoration(row: models.Withdrawal, restored: int, replaced: int) -> Restoration:
    return {**withdrawal(row), "restored": restored, "replaced": replaced}


def token(row: models.ApiToken) -> Token:
    return {
        "id": row.pk,
        "name": row.name,
        "user": row.user.get_username(),
        "scope": row.scope,
        "created_at": moment(row.created_at),
        "expires_at": moment(row.expires_at),
    }
