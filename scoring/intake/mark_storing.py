"""Store staged marks: what is stored already is compared by answer and by who gave the mark.

Of one source one mark of an answer stands. The same again (points, points by criterion, comment)
changes nothing; another one is a conflict. It is refused or skipped, which leaves the stored mark,
or it replaces that by a withdrawal and a mark. A marker's own mark counts as that of the source of
the marker's name, so an export that is loaded again into its exam changes nothing.

How a file of marks races with whatever else marks these answers:

1. A marker marks one of them, or another file is stored: all answers of the file are locked before
   the first mark is read, so the second waits, and then finds the marks of the first.
2. An answer is replaced or withdrawn: it counts no more once it is locked here, and its row is
   rejected. If it is locked here first, its marks are kept like any others.
"""

import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, NamedTuple

from pmscoring.base import texts
from pmscoring.base.faults import Fault, Invalid, fault
from pmscoring.base.lifecycle import WrongState
from pmscoring.base.words import words as _
from scoring import documents
from scoring.agreement import audit_sample
from scoring.intake import staging
from scoring.intake.contents import Taken
from scoring.intake.rejections import Rejections
from scoring.intake.staging import StagedRow
from scoring.marks import giving, settlement
from scoring.models import Answer, Exam, Mark, Question, Upload, locks

CHUNK = 500
AnswerName = tuple[str, int, str]
"""The candidate, the attempt and the question's code."""


class Giver(NamedTuple):
    """Who gave which answer a mark, as a marker or as an adjudicator."""

    answer: int
    source: str
    name: str


@dataclass
class Comparison:
    """What became of the rows: marks to add, marks that these replace, and counts."""

    rejections: Rejections
    conflicts: Rejections
    accepted: int = 0
    added: list[Mark] = field(default_factory=list)
    replaced: list[Mark] = field(default_factory=list)
    candidates: set[tuple[str, int]] = field(default_factory=set)
    seen: dict[Giver, documents.Place] = field(default_factory=dict)


def store(upload: Upload, rejections: Rejections) -> Taken:
    """Store the staged marks and settle their answers. Raises BadDocument for a fixed exam."""
    exam = _held(upload.exam)
    questions = _questions(exam)
    for question in sorted(questions.values(), key=lambda question: question.pk):
        locks.share_question(question.pk)
    keys = {answer.pk for chunk in _chunks() for answer in _answers(exam, chunk).values()}
    locked = set(locks.lock_answers(Answer.objects.filter(pk__in=keys)))
    comparison = Comparison(rejections, rejections)
    is_replacing = upload.conflicts == Upload.Conflicts.REPLACE
    for chunk in _chunks():
        _compare(upload, questions, chunk, comparison, locked, is_replacing=is_replacing)
        withdraw(comparison.replaced, upload)
        audit_sample.observe(Mark.objects.bulk_create(comparison.added))
        comparison.added, comparison.replaced = [], []
    settlement.settle(locked)
    return Taken(comparison.accepted)


def look(upload: Upload, rejections: Rejections, conflicts: Rejections) -> dict[str, int]:
    """Count what would be stored, with all conflicts as skipped."""
    exam = _held(upload.exam)
    questions, added = _questions(exam), 0
    comparison = Comparison(rejections, conflicts)
    for chunk in _chunks():
        _compare(upload, questions, chunk, comparison)
        added += len(comparison.added)
        comparison.added = []
    return {
        "submissions": len(comparison.candidates),
        "added": added,
        "accepted": comparison.accepted,
        "marked": conflicts.rows,
    }


def withdraw(marks: Iterable[Mark], upload: Upload) -> None:
    """Withdraw the marks because of the upload; the caller settles their answers."""
    Mark.objects.bulk_create(
        Mark(
            answer_id=mark.answer_id,
            source=Mark.Source.WITHDRAWAL,
            points=0,
            withdraws=mark,
            from_upload=upload.pk,
        )
        for mark in marks
    )


def _held(exam: Exam) -> Exam:
    try:
        settlement.hold(exam)
    except WrongState as error:
        reason = _("%s is fixed, and its marks no longer change") % exam.code
        raise documents.BadDocument(reason) from error
    return exam


def _questions(exam: Exam) -> dict[str, Question]:
    rows = exam.questions.prefetch_related("criteria")
    return {question.code: question for question in rows}


def _chunks() -> Iterator[list[StagedRow]]:
    rows = staging.sorted_rows()
    while chunk := list(islice(rows, CHUNK)):
        yield chunk


def _answers(exam: Exam, rows: Iterable[StagedRow]) -> dict[AnswerName, Answer]:
    """The answers of these rows that count, by their name."""
    names = [(row.candidate, row.question) for row in rows if not row.faults]
    answers = Answer.objects.filter(
        submission__exam=exam,
        submission__candidate__in={candidate for candidate, _code in names},
        question__code__in={code for _candidate, code in names},
    ).select_related("submission", "question")
    return {
        (answer.submission.candidate, answer.submission.attempt, answer.question.code): answer
        for answer in answers.defer("text")
    }


