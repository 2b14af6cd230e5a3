"""Answers of candidates near the pass line are read once more."""

from collections.abc import Iterator, Sequence

from django.db import transaction
from django.db.models import Case, Count, F, Value, When
from django.db.models.functions import Greatest

from scoring import results
from scoring.marks import settlement
from scoring.marks.settlement import MARKED_BY_PEOPLE, Reason, Review
from scoring.models import Answer, Exam, Mark, MarkingPolicy, locks

AT_ONCE = 1000


def near_pass_line(exam: Exam) -> int:
    """Ask for one more reading of the answers of candidates near the pass line; how many.

    Of those whose total stands and lies within the margin, every answer that counts, unless it was
    adjudicated or has been asked for before. Raises WrongState where the exam is not being marked.
    """
    policy = MarkingPolicy.of(exam)
    if policy.pass_line is None:
        return 0
    low, high = policy.pass_line - policy.pass_margin, policy.pass_line + policy.pass_margin
    rows = list(_near(exam, float(low), float(high)))
    return sum(
        _ask_again(exam, rows[start : start + AT_ONCE]) for start in range(0, len(rows), AT_ONCE)
    )


def _near(exam: Exam, low: float, high: float) -> Iterator[tuple[str, int, list[str]]]:
    """(candidate, attempt, codes of the questions that count) of each."""
    for found, total in results.candidates(exam):
        points = total["total"]
        if total["complete"] and points is not None and low <= points <= high:
            counted = [row["question"] for row in found if row["counted"]]
            yield total["candidate"], total["attempt"], counted


@transaction.atomic
def _ask_again(exam: Exam, near: Sequence[tuple[str, int, list[str]]]) -> int:
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
    # A mark that is given at this moment is waited for, and counted below.
    locks.lock_answers(Answer.objects.filter(pk__in=keys))
    given = Mark.objects.filter(answer__in=keys).by_people().standing().order_by()
    counts = dict(given.values_list("answer").annotate(Count("pk")))
    by_count: dict[int, list[int]] = {}
    for key in keys:
        by_count.setdefault(counts.get(key, 0), []).append(key)
    # Whoever was drawn for the audit stays drawn, or it would tell less of marks near the line.
    drawn = When(review_reason=Reason.AUDIT, then=Value(Reason.BOTH))
    reason = Case(drawn, default=Value(Reason.PASS_LINE))
    for count, some in by_count.items():
        Answer.objects.filter(pk__in=some).update(
            review_reason=reason, readings=Greatest(F("readings"), count + 1)
        )
    settlement.settle(keys)
    return len(keys)
