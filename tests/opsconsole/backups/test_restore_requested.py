"""A restore that was asked for in the admin or by REST, and is done by a worker."""

import pytest

from tests.opsconsole.site import Site
from tests.opsconsole.sites import backed_up

NAME = "20260101T000000Z-0123abcd"
REQUEST = """
from django.utils import translation
translation.activate("en")
from opsconsole.backups import restore
from opsconsole.models import Backup, Caller
backup = Backup.objects.create(name={name!r}, status={status!r}, origin={origin!r},
                               recipients={recipients!r})
asked = restore.request(backup, caller=Caller("operator", "admin", "192.0.2.1"), {options})
print(asked.pk)
"""
RUN = """
from opsconsole import tasks
tasks.run_restore({key})
"""


def requested(
    site: Site,
    status: str = "stored",
    origin: str = "made",
    recipients: str = "",
    options: str = "safety=False, why='a test'",
) -> str:
    """Its key; fails with what was raised."""
    words = {"status": status, "origin": origin, "recipients": recipients, "options": options}
    done = site.run("manage.py", "shell", "-v", "0", "-c", REQUEST.format(name=NAME, **words))
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_a_worker_does_it_and_writes_each_step_down(site: Site) -> None:
    backed_up(site, NAME)
    key = requested(site)
    site.execute("UPDATE scoring_exam SET title = 'changed'")

    done = site.run("manage.py", "shell", "-v", "0", "-c", RUN.format(key=key))

    assert done.returncode == 0, done.stderr
    assert site.value("SELECT status FROM opsconsole_restore") == "done"
    assert "changed" not in site.rows("SELECT title FROM scoring_exam")
    report = site.value("SELECT report FROM opsconsole_restore")
    assert report["rows"] > 0
    who = "SELECT concat_ws(' ', actor, source, address) FROM opsconsole_event"
    assert site.value(f"{who} WHERE deed = 'restore.here'") == "operator admin 192.0.2.1"


def test_a_worker_that_finds_no_files_says_so_in_the_row(site: Site) -> None:
    key = requested(site)
    done = site.run("manage.py", "shell", "-v", "0", "-c", RUN.format(key=key))
    assert "neither here nor in a store" in done.stderr
    assert site.value("SELECT status FROM opsconsole_restore") == "failed"
    assert "neither here" in site.value("SELECT reason FROM opsconsole_restore")
    assert not list(site.uploads.glob(".*"))


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ({"status": "failed"}, "the files of this backup are gone"),
        ({"recipients": "age1x"}, "it is encrypted"),
        ({"origin": "uploaded", "options": ""}, "came from elsewhere and was never verified"),
        ({"options": "parts=['redis']"}, "only these can be restored"),
    ],
)
def test_it_is_refused(site: Site, words: dict[str, str], says: str) -> None:
    with pytest.raises(AssertionError, match=says):
        requested(site, **words)
    assert site.value("SELECT count(*) FROM opsconsole_restore") == 0


def test_a_reason_overrides_that_it_was_never_verified(site: Site) -> None:
    requested(site, origin="uploaded", options="why='it is all there is'")
    details = "SELECT details FROM opsconsole_event WHERE deed = 'restore.requested'"
    assert site.value(details)["why"] == "it is all there is"