def _stored(answers: Iterable[Answer]) -> dict[Giver, Mark]:
    """People's marks of the answers that stand; of each giver the newest."""
    marks = Mark.objects.filter(answer__in=[answer.pk for answer in answers])
    return {
        Giver(mark.answer_id, mark.source, mark.giver): mark
        for mark in marks.by_people().standing().select_related("marker").order_by("pk")
    }


def _compare(
    upload: Upload,
    questions: dict[str, Question],
    rows: Sequence[StagedRow],
    comparison: Comparison,
    locked: Collection[int] | None = None,
    *,
    is_replacing: bool = False,
) -> None:
    """Add what is to be done with these rows; of answers only those that are `locked`."""
    answers = _answers(upload.exam, rows)
    if locked is not None:
        answers = {name: answer for name, answer in answers.items() if answer.pk in locked}
    stored = _stored(answers.values())
    for row in rows:
        try:
            answer, judgement, giver = _read(row, answers, questions, comparison)
        except Invalid as error:
            comparison.rejections.add(row.number, row.where(), error.faults)
            continue
        before = stored.get(giver)
        if before is not None and not _is_same(before, judgement):
            if not is_replacing:
                comparison.conflicts.add(row.number, row.where(), [_conflict(giver)])
                continue
            comparison.replaced.append(before)
        if before is None or before in comparison.replaced[-1:]:
            comparison.added.append(_mark(answer, judgement, giver, upload))
        comparison.seen[giver] = row.where()
        comparison.candidates.add((row.candidate, row.attempt))
        comparison.accepted += 1


def _read(
    row: StagedRow,
    answers: dict[AnswerName, Answer],
    questions: dict[str, Question],
    comparison: Comparison,
) -> tuple[Answer, giving.Judgement, Giver]:
    """The row's answer, its judgement and who gave it. Raises Invalid."""
    if row.faults:
        raise Invalid(row.found())
    question = questions.get(row.question)
    if question is None:
        raise Invalid([fault("/question", _("there is no question %s") % row.question)])
    answer = answers.get((row.candidate, row.attempt, row.question))
    if answer is None:
        raise Invalid([_no_answer(row)])
    mark = json.loads(row.text)
    judgement = _judgement(question, mark)
    giver = Giver(answer.pk, mark["source"], mark["origin"])
    if giver in comparison.seen:
        reason = _("%(place)s has a mark of the same answer by %(source)s")
        words = {"place": comparison.seen[giver].row(), "source": giver.name}
        raise Invalid([fault("/marker", reason % words)])
    return answer, judgement, giver


def _judgement(question: Question, mark: dict[str, Any]) -> giving.Judgement:
    """The mark, whose criteria are named by code or label. Raises Invalid."""
    codes: dict[str, str] = {}
    for criterion in question.criteria.all():
        codes.setdefault(texts.folded(criterion.label), criterion.code)
    codes |= {texts.folded(criterion.code): criterion.code for criterion in question.criteria.all()}
    named = mark.get("criteria", {})
    names = {codes.get(texts.folded(name), name): name for name in named}
    if len(names) < len(named):
        raise Invalid([fault("/criteria", _("a criterion is named by its code and by its label"))])
    criteria = {code: named[name] for code, name in names.items()}
    payload = {name: mark[name] for name in ("points", "comment") if name in mark}
    try:
        return giving.read_judgement(question, payload | {"criteria": criteria})
    except Invalid as error:
        raise Invalid([_as_in_file(each, names) for each in error.faults]) from error


def _as_in_file(found: Fault, names: dict[str, str]) -> Fault:
    """The fault of a criterion with its name as the file has it, so that its column is found."""
    code = found["pointer"].removeprefix("/criteria/")
    return fault(f"/criteria/{names[code]}", found["detail"]) if code in names else found


def _no_answer(row: StagedRow) -> Fault:
    reason = _("attempt %(attempt)d of this candidate has no answer to %(question)s")
    return fault("/candidate", reason % {"attempt": row.attempt, "question": row.question})


def _is_same(mark: Mark, judgement: giving.Judgement) -> bool:
    def points(criteria: Iterable[dict[str, Any]]) -> dict[str, float]:
        return {each["code"]: float(each["points"]) for each in criteria}

    return (
        float(mark.points) == float(judgement.points)
        and points(mark.criteria) == points(judgement.criteria)
        and texts.folded(mark.comment) == texts.folded(judgement.comment)
    )


def _conflict(giver: Giver) -> Fault:
    return fault("/points", _("another mark of this answer by %s is stored") % giver.name)


def _mark(answer: Answer, judgement: giving.Judgement, giver: Giver, upload: Upload) -> Mark:
    given = {"source": giver.source, "origin": giver.name, "from_upload": upload.pk}
    return Mark(**giving.mark_columns(answer, None, judgement, **given))
