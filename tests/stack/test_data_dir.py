"""With DATA_DIR, data lie in folders of the host, and a second start finds those of the first."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.stack.conftest import Told
from tests.stack.engine import EngineError
from tests.stack.stack import Stack, free_prefix

FOLDERS = ("postgres", "broker", "uploads", "backups")
SERVICES = ("postgres", "broker", "cache", "web", "ops")
FILES = {"web": "/srv/pmscoring/uploads/answers", "ops": "/srv/pmscoring/backups/kept"}
FIRST_USER = "SELECT username, md5(password) FROM auth_user"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder, with those in it that its documentation asks for."""
    folder = tmp_path_factory.mktemp("data")
    for name in FOLDERS:
        (folder / name).mkdir()
    return folder


@pytest.fixture(scope="module")
def bound(tmp_path_factory: pytest.TempPathFactory, data: Path) -> Iterator[Stack]:
    """A small stack whose data lie there."""
    more = {"DATA_DIR": str(data), "COMPOSE_PROFILES": "ops", "OPS_MEMORY": "1G"}
    folder = tmp_path_factory.mktemp("bound")
    made = Stack(folder, free_prefix(), project="pmscoring-bound", overlays=["test"], more=more)
    try:
        made.write_secrets()
        made.up(*SERVICES)
        yield made
    finally:
        made.down("--volumes")


def kept(stack: Stack) -> list[object]:
    """The first user's password, a message of the broker's, and a file in each folder."""
    files = [stack.container(name).run("cat", path) for name, path in FILES.items()]
    return [stack.sql(FIRST_USER), stack.redis("broker", "get", "kept"), files]


def test_data_are_the_same_after_down_and_up(bound: Stack, data: Path, told: Told) -> None:
    for name, path in FILES.items():
        bound.container(name).run("sh", "-c", f"echo {name} >{path}")
    bound.redis("broker", "set", "kept", "message")
    before = kept(bound)
    bound.down()
    assert (data / "postgres" / "pgdata" / "PG_VERSION").read_text() == "17\n"
    bound.up(*SERVICES)
    assert kept(bound) == before
    assert before[1:] == ["message", ["web\n", "ops\n"]]
    told("postgres, broker, uploads and backups in folders of the host: the same after down and up")


@pytest.fixture
def stopped(bound: Stack) -> Iterator[Stack]:
    """It is down, and up again afterwards."""
    bound.down()
    yield bound
    bound.down()
    bound.up(*SERVICES)


def test_an_empty_folder_stops_the_start_and_is_named(
    stopped: Stack, data: Path, told: Told
) -> None:
    (data / "postgres").rename(data / "elsewhere")
    (data / "postgres").mkdir()
    try:
        with pytest.raises(EngineError, match=r"prepare.* exit 1"):
            stopped.up(*SERVICES)
        assert "the volume postgres has lost its mark" in stopped.last_words()
        assert list((data / "postgres").iterdir()) == []
    finally:
        (data / "postgres").rmdir()
        (data / "elsewhere").rename(data / "postgres")
    told("an empty folder of data: named, and nothing started")


def test_a_lost_password_is_not_replaced_and_can_be_made_anew(stopped: Stack, told: Told) -> None:
    lost = stopped.secrets / "database_password"
    old = stopped.secret("database_password")
    lost.unlink()
    with pytest.raises(EngineError, match="database_password is missing, and the data in the"):
        stopped.write_secrets()
    assert not lost.exists()

    anew = ["python", "-m", "pmscoring.secrets", "--to", "/secrets", "--anew", lost.name]
    stopped.compose("run", "--rm", "--no-deps", "-T", "init-secrets", *anew)
    stopped.compose("run", "--rm", "--no-deps", "-T", "postgres", "passwords")
    stopped.up(*SERVICES)

    assert stopped.secret("database_password") != old
    assert stopped.sql("SELECT 1") == [["1"]]
    told("a lost password of the database: refused, and made anew by hand")


def test_every_folder_belongs_to_the_user_of_the_containers(bound: Stack, data: Path) -> None:
    assert {(data / name).stat().st_uid for name in FOLDERS} == {1000}


def test_web_cannot_write_a_backup_there_either(bound: Stack) -> None:
    with pytest.raises(EngineError, match="Read-only file system"):
        bound.container("web").run("touch", "/srv/pmscoring/backups/forged")
