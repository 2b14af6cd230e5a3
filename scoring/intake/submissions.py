"""Store submissions: checked first, then a whole batch in one transaction."""

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
from scoring.contract.lengths import too_long
from scoring.models import Answer, Batch, Exam, IdempotencyKey, Question, Submission, locks

CHUNK = 2000
IDEMPOTENCY_KEYS_KEPT = timedelta(days=7)
Record = dict[str, Any]


class Conflict(Exception):
    """The same candidate and attempt, or idempotency key, was used for a different submission."""


@dataclass
class Entry:
    """A valid submission that is not stored yet; `line` is its line in what was sent."""

    line: int
    exam: Exam
    candidate: str
    attempt: int
    absent: bool
    answers: list[tuple[int, str, str]]
    """(question's key, text, text key) of each answer."""
    body_hash: str


@dataclass
class Outcome:
    """The result of a batch: `rejected` is a list of `{line, pointer, detail}`.

    `questions` holds the keys of the questions that got answers.
    """

    batch: Batch
    accepted: int = 0
    rejected: list[dict[str, Any]] = field(default_factory=list)
    questions: set[int] = field(default_factory=set)


def _shared_exam(code: str) -> Exam | None:
    """The exam, which no other transaction fixes or redefines before this one ends."""
    # The exam may be fixed at this moment, under FOR UPDATE. If this comes first, fixing waits and
    # its results include these answers. If fixing comes first, this waits, reads the state again
    # and the submissions are refused.
    exam = Exam.objects.filter(code=code).first()
    status = locks.share_exam(exam.pk) if exam else None
    if exam is None or status is None:
        return None
    exam.status = status
    return exam


class Intake:
    """Checks records against their exams, each of which is read and shared once."""

    def __init__(self) -> None:
        self.exams: dict[str, tuple[Exam, dict[str, tuple[Question, Record]]] | None] = {}

    def _exam(self, code: str) -> tuple[Exam, dict[str, tuple[Question, Record]]] | None:
        if code not in self.exams:
            exam = _shared_exam(code)
            questions = Question.objects.filter(exam=exam).prefetch_related(
                "criteria", "model_answers"
            )
            by_code = {question.code: (question, question.wire()) for question in questions}
            self.exams[code] = (exam, by_code) if exam else None
        return self.exams[code]

    def check(self, record: Any, line: int = 1) -> Entry | list[Fault]:
        """The record as an Entry, or all of its faults."""
        if schema_faults := faults("submission", record):
            return schema_faults
        definition = self._exam(record["exam"])
        if definition is None:
            return [fault("/exam", _("there is no exam %s") % record["exam"])]
        exam, questions = definition
        if exam.frozen:
            return [fault("/exam", exam.state_message)]
        answers = record.get("answers", [])
        problems = _answer_faults(answers, questions)
        if reason := texts.refused_identifier(record["candidate"]):
            problems.append(fault("/candidate", reason))
        if record.get("absent") and answers:
            problems.append(fault("/answers", _("an absent candidate has no answers")))
        if problems:
            return problems
        answer_texts = sorted((answer["question"], _text(answer)) for answer in answers)
        body = json.dumps([bool(record.get("absent")), answer_texts])
        return Entry(
            line=line,
            exam=exam,
            candidate=texts.identifier(record["candidate"]),
            attempt=int(record.get("attempt", 1)),  # 1.0 is an integer to JSON Schema
            absent=bool(record.get("absent")),
            answers=[
                (questions[code][0].pk, text, texts.text_key(text, questions[code][1]))
                for code, text in answer_texts
            ],
            body_hash=hashlib.sha256(body.encode()).hexdigest(),
        )


def _text(answer: Record) -> str:
    text: str = answer["text"] if "text" in answer else texts.SECTION_BREAK.join(answer["sections"])
    return text


def _answer_faults(answers: Sequence[Record], questions: dict[str, Any]) -> list[Fault]:
    problems = []
    codes: set[str] = set()
    for index, answer in enumerate(answers):
        code = answer["question"]
        if code not in questions:
            reason = _("there is no question %s") % code
            problems.append(fault(f"/answers/{index}/question", reason))
        if code in codes:
            reason = _("%s is answered twice") % code
            problems.append(fault(f"/answers/{index}/question", reason))
        codes.add(code)
        refused = texts.refused_character(_text(answer))
        if not refused and code in questions:
            refused = too_long(_text(answer), questions[code][1])
        if refused:
            problems.append(fault(f"/answers/{index}/text", refused))
    return problems


@transaction.atomic
def accept(record: Record) -> tuple[Submission, bool] | list[Fault]:
    """Store one submission, or return its faults; False where the same was stored before.

    Raises Conflict where the attempt was submitted with other answers.
    """
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
def accept_all(records: Iterable[tuple[int, Any]]) -> Outcome:
    """Store every valid record of the (line, record) pairs; the others are listed as rejected."""
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
            outcome.rejected += [{"line": line, **entry_fault} for entry_fault in entry]


def _store(chunk: Sequence[Entry], outcome: Outcome) -> None:
    """Store the new entries; stored ones are accepted where the answers are the same."""
    unique, repeated = _first_of_each(chunk)
    new = _insert_submissions(unique, outcome.batch)
    hashes = _stored_hashes([entry for entry in unique if _key(entry) not in new])
    hashes |= {_key(entry): entry.body_hash for entry in unique if _key(entry) in new}
    for entry in [*unique, *repeated]:
        if hashes[_key(entry)] != entry.body_hash:
            outcome.rejected.append({"line": entry.line, **fault("/attempt", _differs(entry))})
        else:
            outcome.accepted += 1
    _copy_answers([(new[_key(entry)], entry) for entry in unique if _key(entry) in new])
    outcome.questions |= {question for e in unique if _key(e) in new for question, *_ in e.answers}


def _differs(entry: Entry) -> str:
    return _("attempt %d of this candidate was submitted with other answers") % entry.attempt


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
    # Two transactions may insert the same candidate and attempt. The second waits at the unique
    # constraint until the first ends. If that commits, the row is skipped here and seen by
    # `_stored_hashes`, a later statement under READ COMMITTED; if not, the row is inserted. Two
    # batches with the same candidates in different orders may deadlock: PostgreSQL then aborts one
    # of them, which has stored nothing and can be sent again.
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO scoring_submission"
            " (exam_id, candidate, attempt, absent, body_hash, batch_id, created_at)"
            " SELECT *, %s, %s FROM unnest(%s::bigint[], %s::text[], %s::smallint[], %s::bool[],"
            " %s::text[]) ON CONFLICT DO NOTHING RETURNING exam_id, candidate, attempt, id",
            [batch.pk, now(), *map(list, columns)],
        )
        return {(row[0], row[1], row[2]): row[3] for row in cursor.fetchall()}


def _stored_hashes(entries: Sequence[Entry]) -> dict[tuple[int, str, int], str]:
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
    """Delete idempotency keys that are older than a week; return how many."""
    return IdempotencyKey.objects.filter(
        created_at__lt=(at or now()) - IDEMPOTENCY_KEYS_KEPT
    ).delete()[0]
