"""Which answers are claimed together: no more than the inference service reads in seconds."""

from collections.abc import Sequence

from django.conf import settings
from django.db import transaction

from pmscoring.base import lengths
from scoring.models import Answer, Question

MOST_SIZE = 65_536
"""Code points of a request's folded texts; on one core of a processor they take half a minute."""
ESSAY_WEIGHT = 16
"""Scoring an essay takes about as long as scoring this many short answers."""
PART = 8
"""Answers of a request that broke off are claimed again in parts of an eighth, and of an eighth."""


def most_answers(question: Question) -> int:
    """The most answers of a request."""
    return max(settings.SCORING_BATCH // (ESSAY_WEIGHT if question.sections else 1), 1)


@transaction.atomic
def claim(question: Question) -> list[Answer]:
    """Answers for a request; none of them is slow."""
    return Answer.objects.quick().claim(question.pk, most_answers(question), within)


@transaction.atomic
def claim_slow(question: Question) -> list[Answer]:
    """Slow answers for a request: fewer, the more often a request with them has broken off."""
    slow = Answer.objects.slow().filter(question=question)
    breaks = slow.waiting().order_by("breaks").values_list("breaks", flat=True).first()
    if breaks is None:
        return []
    size = max(most_answers(question) // PART**breaks, 1)
    return slow.filter(breaks=breaks).claim(question.pk, size, within)


def within(answers: Sequence[Answer]) -> int:
    """How many of the first answers have no more than MOST_SIZE together; one at least."""
    total = 0
    for count, answer in enumerate(answers):
        total += lengths.size(answer.text)
        if total > MOST_SIZE:
            return max(count, 1)
    return len(answers)
