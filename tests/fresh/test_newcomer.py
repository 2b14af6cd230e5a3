"""What the README tells a newcomer to do, done: run, back up, see it verified, restore, go on."""

import re
from collections import Counter

import pytest

from tests.fresh.installed import Installation, looking
from tests.fresh.signed_in import Person
from tests.waiting import wait_until

pytestmark = pytest.mark.xdist_group("machine")


def test_a_backup_of_the_admin_is_verified_and_restored(installation: Installation) -> None:
    person = Person(installation.address)
    person.sign_in(installation.password())

    page = person.fill("/admin/opsconsole/backup/now", "note", note="my first one")

    name = re.search(r"\d{8}T\d{6}Z-[0-9a-f]{8}", page.text)
    assert name
    assert str(page.url).startswith(f"{installation.address}/admin/opsconsole/backup/")
    address = page.url

    def is_verified() -> bool:
        (backup,) = installation.manage("backups")
        assert backup["state"] != "failed", backup["reason"]
        return backup["state"] == "stored" and bool(backup["verified"])

    wait_until(is_verified, 120, "the backup is verified", every=1.0)
    assert "my first one" in person.http.get(address).text

    with looking(installation.address) as answers:
        done = installation.manage("restore", name[0], "--yes")

    assert done["state"] == "done"
    seen = Counter(answer.status_code for answer in answers)
    assert seen.keys() <= {200, 503}
    assert seen[200] > 10
    assert all("Retry-After" in answer.headers for answer in answers if answer.status_code == 503)
    newcomer = Person(installation.address)
    newcomer.sign_in(installation.password())
    assert newcomer.http.get(address).is_success
