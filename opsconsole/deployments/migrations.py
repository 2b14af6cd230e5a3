"""What the migrations of a version mean to the database that it is to run on.

`facts` is looked at inside an image, in a one-off container, for only that image has its own
migrations: which of them the database lacks, which of those the old code could not live with
while both run, and which cannot be taken back. The linter reads the SQL that they would run.
"""

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations import Migration
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader
from django.utils.translation import gettext as _
from django_migration_linter.operations import IgnoreMigration
from django_migration_linter.sql_analyser.analyser import analyse_sql_statements
from django_migration_linter.sql_analyser.postgresql import PostgresqlAnalyser

from pmscoring.base.refusals import Refused

SECRETS = Path("/run/secrets")
FINGERPRINT = 16
Named = Mapping[str, Any]
"""A migration: {app, name, incompatible: [why], irreversible}."""


def facts(back_to: Mapping[str, str] | None = None) -> dict[str, Any]:
    """What this image's version is made of, and what its migrations would do to this database.

    {applied, migrations: names by app, missing, ahead: app.name that this version does not know,
    back: what lies between `back_to` (the last names by app) and now, files, fingerprints}. The
    fingerprints are pairs: under the name of a secret they would be taken for its value and be
    struck out, with what follows, on their way through a container's output.
    """
    loader = MigrationLoader(connection)
    applied = set(loader.applied_migrations)
    plan = MigrationExecutor(connection).migration_plan(loader.graph.leaf_nodes())
    known = set(loader.disk_migrations)
    return {
        "applied": _by_app(applied),
        "migrations": _by_app(known),
        "missing": [_named(loader, migration) for migration, _back in plan],
        "ahead": sorted(f"{app}.{name}" for app, name in applied - known),
        "back": [_named(loader, each) for each in _between(loader, applied, back_to or {})],
        "files": files(),
        "fingerprints": sorted(fingerprints().items()),
    }


def _between(
    loader: MigrationLoader, applied: set[tuple[str, str]], back_to: Mapping[str, str]
) -> list[Migration]:
    """The applied migrations of these apps that come after the given ones, the last one first."""
    after = [
        key for key in applied
        if key[0] in back_to and key in loader.disk_migrations and key[1] > back_to[key[0]]
    ]  # fmt: skip
    return [loader.disk_migrations[key] for key in sorted(after, reverse=True)]


def _by_app(keys: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    names: dict[str, list[str]] = {}
    for app, name in sorted(keys):
        names.setdefault(app, []).append(name)
    return names


def _named(loader: MigrationLoader, migration: Migration) -> dict[str, Any]:
    operations = migration.operations
    return {
        "app": migration.app_label,
        "name": migration.name,
        "incompatible": incompatible(loader, migration),
        "irreversible": not all(operation.reversible for operation in operations),
    }


def incompatible(loader: MigrationLoader, migration: Migration) -> list[str]:
    """Why code that does not know the migration could not live with it; empty: it could."""
    if any(isinstance(operation, IgnoreMigration) for operation in migration.operations):
        return []
    try:
        statements = loader.collect_sql([(migration, False)])
    except (DatabaseError, ValueError) as error:
        # A constraint of an earlier one that is missing too, for example.
        return [_("its SQL cannot be read: %s") % error]
    errors, _ignored, _warnings = analyse_sql_statements(PostgresqlAnalyser, statements)
    return [_issue(issue.message, issue.table, issue.column) for issue in errors]


def _issue(message: str, table: str | None, column: str | None) -> str:
    place = ".".join(name for name in (table, column) if name)
    return f"{message} ({place})" if place else message


def files() -> dict[str, str]:
    """The SHA-256 of the Compose files in this image, by name."""
    folder = Path(settings.BASE_DIR) / "compose"
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.glob("*.yaml"))
    }


def fingerprints() -> dict[str, str]:
    """Of the secret files of this container: whether one has changed, and nothing else.

    Keyed with the installation's own secret, so that nobody can try guesses against them.
    """
    key = settings.SECRET_KEY.encode()
    return {
        path.name: hmac.new(key, path.read_bytes(), "sha256").hexdigest()[:FINGERPRINT]
        for path in sorted(SECRETS.glob("*"))
        if path.is_file()
    }


def refuse_dangerous(missing: Iterable[Named], *, maintenance: bool) -> None:
    """Raise Refused where old code cannot live with one of the migrations, and it still would."""
    dangerous = [each for each in missing if each["incompatible"]]
    if not dangerous or maintenance:
        return
    raise Refused(
        _("the version that runs cannot live with these migrations: %s; "
          "deploy with --maintenance, which shows the maintenance page meanwhile")
        % described(dangerous)
    )  # fmt: skip


def refuse_no_way_back(back: Iterable[Named], *, maintenance: bool) -> list[Named]:
    """The migrations to take back before earlier code runs; raises Refused where that cannot be."""
    dangerous = [each for each in back if each["incompatible"]]
    if not dangerous:
        return []
    if stuck := [each for each in dangerous if each["irreversible"]]:
        raise Refused(
            _("the earlier version cannot live with these migrations, which cannot be taken back: "
              "%s; restore the backup that was made before them") % described(stuck)
        )  # fmt: skip
    refuse_dangerous(dangerous, maintenance=maintenance)
    return dangerous


def described(migrations: Iterable[Named]) -> str:
    """The migrations with what is wrong about each."""
    return ", ".join(
        f"{each['app']}.{each['name']} ({'; '.join(each['incompatible'])})" for each in migrations
    )


def last_names(applied: Mapping[str, list[str]]) -> dict[str, str]:
    """The last applied migration of each app."""
    return {app: max(names) for app, names in applied.items() if names}


def targets(taken_back: Iterable[Named], applied: Mapping[str, list[str]]) -> dict[str, str]:
    """What `migrate APP NAME` is called with so that these are no longer applied.

    `applied` are those that stay; `zero` where none of the app's does.
    """
    apps = {each["app"] for each in taken_back}
    lasts = last_names(applied)
    return {app: lasts.get(app, "zero") for app in sorted(apps)}
