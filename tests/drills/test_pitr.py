"""Overlay pitr: the database at a named second, and what is said where that could not be had."""

import subprocess
from collections.abc import Iterator

import pytest

from tests.paths import ROOT
from tests.stack.conftest import Told
from tests.stack.engine import EngineError, image_is_here, wait_for
from tests.stack.reach import look, table
from tests.stack.stack import Stack, free_prefix

SERVICES = ("postgres", "broker", "cache", "web", "pitr")
ARCHIVE = "/var/lib/pgbackrest/archive/pmscoring"


@pytest.fixture(scope="module")
def pitr(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A small stack that archives, with its first backup made and tried."""
    more = {"COMPOSE_PROFILES": "", "API_REPLICAS": "1", "PITR_LOOK_SECONDS": "1"}
    folder = tmp_path_factory.mktemp("pitr")
    made = Stack(folder, free_prefix(), project="pmscoring-pitr", overlays=["test", "pitr"])
    made.more |= more
    image = made.config()["services"]["pitr"]["image"]
    if not image_is_here(image):
        pytest.skip(f"no image {image}: make images IMAGES=postgres")
    try:
        made.write_secrets()
        made.up(*SERVICES)
        wait_for(lambda: "pmscoring_pitr_drill_timestamp_seconds" in figures(made), 180, "a drill")
        yield made
    finally:
        made.down("--volumes")


def figures(stack: Stack) -> dict[str, float]:
    """What Prometheus is told."""
    lines = stack.container("pitr").run("cat", "/textfiles/pitr.prom").splitlines()
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}


def deed(stack: Stack, name: str) -> str:
    """What `pitr backup` or `pitr drill`, run now, says."""
    return stack.container("pitr").run("pitr", name, timeout=180)


def in_archive(stack: Stack, *words: str) -> str:
    """What a command in the repository's folder of segments prints."""
    return stack.container("pitr").run("sh", "-c", f'cd {ARCHIVE}/17-1 && exec "$@"', "sh", *words)


def archive_a_segment(stack: Stack) -> str:
    """End a segment with a change in it; its name, once it is archived."""
    stack.sql("CREATE TABLE IF NOT EXISTS noise (n int); INSERT INTO noise VALUES (1)")
    [[segment]] = stack.sql_as_superuser("SELECT pg_walfile_name(pg_switch_wal())")
    wait_for(lambda: in_archive(stack, "find", ".", "-name", f"{segment}-*"), 60, "it is archived")
    return segment


def restore_to(stack: Stack, second: str) -> subprocess.CompletedProcess[str]:
    """`make restore-to`, as somebody types it."""
    argv = ["make", "-s", "restore-to", f"TIME={second}", f"OVERLAYS={' '.join(stack.overlays)}"]
    # Of this process's environment nothing else: it names the tests' own database.
    own = {name: value for name, value in stack.environment.items() if name != "MAKEFLAGS"}
    return subprocess.run(
        argv, cwd=ROOT, env=own, capture_output=True, text=True, timeout=600, check=False
    )


def test_the_first_backup_is_made_and_restored_at_once(pitr: Stack, told: Told) -> None:
    seen = figures(pitr)
    assert seen["pmscoring_pitr_drill_timestamp_seconds"] > 0
    assert seen["pmscoring_pitr_backup_timestamp_seconds"] > 0
    assert seen['pmscoring_pitr_failed{deed="drill"}'] == 0
    assert seen["pmscoring_wal_archiving_failing"] == 0
    told("the first backup made and restored by itself")


def test_the_service_reaches_postgresql_and_nothing_else(pitr: Stack) -> None:
    allowed = table("networks", "networks.pitr")
    found = look(pitr, pitr.container("pitr"), pitr.containers(), allowed, [])
    assert found.reached == {("pitr", "postgres", 5432)}
    assert found.listening == set()


def test_it_cannot_write_the_databases_files(pitr: Stack) -> None:
    with pytest.raises(EngineError, match="Read-only file system"):
        pitr.container("pitr").run("touch", "/var/lib/postgresql/data/pgdata/forged")


def test_a_restore_is_refused_while_the_database_runs(pitr: Stack) -> None:
    with pytest.raises(EngineError, match="the database runs; stop it"):
        pitr.compose("run", "--rm", "--no-deps", "-T", "pitr-restore", "2026-11-29 00:00:00+00")


def test_failing_archiving_is_measured_and_so_is_its_end(pitr: Stack, told: Told) -> None:
    in_archive(pitr, "chmod", "-R", "a-w", ".")
    pitr.sql("CREATE TABLE IF NOT EXISTS noise (n int); INSERT INTO noise VALUES (1)")
    pitr.sql_as_superuser("SELECT pg_switch_wal()")
    try:
        seconds = wait_for(
            lambda: figures(pitr)["pmscoring_wal_archiving_failing"] == 1, 90, "it is told"
        )
    finally:
        in_archive(pitr, "chmod", "-R", "u+w", ".")
    wait_for(lambda: figures(pitr)["pmscoring_wal_archiving_failing"] == 0, 120, "it is over")
    told(f"archiving that fails is measured after {seconds:.0f} s")


def test_a_drill_finds_that_a_segment_is_missing(pitr: Stack, told: Told) -> None:
    segment = archive_a_segment(pitr)
    archive_a_segment(pitr)
    path = in_archive(pitr, "find", ".", "-name", f"{segment}-*").strip()
    in_archive(pitr, "mv", path, "/var/lib/pgbackrest/missing")
    try:
        with pytest.raises(EngineError, match="the log ends at"):
            deed(pitr, "drill")
    finally:
        in_archive(pitr, "mv", "/var/lib/pgbackrest/missing", path)
    assert "restore" in deed(pitr, "drill")
    told("a segment that is missing fails the drill")


def test_a_second_that_the_log_does_not_reach_changes_nothing(pitr: Stack) -> None:
    pitr.sql("CREATE TABLE IF NOT EXISTS moments (name text); INSERT INTO moments VALUES ('here')")
    before = pitr.sql("SELECT * FROM moments")

    [[second]] = pitr.sql("SELECT date_trunc('second', now() + interval '1 hour')")

    done = restore_to(pitr, second)

    assert done.returncode != 0
    assert f"the log does not reach {second}" in done.stdout + done.stderr
    wait_for(lambda: pitr.sql("SELECT * FROM moments") == before, 60, "the database is as it was")
    assert folders(pitr) == ["pgdata"]


def folders(stack: Stack) -> list[str]:
    """The folders of data beside each other."""
    return stack.container("postgres").run("ls", "/var/lib/postgresql/data").split()


def test_the_database_is_restored_to_a_named_second(pitr: Stack, told: Told) -> None:
    pitr.sql("TRUNCATE moments; INSERT INTO moments VALUES ('before')")
    [[second]] = pitr.sql("SELECT date_trunc('second', clock_timestamp()) + interval '1 s'")
    wait_for(
        lambda: pitr.sql(f"SELECT clock_timestamp() > '{second}'") == [["t"]], 10, "it is past"
    )
    pitr.sql("INSERT INTO moments VALUES ('after')")
    users = pitr.sql("SELECT username, password FROM auth_user")
    pitr.sql("TRUNCATE auth_user CASCADE")

    done = restore_to(pitr, second)

    assert done.returncode == 0, done.stdout + done.stderr
    assert '"deleted_by_date"' in done.stdout
    assert pitr.sql("SELECT * FROM moments") == [["before"]]
    assert pitr.sql("SELECT username, password FROM auth_user") == users
    assert pitr.container("web").is_ready()
    told("restored to a named second by make restore-to")


def test_what_was_there_before_is_kept(pitr: Stack) -> None:
    now, before = folders(pitr)
    assert (now, before[:14]) == ("pgdata", "pgdata.before-")


def test_the_restored_database_is_archived_backed_up_and_restorable_again(pitr: Stack) -> None:
    assert archive_a_segment(pitr).startswith("00000002")
    assert "backed up" in deed(pitr, "backup")
    assert "restore" in deed(pitr, "drill")


def test_the_files_that_say_how_it_went_are_readable_by_the_exporter(pitr: Stack) -> None:
    mode = pitr.container("pitr").run("stat", "-c", "%a", "/textfiles/pitr.prom")
    assert mode.strip() == "644"
