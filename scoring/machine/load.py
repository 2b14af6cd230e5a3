"""The load: how much waits for the machine, and how fast it is scored."""

from datetime import timedelta
from typing import Any

from django.db import connection, models
from django.utils.timezone import now

from scoring.agreement import audit_sample
from scoring.machine import fullness
from scoring.models import Answer, Mark


def measure() -> dict[str, Any]:
    """The load as opsconsole reads it, whose fields are these.

    `waiting` includes the answers that a worker has claimed, which `scoring` counts; `arrived` is a
    running total of answers; `rate` is in answers a second, over the last minute; `agreement` as in
    `audit_sample.recent_agreement`; `inference_full` is whether the inference service has refused
    requests of late for want of room.
    """
    waiting, scoring = _in_status(Answer.Status.WAITING), _in_status(Answer.Status.SCORING)
    arrivals = [answers["oldest"] for answers in (waiting, scoring) if answers["oldest"]]
    oldest = (now() - min(arrivals)).total_seconds() if arrivals else 0.0
    since = now() - timedelta(seconds=60)
    scored = Mark.objects.by_machine().filter(created_at__gte=since).count()
    return {
        "waiting": waiting["count"] + scoring["count"],
        "scoring": scoring["count"],
        "oldest_seconds": round(oldest, 1),
        "arrived": _arrived(),
        "rate": round(scored / 60, 3),
        "agreement": audit_sample.recent_agreement(),
        "inference_full": fullness.is_full(),
    }


def _in_status(status: str) -> dict[str, Any]:
    """`count` of the answers in the status, and when the `oldest` of them was submitted."""
    # One query for each status: each has a partial index, and a query for both uses neither.
    return Answer.objects.filter(status=status).aggregate(
        count=models.Count("pk"), oldest=models.Min("submission__created_at")
    )


def _arrived() -> int:
    """How many answers were ever handed in, with those of transactions that were undone.

    It is read from the sequence of their keys, which counting rows would not equal: answers are
    deleted at their date, and there may be millions.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT last_value, is_called FROM scoring_answer_id_seq")
        value, is_called = cursor.fetchone()
    return value if is_called else 0
