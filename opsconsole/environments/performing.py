"""The deeds of operations, done by the operations worker on the engine."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from opsconsole.engines.base import Engine, EngineError, Replica, Service
from opsconsole.engines.meanwhile import patiently
from opsconsole.environments import (
    allowed,
    bounds,
    guards,
    one_at_a_time,
    pruning,
    put_backs,
    restarts,
    rotation,
)
from opsconsole.environments.engine import patient_engine_of
from opsconsole.environments.output import Output
from opsconsole.environments.windows import refuse_below_floor
from opsconsole.models import Event, Operation
from opsconsole.models.events import SYSTEM
from pmscoring.base.redaction import redacted
from pmscoring.base.refusals import Busy, Refused

RUN_LIMIT = timedelta(minutes=30)
MOST_LINES = 5000
SEARCHED_LINES = 20000
Kind = Operation.Kind


@dataclass(frozen=True)
class Done:
    """What came of an operation: the event that it leaves, and how a command has exited."""

    deed: str
    details: Mapping[str, Any] = field(default_factory=dict)
    exit_code: int | None = None


Deed = Callable[[Operation, Output], Done]
"""Performs an operation; raises FAILURES."""


def _restart(operation: Operation, output: Output) -> Done:
    environment = operation.environment
    engine = _engine(operation)
    replica = _replica(engine, operation.target)
    guards.refuse_while_deploying(environment)
    restarts.refuse(environment, replica.service)
    patiently(lambda: engine.restart(replica.id), output.alive)
    output.line(_("%s was restarted") % replica.name)
    details = {"service": replica.service, "replica": replica.name, "reason": operation.why}
    return Done("replica.restarted", details)


def _scale(operation: Operation, output: Output) -> Done:
    environment, name = operation.environment, operation.target
    wanted = operation.arguments.get("replicas")
    asked = bounds.refuse_beyond(name, wanted, environment.engine)
    engine = _engine(operation)
    with one_at_a_time.scaling(environment, name):
        operation.beat()  # A put-back may have been replaced before the lock was free.
        present = _service(engine, name).scaled
        guards.refuse_while_deploying(environment)
        replicas = _allowed(operation, asked, present)
        # A worker in the middle of a batch may take minutes to end.
        patiently(lambda: engine.scale(name, replicas), output.alive)
        back = put_backs.hand_on(operation, present)
    words = {"service": name, "before": present, "now": replicas}
    output.line(_("%(service)s: %(before)d → %(now)d") % words)
    if replicas != asked:
        output.line(_("not %(asked)d, because of an exam window") % {"asked": asked})
    if back:
        then = {"replicas": back.arguments["replicas"], "at": back.arguments["not_before"]}
        output.line(_("%(replicas)d again at %(at)s") % then)
    details = {"service": name, "from": present, "to": replicas, "reason": operation.why}
    return Done("service.scaled", details)


def _allowed(operation: Operation, asked: int, present: int) -> int:
    """The number by the exam windows that hold; raises Refused where a person must give a reason.

    A window may have begun since it was requested.
    """
    if put_backs.is_put_back(operation):
        return put_backs.bounded(operation.target, asked, present)
    engine = operation.environment.engine
    refuse_below_floor(operation.target, asked, operation.why, engine=engine, present=present)
    return asked


def _run(operation: Operation, output: Output) -> Done:
    argv = allowed.argv(operation.target, operation.arguments.get("words"))
    engine = _engine(operation)
    finished = engine.run_once("ops", argv, timeout=RUN_LIMIT, say=output.line, alive=output.alive)
    details = {"command": " ".join(argv[2:]), "exit_code": finished.exit_code}
    return Done("command.run", {**details, "reason": operation.why}, finished.exit_code)


def _logs(operation: Operation, output: Output) -> Done:
    arguments = operation.arguments
    tail, search = _tail(arguments.get("tail")), str(arguments.get("search") or "").casefold()
    engine = _engine(operation)
    replica = _replica(engine, operation.target)
    lines = engine.logs(
        replica.id,
        tail=SEARCHED_LINES if search else tail,
        since=moment(arguments.get("since")),
    )
    chosen = [(at, line) for at, line in lines if search in line.casefold()]
    for at, line in chosen[-tail:]:
        output.line(f"{at.isoformat(timespec='milliseconds')} {line}")
    details = {"service": replica.service, "replica": replica.name, "lines": len(chosen[-tail:])}
    return Done("replica.logs_read", details)


def _prune(operation: Operation, output: Output) -> Done:
    engine = _engine(operation)
    details = pruning.prune(operation.environment, engine, reason=operation.why)
    output.line(pruning.words_of(details))
    return Done("images.pruned", {**details, "reason": operation.why})


def _rotate(operation: Operation, output: Output) -> Done:
    engine, name = _engine(operation), operation.target
    details = {"secret": name[:100], "reason": operation.why}
    try:
        rotation.rotate(operation.environment, engine, name, say=output.line, alive=output.alive)
    except (EngineError, Refused, Busy) as error:
        says = redacted(str(error))[:500]
        Event.objects.record(
            "secret.rotation_failed", operation.environment, SYSTEM, result="failed",
            **details, why=says,
        )  # fmt: skip
        raise
    return Done("secret.rotated", details)


DEEDS: Mapping[str, Deed] = {
    Kind.RESTART: _restart,
    Kind.SCALE: _scale,
    Kind.RUN: _run,
    Kind.LOGS: _logs,
    Kind.PRUNE: _prune,
    Kind.ROTATE: _rotate,
}


def _engine(operation: Operation) -> Engine:
    guards.refuse_absent(operation.environment)
    return patient_engine_of(operation.environment)


def _replica(engine: Engine, word: str) -> Replica:
    """The replica of that id or name among those of the environment; raises Refused."""
    for service in engine.services():
        for replica in service.replicas:
            if word and word in (replica.id, replica.name):
                return replica
    raise Refused(_("there is no replica %s any more") % word[:100])


def _service(engine: Engine, name: str) -> Service:
    for service in engine.services():
        if service.name == name:
            return service
    raise Refused(_("there is no service %s") % name[:100])


def _tail(value: object) -> int:
    return min(max(value, 1), MOST_LINES) if type(value) is int else 200


def moment(value: object) -> datetime | None:
    """A moment as rows keep it; None for anything else, as in a row that lies."""
    try:
        moment = parse_datetime(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return moment if moment and moment.tzinfo else None
