"""The part `configuration`: how the installation was set up; its secrets if encrypted."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django import Settings

from opsconsole.backups import configuration
from opsconsole.gateways import archives
from tests.pmscoring.test_configuration import documented

NOBODY = 65534


@pytest.fixture
def install_dir(settings: Settings, tmp_path: Path) -> Path:
    """An installation in containers."""
    settings.INSTALL_DIR = str(tmp_path / "install")
    folder = tmp_path / "install" / "compose"
    (folder / "secrets").mkdir(parents=True)
    (folder / "compose.yaml").write_text("services: {}\n")
    (folder / "security.yaml").write_text("services: {}\n")
    (folder / ".env").write_text("OVERLAYS=security\nGRAFANA_PASSWORD=canary-in-env\n#TZ=\n")
    (folder / "secrets" / "secret_key").write_text("canary-file")
    (folder / "link.yaml").symlink_to("/etc/passwd")
    return tmp_path / "install"


def packed(tmp_path: Path, *, secrets: bool) -> tuple[dict[str, str], list[str]]:
    """The files in the archive, and what was left out."""
    archive = tmp_path / f"{secrets}.tar"
    done = configuration.pack(archive, tmp_path / "gathered", secrets=secrets)
    assert not (tmp_path / "gathered").exists()
    out = tmp_path / f"{secrets}"
    archives.unpack(archive, out)
    files = (path for path in out.rglob("*") if path.is_file())
    content = {path.relative_to(out).as_posix(): path.read_text() for path in files}
    return content, [name for name, _ in done.left_out]


@pytest.fixture
def secrets(monkeypatch: pytest.MonkeyPatch, stores_dir: Path, channels_dir: Path) -> None:
    """Secrets in all places where there may be some."""
    monkeypatch.setenv("SECRET_KEY", "canary-key")
    monkeypatch.setenv("BROKER_URL", "redis://me:canary-broker@broker:6379/0")
    monkeypatch.setenv("INFERENCE_URL", "http://me:canary-url@inference:9000")
    monkeypatch.setenv("TIME_ZONE", "Asia/Tokyo")
    (stores_dir / "far.json").write_text("canary-store")
    (channels_dir / "mail").write_text("canary-channel")


@pytest.mark.usefixtures("install_dir", "secrets")
def test_it_has_compose_files_overlays_and_variables_and_names_the_secrets_it_lacks(
    tmp_path: Path,
) -> None:
    content, left_out = packed(tmp_path, secrets=False)
    assert set(content) == {
        "variables.env", "compose/compose.yaml", "compose/security.yaml", "compose/.env",
    }  # fmt: skip
    assert "TIME_ZONE=Asia/Tokyo\n" in content["variables.env"]
    assert content["compose/.env"] == "OVERLAYS=security\n#TZ=\n"
    assert "canary" not in str(content)
    assert set(left_out) >= {
        "SECRET_KEY", "BROKER_URL", "INFERENCE_URL", "compose/.env: GRAFANA_PASSWORD",
        "stores/far.json", "channels/mail",
    }  # fmt: skip


@pytest.mark.usefixtures("install_dir", "secrets")
def test_an_encrypted_one_has_the_secrets_too(tmp_path: Path) -> None:
    content, left_out = packed(tmp_path, secrets=True)
    assert content["secrets/SECRET_KEY"] == "canary-key"
    assert content["stores/far.json"] == "canary-store"
    assert content["channels/mail"] == "canary-channel"
    assert "canary-in-env" in content["compose/.env"]
    assert left_out == ["INFERENCE_URL"]


@pytest.mark.usefixtures("secrets")
def test_without_containers_it_has_the_variables(settings: Settings, tmp_path: Path) -> None:
    settings.INSTALL_DIR = ""
    content, _ = packed(tmp_path, secrets=False)
    assert set(content) == {"variables.env"}


@pytest.mark.usefixtures("secrets")
def test_a_secret_in_a_file_is_kept_as_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "token").write_text("canary-token\n")
    monkeypatch.delenv("INFERENCE_TOKEN")
    monkeypatch.setenv("INFERENCE_TOKEN_FILE", str(tmp_path / "token"))
    content, _ = packed(tmp_path, secrets=True)
    assert content["secrets/INFERENCE_TOKEN"] == "canary-token"


def test_every_variable_that_it_keeps_is_a_documented_one() -> None:
    known = set(documented()[0])
    assert set(configuration.VARIABLES) | set(configuration.SECRETS) <= known
    assert not set(configuration.VARIABLES) & set(configuration.SECRETS)


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

    assert ("compose/.env", "no permission to read it") in packed.left_out
    assert b"services: {}" in (installed / "c.tar").read_bytes()
    assert b"172.30" not in (installed / "c.tar").read_bytes()
