"""`make demo` on a fresh clone ends well, leaves no process, and leaves nothing when it is removed.

Each clone installs everything into a virtual environment of its own. pip has the cache that it has
for its account: root's second clone finds in it what the first has downloaded, the ordinary user
finds nothing.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from pmscoring.embedded.homes import HOMES
from tests.fresh.clone import assert_it_showed_the_agreement, clone, demo
from tests.paths import ROOT

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0, reason="only root has closed folders, and makes an account"
)
USER = "pmscoring-fresh"


@pytest.fixture
def user() -> Iterator[str]:
    """An ordinary account with a home, removed afterwards."""
    subprocess.run(["useradd", "--create-home", "--shell", "/bin/sh", USER], check=True)
    yield USER
    subprocess.run(["userdel", "--remove", USER], check=True, capture_output=True)


def homes() -> set[Path]:
    """PostgreSQL's homes outside of installations."""
    return set(HOMES.iterdir()) if HOMES.is_dir() else set()


def clean() -> str:
    """What `make clean` removes of folders that are gone."""
    argv = [sys.executable, "-m", "pmscoring.embedded.homes"]
    return subprocess.run(argv, cwd=ROOT, check=True, capture_output=True, text=True).stdout


@pytest.mark.parametrize(
    ("parent", "name", "environment"),
    [
        ("/root", "pm-scoring", {"HOME": "/root"}),
        # Without HOME, too, and in a path that has to be quoted.
        ("/srv", "解答 の採点", {}),
    ],
)
def test_as_root_in_a_folder_of_mode_0700(
    parent: str, name: str, environment: dict[str, str]
) -> None:
    before = homes()
    with tempfile.TemporaryDirectory(dir=parent) as closed:
        folder = Path(closed) / name
        clone(folder)

        printed, left = demo(folder, {"PATH": os.environ["PATH"]} | environment)

        assert_it_showed_the_agreement(printed)
        assert left == []
        (home,) = homes() - before
        assert (folder / "var" / "demo" / "home").readlink() == home
    assert f"{home} belongs to {folder}/var/demo, which is gone; it is removed" in clean()
    assert not home.exists()


def test_as_an_ordinary_user(user: str) -> None:
    before, home = homes(), Path(f"~{user}").expanduser()
    folder = home / "pm-scoring"
    clone(folder)
    for path in (folder, *folder.rglob("*")):
        shutil.chown(path, user, user)
    environment = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(home)}

    printed, left = demo(folder, environment, user)

    assert_it_showed_the_agreement(printed)
    assert left == []
    assert homes() == before
