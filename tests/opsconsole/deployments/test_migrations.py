"""What the linter says of migrations, on a real PostgreSQL; and what follows for a deployment."""

import json
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, migrations, models
from django.db.migrations.loader import MigrationLoader

from opsconsole.deployments import driver
from opsconsole.deployments.migrations import (
    facts,
    incompatible,
    refuse_dangerous,
    refuse_no_way_back,
    targets,
)
from opsconsole.deployments.rollback import rollback
from opsconsole.engines.base import Finished
from opsconsole.models import Environment
from pmscoring.base.redaction import redacted
from pmscoring.base.refusals import Refused
from tests.opsconsole.deployments.conftest import NOBODY, Deploy, without_waiting
from tests.opsconsole.engines.fake import Behaviour, Fake, Migration

pytestmark = pytest.mark.django_db
NOTE = "exam", "note"


@pytest.mark.parametrize(
    ("operation", "word"),
    [
        (migrations.AddField(*NOTE, models.TextField(null=True)), ""),
        (migrations.AddField(*NOTE, models.TextField(db_default="")), ""),
        (migrations.CreateModel("Thing", [("id", models.AutoField(primary_key=True))]), ""),
        (migrations.AddField(*NOTE, models.TextField(default="x")), "NOT NULL"),
        (migrations.RemoveField("exam", "title"), "DROPPING columns"),
        (migrations.RenameField("exam", "title", "name"), "RENAMING columns"),
        (migrations.AlterField("exam", "title", models.IntegerField()), "ALTERING columns"),
        (migrations.DeleteModel("Mark"), "DROPPING table"),
    ],
)
def test_what_old_code_cannot_live_with_is_named(operation: Any, word: str) -> None:
    loader = MigrationLoader(connection)
    (leaf,) = loader.graph.leaf_nodes("scoring")
    changes = {"dependencies": [leaf], "operations": [operation]}
    migration = type("Next", (migrations.Migration,), changes)("9999_next", "scoring")
    loader.graph.add_node(("scoring", "9999_next"), migration)
    loader.graph.add_dependency(migration, ("scoring", "9999_next"), leaf)
    words = incompatible(loader, migration)
    assert any(word in each for each in words) if word else words == []


def test_the_facts_of_this_version_on_its_own_database() -> None:
    told = facts({"opsconsole": "0001_backups_events_channels"})
    assert told["missing"] == told["ahead"] == []
    assert told["migrations"]["opsconsole"] == told["applied"]["opsconsole"]
    assert [each["name"] for each in told["back"]][-1] == "0002_events_only_added_default_plan"
    assert len(told["files"]["compose.yaml"]) == 64


BAD = {"app": "a", "name": "2", "incompatible": ["DROPPING columns (t.c)"], "irreversible": False}


def test_the_facts_come_through_redaction_as_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A container's output is redacted before anybody reads the document in it."""
    for name in ("broker_password", "inference_token", "secret_key"):
        (tmp_path / name).write_text("of a test")
    monkeypatch.setattr("opsconsole.deployments.migrations.SECRETS", tmp_path)
    document = json.dumps(facts())
    assert "broker_password" in document
    assert json.loads(redacted(document)) == json.loads(document)


def test_what_is_dangerous_is_refused_but_behind_the_maintenance_page() -> None:
    with pytest.raises(Refused, match=r"a\.2 \(DROPPING columns \(t\.c\)\); deploy with --main"):
        refuse_dangerous([BAD], maintenance=False)
    refuse_dangerous([BAD], maintenance=True)
    refuse_dangerous([{**BAD, "incompatible": []}], maintenance=False)


def test_the_way_back_is_refused_where_it_cannot_be_gone() -> None:
    with pytest.raises(Refused, match="restore the backup"):
        refuse_no_way_back([{**BAD, "irreversible": True}], maintenance=True)
    with pytest.raises(Refused, match="--maintenance"):
        refuse_no_way_back([BAD], maintenance=False)
    assert refuse_no_way_back([BAD], maintenance=True) == [BAD]


def test_migrating_back_names_what_stays() -> None:
    assert targets([BAD], {"a": ["0", "1"], "b": ["1"]}) == {"a": "1"}
    assert targets([BAD], {"a": []}) == {"a": "zero"}


def test_a_dangerous_migration_ends_the_deployment_before_anything_is_done(
    fake: Fake, staging: Environment, deploy: Deploy
) -> None:
    dropping = Migration("0002_drop", ("DROPPING columns",))
    fake.build("2", Behaviour(migrations=(dropping,)))
    deployment = deploy(staging)
    assert deployment.status == "failed"
    assert "scoring.0002_drop (DROPPING columns)" in deployment.reason
    assert {"roll", "run_once migrate", "run_once backup"}.isdisjoint(fake.calls)


def test_a_verified_backup_comes_before_migrations_and_only_then(
    fake: Fake, staging: Environment, deploy: Deploy
) -> None:
    fake.build("2", Behaviour(migrations=(Migration("0002_more"),)))
    assert deploy(staging).status == "live"
    order = [call for call in fake.calls if call.startswith("run_once ") or call == "roll"]
    assert order[:4] == ["run_once release_facts", "run_once backup", "run_once migrate", "roll"]
    fake.build("3", Behaviour(migrations=(Migration("0002_more"),)))
    assert deploy(staging, "3").status == "live"
    assert fake.calls.count("run_once backup") == 1


def test_without_a_verified_backup_nothing_is_migrated(
    fake: Fake, staging: Environment, deploy: Deploy
) -> None:
    fake.build("2", Behaviour(migrations=(Migration("0002_more"),)))
    fake.answers["backup"] = Finished(0, '{"id": "1", "verified": false}')
    deployment = deploy(staging)
    assert deployment.status == "failed"
    assert "the backup failed" in deployment.reason
    assert "run_once migrate" not in fake.calls


def test_going_back_leaves_migrations_that_the_earlier_version_can_live_with(
    fake: Fake, staging: Environment, deploy: Deploy
) -> None:
    fake.build("2", Behaviour(migrations=(Migration("0002_more"),)))
    deploy(staging)
    staging.refresh_from_db()
    deployment = rollback(staging, caller=NOBODY)
    driver.start(deployment, fake, **without_waiting(fake))
    assert deployment.status == "live", deployment.reason
    assert "0002_more" in fake.migrated
