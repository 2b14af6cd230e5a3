"""Store checked submissions; what is stored already is compared question by question.

Answers arrive in several files, each of which may bring further questions of the same candidates.
An answer to a question without one is added. The same text again (equal after folding, by its
`text_key`) changes nothing. Another text is a conflict, and the caller says what happens then:

- refuse: nothing of that submission is stored;
- skip: the stored answer stays, and the others of the submission are stored;
- replace: the new answer counts from now on. The stored one is kept with its marks, as an earlier
  attempt at that question alone, and the other questions keep theirs.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from django.db import connection
from django.utils.timezone import now

from pmscoring.base.faults import Fault, fault
from pmscoring.base.words import words as _
from scoring.intake.entries import Entry, Key, Outcome, Written
from scoring.marks import counting
from scoring.models import Answer, Batch, Submission, Upload, locks

REFUSE, SKIP, REPLACE = Upload.Conflicts.REFUSE, Upload.Conflicts.SKIP, Upload.Conflicts.REPLACE
COPY = (
    "COPY scoring_answer (submission_id, question_id, batch_id, counts, text, text_key, status,"
    " review, not_before, tries, reason, flags, final_source) FROM STDIN"
)


class Kept(NamedTuple):
    """A stored answer that counts; its key is None where it arrived in the same chunk."""

    key: int | None
    text: str
    text_key: str


@dataclass
class Held:
    """A submission as it is stored; `is_open` where nothing of it is, or it was withdrawn."""

    key: int | None = None
    is_open: bool = True
    absent: bool = False
    answers: dict[int, Kept] = field(default_factory=dict)


class Addition(NamedTuple):
    """An answer to be stored; with `replaces` another answer counts until then."""

    held: Held
    answer: Written
    replaces: bool


def store(chunk: Sequence[Entry], outcome: Outcome, conflicts: str) -> None:
    """Store what is new in the entries. Needs a transaction that has shared their exams."""
    new = _insert_submissions(chunk, outcome.batch)
    held = {key: Held(pk) for key, pk in new.items()}
    _add_stored(held, [entry for entry in chunk if entry.key not in new], is_locked=True)
    withdrawn = [each for each in held.values() if each.is_open and each.key not in new.values()]
    additions = _plan(chunk, held, outcome, conflicts)
    _stand_again(withdrawn, outcome.batch)
    _copy_answers(additions, outcome.batch)
    counting.recount({held.key for held, _answer, replaces in additions if replaces and held.key})
    outcome.questions |= {answer.question for _held, answer, _replaces in additions}


def compare(chunk: Sequence[Entry], outcome: Outcome) -> None:
    """Add what `store` would do to the outcome, with all conflicts as skipped; stores nothing."""
    held: dict[Key, Held] = {}
    _add_stored(held, chunk, is_locked=False)
    for entry in chunk:
        held.setdefault(entry.key, Held())
    _plan(chunk, held, outcome, SKIP)


def _insert_submissions(entries: Sequence[Entry], batch: Batch) -> dict[Key, int]:
    """Insert those that are not stored; returns their keys."""
    first: dict[Key, Entry] = {}
    for entry in entries:
        first.setdefault(entry.key, entry)
    columns = zip(*[(*entry.key, entry.absent) for entry in first.values()], strict=True)
    # Two transactions may insert the same candidate and attempt. The second waits at the unique
    # constraint until the first ends. If that commits, the row is skipped here and seen by
    # `_add_stored`, a later statement under READ COMMITTED; if not, the row is inserted. Two
    # batches with the same candidates in different orders may deadlock: PostgreSQL then aborts one
    # of them, which has stored nothing and can be sent again.
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO scoring_submission"
            " (exam_id, candidate, attempt, absent, batch_id, created_at)"
            " SELECT *, %s, %s FROM unnest(%s::bigint[], %s::text[], %s::smallint[], %s::bool[])"
            " ON CONFLICT DO NOTHING RETURNING exam_id, candidate, attempt, id",
            [batch.pk, now(), *map(list, columns)],
        )
        return {(row[0], row[1], row[2]): row[3] for row in cursor.fetchall()}


def _add_stored(held: dict[Key, Held], entries: Sequence[Entry], *, is_locked: bool) -> None:
    """Add the stored submissions of these entries, with the answers that count."""
    if not entries:
        return
    rows = Submission.everything.filter(
        exam__in={entry.exam for entry in entries},
        candidate__in={entry.candidate for entry in entries},
    )
    wanted = {entry.key for entry in entries}
    by_key = {}
    # Two transactions may bring answers of one submission. The second waits here, and reads the
    # answers afterwards, so it sees those of the first.
    for row in locks.lock_submissions(rows) if is_locked else rows:
        key = (row.exam_id, row.candidate, row.attempt)
        if key in wanted:
            held[key] = by_key[row.pk] = Held(row.pk, row.withdrawal_id is not None, row.absent)
    answers = Answer.objects.filter(submission__in=list(by_key)).order_by()
    columns = answers.values_list("submission", "question", "pk", "text", "text_key")
    for submission, question, pk, text, text_key in columns.iterator():
        by_key[submission].answers[question] = Kept(pk, text, text_key)


def _plan(
    chunk: Sequence[Entry], held: dict[Key, Held], outcome: Outcome, conflicts: str
) -> list[Addition]:
    """What is to be stored; each entry is compared with what those before it leave."""
    additions: list[Addition] = []
    for entry in chunk:
        mine = held[entry.key]
        if mine.is_open:
            mine.is_open, mine.absent, mine.answers = False, entry.absent, {}
        if refusal := _absence_fault(entry, mine):
            outcome.rejected.append({"line": entry.line, **refusal})
            continue
        differing = [answer for answer in entry.answers if _differs(answer, mine)]
        faults = [{"line": entry.line, **_conflict(answer, entry)} for answer in differing]
        if faults and conflicts == REFUSE:
            outcome.rejected += faults
            continue
        if conflicts == SKIP:
            outcome.skipped += faults
            outcome.in_conflict |= {mine.answers[answer.question].key for answer in differing}
        outcome.accepted += 1
        replacing = differing if conflicts == REPLACE else []
        additions += _taken(entry, mine, replacing)
    outcome.added += len(additions)
    return additions


def _taken(entry: Entry, mine: Held, replacing: Sequence[Written]) -> Iterator[Addition]:
    """The entry's answers to questions without one, and those that replace another."""
    for answer in entry.answers:
        is_replacing = answer in replacing
        if is_replacing or answer.question not in mine.answers:
            mine.answers[answer.question] = Kept(None, answer.text, answer.text_key)
            yield Addition(mine, answer, is_replacing)


