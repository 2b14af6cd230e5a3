"""Migrations of a plain `docker compose up`: what is looked at before them."""

from contextlib import closing

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from opsconsole.deployments import migrate_first, migrations
from opsconsole.models import Deployment, Environment, Restore
from pmscoring.base.refusals import Busy, Refused

pytestmark = pytest.mark.django_db


def an_environment() -> Environment:
    return Environment.objects.create(code="production", kind="production", engine="compose")


def test_it_migrates_where_nothing_speaks_against_it() -> None:
    call_command("migrate_first")


def test_it_refuses_to_run_behind_the_database() -> None:
    MigrationRecorder(connection).record_applied("scoring", "9001_of_a_later_version")
    with pytest.raises(Refused, match=r"scoring\.9001_of_a_later_version; .*make rollback"):
        migrate_first.refuse_backwards()


def test_migrations_of_an_app_that_is_gone_do_not_count() -> None:
    MigrationRecorder(connection).record_applied("an_app_of_earlier", "0001_initial")
    migrate_first.refuse_backwards()


@pytest.mark.parametrize("state", ["rolling", "soaking", "migrating"])
def test_it_waits_for_the_end_of_a_deployment(state: str) -> None:
    Deployment.objects.create(environment=an_environment(), status=state)
    with pytest.raises(CommandError, match="deployment is under way") as raised:
        call_command("migrate_first")
    assert raised.value.returncode == 75


@pytest.mark.parametrize("state", ["requested", "live", "failed", "rolled_back"])
def test_deployments_that_are_not_under_way_do_not_matter(state: str) -> None:
    Deployment.objects.create(environment=an_environment(), status=state)
    migrate_first.refuse_while_busy()


def test_it_waits_for_the_end_of_a_restore() -> None:
    Restore.objects.create(status=Restore.working_states()[0])
    with pytest.raises(Busy, match="restore is under way"):
        migrate_first.refuse_while_busy()


def test_a_database_without_the_consoles_tables_is_no_obstacle() -> None:
    with connection.schema_editor() as editor:
        editor.delete_model(Deployment)
    migrate_first.refuse_while_busy()


@pytest.mark.django_db(transaction=True)
def test_of_two_at_once_the_second_waits() -> None:
    query = "SELECT pg_try_advisory_lock(hashtextextended(%s, 0))"
    other = connection.copy()
    with migrate_first.alone(), closing(other), other.cursor() as cursor:
        cursor.execute(query, [migrate_first.LOCK])
        assert cursor.fetchone() == (False,)


def test_what_old_code_cannot_live_with_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    drops = {"app": "scoring", "name": "9001_drops", "incompatible": ["DROPPING columns"]}
    monkeypatch.setattr(migrations, "facts", lambda: {"missing": [drops]})
    with pytest.raises(Refused, match=r"scoring\.9001_drops.*make upgrade MAINTENANCE=1"):
        migrate_first.refuse_dangerous()
