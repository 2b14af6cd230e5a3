"""Store submissions: checked first, then a whole batch in one transaction."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils.timezone import now

from pmscoring.base.disk import require_room
from pmscoring.base.faults import Fault, fault
from scoring.intake import entries, storing
from scoring.models import Batch, IdempotencyKey, Submission, Upload

IDEMPOTENCY_KEYS_KEPT = timedelta(days=7)


class Conflict(Exception):
    """A different submission is stored under the candidate and attempt, or the idempotency key.

    `faults` name the answers that differ.
    """

    def __init__(self, message: str, conflicts: Sequence[Fault] = ()) -> None:
        super().__init__(message)
        self.faults = list(conflicts)


@transaction.atomic
def accept(
    record: entries.Record, conflicts: str = Upload.Conflicts.REFUSE
) -> tuple[Submission, bool] | list[Fault]:
    """Store one submission, or return its faults; False where nothing of it was new.

    Answers to questions that the stored submission has none for are added to it; `conflicts` says
    what happens to the others. Raises Conflict where it refuses them, and DiskFull.
    """
    require_room()
    entry = entries.Intake().check(record)
    if isinstance(entry, list):
        return entry
    outcome = entries.Outcome(Batch.objects.create(exam=entry.exam))
    storing.store([entry], outcome, conflicts)
    if outcome.rejected:
        faults_found = [fault(each["pointer"], each["detail"]) for each in outcome.rejected]
        raise Conflict(faults_found[0]["detail"], faults_found)
    submission = Submission.objects.get(
        exam=entry.exam, candidate=entry.candidate, attempt=entry.attempt
    )
    batch = outcome.batch
    created = submission.batch_id == batch.pk or batch.answers.exists()
    if created:
        batch.accepted = 1
        batch.save()
    else:
        batch.delete()
    return submission, created


@transaction.atomic
def accept_all(
    records: Iterable[tuple[int, Any]], conflicts: str = Upload.Conflicts.REFUSE
) -> entries.Outcome:
    """Store every valid record of the (line, record) pairs; the others are listed as rejected."""
    outcome = entries.Outcome(Batch.objects.create())
    for chunk in entries.chunks(records, outcome):
        outcome.batch.exam = outcome.batch.exam or chunk[0].exam
        storing.store(chunk, outcome, conflicts)
    outcome.batch.accepted = outcome.accepted
    outcome.batch.rejected = len({rejection["line"] for rejection in outcome.rejected})
    outcome.batch.save()
    return outcome


@transaction.atomic
def compare_all(records: Iterable[tuple[int, Any]]) -> entries.Outcome:
    """What `accept_all` would do where it refuses conflicts; stores nothing."""
    outcome = entries.Outcome(Batch())
    for chunk in entries.chunks(records, outcome):
        storing.compare(chunk, outcome)
    return outcome


def forget_old_keys(at: datetime | None = None) -> int:
    """Delete idempotency keys that are older than a week; return how many."""
    return IdempotencyKey.objects.filter(
        created_at__lt=(at or now()) - IDEMPOTENCY_KEYS_KEPT
    ).delete()[0]
