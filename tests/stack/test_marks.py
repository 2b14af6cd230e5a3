"""A volume that lost its mark stops the start: `prepare`, on folders of the test's own."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.stack.stack import Stack

VOLUMES = ("postgres", "uploads")


class Site:
    """Folders that are bound as volumes, and one for the records."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.records = folder, folder / "records"
        for name in (*VOLUMES, "records"):
            (folder / name).mkdir()

    def mark(self, name: str) -> Path:
        """Where the volume has it."""
        return self.folder / name / ".installation"

    def empty(self, name: str) -> None:
        """What a disk that is not mounted leaves."""
        shutil.rmtree(self.folder / name)
        (self.folder / name).mkdir()

    def prepare(self) -> subprocess.CompletedProcess[str]:
        """Run it as Compose does."""
        bound = [f"--volume={self.folder / name}:/volumes/{name}" for name in VOLUMES]
        confined = ["--rm", "--network=none", "--read-only", "--cap-drop=ALL", "--cap-add=CHOWN"]
        argv = ["docker", "run", *confined, "--user=0:0", f"--volume={self.records}:/records"]
        argv += [*bound, Stack(Path(), "").app, "sh", "docker/app/prepare.sh"]
        return subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """One that was started once."""
    made = Site(tmp_path)
    assert made.prepare().returncode == 0
    return made


def test_a_first_start_marks_every_volume_and_hands_it_over(site: Site) -> None:
    for name in VOLUMES:
        assert site.mark(name).read_text() == (site.records / name).read_text()
        assert (site.folder / name).stat().st_uid == 1000
    assert site.prepare().returncode == 0


def test_an_empty_volume_stops_the_start_and_is_named(site: Site) -> None:
    site.empty("postgres")
    done = site.prepare()
    assert done.returncode == 1
    assert "the volume postgres has lost its mark" in done.stderr
    assert "uploads" not in done.stderr
    assert list((site.folder / "postgres").iterdir()) == []


def test_an_empty_volume_begins_anew_where_its_record_is_removed(site: Site) -> None:
    site.empty("postgres")
    (site.records / "postgres").unlink()
    assert site.prepare().returncode == 0
    assert site.mark("postgres").exists()


def test_a_volume_under_other_secrets_stops_the_start(site: Site) -> None:
    (site.records / "postgres").unlink()
    done = site.prepare()
    assert done.returncode == 1
    assert "postgres belongs to an installation with another folder of secrets" in done.stderr
    assert site.mark("postgres").read_text().strip() in done.stderr


def test_the_volume_of_another_installation_stops_the_start(site: Site) -> None:
    site.mark("postgres").write_text("another\n")
    done = site.prepare()
    assert done.returncode == 1
    assert "postgres is another installation's" in done.stderr


def test_folders_that_are_closed_to_others_are_no_obstacle(tmp_path: Path) -> None:
    closed = Site(tmp_path)
    for name in (*VOLUMES, "records"):
        (tmp_path / name).chmod(0o700)
        shutil.chown(tmp_path / name, 1234, 1234)
    assert closed.prepare().returncode == 0
    assert closed.prepare().returncode == 0
    assert closed.records.stat().st_uid == 1234


def test_postgresql_makes_no_database_where_there_is_no_mark(tmp_path: Path) -> None:
    entrypoint = Path(__file__).parents[2] / "docker" / "postgres" / "entrypoint.sh"
    image = Stack(tmp_path, "").config()["services"]["postgres"]["image"]
    mounted = f"--volume={entrypoint}:/entrypoint.sh:ro"
    argv = ["docker", "run", "--rm", mounted, "--env=PGDATA=/tmp/data/pgdata", "--entrypoint=sh"]
    argv += ["--tmpfs=/run/postgresql", "--user=0:0", image, "/entrypoint.sh"]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 1
    assert "no mark of an installation" in done.stderr
