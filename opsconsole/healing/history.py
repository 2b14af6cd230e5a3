"""What earlier looks left: rows of Heal, as `decide` wants them."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime

from opsconsole.healing.decide import WITHIN, Past, Sickness
from opsconsole.models import Environment, Heal

RESTARTS = (Heal.Did.RESTARTING, Heal.Did.RESTARTED)
"""One that began counts: whoever began it may have died before it could write what came of it."""


def past_of(environment: Environment, service: str, at: datetime) -> dict[str, Past]:
    """By the name of the replica: its open bout, and what was done within the last hour."""
    rows = Heal.objects.filter(environment=environment, service=service)
    wanted = rows.open() | rows.filter(at__gt=at - WITHIN) | rows.filter(did_at__gt=at - WITHIN)
    by_name: defaultdict[str, list[Heal]] = defaultdict(list)
    for row in wanted.order_by("at", "pk"):
        by_name[row.name].append(row)
    return {name: _past(heals) for name, heals in by_name.items()}


def _past(heals: Iterable[Heal]) -> Past:
    ended = [row for row in heals if row.ended_at]
    recent = [row.did_at for row in ended if row.did in RESTARTS and row.did_at]
    crashes = [row.at for row in ended if row.sickness == Heal.Sickness.CRASHING]
    for row in heals:
        if row.ended_at is None:
            return Past(
                since=row.at,
                sickness=Sickness(row.sickness),
                restarts=row.restarts,
                restarted_at=row.did_at if row.did in RESTARTS else None,
                given_up_at=row.did_at if row.did == Heal.Did.GAVE_UP else None,
                recent=sorted(recent),
                crashes=crashes,
            )
    return Past(recent=sorted(recent), crashes=crashes)
