"""The disk of the database runs full: callers are told, nothing dies, and it goes on by itself."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.drills.conftest import Told
from tests.stack.callers import Api, answer
from tests.stack.engine import docker, docker_logs, wait_for
from tests.stack.exams import load_exam
from tests.stack.stack import Stack, free_prefix
from tests.stack.test_data_dir import FOLDERS

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root mounts a disk")
MEGABYTES = 600
SERVICES = ("postgres", "broker", "cache", "web", "haproxy")


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A small one of its own, mounted as the folder of the database's data."""
    folder = tmp_path_factory.mktemp("full")
    for name in FOLDERS:
        (folder / name).mkdir()
    image = folder / "disk.img"
    with image.open("wb") as file:
        file.truncate(MEGABYTES * 2**20)
    subprocess.run(["mkfs.ext4", "-q", "-m", "0", str(image)], check=True)
    mounted = folder / "postgres"
    subprocess.run(["mount", "-o", "loop", str(image), str(mounted)], check=True)
    (mounted / "lost+found").rmdir()
    try:
        yield mounted
    finally:
        subprocess.run(["umount", "--lazy", str(mounted)], check=True)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory, disk: Path) -> Iterator[Stack]:
    """A small stack whose database lies there."""
    more = {"DATA_DIR": str(disk.parent), "COMPOSE_PROFILES": "", "API_REPLICAS": "1"}
    folder = tmp_path_factory.mktemp("small")
    made = Stack(folder, free_prefix(), project="pmscoring-full", overlays=["test"], more=more)
    try:
        made.write_secrets()
        made.up(*SERVICES)
        yield made
    finally:
        made.down("--volumes")


@pytest.fixture(scope="module")
def api(small: Stack) -> Api:
    """Its REST API, with an exam."""
    made = Api(f"http://127.0.0.1:{small.ports['HAPROXY']}", small.issue_token())
    load_exam(made)
    return made


def fill(disk: Path) -> Path:
    """A file that leaves next to nothing."""
    filler = disk / "filler"
    with filler.open("wb") as file:
        while True:
            try:
                file.write(b"\0" * 2**20)
                file.flush()
            except OSError:
                return filler


def test_it_says_so_survives_and_goes_on_by_itself(
    small: Stack, api: Api, disk: Path, told: Told
) -> None:
    with api.client() as client:

        def status() -> int:
            return client.post("/api/v1/submissions", json=answer()).status_code

        assert status() == 202
        filler = fill(disk)
        seconds = wait_for(lambda: status() == 507, 60, "callers are told that the disk is full")
        refused = client.post("/api/v1/submissions", json=answer())
        assert refused.headers["Content-Type"] == "application/problem+json"
        assert refused.json()["title"] == "The disk is full, and nothing was saved"
        assert client.get("/api/v1/exams").status_code == 200
        told(f"a disk that ran full: 507 after {seconds:.1f} s, reads go on")

        postgres = small.container("postgres")
        docker("restart", postgres.id)
        wait_for(lambda: small.sql("SELECT 1"), 60, "it starts on a disk that is full")
        wait_for(lambda: client.get("/api/v1/exams").status_code == 200, 60, "reads go on")
        assert status() == 507

        filler.unlink()
        seconds = wait_for(lambda: status() == 202, 60, "answers are accepted again")
        told(f"with room again: accepted after {seconds:.1f} s")

    log = docker_logs(postgres.id)
    assert "PANIC" not in log
    assert log.count("room: ") >= 3
    assert small.container("postgres").told["RestartCount"] == 0
