"""Upgrades by Compose alone and by make, on a small site under a steady load."""

import os
from collections.abc import Iterator

import pytest

from tests.drills.by_make import make
from tests.stack import versions
from tests.stack.conftest import Told
from tests.stack.engine import EngineError, docker
from tests.stack.stack import Stack, free_prefix
from tests.stack.steady import Steady

BASE = os.environ.get("VERSION") or "0.1.0"
PROJECT = "pmscoring-upgrades"
TAGS = {kind: f"{BASE}-upgrade-{kind}" for kind in ("good", "failing", "additive")}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A small site of its own, with versions to go on to."""
    folder = tmp_path_factory.mktemp("upgrades")
    made = Stack(folder, free_prefix(), project=PROJECT, overlays=("production", "test"))
    made.more |= {"VERSION": BASE, "SOAK_SECONDS": "15"}
    made.down("--volumes")
    try:
        versions.build("good", TAGS["good"])
        versions.build("failing", TAGS["failing"])
        versions.build("additive", TAGS["additive"])
        made.write_secrets()
        made.up()
        yield made
    finally:
        made.more["VERSION"] = BASE
        made.down("--volumes")
        versions.remove(*TAGS.values())


def ids(site: Stack) -> set[str]:
    """All containers that run and are to run on: no driver's, and none that only prepares."""
    always = "unless-stopped"
    return {
        f"{container.name} {container.id}"
        for container in site.containers()
        if not container.is_one_off
        and container.told["HostConfig"]["RestartPolicy"]["Name"] == always
    }


def images_of(site: Stack) -> set[str]:
    """What the web containers were made of."""
    return {one.told["Config"]["Image"] for one in site.containers("web")}


def plain_up(site: Stack, tag: str) -> None:
    """What somebody does without make: `VERSION=tag docker compose up -d`."""
    site.more["VERSION"] = tag
    try:
        site.compose("up", "-d", "--no-build", "--wait", timeout=400)
    finally:
        site.more["VERSION"] = BASE


def door(site: Stack) -> str:
    return f"http://127.0.0.1:{site.ports['HAPROXY']}"


def test_a_failing_migration_of_a_plain_up_replaces_nothing(site: Stack, told: Told) -> None:
    before = ids(site)
    with Steady(door(site)) as load, pytest.raises(EngineError) as raised:
        plain_up(site, TAGS["failing"])

    assert "Nothing was replaced" in str(raised.value)
    assert "division by zero" in str(raised.value)
    assert ids(site) == before
    assert load.requests > 20
    assert load.failures == []
    told(f"plain up with a failing migration: {load.requests} requests, {load.failed} failed")


def test_an_image_that_is_not_here_replaces_nothing(site: Stack) -> None:
    before = ids(site)
    with pytest.raises(EngineError):
        plain_up(site, "0.0.0-nowhere")
    assert ids(site) == before


def test_a_rehearsal_migrates_nothing(site: Stack) -> None:
    site.more["VERSION"] = TAGS["additive"]
    site.compose("up", "-d", "--dry-run", timeout=120)
    site.more["VERSION"] = BASE
    assert site.sql("SELECT name FROM django_migrations WHERE name LIKE '9001%'") == []


def test_make_up_says_which_version_waits_and_replaces_nothing(site: Stack) -> None:
    before = ids(site)
    done = make(site, "up", version=TAGS["good"])
    assert done.returncode == 0, done.stderr
    assert f"{BASE} is live, and VERSION is {TAGS['good']}" in done.stdout
    assert "make upgrade" in done.stdout
    assert ids(site) == before


def test_make_up_says_that_the_checkout_is_another_version(site: Stack) -> None:
    before = ids(site)
    done = make(site, "up")
    assert done.returncode == 0, done.stderr
    assert f"{BASE} is live, and this checkout is" in done.stdout
    assert ids(site) == before


def test_make_up_starts_what_is_missing_and_keeps_the_scale(site: Stack) -> None:
    site.scale("worker", 2)
    [cache] = site.containers("cache")
    docker("rm", "--force", cache.id)
    before = ids(site)
    done = make(site, "up", version=BASE)
    assert done.returncode == 0, done.stderr
    assert ids(site) > before
    assert len(site.containers("worker")) == 2
    assert "live" not in done.stdout


def test_make_up_names_what_runs_with_other_settings_than_the_files_have(site: Stack) -> None:
    before = ids(site)
    site.more["BEAT_MEMORY"] = "600M"
    try:
        done = make(site, "up", version=BASE)
    finally:
        del site.more["BEAT_MEMORY"]
    assert "other settings" in done.stdout
    assert "beat" in done.stdout
    assert "web" not in done.stdout.partition("left so:")[2].splitlines()[0]
    assert ids(site) == before


