"""Homes outside of the installation's folder: found again, and removed when the folder is gone."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from pmscoring.embedded import homes
from pmscoring.embedded.errors import CannotStart
from tests.paths import ROOT

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0, reason="only root has folders that another account may not enter"
)
USER = "nobody"


@pytest.fixture(autouse=True)
def place(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder that every account may enter, with the homes in its subfolder `homes`."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        monkeypatch.setattr(homes, "HOMES", Path(folder) / "homes")
        yield Path(folder)


@pytest.fixture
def closed(place: Path) -> Path:
    """The installation's folder, which only root may enter."""
    folder = place / "closed"
    folder.mkdir(mode=0o700)
    return folder


def removed() -> list[str]:
    """The sentences about what was removed and kept."""
    return list(homes.remove_orphans())


def with_data(folder: Path) -> Path:
    """The home of the folder, with a file in it."""
    home = homes.make_home(folder, USER)
    (home / "data").write_text(folder.name, "utf-8")
    return home


def test_a_folder_that_the_account_may_enter_is_its_own_home(place: Path) -> None:
    assert homes.make_home(place, USER) == place
    assert list(place.iterdir()) == []


def test_a_home_is_found_again(closed: Path) -> None:
    home = homes.make_home(closed, USER)

    assert homes.home_of(closed, USER) == homes.make_home(closed, USER) == home
    assert (closed / "home").readlink() == home


def test_asking_for_a_home_makes_none(closed: Path, place: Path) -> None:
    assert homes.home_of(closed, USER).parent == place / "homes"
    assert not (place / "homes").exists()
    assert list(closed.iterdir()) == []


def test_a_home_stays_when_the_folder_is_opened_later(closed: Path) -> None:
    home = homes.make_home(closed, USER)
    closed.chmod(0o755)

    assert homes.make_home(closed, USER) == home


def test_a_moved_folder_keeps_its_home(closed: Path, place: Path) -> None:
    home = with_data(closed)
    closed.rename(place / "moved")

    assert homes.make_home(place / "moved", USER) == home

    assert removed() == []
    assert (home / "data").exists()


def test_a_copied_folder_has_a_home_of_its_own(closed: Path, place: Path) -> None:
    home = with_data(closed)
    shutil.copytree(closed, place / "copy", symlinks=True)

    other = homes.make_home(place / "copy", USER)

    assert other not in (home, place / "copy")
    assert homes.home_of(closed, USER) == home
    assert homes.home_of(place / "copy", USER) == other


def test_the_home_of_a_folder_that_is_gone_is_removed(closed: Path) -> None:
    home = with_data(closed)
    shutil.rmtree(closed)

    assert removed() == [f"{home} belongs to {closed}, which is gone; it is removed"]

    assert list(home.parent.iterdir()) == []


def test_the_home_of_a_folder_that_exists_is_kept(closed: Path) -> None:
    home = with_data(closed)

    assert removed() == []
    assert (home / "data").exists()


def test_a_home_whose_folders_volume_is_not_mounted_is_kept(closed: Path) -> None:
    home = with_data(closed)
    record = {"folder": "/mnt/disk/pm-scoring/var", "volume": "/mnt/disk"}
    (home / homes.RECORD).write_text(json.dumps(record), "utf-8")

    (sentence,) = removed()

    assert sentence.endswith("it is kept, for no volume is mounted at /mnt/disk")
    assert (home / "data").exists()


def test_a_home_in_which_a_process_runs_is_kept(closed: Path) -> None:
    home = with_data(closed)
    shutil.rmtree(closed)
    (home / "postgres").mkdir()

    with subprocess.Popen(["sleep", "60"], cwd=home / "postgres") as server:
        sentences = removed()
        server.kill()

    assert sentences[0].endswith("it is kept, for a process runs in it")
    assert (home / "data").exists()


def test_a_home_that_names_no_folder_is_kept_and_named(place: Path) -> None:
    (place / "homes" / "old").mkdir(parents=True)

    (sentence,) = removed()

    assert sentence.startswith(f"{place}/homes/old does not say which folder it belongs to")
    assert (place / "homes" / "old").exists()


def test_a_removal_that_was_cut_short_is_finished(closed: Path) -> None:
    home = with_data(closed)
    shutil.rmtree(closed)
    home.rename(home.with_name(f"{home.name}.removed"))

    removed()

    assert list(home.parent.iterdir()) == []


def test_a_home_that_cannot_be_made_is_said_in_one_line(closed: Path, place: Path) -> None:
    (place / "homes").write_text("in the way", "utf-8")

    with pytest.raises(CannotStart, match=rf"nobody may not enter {closed}, .* File exists"):
        homes.make_home(closed, USER)


def test_removing_needs_none_of_the_installed_packages() -> None:
    # `make clean` has removed them. -S: without what is installed beside the interpreter.
    argv = [sys.executable, "-S", "-c", "import pmscoring.embedded.homes, sys; print(sys.path)"]

    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=True)

    assert "site-packages" not in done.stdout
