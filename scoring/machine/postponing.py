"""What becomes of claimed answers that were not scored: they wait for another time, or fail."""

import random
from collections.abc import Iterable, Sequence
from datetime import timedelta

from django.db import models, transaction
from django.utils.timezone import now
from django.utils.translation import gettext as _

from scoring.inference import InferenceBrokeOff, InferenceUnavailable
from scoring.marks import settlement
from scoring.models import Answer, locks

MOST_TRIES = 8
FIRST_WAIT, LONGEST_WAIT = 2.0, 300.0  # seconds
MOST_BREAKS = 3
"""Requests that break off before an answer that was alone in the last of them fails."""


def put_off(answers: Sequence[Answer], error: InferenceUnavailable) -> None:
    """Let the answers of a request that was not served wait again.

    If the service took the request and gave no answer, any of the texts may be to blame: the next
    requests part them, until the one at fault is alone and fails.
    """
    if not isinstance(error, InferenceBrokeOff):
        postpone(answers, str(error), error.retry_after)
    elif len(answers) == 1 and answers[0].breaks + 1 >= MOST_BREAKS:
        reason = _("the inference service gave no answer for this text %(times)d times (%(error)s)")
        fail(answers, reason % {"times": answers[0].breaks + 1, "error": error})
    else:
        _part(answers, str(error))


@transaction.atomic
def postpone(answers: Sequence[Answer], reason: str, at_least: float = 0.0) -> None:
    """Let the answers wait again, for longer at each try and for `at_least` seconds.

    Jitter spreads the tries, so that the workers do not all return at the same moment.
    """
    # The sweep or a change of the question may have taken the claim away: such answers are left as
    # they are. They are locked in the order of scoring/models/locks.py, as the UPDATEs below
    # would lock them in any order.
    locks.lock_answers(still_claimed(answers))
    for tries in {answer.tries for answer in answers}:
        wait = min(FIRST_WAIT * 2**tries, LONGEST_WAIT) * random.uniform(0.5, 1.0)  # noqa: S311
        rows = still_claimed([answer for answer in answers if answer.tries == tries])
        rows.update(
            status=Answer.Status.WAITING,
            tries=min(tries + 1, MOST_TRIES),
            not_before=now() + timedelta(seconds=max(wait, at_least)),
            reason=reason[:500],
            claimed_at=None,
        )


@transaction.atomic
def _part(answers: Sequence[Answer], reason: str) -> None:
    """Let the answers, all with as many breaks, be claimed in smaller parts after a short wait."""
    locks.lock_answers(still_claimed(answers))  # In their order, as above.
    still_claimed(answers).update(
        status=Answer.Status.WAITING,
        breaks=answers[0].breaks + 1,
        not_before=now() + timedelta(seconds=FIRST_WAIT),
        reason=reason[:500],
        claimed_at=None,
    )


@transaction.atomic
def fail(answers: Sequence[Answer], reason: str) -> None:
    """Fail the answers visibly; those whose claim was lost meanwhile are left as they are."""
    held = locks.lock_answers(still_claimed(answers))
    still_claimed(answers).update(status=Answer.Status.FAILED, reason=reason[:500])
    settlement.settle(held)


def still_claimed(answers: Iterable[Answer]) -> "models.QuerySet[Answer]":
    """Those of the answers, all of one claim, that this worker still holds.

    The sweep or a change of the question may have let them wait again, and another worker may have
    claimed them since. Its claim has the same status but another `claimed_at`.
    """
    answers = list(answers)
    return Answer.objects.filter(
        pk__in=[answer.pk for answer in answers],
        status=Answer.Status.SCORING,
        claimed_at=answers[0].claimed_at,
    )
