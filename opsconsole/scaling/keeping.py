"""Old samples become a row for each hour; old rows go.

Races, and why each is safe:

1. Two workers at once. Whoever makes an hour's row has locked the hour's samples; the other waits,
   finds none of them, and makes no second row.
2. A worker dies. An hour's row is written and its samples are deleted in one transaction.
"""

import logging
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from statistics import fmean
from typing import Any

from django.db import models, transaction
from django.utils.timezone import now

from opsconsole.models import ScalingDecision, ScalingSample
from opsconsole.models.scaling import KEPT, KEPT_HOURLY
from opsconsole.scaling.recorded import samples_of
from opsconsole.scaling.shapes import Sample, Seen

log = logging.getLogger(__name__)
HOUR = timedelta(hours=1)
MOST_HOURS = 200
"""Of one service, in one turn; the next turn goes on."""
BATCH = 2000
"""Rows that are deleted by one statement."""


def keep(at: datetime | None = None) -> None:
    """Sum up and remove what is older than it is to be kept.

    Whatever is wrong with the samples of one service, the others and the decisions go on.
    """
    at = at or now()
    full = ScalingSample.objects.full().filter(at__lt=_hour(at - KEPT))
    for environment, service in sorted(set(full.values_list("environment_id", "service"))):
        of_service = full.filter(environment_id=environment, service=service)
        try:
            _sum_up(of_service)
        except Exception:
            log.exception("samples of %s are not summed up", service)
    old = ScalingDecision.objects.filter(at__lt=at - KEPT)
    changing = ScalingDecision.objects.changing().values("pk")
    _delete(ScalingSample.objects.filter(hours=True, at__lt=at - KEPT_HOURLY))
    _delete(old.exclude(pk__in=changing))
    _delete(old.filter(at__lt=at - KEPT_HOURLY))


def _sum_up(full: "models.QuerySet[ScalingSample]") -> None:
    for _turn in range(MOST_HOURS):
        if not _sum_up_oldest(full):
            break


def _hour(at: datetime) -> datetime:
    return at.replace(minute=0, second=0, microsecond=0)


@transaction.atomic
def _sum_up_oldest(full: "models.QuerySet[ScalingSample]") -> bool:
    """Make one row of the oldest hour's; returns whether there was one.

    Those that cannot be read are counted by the log alone, and deleted with the others.
    """
    oldest = full.order_by("at").first()
    if oldest is None:
        return False
    start = _hour(oldest.at)
    of_hour = full.filter(at__gte=start, at__lt=start + HOUR)
    rows = list(of_hour.select_for_update().order_by("at"))
    samples = list(samples_of(rows))
    if len(samples) < len(rows):
        log.warning("%s: %d samples cannot be read", oldest, len(rows) - len(samples))
    if samples:
        ScalingSample.objects.create(
            environment_id=oldest.environment_id,
            service=oldest.service,
            at=start,
            hours=True,
            content=hour_of(samples),
        )
    if rows:
        of_hour.filter(pk__in=[row.pk for row in rows]).delete()
    return True


def _delete(rows: "models.QuerySet[Any]") -> None:
    """In small batches, so that no transaction is long."""
    while keys := list(rows.order_by("pk").values_list("pk", flat=True)[:BATCH]):
        rows.model._default_manager.filter(pk__in=keys).delete()


def hour_of(samples: Sequence[Sample]) -> dict[str, Any]:
    """The content of an hour's row: how many samples, and of each number mean and highest value.

    A number that was missing in some samples is that of the others.
    """
    known: dict[str, list[float]] = {}
    for sample in samples:
        for key, number in _numbers(sample):
            known.setdefault(key, []).append(number)
    return {
        "samples": len(samples),
        "mean": {key: round(fmean(numbers), 4) for key, numbers in known.items()},
        "highest": {key: max(numbers) for key, numbers in known.items()},
    }


def _numbers(sample: Sample) -> Iterator[tuple[str, float]]:
    """Replicas, the mean of what each of them uses, and the readings."""
    yield "wanted", sample.wanted
    yield "ready", sum(seen.ready for seen in sample.replicas)
    for name in ("cpu", "throttled", "memory"):
        if values := list(_values(sample.replicas, name)):
            yield name, fmean(values)
    for key, reading in sample.readings.items():
        if reading.value is not None and not reading.trouble:
            yield key, reading.value


def _values(replicas: Iterable[Seen], name: str) -> Iterator[float]:
    for seen in replicas:
        if (value := getattr(seen, name)) is not None:
            yield value
