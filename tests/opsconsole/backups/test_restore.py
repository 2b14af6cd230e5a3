"""A backup is restored beside the live data, looked at, and takes their place."""

from pathlib import Path
from typing import Any

import pytest

from tests.opsconsole.site import Site
from tests.opsconsole.sites import backed_up

WITHOUT_SAFETY = ("--no-safety-backup", "--reason", "a test", "--yes")
Files = dict[str, str]


def restored(site: Site, folder: Path, *more: str) -> Any:
    return site.done("restore", str(folder), *WITHOUT_SAFETY, *more)


@pytest.fixture
def files(filled_site: tuple[Site, Files]) -> Files:
    """The name of each exam's file."""
    return filled_site[1]


def test_what_came_after_the_snapshot_is_turned_back_and_no_schedule_fires(
    site: Site, files: Files
) -> None:
    before = site.value("SELECT now()")
    folder, tables, uploads = backed_up(site), site.tables(), site.files()
    site.execute("DELETE FROM scoring_answer", "UPDATE scoring_exam SET title = 'changed'")
    (site.uploads / files["KEPT"]).unlink()
    (site.uploads / "later").write_text("later")

    done = restored(site, folder)

    assert done["state"] == "done"
    assert done["missing_files"] == done["orphan_files"] == done["deleted_by_date"] == []
    assert site.files() == uploads
    differing = {name for name, table in site.tables().items() if table != tables[name]}
    assert differing == {"django_celery_beat_periodictask", "django_celery_beat_periodictasks"}
    assert site.databases() == {site.live, done["previous"]}
    # Beat's schedules do not fire what they missed, and beat sees that they have changed.
    assert site.value("SELECT last_run_at FROM django_celery_beat_periodictask") > before
    assert site.value("SELECT last_update FROM django_celery_beat_periodictasks") > before


def test_the_consoles_own_rows_are_not_turned_back(site: Site) -> None:
    folder = backed_up(site)
    later = (
        "from opsconsole.models import Channel, Event; "
        "Channel.objects.get_or_create(name='later'); Event.objects.record('channel.changed')"
    )
    assert site.run("manage.py", "shell", "-c", later).returncode == 0

    done = restored(site, folder)

    deeds = site.rows("SELECT deed FROM opsconsole_event ORDER BY number")
    assert deeds == [
        "backup.requested",
        "channel.changed",
        "restore.requested",
        "restore.here",
        "restore.done",
    ]
    assert site.rows("SELECT name FROM opsconsole_channel") == ["later"]
    assert site.rows("SELECT uid::text || status FROM opsconsole_restore") == [f"{done['id']}done"]
    assert site.done("audit", "--verify")["intact"]
    # The next rows get keys of their own, and the trigger is on again.
    assert site.run("manage.py", "shell", "-c", later).returncode == 0
    with pytest.raises(Exception, match="events are only ever added"):
        site.execute("UPDATE opsconsole_event SET deed = 'x'")


def test_exams_that_became_due_are_deleted_before_the_doors_open(
    site: Site, files: Files, filled_site: tuple[Site, Files]
) -> None:
    site.execute("UPDATE scoring_exam SET delete_answers_on = '2020-01-01' WHERE code = 'DUE'")
    folder = backed_up(site)
    # As the live product has done since.
    site.execute("UPDATE scoring_upload SET file = ''")
    (site.uploads / files["DUE"]).unlink()

    done = restored(site, folder)

    (deleted,) = done["deleted_by_date"]
    assert (deleted["exam"], deleted["answers"], deleted["files"]) == ("DUE", 1, 1)
    assert site.value("SELECT count(*) FROM scoring_answer") == 1
    assert set(site.files()) == {files["KEPT"]}
    assert done["missing_files"] == done["orphan_files"] == []


def test_rows_without_file_and_files_without_row_are_named(site: Site, files: Files) -> None:
    (site.uploads / files["KEPT"]).rename(site.uploads / "nobodys")
    done = restored(site, backed_up(site))
    assert done["missing_files"] == [files["KEPT"]]
    assert done["orphan_files"] == ["nobodys"]


def test_the_database_alone_leaves_the_live_files_but_those_that_are_due(
    site: Site, files: Files
) -> None:
    site.execute("UPDATE scoring_exam SET delete_answers_on = '2020-01-01' WHERE code = 'DUE'")
    folder = backed_up(site)
    (site.uploads / "later").write_text("later")

    done = restored(site, folder, "--only", "database")

    assert set(site.files()) == {files["KEPT"], "later"}
    assert done["orphan_files"] == ["later"]


def test_files_alone_come_back_where_a_row_names_them(site: Site, files: Files) -> None:
    (site.uploads / "nobodys").write_text("deleted on purpose since")
    folder = backed_up(site)
    (site.uploads / "nobodys").unlink()
    (site.uploads / files["KEPT"]).unlink()
    (site.uploads / "later").write_text("later")

    done = restored(site, folder, "--only", "uploads")

    assert set(site.files()) == {files["KEPT"], files["DUE"], "later"}
    assert (done["database"], done["previous"]) == ("", "")
    assert site.databases() == {site.live}


def test_there_is_a_way_back_until_a_person_drops_it(site: Site, files: Files) -> None:
    folder = backed_up(site)
    (site.uploads / "later").write_text("later")
    site.execute("UPDATE scoring_exam SET title = 'live'")
    tables, live = site.tables(), site.files()
    done = restored(site, folder)
    kept = site.uploads / f".before-{done['id'][:8]}"
    assert {path.name for path in kept.iterdir()} == {*files.values(), "later"}

    back = site.done("restore", "--back", done["id"], *WITHOUT_SAFETY)
    assert site.files() == live
    assert site.tables()["scoring_exam"] == tables["scoring_exam"]

    for replaced in (done, back):
        site.done("restore", "--drop-previous", replaced["id"], "--yes")
    assert site.databases() == {site.live}
    assert not kept.exists()
    assert site.manage("restore", "--drop-previous", done["id"], "--yes").returncode == 3
