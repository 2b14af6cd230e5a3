"""`make demo` on a fresh clone ends well, leaves no process, and leaves nothing when it is removed.

Each clone installs everything into a virtual environment of its own. pip has the cache that it has
for its account. Root with a HOME, in a folder of it, is tried in test_container.py.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from pmscoring.embedded.homes import HOMES, RECORD
from tests.fresh.clone import assert_it_showed_the_agreement, clone, demo
from tests.paths import ROOT

pytestmark = [
    pytest.mark.skipif(
        os.geteuid() != 0, reason="only root has closed folders, and makes an account"
    ),
    # They look at what installations leave on this machine: one after another.
    pytest.mark.xdist_group("machine"),
]
USER = "pmscoring-fresh"


@pytest.fixture
def user() -> Iterator[str]:
    """An ordinary account with a home, removed afterwards."""
    subprocess.run(["useradd", "--create-home", "--shell", "/bin/sh", USER], check=True)
    yield USER
    subprocess.run(["userdel", "--remove", USER], check=True, capture_output=True)


def homes_of(clone: Path) -> list[Path]:
    """PostgreSQL's homes outside of the clone that belong to a folder in it."""
    owners = {
        record.parent: Path(json.loads(record.read_text("utf-8"))["folder"])
        for record in HOMES.glob(f"*/{RECORD}")
    }
    return [home for home, owner in owners.items() if owner.is_relative_to(clone.resolve())]


def clean() -> str:
    """What `make clean` removes of folders that are gone."""
    argv = [sys.executable, "-m", "pmscoring.embedded.homes"]
    return subprocess.run(argv, cwd=ROOT, check=True, capture_output=True, text=True).stdout


def test_as_root_without_a_home_in_a_closed_folder_whose_path_has_to_be_quoted() -> None:
    with tempfile.TemporaryDirectory(dir="/srv") as closed:
        assert Path(closed).stat().st_mode & 0o777 == 0o700
        folder = Path(closed) / "解答 の採点"
        clone(folder)

        printed, left = demo(folder, {"PATH": os.environ["PATH"]})

        assert_it_showed_the_agreement(printed)
        assert left == []
        (home,) = homes_of(folder)
        assert (folder / "var" / "demo" / "home").readlink() == home
    assert f"{home} belongs to {folder}/var/demo, which is gone; it is removed" in clean()
    assert not home.exists()


def test_as_an_ordinary_user(user: str) -> None:
    home = Path(f"~{user}").expanduser()
    folder = home / "pm-scoring"
    clone(folder)
    for path in (folder, *folder.rglob("*")):
        shutil.chown(path, user, user)
    environment = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(home)}

    printed, left = demo(folder, environment, user)

    assert_it_showed_the_agreement(printed)
    assert left == []
    assert homes_of(folder) == []
