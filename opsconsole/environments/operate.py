"""Operations: restart a replica, scale a service, run a command, read logs, remove old images.

Each is a row that somebody requests and the operations worker performs. What a row asks for is
checked when it is requested and again when it is performed, since the row may have been written by
a process that was taken over. Races, and why each is safe:

1. Two workers perform one operation. Each claims it by one UPDATE; the second gets WrongState.
2. The worker is killed. Nobody knows how far it came, so the sweep fails the row and a person
   decides.
3. A service is scaled while a rollout replaces it, which runs more replicas than are wanted for a
   time and would be disturbed: Busy, until the deployment has ended.
Those of numbers that hold for a time are in put_backs.py.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import translation
from django.utils.timezone import now
from django.utils.translation import gettext as _

from opsconsole.engines.base import EngineError
from opsconsole.environments import allowed, bounds, guards, look, put_backs, rotation
from opsconsole.environments.output import Output
from opsconsole.environments.performing import DEEDS, MOST_LINES, Deed, moment
from opsconsole.environments.windows import refuse_below_floor, refuse_in_window
from opsconsole.models import Caller, Environment, Event, Operation
from opsconsole.models.events import SYSTEM
from pmscoring.base.redaction import redacted
from pmscoring.base.refusals import Busy, Refused

FAILURES = (EngineError, Refused, Busy)
"""What may go wrong without anything being wrong with this program."""
KEPT = {Operation.Kind.LOGS: timedelta(days=1)}
FOLLOWED = timedelta(seconds=60)
"""Within this time a log that is read on counts as one look at it."""
KEPT_OTHERS = timedelta(days=90)
"""How long rows stay; what was done stays in the events."""
Kind = Operation.Kind
OF_REPLICAS = (Kind.RESTART, Kind.LOGS)
"""Their target is the id of a replica; the row keeps its name beside it."""
BEFORE_IT_RUNS = (Kind.REMOVE, Kind.PLAN)
"""What may be asked for an environment that is not laid out."""


# Requests


def restart(environment: Environment, replica: str, *, caller: Caller, why: str = "") -> Operation:
    """Ask for the restart of one replica."""
    return request(environment, Kind.RESTART, caller=caller, target=replica, why=why)


def scale(
    environment: Environment,
    service: str,
    replicas: int,
    *,
    caller: Caller,
    why: str = "",
    lasting: timedelta | None = None,
) -> Operation:
    """Ask for so many replicas; with `lasting` the number of before is put back after that time."""
    arguments: dict[str, Any] = {
        "replicas": bounds.refuse_beyond(service, replicas, environment.engine)
    }
    refuse_below_floor(service, replicas, why, engine=environment.engine)
    if lasting is not None:
        if lasting <= timedelta(0):
            raise Refused(_("the time must be longer than none"))
        arguments["seconds"] = lasting.total_seconds()
    return request(
        environment, Kind.SCALE, caller=caller, target=service, arguments=arguments, why=why
    )


def give_back(environment: Environment, service: str, *, caller: Caller, why: str) -> Operation:
    """Ask for the number of before now; raises Refused where none was set for a time."""
    waiting = put_backs.of_service(environment, service).last()
    if waiting is None:
        raise Refused(_("no number was set for a time"))
    arguments = {**waiting.arguments, "not_before": now().isoformat()}
    return request(
        environment, Kind.SCALE, caller=caller, target=service, arguments=arguments, why=why
    )


def run(
    environment: Environment, command: str, words: Sequence[str], *, caller: Caller, why: str = ""
) -> Operation:
    """Ask for one of the allowed commands."""
    allowed.argv(command, list(words))
    arguments = {"words": list(words)}
    return request(
        environment, Kind.RUN, caller=caller, target=command, arguments=arguments, why=why
    )


def logs(
    environment: Environment,
    replica: str,
    *,
    caller: Caller,
    tail: int = 200,
    since: datetime | None = None,
    search: str = "",
) -> Operation:
    """Ask for lines of a replica: the last `tail` since then, of those with `search` in them."""
    arguments = {
        "tail": min(max(tail, 1), MOST_LINES),
        "since": since.isoformat() if since else "",
        "search": search[:200],
    }
    return request(environment, Kind.LOGS, caller=caller, target=replica, arguments=arguments)


def prune(environment: Environment, *, caller: Caller, why: str = "") -> Operation:
    """Ask for the removal of old images; raises Refused in an exam window without a reason."""
    refuse_in_window(why)
    return request(environment, Kind.PRUNE, caller=caller, why=why)


def rotate(environment: Environment, name: str, *, caller: Caller, why: str = "") -> Operation:
    """Ask for a new value of a secret; raises Refused and Busy."""
    rotation.refuse(environment, name)
    return request(environment, Kind.ROTATE, caller=caller, target=name, why=why)


def request(
    environment: Environment,
    kind: str,
    *,
    caller: Caller,
    target: str = "",
    arguments: Mapping[str, Any] | None = None,
    why: str = "",
) -> Operation:
    """A row for the worker; raises Refused where the environment is not laid out, and Busy."""
    arguments = dict(arguments or {})
    if kind not in BEFORE_IT_RUNS:
        guards.refuse_absent(environment)
    if kind in OF_REPLICAS and (name := look.name_of(environment, target)):
        arguments["name"] = name
    if kind in (Kind.RESTART, Kind.SCALE):
        guards.refuse_while_deploying(environment)
    with transaction.atomic():
        operation = Operation.objects.create(
            environment=environment,
            kind=kind,
            target=target[:100],
            arguments=arguments,
            why=why[:200],
            requested_by=caller.name[:150],
            language=translation.get_language() or settings.LANGUAGE_CODE,
        )
        if not _reads_on(operation):
            Event.objects.record(
                "operation.requested", operation, caller, environment=environment.code, reason=why
            )
    return operation


def _reads_on(operation: Operation) -> bool:
    """Whether it is the next look of somebody who follows a log: the first one left its events."""
    if operation.kind != Kind.LOGS or not operation.arguments.get("since"):
        return False
    before = operation.requested_at - FOLLOWED
    return Operation.objects.filter(
        environment=operation.environment,
        kind=Kind.LOGS,
        target=operation.target,
        requested_by=operation.requested_by,
        requested_at__gt=before,
        requested_at__lt=operation.requested_at,
    ).exists()


# What the worker does


def due(at: datetime | None = None) -> list[Operation]:
    """Operations that wait to be performed, those that wait for a later time left out."""
    waiting = Operation.objects.waiting().select_related("environment").order_by("pk")
    return [operation for operation in waiting if _is_due(operation, at or now())]


def _is_due(operation: Operation, at: datetime) -> bool:
    """What is put back by itself also waits for the end of a deployment: nobody asks again."""
    later = moment(operation.arguments.get("not_before"))
    return later is None or (later <= at and not guards.is_deploying(operation.environment))


def perform(
    operation: Operation,
    deeds: Mapping[str, Deed] | None = None,
    say: Callable[[str], object] = lambda line: None,
) -> None:
    """Perform a waiting operation; a failure of FAILURES ends it with its reason.

    Raises WrongState where another worker has it.
    """
    operation.claim(started_at=now())
    with operation.in_its_language():
        _perform(operation, DEEDS if deeds is None else deeds, say)


def at_once(
    ask: Callable[[], Operation],
    deeds: Mapping[str, Deed] | None = None,
    say: Callable[[str], object] = lambda line: None,
) -> Operation:
    """Request an operation and perform it in this process, before a worker can see it waiting.

    Raises Refused and Busy, also where they have ended the operation: its row has them too.
    """
    with transaction.atomic():
        operation = ask()
        operation.claim(started_at=now())
    error = _perform(operation, DEEDS if deeds is None else deeds, say)
    if isinstance(error, Refused | Busy):
        raise error
    return operation


def _perform(
    operation: Operation, deeds: Mapping[str, Deed], say: Callable[[str], object]
) -> Exception | None:
    """What of FAILURES has ended it, which the row and an event have; None where it was done."""
    output = Output(operation, say)
    caller = asked_by(operation)
    try:
        if operation.kind not in deeds:
            raise Refused(_("nobody here performs this: %s") % operation.kind)
        done = deeds[operation.kind](operation, output)
    except FAILURES as error:
        reason = redacted(str(error)) or type(error).__name__
        if isinstance(error, Busy) and put_backs.is_put_back(operation):
            operation.put_back(reason, begun=False)  # Nobody would ask again.
        else:
            _fail(operation, output, caller, reason)
        return error
    with operation.all_or_none():
        operation.finish(output=output.text, exit_code=done.exit_code, fraction=1.0)
        result = Event.Result.FAILED if done.exit_code else Event.Result.OK
        if not _reads_on(operation):
            Event.objects.record(
                done.deed, operation.environment, caller, result=result, **done.details
            )
    return None


def _fail(operation: Operation, output: Output, caller: Caller, reason: str) -> None:
    with operation.all_or_none():
        operation.beat(output=output.text)
        operation.fail(reason)
        Event.objects.record(
            "operation.failed",
            operation,
            caller,
            result=Event.Result.FAILED,
            reason=operation.reason,
            environment=operation.environment.code,
        )


def asked_by(operation: Operation) -> Caller:
    """Who asked for it, by which door and from where, as the event of the request says."""
    requests = Event.objects.filter(deed="operation.requested", object_id=str(operation.pk))
    event = requests.order_by("number").last()
    return Caller(event.actor, event.source, event.address) if event else SYSTEM


def forget(at: datetime | None = None) -> int:
    """Delete rows that ended long ago; returns how many."""
    at = at or now()
    ended = Operation.objects.exclude(status__in=Operation.unfinished_states())
    deleted = 0
    for kind in Kind.values:
        before = at - KEPT.get(Kind(kind), KEPT_OTHERS)
        deleted += ended.filter(kind=kind, finished_at__lt=before).delete()[0]
    return deleted
