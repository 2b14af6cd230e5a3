"""`manage.py restore PATH` where there is nothing yet: no database, no row, no installation."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pmscoring.embedded.leftovers import end_leftovers
from tests.opsconsole.site import Site
from tests.opsconsole.sites import backed_up
from tests.paths import ROOT

SERVERS = ("DATABASE_URL", "REDIS_URL", "POSTGRES_BIN", "SECRET_KEY")


@pytest.fixture
def var() -> Iterator[Path]:
    """A folder that is not there yet, in one that PostgreSQL's account may enter."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name) / "var"
        list(end_leftovers(Path(name) / "var" / "run"))


def manage(var: Path, *argv: str) -> Any:
    kept = {name: value for name, value in os.environ.items() if name not in SERVERS}
    done = subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), *argv],
        env={**kept, "VAR_DIR": str(var), "ENVIRONMENT": "development"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_the_installation_begins_with_the_backup(site: Site, var: Path) -> None:
    folder = backed_up(site)

    done = manage(var, "restore", str(folder), "--yes", "--json")

    assert (done["state"], done["safety_backup"]) == ("done", None)
    names = [path.name for path in (var / "uploads").iterdir() if path.name[0] != "."]
    assert sorted(names) == sorted(site.files())
    assert manage(var, "audit", "--verify", "--json")["intact"]
