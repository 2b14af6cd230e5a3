"""A scrubbed copy of a backup goes into another environment, and never into production."""

import json
import tarfile
from pathlib import Path
from typing import Any

import pytest
from django.utils.timezone import now

from opsconsole.deployments import cloning
from opsconsole.models import Environment
from pmscoring.base.refusals import Busy, Refused
from tests.opsconsole.site import Site
from tests.opsconsole.sites import backed_up


def test_only_what_was_scrubbed_leaves_and_nothing_stays_behind(site: Site, tmp_path: Path) -> None:
    site.execute("UPDATE scoring_answer SET text = 'a secret answer'")
    folder, tables = backed_up(site), site.tables()
    before = sorted(site.backups.iterdir())
    archive = tmp_path / "put.tar"

    ran = site.run("-m", "tests.opsconsole.clone_on_fake", str(folder), str(archive))

    assert ran.returncode == 0, ran.stderr
    document = json.loads(ran.stdout.splitlines()[-1])
    assert document["done"]["restore"] == {"state": "done"}
    [place] = document["put"]
    restore, removal = document["ran"]
    assert restore[:4] == ["python", "manage.py", "restore", place]
    assert removal == ["rm", "-rf", "--", place]
    assert site.databases() == {site.live}
    assert sorted(site.backups.iterdir()) == before
    assert {name: rows for name, rows in site.tables().items() if "opsconsole" not in name} == {
        name: rows for name, rows in tables.items() if "opsconsole" not in name
    }
    assert answers_in(archive, tmp_path / "there", site) == {"□" * len("a secret answer")}


def answers_in(archive: Path, there: Path, site: Site) -> set[str]:
    """The answers of the backup in the archive, which belongs to the user of our containers."""
    with tarfile.open(archive) as tar:
        assert {member.uid for member in tar} == {cloning.OWNER}
        tar.extractall(there, filter="data")
    [folder] = there.iterdir()
    into = f"{site.live}_seen"
    site.done("restore", str(folder), "--tables", "scoring_answer,auth_user", "--into", into)
    with site.connect(into) as connection:
        users = connection.execute("SELECT password FROM auth_user").fetchall()
        assert all(password.startswith("!") for (password,) in users)
        return {text for (text,) in connection.execute("SELECT text FROM scoring_answer")}


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("row", "refusal"),
    [
        ({"kind": "production"}, Refused),
        ({"is_here": True}, Refused),
        ({"laid_out_at": None}, Refused),
        ({"removed_at": now()}, Refused),
    ],
)
def test_it_is_refused_where_no_copy_may_go(row: dict[str, Any], refusal: type[Exception]) -> None:
    fields: dict[str, Any] = {"code": "x", "kind": "staging", "engine": "compose"}
    environment = Environment.objects.create(**{**fields, "laid_out_at": now(), **row})
    with pytest.raises(refusal):
        cloning.refuse(environment, "")


@pytest.mark.django_db
def test_it_waits_for_no_deployment() -> None:
    environment = Environment.objects.create(
        code="x", kind="staging", engine="compose", laid_out_at=now()
    )
    environment.deployments.create(status="rolling")
    with pytest.raises(Busy):
        cloning.refuse(environment, "")
