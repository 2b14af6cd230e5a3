"""Migrations of a plain `docker compose up`, which run before Compose replaces anything.

The old containers serve meanwhile, and go on serving where this refuses or fails.

Races, and why they are safe:

1. Two of them at once, of two people: a session lock in PostgreSQL lets one migrate at a time, and
   the second one then finds nothing to do. Who dies leaves no lock.
2. A deployment or a restore begins after it was asked for. It would find the new migrations
   applied, as after any other way of applying them; its backup is then one of after them.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.utils.translation import gettext as _

from opsconsole.deployments import migrations
from opsconsole.models import Deployment, Restore
from pmscoring.base.refusals import Busy, Refused

LOCK = "pmscoring migrate first"


@contextmanager
def alone() -> Iterator[None]:
    """Wait until nobody else migrates like this, and keep others waiting."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", [LOCK])
        try:
            yield
        finally:
            cursor.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", [LOCK])


def refuse_backwards() -> None:
    """Raise Refused where the database has migrations that this version does not know."""
    loader = MigrationLoader(connection, replace_migrations=False)
    unknown = set(loader.applied_migrations) - set(loader.disk_migrations)
    installed = {app for app, _name in loader.disk_migrations}
    ahead = sorted(f"{app}.{name}" for app, name in unknown if app in installed)
    if ahead:
        raise Refused(
            _("the database is ahead of this version by %s; to go back, use `make rollback`, which "
              "knows which earlier release can live with it") % ", ".join(ahead)
        )  # fmt: skip


def refuse_dangerous() -> None:
    """Raise Refused where the version that serves could not live with what would be migrated."""
    try:
        migrations.refuse_dangerous(migrations.facts()["missing"], maintenance=False)
    except Refused as error:
        raise Refused(_("%s; with make: make upgrade MAINTENANCE=1") % error) from error


def refuse_while_busy() -> None:
    """Raise Busy while a deployment or a restore is under way, which nobody may overtake."""
    # The database may be older than these tables.
    tables = set(connection.introspection.table_names())
    for model in (Deployment, Restore):
        states = model.working_states()
        if model._meta.db_table in tables and (
            uid := model._default_manager.filter(status__in=states).values_list("uid").first()
        ):
            raise Busy(_("a %(kind)s is under way: %(id)s; wait for its end") % {
                "kind": model._meta.verbose_name, "id": str(uid[0])[:8]
            })  # fmt: skip
