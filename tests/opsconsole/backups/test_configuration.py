"""The configuration of an installation in containers, as the operations worker sees it."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django import Settings

from opsconsole.backups import configuration

NOBODY = 65534


@pytest.fixture
def installed(settings: Settings) -> Iterator[Path]:
    """A folder in which everybody may work, with an env file that is its owner's alone."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o777)
    (folder / "compose").mkdir()
    (folder / "compose" / "compose.yaml").write_text("services: {}\n")
    (folder / "compose" / ".env").write_text("SUBNET_PREFIX=172.30\n")
    (folder / "compose" / ".env").chmod(0o600)
    settings.INSTALL_DIR = str(folder)
    yield folder
    shutil.rmtree(folder)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes somebody who may not read it")
def test_a_file_that_may_not_be_read_is_named_and_fails_no_backup(installed: Path) -> None:
    os.seteuid(NOBODY)
    try:
        packed = configuration.pack(installed / "c.tar", installed / "work", secrets=False)
    finally:
        os.seteuid(0)

    assert ("compose/.env", "this program may not read it") in packed.left_out
    assert b"services: {}" in (installed / "c.tar").read_bytes()
    assert b"172.30" not in (installed / "c.tar").read_bytes()
