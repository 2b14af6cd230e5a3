"""What the tests of the console share."""

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from django.utils import translation
from pytest_django import Settings

from opsconsole.models import BackupPlan
from tests.opsconsole.factories import a_plan
from tests.opsconsole.logged import Logged, everything_logged
from tests.opsconsole.receivers import Mail, Receiver, http_receiver, mail_server
from tests.opsconsole.s3 import S3, s3
from tests.opsconsole.sites import filled_site, site

__all__ = ["filled_site", "s3", "site"]


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    """Messages in English, whatever has been translated."""
    with translation.override("en"):
        yield


@pytest.fixture
def default_plan(db: None) -> BackupPlan:
    """The plan of the first start, also after a test that has emptied all tables."""
    return BackupPlan.objects.filter(name="daily").first() or a_plan("daily")


@pytest.fixture
def backup_dir(settings: Settings, tmp_path: Path) -> Path:
    """The folder in which this test makes its backups."""
    settings.BACKUP_DIR = tmp_path / "backups"
    settings.BACKUP_DIR.mkdir()
    return tmp_path / "backups"


@pytest.fixture
def stores_dir(settings: Settings, tmp_path: Path) -> Path:
    """The folder in which this test describes its stores."""
    settings.STORES_DIR = tmp_path / "stores"
    settings.STORES_DIR.mkdir()
    return tmp_path / "stores"


@pytest.fixture
def bucket(s3: S3) -> str:
    """A bucket of this test's own."""
    name = f"b-{uuid4().hex[:12]}"
    s3.make_bucket(name)
    return name


@pytest.fixture
def channels_dir(settings: Settings, tmp_path: Path) -> Path:
    """The folder in which this test describes its channels."""
    settings.CHANNELS_DIR = tmp_path / "channels"
    settings.CHANNELS_DIR.mkdir()
    return tmp_path / "channels"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """An HTTP server to which channels lead."""
    with http_receiver() as started:
        yield started


@pytest.fixture
def mail() -> Iterator[Mail]:
    """A mail server to which channels lead."""
    with mail_server() as started:
        yield started


@pytest.fixture
def logged() -> Iterator[Logged]:
    """Every line that the log of a process would have with LOG_LEVEL=DEBUG."""
    with everything_logged() as lines:
        yield lines
