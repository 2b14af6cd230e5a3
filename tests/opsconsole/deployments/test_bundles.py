"""Bundles: checked whole before an image is loaded."""

import hashlib
import io
import tarfile
from pathlib import Path

import pytest
from django.conf import settings

from opsconsole.deployments import bundles
from opsconsole.models import Environment
from pmscoring.base.refusals import Refused
from tests.opsconsole.deployments.conftest import Deploy
from tests.opsconsole.engines.fake import Fake

pytestmark = pytest.mark.django_db
NAME = "pm-scoring-2.tar"


def pack(files: dict[str, bytes], *, sums: str | None = None) -> Path:
    """A bundle as `make bundle` packs it."""
    lines = [f"{hashlib.sha256(data).hexdigest()}  ./{name}\n" for name, data in files.items()]
    content = {**files, "SHA256SUMS": (sums if sums is not None else "".join(lines)).encode()}
    path = Path(settings.BUNDLES_DIR) / NAME
    with tarfile.open(path, "w") as archive:
        for name, data in content.items():
            member = tarfile.TarInfo(f"pm-scoring-2/{name}")
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return path


FILES = {"images.tar.gz": b"images", "compose/compose.yaml": b"services: {}"}


def test_a_bundle_is_deployed_without_a_registry(
    fake: Fake, staging: Environment, deploy: Deploy, backup_dir: Path
) -> None:
    pack(FILES)
    loaded: list[bytes] = []
    fake.load = lambda archive, say, alive: (  # type: ignore[method-assign]
        loaded.append(archive.read_bytes()) or fake.bundles[Path(NAME)]  # type: ignore[func-returns-value]
    )
    fake.pack(Path(NAME), "2")
    for image in fake.bundles[Path(NAME)]:
        fake._have(image)
    deployment = deploy(staging, "", bundle=NAME)
    assert deployment.status == "live", deployment.reason
    assert loaded == [b"images"]
    assert list(backup_dir.iterdir()) == []


@pytest.mark.parametrize(
    ("files", "sums", "says"),
    [
        ({**FILES, "compose/extra.yaml": b"x"}, "same", "damaged"),
        ({"images.tar.gz": b"other"}, "same", "damaged"),
        ({"compose/compose.yaml": b"x"}, None, "has no images"),
        ({}, None, "has no images"),
    ],
)
def test_a_damaged_bundle_is_not_loaded(
    fake: Fake,
    staging: Environment,
    deploy: Deploy,
    backup_dir: Path,
    files: dict[str, bytes],
    sums: str | None,
    says: str,
) -> None:
    lines = "".join(f"{hashlib.sha256(d).hexdigest()}  ./{n}\n" for n, d in FILES.items())
    pack(files, sums=lines if sums else None)
    deployment = deploy(staging, "", bundle=NAME)
    assert deployment.status == "failed"
    assert says in deployment.reason
    assert "load" not in fake.calls


def test_what_is_no_archive_says_so(
    fake: Fake, staging: Environment, deploy: Deploy, backup_dir: Path
) -> None:
    (Path(settings.BUNDLES_DIR) / NAME).write_bytes(b"nothing of the kind" * 100)
    deployment = deploy(staging, "", bundle=NAME)
    assert deployment.status == "failed"
    assert "is no bundle" in deployment.reason


def test_only_files_of_the_folder_are_read(tmp_path: Path) -> None:
    (tmp_path / "elsewhere.tar").write_bytes(b"")
    (Path(settings.BUNDLES_DIR) / "link.tar").symlink_to(tmp_path / "elsewhere.tar")
    for name in ("link.tar", "missing.tar", "../elsewhere.tar"):
        with pytest.raises(Refused):
            bundles.path_of(name)
