"""A scrubbed copy of a backup in another environment.

The backup is restored into a scratch database here, what is personal is replaced there, and a
backup of the result alone leaves this environment: carried into the operations worker of the other
one, which restores it as any other, with a safety backup of what it had. Files that candidates have
handed in are not carried. Nothing here is changed, and nothing that is not scrubbed leaves.
"""

import tarfile
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from opsconsole.backups import alone, beside
from opsconsole.backups.preparation import managed
from opsconsole.deployments.prepare import last_document
from opsconsole.deployments.removal import OPS, running_ops
from opsconsole.engines.base import Engine, EngineError, Replica
from opsconsole.environments import guards
from opsconsole.environments.engine import patient_engine_of
from opsconsole.environments.windows import refuse_in_window
from opsconsole.gateways.postgres.server import Server
from opsconsole.models import Caller, Environment, Event
from pmscoring.base.progress import Say
from pmscoring.base.redaction import redacted
from pmscoring.base.refusals import Refused

OWNER = 1000
"""The user of every container of ours, by number."""
LIMIT = timedelta(hours=2)
INSIDE_SECONDS = timedelta(seconds=60)
WHY = "a scrubbed copy"


def clone(
    folder: Path,
    environment: Environment,
    *,
    identity: Path | None = None,
    caller: Caller,
    why: str = "",
    say: Say,
) -> dict[str, Any]:
    """Put a scrubbed copy of the backup in `folder` into the environment.

    Raises Refused, EngineError, and what a restore raises.
    """
    refuse(environment, why)
    engine = patient_engine_of(environment)
    ops = running_ops(engine)
    name = f"clone_{environment.uid.hex[:8]}"
    with (
        alone.scratch_database(Server.from_settings(), name) as scratch,
        alone.partial_folder(name) as work,
    ):
        report = beside.restore_scrubbed(folder, scratch, identity=identity, say=say)
        say(0.75, _("packing the scrubbed copy"))
        packed = _packed(scratch, work, lambda: say(0.75, _("packing the scrubbed copy")))
        say(0.85, _("restoring it in %s") % environment)
        restored = _restored(engine, ops, packed, work, lambda: say(0.85, environment.code))
    with transaction.atomic():
        Event.objects.record(
            "restore.cloned",
            environment,
            caller,
            backup=folder.name,
            target=environment.code,
            reason=why,
        )
    say(1.0, _("done"))
    return {"environment": environment.code, **report, "restore": restored}


def refuse(environment: Environment, why: str) -> None:
    """Raise Refused where no copy may go there: production, and this installation itself."""
    if environment.is_here or environment.kind == Environment.Kind.PRODUCTION:
        raise Refused(_("%s cannot be the target of a copy") % environment)
    guards.refuse_absent(environment)
    guards.refuse_while_deploying(environment)
    guards.refuse_while_removing(environment)
    refuse_in_window(why)


def _packed(scratch: Server, work: Path, alive: Callable[[], object]) -> Path:
    """The folder of a verified backup of the scratch database, without files."""
    backups, uploads, secret = work / "backups", work / "uploads", work / "password"
    for place in (work, backups, uploads):
        place.mkdir(mode=0o700)
    secret.touch(mode=0o600)
    secret.write_text(scratch.password, "utf-8")
    places = {
        "BACKUP_DIR": str(backups),
        "UPLOADS_DIR": str(uploads),
        "DATABASE_PASSWORD_FILE": str(secret),
        "POSTGRES_BIN": settings.POSTGRES_BIN,
    }
    words = ["backup", "--json", "--only=database,uploads", f"--note={WHY}"]
    document = managed(scratch, words, places, alive)
    return Path(document["path"])


def _restored(
    engine: Engine, ops: Replica, packed: Path, work: Path, alive: Callable[[], object]
) -> dict[str, Any]:
    """Carry the backup over and have it restored there; the other one's copy of it goes again."""
    archive, place = work / "copy.tar", f"{settings.BACKUP_DIR}/{packed.name}"
    archived(packed, archive)
    engine.put(ops.id, archive, str(settings.BACKUP_DIR), alive)
    try:
        return _ran(engine, ["restore", place, "--yes", "--json", f"--reason={WHY}"], alive)
    finally:
        engine.inside(ops.id, ["rm", "-rf", "--", place], timeout=INSIDE_SECONDS)


def archived(packed: Path, archive: Path) -> None:
    """Pack a folder as that of the user of our containers."""

    def owned(member: tarfile.TarInfo) -> tarfile.TarInfo:
        member.uid = member.gid = OWNER
        member.uname = member.gname = ""
        return member

    with tarfile.open(archive, "w") as tar:
        tar.add(packed, packed.name, filter=owned)


def _ran(engine: Engine, words: Sequence[str], alive: Callable[[], object]) -> dict[str, Any]:
    argv = ["python", "manage.py", *words]
    finished = engine.run_once(OPS, argv, timeout=LIMIT, say=lambda text: None, alive=alive)
    document = last_document(finished.output)
    if finished.exit_code or document is None:
        says = redacted(finished.output.strip()[-400:])
        raise EngineError(_("it was not restored there: %s") % says)
    return document
