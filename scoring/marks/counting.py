"""Which of a submission's answers to one question counts: the newest that is not withdrawn.

An answer that counts no more, since it was withdrawn or replaced, is in no queue and has no final
mark. Its marks stay, and where it counts again the final mark follows from them.
"""

from collections.abc import Collection

from django.db.models import Max, Q

from scoring.marks import settlement
from scoring.models import Answer, AnswerGroup, Lease, locks


def recount(submissions: Collection[int]) -> set[int]:
    """Bring `counts` of the answers of these submissions up to date.

    Returns the keys of the questions that have answers waiting again. Needs a transaction that has
    shared the exam and locked the submissions.
    """
    rows = Answer.everything.filter(submission__in=submissions)
    _lock(set(rows.values_list("pk", flat=True)))
    newest = rows.filter(withdrawal=None).order_by().values("submission", "question")
    counting = set(newest.annotate(newest=Max("pk")).values_list("newest", flat=True))
    counted = set(rows.filter(counts=True).values_list("pk", flat=True))
    # In this order, because the constraint lets one answer count at any moment.
    _take_out(counted - counting)
    return _bring_in(counting - counted)


def _lock(keys: Collection[int]) -> None:
    """Lock leases, then answers, with those that are in a group led by one of them."""
    # 1. A marker submits a mark of an answer that is being taken out: whoever locks the lease first
    #    goes first, and the marker then finds it gone, or the mark is there to be kept.
    # 2. A worker writes a mark: it locks the answers that it still holds, and those that are taken
    #    out are not among `Answer.objects`.
    # 3. An answer is leased at this moment: leases are written with the answer locked, so the
    #    lease is seen once the lock is had, or the answer is no longer queued.
    locks.lock_leases(Lease.objects.filter(answer__in=keys))
    led = Q(answer_group__representative__in=keys)
    locks.lock_answers(Answer.everything.filter(Q(pk__in=keys) | led))


def _take_out(keys: Collection[int]) -> None:
    if not keys:
        return
    Lease.objects.filter(answer__in=keys).delete()
    # Members are near to the representative, and not for that near to each other.
    led = AnswerGroup.objects.filter(representative__in=keys)
    Answer.everything.filter(answer_group__in=led).update(answer_group=None)
    led.delete()
    Answer.everything.filter(pk__in=keys).update(
        counts=False,
        answer_group=None,
        claimed_at=None,
        review=Answer.Review.NONE,
        urgency=0.0,
        final_points=None,
        final_source="",
    )


def _bring_in(keys: Collection[int]) -> set[int]:
    if not keys:
        return set()
    Answer.everything.filter(pk__in=keys).update(counts=True)
    answers = Answer.objects.filter(pk__in=keys)
    answers.wait_again()
    settlement.settle(keys)
    return set(answers.order_by().values_list("question", flat=True).distinct())
