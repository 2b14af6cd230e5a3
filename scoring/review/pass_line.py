"""One more reading of the answers of candidates near the pass line."""

from collections.abc import Iterator, Sequence

from django.db import transaction
from django.db.models import Case, Count, F, Value, When
from django.db.models.functions import Greatest

from scoring import results
from scoring.marks import settlement
from scoring.marks.settlement import MARKED_BY_PEOPLE, Reason, Review
from scoring.models import Answer, Exam, Mark, MarkingPolicy, locks

CHUNK = 1000
"""Candidates whose answers are queued by one transaction."""
NearCandidate = tuple[str, int, list[str]]
"""A candidate, their attempt, and the codes of the questions that count towards their total."""


def reread_near_pass_line(exam: Exam) -> int:
    """Ask for one more reading of each answer of candidates near the pass line; returns how many.

    Candidates are near whose total is complete and within the policy's margin of the pass line. Of
    these, all answers that count are queued, except adjudicated ones, reference answers and those
    queued for this reason before. Raises WrongState where the exam is not being marked.
    """
    policy = MarkingPolicy.of(exam)
    if policy.pass_line is None:
        return 0
    low, high = policy.pass_line - policy.pass_margin, policy.pass_line + policy.pass_margin
    near = list(_near(exam, float(low), float(high)))
    return sum(
        _queue_again(exam, near[start : start + CHUNK]) for start in range(0, len(near), CHUNK)
    )


def _near(exam: Exam, low: float, high: float) -> Iterator[NearCandidate]:
    for rows, total in results.candidates(exam):
        points = total["total"]
        if total["complete"] and points is not None and low <= points <= high:
            counted = [row["question"] for row in rows if row["counted"]]
            yield total["candidate"], total["attempt"], counted


@transaction.atomic
def _queue_again(exam: Exam, near: Sequence[NearCandidate]) -> int:
    settlement.hold(exam, *MARKED_BY_PEOPLE)
    wanted = {(name, attempt, code) for name, attempt, codes in near for code in codes}
    rows = (
        Answer.objects.filter(
            submission__exam=exam, submission__candidate__in={name for name, _, _ in near}
        )
        .exclude(review=Review.ADJUDICATED)
        .exclude(review_reason__in=Answer.NEAR_PASS_LINE)
        .filter(final_points__isnull=False, reference=None)
        .values_list("pk", "submission__candidate", "submission__attempt", "question__code")
    )
    keys = [key for key, *place in rows if tuple(place) in wanted]
    # A mark may be given to one of the answers at this moment. This waits until it has committed,
    # so that it is counted below and one more reading is asked for than there are.
    locks.lock_answers(Answer.objects.filter(pk__in=keys))
    marks = Mark.objects.filter(answer__in=keys).by_people().standing().order_by()
    counts = dict(marks.values_list("answer").annotate(Count("pk")))
    by_count: dict[int, list[int]] = {}
    for key in keys:
        by_count.setdefault(counts.get(key, 0), []).append(key)
    # Answers drawn for the audit stay in it: without them the audit would hold too few answers near
    # the pass line.
    audited = When(review_reason=Reason.AUDIT, then=Value(Reason.BOTH))
    reason = Case(audited, default=Value(Reason.PASS_LINE))
    for count, counted_keys in by_count.items():
        Answer.objects.filter(pk__in=counted_keys).update(
            review_reason=reason, readings=Greatest(F("readings"), count + 1)
        )
    settlement.settle(keys)
    return len(keys)
