"""The names of stores, channels and bundles reach processes that cannot read the files."""

from pathlib import Path

import pytest
from pytest_django import Settings

from opsconsole.deployments import bundles
from opsconsole.gateways import stores
from opsconsole.gateways.published import publish
from opsconsole.tasks import sweep

SECRET = "a-key-that-only-the-operations-worker-reads"


@pytest.fixture
def published(settings: Settings, tmp_path: Path) -> Path:
    """Where the names go; a store and a channel are described elsewhere."""
    settings.STORES_DIR, settings.CHANNELS_DIR = tmp_path / "stores", tmp_path / "channels"
    for folder, name in ((settings.STORES_DIR, "tokyo.json"), (settings.CHANNELS_DIR, "mail")):
        folder.mkdir()
        (folder / name).write_text(SECRET)
    settings.PUBLISHED_DIR = tmp_path / "published"
    settings.BUNDLES_DIR = tmp_path / "bundles"
    return tmp_path / "published"


def contents(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_text() for path in files}


def test_it_publishes_names_and_no_content(published: Path) -> None:
    publish()

    assert contents(published) == {"stores/tokyo.json": "", "channels/mail": ""}


def test_a_process_that_sees_the_names_alone_knows_the_store_and_cannot_open_it(
    published: Path, settings: Settings
) -> None:
    publish()
    settings.STORES_DIR = published / "stores"

    assert stores.names() == ["tokyo"]
    with pytest.raises(stores.StoreError):
        stores.named("tokyo")


def test_bundles_can_be_offered_where_they_cannot_be_read(
    published: Path, settings: Settings
) -> None:
    settings.BUNDLES_DIR.mkdir()
    for name in ("pm-scoring-1.4.0.tar", "pm-scoring-1.4.0.tar.sha256", "renamed.tar"):
        (settings.BUNDLES_DIR / name).write_text("images")
    publish()

    settings.BUNDLES_DIR = published / "bundles"

    assert bundles.names() == ["pm-scoring-1.4.0.tar"]
    assert (published / "bundles" / "pm-scoring-1.4.0.tar").read_text() == ""


def test_it_takes_back_a_name_whose_file_is_gone(published: Path, settings: Settings) -> None:
    publish()
    (settings.STORES_DIR / "tokyo.json").unlink()

    publish()

    assert contents(published) == {"channels/mail": ""}


def test_it_publishes_nothing_where_every_process_reads_the_files_themselves(
    published: Path, settings: Settings
) -> None:
    settings.PUBLISHED_DIR = None

    publish()

    assert not published.exists()


@pytest.mark.django_db(transaction=True)
def test_every_sweep_publishes(published: Path) -> None:
    sweep()

    assert set(contents(published)) == {"stores/tokyo.json", "channels/mail"}
