"""Submissions become rows before anything else happens; the whole batch or nothing."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from django.db import connection, transaction
from django.utils.timezone import now
from django.utils.translation import gettext as _

from pmscoring.base import texts
from pmscoring.base.faults import Fault, fault
from scoring.contract.faults import faults
from scoring.models import Answer, Batch, Exam, IdempotencyKey, Question, Submission, locks

CHUNK = 2000
KEYS_KEPT = timedelta(days=7)
Record = dict[str, Any]


class Conflict(Exception):
    """Another text was handed in under the same candidate and attempt."""


@dataclass
class Entry:
    """One valid submission, on its way into the tables."""

    line: int
    exam: Exam
    candidate: str
    attempt: int
    absent: bool
    answers: list[tuple[int, str, str]]
    """(question's key, text, text key) of each."""
    body_hash: str


@dataclass
class Outcome:
    """What became of a batch: `rejected` is a list of `{line, pointer, detail}`."""

    batch: Batch
    accepted: int = 0
    rejected: list[dict[str, Any]] = field(default_factory=list)
    questions: set[int] = field(default_factory=set)


def _held(code: str) -> Exam | None:
    """The exam, which is neither fixed nor redefined before the transaction ends.

    Who fixes it meanwhile waits and counts these answers too; who was first has fixed it, and
    these are refused.
    """
    exam = Exam.objects.filter(code=code).first()
    status = locks.share_exam(exam.pk) if exam else None
    if exam is None or status is None:
        return None
    exam.status = status
    return exam


class Intake:
    """Checks records against their exams, which are read once."""

    def __init__(self) -> None:
        self.exams: dict[str, tuple[Exam, dict[str, tuple[Question, Record]]] | None] = {}

    def _exam(self, code: str) -> tuple[Exam, dict[str, tuple[Question, Record]]] | None:
        if code not in self.exams:
            exam = _held(code)
            questions = Question.objects.filter(exam=exam).prefetch_related(
                "criteria", "model_answers"
            )
            found = {question.code: (question, question.wire()) for question in questions}
            self.exams[code] = (exam, found) if exam else None
        return self.exams[code]

    def check(self, record: Any, line: int = 1) -> Entry | list[Fault]:
        """The record as an Entry, or every fault of it."""
        if found := faults("submission", record):
            return found
        known = self._exam(record["exam"])
        if known is None:
            return [fault("/exam", _("there is no exam %s") % record["exam"])]
        exam, questions = known
        if exam.frozen:
            return [fault("/exam", exam.in_words)]
        answers = record.get("answers", [])
        found = _answer_faults(answers, questions)
        if reason := texts.refused_character(record["candidate"]):
            found.append(fault("/candidate", reason))
        if record.get("absent") and answers:
            found.append(fault("/answers", _("an absent candidate has no answers")))
        if found:
            return found
        told = sorted((answer["question"], _text(answer)) for answer in answers)
        body = json.dumps([bool(record.get("absent")), told])
        return Entry(
            line=line,
            exam=exam,
            candidate=record["candidate"],
            attempt=int(record.get("attempt", 1)),  # 1.0 is an integer to JSON Schema
            absent=bool(record.get("absent")),
            answers=[
                (questions[code][0].pk, text, texts.text_key(text, questions[code][1]))
                for code, text in told
            ],
            body_hash=hashlib.sha256(body.encode()).hexdigest(),
        )


def _text(answer: Record) -> str:
    text: str = answer["text"] if "text" in answer else texts.SECTION_BREAK.join(answer["sections"])
    return text


def _answer_faults(answers: Sequence[Record], questions: dict[str, Any]) -> list[Fault]:
    found = []
    seen: set[str] = set()
    for index, answer in enumerate(answers):
        code = answer["question"]
        if code not in questions:
            found.append(fault(f"/answers/{index}/question", _("there is no question %s") % code))
        if code in seen:
            found.append(fault(f"/answers/{index}/question", _("%s is answered twice") % code))
        seen.add(code)
        if reason := texts.refused_character(_text(answer)):
            found.append(fault(f"/answers/{index}/text", reason))
    return found


@transaction.atomic
def take(record: Record) -> tuple[Submission, bool] | list[Fault]:
    """One submission; False when it was there already. Raises Conflict."""
    entry = Intake().check(record)
    if isinstance(entry, list):
        return entry
    outcome = Outcome(Batch.objects.create(exam=entry.exam))
    _store([entry], outcome)
    submission = Submission.objects.get(
        exam=entry.exam, candidate=entry.candidate, attempt=entry.attempt
    )
    if submission.body_hash != entry.body_hash:
        raise Conflict(_differs(entry))
    created = submission.batch_id == outcome.batch.pk
    if created:
        outcome.batch.accepted = 1
        outcome.batch.save()
    else:
        outcome.batch.delete()
    return submission, created


@transaction.atomic
def take_all(records: Iterable[tuple[int, Any]]) -> Outcome:
    """Every valid one of (line, record); the rest is told of and left out."""
    intake, outcome = Intake(), Outcome(Batch.objects.create())
    entries = _checked(intake, records, outcome)
    while chunk := list(islice(entries, CHUNK)):
        outcome.batch.exam = outcome.batch.exam or chunk[0].exam
        _store(chunk, outcome)
    outcome.rejected.sort(key=lambda rejection: rejection["line"])
    outcome.batch.accepted = outcome.accepted
    outcome.batch.rejected = len({rejection["line"] for rejection in outcome.rejected})
    outcome.batch.save()
    return outcome


def _checked(
    intake: Intake, records: Iterable[tuple[int, Any]], outcome: Outcome
) -> Iterator[Entry]:
    for line, record in records:
        entry = intake.check(record, line)
        if isinstance(entry, Entry):
            yield entry
        else:
            outcome.rejected += [{"line": line, **one} for one in entry]


def _store(chunk: Sequence[Entry], outcome: Outcome) -> None:
    """Rows by COPY; what is there already is accepted when it is the same, else refused."""
    unique, repeated = _first_of_each(chunk)
    new = _insert_submissions(unique, outcome.batch)
    known = _known([entry for entry in unique if _key(entry) not in new])
    known |= {_key(entry): entry.body_hash for entry in unique if _key(entry) in new}
    for entry in [*unique, *repeated]:
        if known[_key(entry)] != entry.body_hash:
            outcome.rejected.append({"line": entry.line, **fault("/attempt", _differs(entry))})
        else:
            outcome.accepted += 1
    _copy_answers([(new[_key(entry)], entry) for entry in unique if _key(entry) in new])
    outcome.questions |= {question for e in unique if _key(e) in new for question, *_ in e.answers}


def _differs(entry: Entry) -> str:
    return _("attempt %d of this candidate holds another text") % entry.attempt


def _key(entry: Entry) -> tuple[int, str, int]:
    return entry.exam.pk, entry.candidate, entry.attempt


def _first_of_each(chunk: Sequence[Entry]) -> tuple[list[Entry], list[Entry]]:
    first: dict[tuple[int, str, int], Entry] = {}
    repeated = [entry for entry in chunk if first.setdefault(_key(entry), entry) is not entry]
    return list(first.values()), repeated


def _insert_submissions(entries: Sequence[Entry], batch: Batch) -> dict[tuple[int, str, int], int]:
    columns = list(
        zip(
            *[(e.exam.pk, e.candidate, e.attempt, e.absent, e.body_hash) for e in entries],
            strict=True,
        )
    )
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO scoring_submission"
            " (exam_id, candidate, attempt, absent, body_hash, batch_id, created_at)"
            " SELECT *, %s, %s FROM unnest(%s::bigint[], %s::text[], %s::smallint[], %s::bool[],"
            " %s::text[]) ON CONFLICT DO NOTHING RETURNING exam_id, candidate, attempt, id",
            [batch.pk, now(), *map(list, columns)],
        )
        return {(row[0], row[1], row[2]): row[3] for row in cursor.fetchall()}


def _known(entries: Sequence[Entry]) -> dict[tuple[int, str, int], str]:
    if not entries:
        return {}
    rows = Submission.objects.filter(
        exam__in={entry.exam for entry in entries}, candidate__in={e.candidate for e in entries}
    ).values_list("exam_id", "candidate", "attempt", "body_hash")
    return {(exam, candidate, attempt): body for exam, candidate, attempt, body in rows}


def _copy_answers(stored: Sequence[tuple[int, Entry]]) -> None:
    at = now()
    copy = (
        "COPY scoring_answer (submission_id, question_id, text, text_key, status, review,"
        " not_before, tries, reason, flags, final_source) FROM STDIN"
    )
    with connection.cursor() as cursor, cursor.copy(copy) as rows:
        for submission, entry in stored:
            for question, text, key in entry.answers:
                waiting, none = Answer.Status.WAITING.value, Answer.Review.NONE.value
                rows.write_row(
                    (submission, question, text, key, waiting, none, at, 0, "", "[]", "")
                )


def forget_old_keys(at: datetime | None = None) -> int:
    """Idempotency keys of more than a week ago answer no more; how many."""
    return IdempotencyKey.objects.filter(created_at__lt=(at or now()) - KEYS_KEPT).delete()[0]
