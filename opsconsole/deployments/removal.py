"""Remove an environment that was added; a last backup is made in it and kept here.

Its order: the backup, verified there, is carried here and compared with its manifest; only then are
containers, networks, volumes and secrets removed. Races, and why each is safe:

1. A deployment of the environment begins meanwhile. The removal claims its row before it looks for
   a deployment, and a driver claims its own before it looks for a removal: one of the two, or both,
   see the other, and end.
2. The worker is killed. The operation fails, and what is left of the environment can be removed by
   another one; without its operations worker no backup can be made in it any more, so that one
   needs a reason. The backup that was carried here stays.
"""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

from django.db import transaction
from django.utils.timezone import now
from django.utils.translation import gettext as _

from opsconsole.backups import arrival
from opsconsole.deployments import laying_out, prepare
from opsconsole.engines.base import Engine, EngineError, Replica, State
from opsconsole.environments import guards, operate
from opsconsole.environments.engine import patient_engine_of
from opsconsole.environments.output import Output
from opsconsole.environments.performing import Deed, Done
from opsconsole.environments.windows import refuse_in_window
from opsconsole.models import Backup, Caller, Environment, Operation
from pmscoring.base.redaction import redacted
from pmscoring.base.refusals import Refused

OPS = "ops"
BACKUP_LIMIT = timedelta(hours=2)
BACKUP = ("python", "manage.py", "backup", "--json", "--only=database,uploads,configuration")


def request(
    environment: Environment,
    *,
    confirmed: str,
    caller: Caller,
    why: str = "",
    without_backup: bool = False,
) -> Operation:
    """Ask for the removal; `confirmed` is the code as a person has typed it.

    Raises Refused and Busy.
    """
    _refuse(environment, confirmed, why, without_backup)
    return operate.request(
        environment,
        Operation.Kind.REMOVE,
        caller=caller,
        target=confirmed,
        arguments={"without_backup": without_backup},
        why=why,
    )


def _refuse(environment: Environment, confirmed: str, why: str, without_backup: bool) -> None:
    if environment.removed_at:
        raise Refused(_("%s was removed already") % environment)
    if environment.is_here:
        raise Refused(_("the running installation does not remove itself; do it on its host"))
    if environment.protected:
        raise Refused(_("%s is protected; lift the protection first") % environment)
    if confirmed != environment.code:
        raise Refused(_("the code of the environment, typed, confirms its removal"))
    if without_backup and not why.strip():
        raise Refused(_("a removal without a last backup needs a reason"))
    refuse_in_window(why)
    guards.refuse_while_deploying(environment)


def perform(operation: Operation, output: Output) -> Done:
    """The whole story: back up, carry here, remove, and write that it is gone."""
    environment = operation.environment
    environment.refresh_from_db()
    without = bool(operation.arguments.get("without_backup"))
    _refuse(environment, operation.target, operation.why, without)
    engine, backup = patient_engine_of(environment), None
    if environment.laid_out_at and not without:
        backup = _kept(environment, engine, operate.asked_by(operation), output)
    if environment.laid_out_at or laying_out.BEGUN in environment.seen:
        engine.remove(output.line)
    with transaction.atomic():
        rows = Environment.objects.filter(pk=environment.pk, removed_at=None)
        rows.update(removed_at=now(), seen={}, seen_at=None, trouble="")
    return Done("environment.removed", _details(operation, backup))


def _details(operation: Operation, backup: Backup | None) -> Mapping[str, Any]:
    return {"backup": backup.name if backup else "", "reason": operation.why}


def _kept(environment: Environment, engine: Engine, caller: Caller, output: Output) -> Backup:
    """A verified backup of the environment, here; raises EngineError where there is none."""
    ops = running_ops(engine)
    output.line(_("making a last backup"))
    note = f"--note=before the removal of {environment.code}"
    finished = engine.run_once(
        OPS, [*BACKUP, note], timeout=BACKUP_LIMIT, say=_unheard, alive=output.alive
    )
    document = prepare.last_document(finished.output) or {}
    if finished.exit_code or not document.get("verified"):
        says = redacted(finished.output.strip()[-400:])
        raise EngineError(_("the last backup failed: %s") % says)
    output.line(_("carrying it here: %s") % document["name"])
    return bring_here(engine, ops, document["path"], caller, output)


def running_ops(engine: Engine) -> Replica:
    """The operations worker of an environment; raises Refused where none runs."""
    for service in engine.services():
        for replica in service.replicas:
            if service.name == OPS and replica.state is State.RUNNING:
                return replica
    raise Refused(
        _("its operations worker does not run, so no backup can be made in it; "
          "going on without a backup needs a reason")
    )  # fmt: skip


def bring_here(
    engine: Engine, replica: Replica, path: str, caller: Caller, output: Output
) -> Backup:
    """A backup's folder of another environment, taken in like one that was uploaded."""
    archive = arrival.folder() / f"{uuid4().hex}.tar"
    try:
        engine.fetch(replica.id, path, archive, output.alive)
        backup = arrival.receive(archive, caller=caller)
    finally:
        Path(archive).unlink(missing_ok=True)
    arrival.take_in(backup, lambda _fraction, _note: output.alive())
    if backup.status != Backup.Status.STORED:
        raise EngineError(_("the backup could not be taken in: %s") % backup.reason)
    output.line(_("it is kept here: %s") % backup.name)
    return backup


def _unheard(_text: str) -> None:
    """A document is not for people."""


DEEDS: Mapping[str, Deed] = {Operation.Kind.REMOVE: perform}
