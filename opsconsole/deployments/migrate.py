"""The one-offs that migrate an environment's database, forwards and back."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from django.utils.translation import gettext as _

from opsconsole.deployments import migrations, prepare, releases, trusted
from opsconsole.deployments.progress import Progress
from opsconsole.engines.base import Engine, Version
from opsconsole.models import Deployment
from pmscoring.base.redaction import redacted

MINUTES = 30.0
SERVICE = "migrate"
COMMAND = ("python", "manage.py", "migrate", "--noinput")


class MigrationFailed(Exception):
    """With the migration's own words; what it did is rolled back by PostgreSQL."""


def forwards(deployment: Deployment, engine: Engine, version: Version, progress: Progress) -> None:
    """Apply what the version has and the database lacks, in the version's own image.

    The row says that it has begun before it begins: whoever takes over knows that the database
    may have been changed.
    """
    missing = deployment.migrations.get("missing", [])
    progress.begin(_("migrating the database"))
    progress.beat(migrations={**deployment.migrations, "begun": True})
    _run(engine, COMMAND, version, progress)
    progress.end(says=_("applied: %s") % ", ".join(f"{m['app']}.{m['name']}" for m in missing))


def backwards(
    targets: Mapping[str, str], engine: Engine, version: Version | None, progress: Progress
) -> None:
    """Take migrations back, by the image that knows them: the version's, or the one that runs."""
    progress.begin(_("taking migrations back"))
    for app, name in targets.items():
        _run(engine, (*COMMAND, *trusted.migration(app, name)), version, progress)
    names = ", ".join(f"{app} {name}" for app, name in targets.items())
    progress.end(says=_("the database is at: %s") % names)


def undo(deployment: Deployment, engine: Engine, progress: Progress) -> None:
    """Undo what the deployment did to the database, where the earlier version needs that.

    What it can live with stays: nothing is lost, and the next try finds it done. Raises
    MigrationFailed where it cannot be taken back, with what a person has to do.
    """
    state, old = deployment.migrations, deployment.from_release
    dangerous = any(each["incompatible"] for each in state.get("missing", []))
    if not state.get("begun") or not (dangerous or state.get("back")):
        return
    # What was to be ended may not have been, where the engine was away: only now what is asked of
    # the database stays true.
    engine.end_commands(SERVICE)
    if state.get("back") and old:
        progress.begin(_("migrating the database"))
        _run(engine, COMMAND, releases.version_on(engine, old), progress)
        progress.end()
    if dangerous:
        _take_back(deployment, engine, progress)


def _take_back(deployment: Deployment, engine: Engine, progress: Progress) -> None:
    """What was applied of it: a migration that failed was not."""
    if deployment.to_release is None:
        return
    version = releases.version_on(engine, deployment.to_release)
    still = [_key(each) for each in prepare.ask(engine, version, progress)["missing"]]
    applied = [each for each in deployment.migrations["missing"] if _key(each) not in still]
    dangerous = [each for each in applied if each["incompatible"]]
    if stuck := [each for each in dangerous if each["irreversible"]]:
        backup = deployment.backup.name if deployment.backup else _("made before it")
        raise MigrationFailed(
            _("the earlier version cannot live with %(what)s, which cannot be taken back; "
              "restore the backup %(backup)s")
            % {"what": migrations.described(stuck), "backup": backup}
        )  # fmt: skip
    if dangerous:
        before = deployment.migrations.get("applied", {})
        backwards(migrations.targets(applied, before), engine, version, progress)


def _key(migration: Mapping[str, Any]) -> tuple[str, str]:
    return migration["app"], migration["name"]


def _run(engine: Engine, argv: Sequence[str], version: Version | None, progress: Progress) -> None:
    finished = engine.run_once(
        SERVICE,
        argv,
        version=version,
        timeout=timedelta(minutes=MINUTES),
        say=progress.say,
        alive=progress.alive,
    )
    if finished.exit_code:
        raise MigrationFailed(last_words(finished.output))


def last_words(output: str) -> str:
    """The end of what a failed migration has said: the exception, in Python's own form."""
    lines = [line for line in redacted(output).strip().splitlines() if line.strip()]
    return _("the migration failed: %s") % (" ".join(lines[-3:])[-400:] or _("without a word"))