def test_make_upgrade_rolls_a_version_out_without_a_failed_request(site: Stack, told: Told) -> None:
    rehearsal = make(site, "upgrade", "DRY=1", version=TAGS["good"])
    assert rehearsal.returncode == 0, rehearsal.stderr
    assert "web" in rehearsal.stdout
    with Steady(door(site)) as load:
        done = make(site, "upgrade", "YES=1", version=TAGS["good"])
    assert done.returncode == 0, done.stdout + done.stderr
    assert images_of(site) == {versions.name("app", TAGS["good"])}
    assert load.failures == []
    told(f"make upgrade: {load.requests} requests, {load.failed} failed")


def test_after_it_the_files_of_the_host_want_nothing_otherwise(site: Stack) -> None:
    before = ids(site)
    done = make(site, "up", version=TAGS["good"])
    assert done.returncode == 0, done.stderr
    assert "other settings" not in done.stdout
    assert "live" not in done.stdout
    assert ids(site) == before


def test_make_rollback_brings_the_version_before_back_without_a_failed_request(
    site: Stack, told: Told
) -> None:
    before = ids(site)
    rehearsal = make(site, "rollback", "DRY=1")
    assert rehearsal.returncode == 0, rehearsal.stderr
    assert "web" in rehearsal.stdout
    assert ids(site) == before
    with Steady(door(site)) as load:
        done = make(site, "rollback", "YES=1")
    assert done.returncode == 0, done.stdout + done.stderr
    assert images_of(site) == {versions.name("app", BASE)}
    assert load.failures == []
    told(f"make rollback: {load.requests} requests, {load.failed} failed")


def test_make_rollback_says_which_release_there_is_not(site: Stack) -> None:
    before = ids(site)
    done = make(site, "rollback", "TO=0.0.0-nowhere", "YES=1")
    assert done.returncode != 0
    assert "0.0.0-nowhere" in done.stdout + done.stderr
    assert ids(site) == before


def test_a_good_migration_of_a_plain_up_runs_before_anything_is_replaced(
    site: Stack, told: Told
) -> None:
    with Steady(door(site)) as load:
        plain_up(site, TAGS["additive"])
    assert site.sql("SELECT name FROM django_migrations WHERE name LIKE '9001%'")
    assert images_of(site) == {versions.name("app", TAGS["additive"])}
    told(f"plain up to a good version: {load.failed} of {load.requests} requests failed")


def test_a_plain_up_does_not_go_back_behind_the_database(site: Stack, told: Told) -> None:
    before = ids(site)
    with Steady(door(site)) as load, pytest.raises(EngineError, match="9001_of_a_test") as raised:
        plain_up(site, BASE)
    assert "make rollback" in str(raised.value)
    assert ids(site) == before
    assert load.failures == []
    told(f"plain up behind the database: {load.requests} requests, {load.failed} failed")


BROKEN_OFF = """
from pathlib import Path
from django.conf import settings
from opsconsole.backups.journal import Journal, State
journal = Journal(
    uid="0badcafe-0000-4000-8000-000000000000", live="pmscoring", backup_name="of-a-test",
    parts=["database"], actor="", source="system", address="", why="", safety=False,
    started_at="2026-01-01T00:00:00+00:00",
)
root = Path(settings.MEDIA_ROOT)
journal.media(root).staging.mkdir()
journal.write(root, State.PREPARING)
"""


def test_a_restore_that_broke_off_is_undone_before_the_start_migrates(site: Stack) -> None:
    site.more["VERSION"] = TAGS["additive"]
    site.compose("stop", "web", "worker", "beat", "ops", timeout=300)
    shell = ["python", "manage.py", "shell", "-v", "0", "-c", BROKEN_OFF]
    site.compose("run", "--rm", "--no-deps", "-T", "web", *shell)
    # As a restore leaves the database while it swaps.
    site.sql_as_superuser("ALTER DATABASE pmscoring ALLOW_CONNECTIONS false", "postgres")

    site.compose("up", "-d", "--no-build", "--wait", timeout=400)

    assert site.sql("SELECT 1") == [["1"]]
    left = site.container("web").run("sh", "-c", "ls -A /srv/pmscoring/uploads")
    assert ".restore-" not in left


def test_down_and_a_start_of_named_services_work(site: Stack) -> None:
    site.more["VERSION"] = TAGS["additive"]
    site.down()
    site.compose("up", "-d", "--no-build", "--wait", "web", timeout=400)
    assert {one.service for one in site.containers()} >= {"web", "postgres"}
