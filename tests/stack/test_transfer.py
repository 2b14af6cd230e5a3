"""Folders go into a container with a read-only root, and come out again, as their owner's."""

import os
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from opsconsole.deployments.cloning import OWNER, archived
from opsconsole.engines import transfer
from opsconsole.engines.base import EngineError
from opsconsole.engines.daemon import Daemon
from opsconsole.engines.layout import SOCKET
from opsconsole.gateways import archives
from tests.stack.engine import docker
from tests.stack.round_trip import BACKUPS
from tests.stack.small_site import app_image

NAME = "20260101T000000Z-0123abcd"
VOLUME = "pmscoring-transfer"
BIG = 30_000_000


@pytest.fixture(scope="module")
def container() -> Iterator[str]:
    """Confined as the operations worker is, with its volume of backups."""
    confined = ["--read-only", "--user=1000:1000", "--cap-drop=ALL", "--network=none"]
    volume = f"--volume={VOLUME}:{BACKUPS}"
    started = docker("run", "-d", *confined, volume, app_image(), "sleep", "600").strip()
    root = ["--rm", "--user=0:0", "--network=none"]
    docker("run", *root, volume, app_image(), "chown", f"{OWNER}:{OWNER}", BACKUPS)
    yield started
    docker("rm", "-f", started)
    docker("volume", "rm", VOLUME)


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """A folder with a file larger than any buffer."""
    folder = tmp_path / NAME
    (folder / "database").mkdir(parents=True)
    (folder / "manifest.json").write_text("{}")
    (folder / "database" / "big").write_bytes(os.urandom(BIG))
    archived(folder, tmp_path / "put.tar")
    return tmp_path / "put.tar"


def test_what_goes_in_is_the_containers_own_and_comes_out_the_same(
    container: str, archive: Path, tmp_path: Path
) -> None:
    engine, beats = Daemon(SOCKET), list[int]()
    transfer.put(engine, container, archive, BACKUPS, lambda: beats.append(1))
    owners = docker("exec", container, "find", f"{BACKUPS}/{NAME}", "-printf", "%U:%G\n").split()
    assert set(owners) == {f"{OWNER}:{OWNER}"}

    place = f"{BACKUPS}/{NAME}"
    transfer.fetch(engine, container, place, tmp_path / "got.tar", lambda: beats.append(1))

    assert archives.unpack(tmp_path / "got.tar", tmp_path / "out") == 2
    with tarfile.open(archive) as tar:
        big = tar.extractfile(f"{NAME}/database/big")
        assert big
        assert (tmp_path / "out" / NAME / "database" / "big").read_bytes() == big.read()
    assert len(beats) >= 2


def test_what_is_not_there_leaves_no_archive(container: str, tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="/srv/nothing"):
        transfer.fetch(Daemon(SOCKET), container, "/srv/nothing", tmp_path / "x", lambda: None)
    assert not (tmp_path / "x").exists()


def test_nothing_goes_in_beside_the_volume(container: str, archive: Path) -> None:
    with pytest.raises(EngineError, match="read-only"):
        transfer.put(Daemon(SOCKET), container, archive, "/app", lambda: None)


def test_whoever_has_lost_the_work_stops_it(container: str, archive: Path, tmp_path: Path) -> None:
    def stop() -> None:
        raise RuntimeError("stop")

    with pytest.raises(RuntimeError):
        transfer.put(Daemon(SOCKET), container, archive, BACKUPS, stop)
