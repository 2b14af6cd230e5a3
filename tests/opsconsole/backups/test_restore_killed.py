"""A restore that is killed is undone or finished by whoever comes next."""

import pytest

from tests.opsconsole.site import Site
from tests.opsconsole.sites import backed_up

BEFORE_THE_COMMIT = [
    "restoring the database",
    "swapping",
    "carrying over",
    "renaming the databases",
]


def changed(site: Site) -> None:
    site.execute("UPDATE scoring_exam SET title = 'changed since the backup'")
    (site.uploads / "later").write_text("later")


@pytest.mark.parametrize("note", BEFORE_THE_COMMIT)
def test_before_its_commit_it_is_undone(site: Site, note: str) -> None:
    folder = backed_up(site)
    changed(site)
    tables, files = site.tables(), site.files()
    site.killed(folder, note)

    (sentence,) = site.done("restore", "--recover")["recovered"]

    assert "undone" in sentence
    assert (site.tables(), site.files()) == (tables, files)
    assert site.databases() == {site.live}
    assert not list(site.uploads.glob(".*"))
    assert site.value("SELECT status FROM opsconsole_restore") in ("failed", "undone")
    assert site.done("restore", "--recover") == {"recovered": []}


def test_after_its_commit_it_is_finished(site: Site) -> None:
    folder, tables, files = backed_up(site), site.tables(), site.files()
    changed(site)
    site.killed(folder, "recording the result")

    (sentence,) = site.done("restore", "--recover")["recovered"]

    assert "finished" in sentence
    assert site.files() == files
    assert site.tables()["scoring_exam"] == tables["scoring_exam"]
    assert site.value("SELECT status FROM opsconsole_restore") == "done"
    deeds = site.rows("SELECT deed FROM opsconsole_event ORDER BY number DESC LIMIT 2")
    assert deeds == ["restore.done", "restore.here"]
    assert site.done("audit", "--verify")["intact"]


def test_the_next_restore_undoes_it_first(site: Site) -> None:
    folder, tables = backed_up(site), site.tables()
    changed(site)
    site.killed(folder, "swapping the files")
    options = ("--no-safety-backup", "--reason", "a test", "--yes")
    done = site.done("restore", str(folder), *options)
    assert done["state"] == "done"
    assert site.tables()["scoring_exam"] == tables["scoring_exam"]
    assert site.databases() == {site.live, done["previous"]}


def test_a_live_database_that_was_dropped_is_made_anew(site: Site) -> None:
    folder, files = backed_up(site), site.files()
    tables = site.tables()
    with site.connect("postgres") as connection:
        connection.execute(f'DROP DATABASE "{site.live}"')
    for file in site.uploads.iterdir():
        file.unlink()

    done = site.done("restore", str(folder), "--yes")

    assert site.files() == files
    assert site.tables()["scoring_exam"] == tables["scoring_exam"]
    assert site.databases() == {site.live}
    assert site.value("SELECT status FROM opsconsole_restore") == "done"
    history = "SELECT details ->> 'history' FROM opsconsole_event WHERE deed = 'restore.here'"
    assert site.value(history) == "snapshot"
    assert done["safety_backup"] is None
