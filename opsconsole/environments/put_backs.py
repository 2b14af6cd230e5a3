"""Numbers of replicas that hold for a time, and the rows that put the earlier number back after it.

Such a row waits until its `not_before`; while it does, policies leave the number alone. Races, and
why each is safe:

1. Somebody scales the service while a row waits. Whoever scales ends the rows of before, and hands
   their number on, in one transaction and only once the engine has scaled: a request that fails, or
   whose worker is killed, leaves them waiting.
2. A row falls due while somebody scales the service. One of the two has the lock of the service.
   The row that comes too early waits again; one that was ended meanwhile finds so by its heartbeat
   under the lock (WrongState), before it asks the engine for anything.
"""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import QuerySet
from django.utils.timezone import now
from django.utils.translation import gettext as _

from opsconsole.environments.windows import floor_of
from opsconsole.models import Environment, Operation

SOON = timedelta(minutes=15)
"""A window that begins so soon may be prepared already: its replicas are being started."""


def is_put_back(operation: Operation) -> bool:
    """Whether it puts back what was there before somebody set a number for a time."""
    return operation.kind == Operation.Kind.SCALE and "not_before" in operation.arguments


def of_service(environment: Environment, service: str) -> QuerySet[Operation]:
    """Those that wait, or that a worker has; the newest last."""
    return (
        Operation.objects.unfinished()
        .order_by("pk")
        .filter(
            environment=environment,
            kind=Operation.Kind.SCALE,
            target=service,
            arguments__has_key="not_before",
        )
    )


def bounded(service: str, replicas: int, present: int) -> int:
    """The number to put back; no fewer than an exam window wants, of those that are there.

    Policies raise a number to the floor of a window, as far as there is room: not this.
    """
    return max(replicas, min(floor_of(service, within=SOON), present))


@transaction.atomic
def hand_on(operation: Operation, present: int) -> Operation | None:
    """End the rows that waited before this operation; a new one where it holds for a time.

    Puts back the number of those rows, else the `present` one, which was there before.
    """
    number = _ended(operation)
    seconds = operation.arguments.get("seconds")
    if not isinstance(seconds, int | float) or is_put_back(operation):
        return None
    at: datetime = now() + timedelta(seconds=seconds)
    return Operation.objects.create(
        environment=operation.environment,
        kind=Operation.Kind.SCALE,
        target=operation.target,
        arguments={
            "replicas": present if number is None else number,
            "not_before": at.isoformat(),
        },
        why=_("the time is over for which it was scaled"),
        requested_by=operation.requested_by,
        language=operation.language,
    )


def _ended(operation: Operation) -> int | None:
    """The number that the newest of the other rows would have put back; None without one."""
    others = of_service(operation.environment, operation.target).exclude(pk=operation.pk)
    number = None
    for row in others.select_for_update():
        row.become(Operation.FAILED, reason=_("replaced by a later request"), **row.at_end())
        asked = row.arguments.get("replicas")
        number = asked if type(asked) is int else number
    return number
