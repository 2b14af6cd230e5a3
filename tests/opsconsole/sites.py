"""Fixtures: a role, a filled template made once, and a copy of it for each test."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import pytest

from opsconsole.backups import manifest
from opsconsole.backups.manifest import Manifest
from opsconsole.gateways import archives
from opsconsole.gateways.postgres import dumps
from opsconsole.gateways.postgres.contents import contents, description, exported, migrations
from opsconsole.gateways.postgres.server import Server
from tests.opsconsole.site import ADMIN, Site, as_admin


@pytest.fixture(scope="session")
def filled_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Site, dict[str, str]]]:
    """A site with two exams, to be copied; and the name of each exam's file."""
    key = uuid4().hex[:8]
    site = Site(f"owner_{key}", f"filled_{key}", tmp_path_factory.mktemp("filled"))
    as_admin(
        f"CREATE ROLE {site.role} LOGIN CREATEDB PASSWORD '{site.role}'",
        f"CREATE DATABASE {site.live} OWNER {site.role}",
    )
    site.uploads.mkdir()
    migrated = site.manage("migrate", "--noinput")
    assert migrated.returncode == 0, migrated.stderr
    filled = site.run("-m", "tests.opsconsole.filled_site")
    assert filled.returncode == 0, filled.stderr
    yield site, json.loads(filled.stdout.splitlines()[-1])
    site.remove()
    as_admin(f"DROP ROLE {site.role}")


@pytest.fixture
def site(filled_site: tuple[Site, dict[str, str]], tmp_path: Path) -> Iterator[Site]:
    """A copy of the filled site."""
    original, _ = filled_site
    site = Site(original.role, f"live_{uuid4().hex[:8]}", tmp_path)
    as_admin(f"CREATE DATABASE {site.live} TEMPLATE {original.live} OWNER {site.role}")
    shutil.copytree(original.uploads, site.uploads)
    site.backups.mkdir()
    yield site
    site.remove()


NAME = "20260101T000000Z-0123abcd"


def backed_up(site: Site, name: str = NAME) -> Path:
    """A backup of the site's database and uploads, made in this process: quick, and unverified."""
    place = urlsplit(ADMIN)
    server = Server(place.hostname or "", place.port or 0, site.role, site.role, site.live)
    folder = site.backups / name
    folder.mkdir()
    with exported(server) as snapshot:
        document: Manifest = {
            "format": 1,
            "installation": str(site.value("SELECT uid FROM opsconsole_installation")),
            "id": str(uuid4()),
            "name": name,
            "started_at": snapshot.at.isoformat(),
            "snapshot_at": snapshot.at.isoformat(),
            "product": {"version": "0.1.0", "migrations": migrations(snapshot.connection)},
            "server": {**description(snapshot.connection), "client": 16},
            "tables": contents(snapshot.connection),
            "parts": [],
            "encryption": None,
            "left_out": [],
            "warnings": [],
        }
        dumps.dump(server, folder / "database", snapshot=snapshot.id, jobs=1)
    archives.pack(site.uploads, folder / "uploads.tar")
    write_manifest(folder, document)
    return folder


def write_manifest(folder: Path, document: Manifest) -> None:
    """The manifest of the files as they now are."""
    document["parts"] = [manifest.described(folder, name) for name in ("database", "uploads")]
    manifest.write(folder, document)