def _differs(answer: Written, mine: Held) -> bool:
    kept = mine.answers.get(answer.question)
    return kept is not None and answer.text_key != kept.text_key and answer.text != kept.text


def _conflict(answer: Written, entry: Entry) -> Fault:
    detail = _("another text for %(question)s is stored for attempt %(attempt)d of this candidate")
    words = {"question": answer.code, "attempt": entry.attempt}
    return fault(f"/answers/{answer.position}/text", detail % words)


def _absence_fault(entry: Entry, mine: Held) -> Fault | None:
    """Why the entry cannot be stored beside what says whether the candidate came."""
    if entry.absent == mine.absent:
        return None
    if mine.absent:
        detail = _("attempt %d of this candidate is stored as absent; withdraw that first")
    else:
        detail = _("attempt %d of this candidate is stored as present; withdraw that first")
    return fault("/absent", detail % entry.attempt)


def _stand_again(held: Sequence[Held], batch: Batch) -> None:
    """Let withdrawn submissions, of which the entries bring answers anew, stand again."""
    for absent in (False, True):
        keys = [each.key for each in held if each.key and each.absent == absent]
        if keys:
            Submission.everything.filter(pk__in=keys).update(
                withdrawal=None, batch=batch, absent=absent
            )


def _copy_answers(additions: Iterable[Addition], batch: Batch) -> None:
    at = now()
    waiting, none = Answer.Status.WAITING.value, Answer.Review.NONE.value
    with connection.cursor() as cursor, cursor.copy(COPY) as rows:
        for held, answer, replaces in additions:
            # The constraint lets one answer count: `recount` lets those that replace another.
            text, key = answer.text, answer.text_key
            values = (held.key, answer.question, batch.pk, not replaces, text, key)
            rows.write_row((*values, waiting, none, at, 0, "", "[]", ""))
