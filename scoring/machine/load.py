"""The load: how much waits for the machine, and how fast it is scored."""

from datetime import timedelta
from typing import Any

from django.db import models
from django.utils.timezone import now

from scoring.agreement import audit_sample
from scoring.models import Answer, Mark


def measure() -> dict[str, Any]:
    """What opsconsole may know: `{waiting, scoring, oldest_seconds, rate, agreement}`.

    `waiting` counts those that a worker holds, `scoring`, too.
    """
    waiting, scoring = _held_in(Answer.Status.WAITING), _held_in(Answer.Status.SCORING)
    came = [one["oldest"] for one in (waiting, scoring) if one["oldest"]]
    oldest = (now() - min(came)).total_seconds() if came else 0.0
    since = now() - timedelta(seconds=60)
    scored = Mark.objects.by_machine().filter(created_at__gte=since).count()
    return {
        "waiting": waiting["count"] + scoring["count"],
        "scoring": scoring["count"],
        "oldest_seconds": round(oldest, 1),
        "rate": round(scored / 60, 3),
        "agreement": audit_sample.recent(),
    }


def _held_in(status: str) -> dict[str, Any]:
    """How many answers have the status, and when the oldest came.

    One status at a time: each has an index of its own, and a query for two of them uses neither.
    """
    return Answer.objects.filter(status=status).aggregate(
        count=models.Count("pk"), oldest=models.Min("submission__created_at")
    )
