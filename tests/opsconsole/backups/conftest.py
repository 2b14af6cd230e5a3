"""What the tests of backups share."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from pyrage import x25519
from pytest_django import Settings

from opsconsole.backups import alone
from opsconsole.gateways.postgres.server import Server
from tests.opsconsole.taking import stub


@pytest.fixture
def uploads(settings: Settings, tmp_path: Path, backup_dir: Path) -> Path:
    """The folder of uploaded files, with two in it."""
    settings.MEDIA_ROOT = tmp_path / "uploads"
    (settings.MEDIA_ROOT / "exam").mkdir(parents=True)
    (settings.MEDIA_ROOT / "exam" / "one.csv").write_text("an answer")
    (settings.MEDIA_ROOT / "two.csv").write_text("another")
    return tmp_path / "uploads"


@pytest.fixture
def no_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every word on the progress is written, so that each stage can be seen."""
    monkeypatch.setattr("opsconsole.backups.progress.BEAT_SECONDS", 0.0)


@pytest.fixture
def rows() -> None:
    """Accounts, so that there is something to lose."""
    User.objects.bulk_create(User(username=f"user {number}") for number in range(500))


@pytest.fixture
def nothing_left() -> Iterator[None]:
    """No scratch database is there after the test."""
    yield
    assert Server.from_settings().databases(alone.scratch_prefix()) == []


@pytest.fixture
def identity(tmp_path: Path) -> Path:
    """The file of a new age identity, which is not on the host."""
    path = tmp_path / "identity"
    path.write_text(str(x25519.Identity.generate()))
    return path


@pytest.fixture
def programs(settings: Settings, tmp_path: Path) -> Callable[[str, str], None]:
    """Puts a script in the place of one of PostgreSQL's programs; `$REAL` is where they are."""
    folder, real = tmp_path / "bin", Path(settings.POSTGRES_BIN)
    folder.mkdir()
    for program in ("pg_dump", "pg_restore"):
        (folder / program).symlink_to(real / program)
    settings.POSTGRES_BIN = str(folder)

    def put(name: str, script: str) -> None:
        (folder / name).unlink()
        stub(folder, name, f"REAL={real}\n{script}")

    return put
