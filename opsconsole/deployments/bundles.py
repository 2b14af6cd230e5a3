"""Bundles of `make bundle`: an archive with images, files and their checksums."""

import hashlib
import re
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO
from uuid import uuid4

from django.conf import settings
from django.utils.translation import gettext as _

from opsconsole.backups import alone
from pmscoring.base.progress import Alive
from pmscoring.base.refusals import Refused

SUMS, IMAGES = "SHA256SUMS", "images.tar.gz"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,120}\.tar")
TAG = re.compile(r"pm-scoring-(?P<tag>[A-Za-z0-9_][A-Za-z0-9._-]*)\.tar")
LINE = re.compile(r"([0-9a-f]{64})  \./(.+)")
BLOCK = 1024 * 1024


class BundleError(Exception):
    """The bundle is damaged, or none; nothing was loaded."""


def refuse_nonsense(name: str) -> None:
    """Raise Refused for a name that no bundle has: a path, for example."""
    if not NAME.fullmatch(name):
        raise Refused(_("the name of a bundle is like pm-scoring-1.4.0.tar, without a folder"))


def path_of(name: str) -> Path:
    """The bundle of that name in BUNDLES_DIR; raises Refused for a path, and where it is not there.

    A row may have been written by a process that was taken over: only a plain file of that folder
    is read, never what a link leads to.
    """
    path = Path(settings.BUNDLES_DIR) / name
    if not NAME.fullmatch(name) or path.is_symlink() or not path.is_file():
        folder = settings.BUNDLES_DIR
        raise Refused(_("there is no bundle %(name)s in %(folder)s")
                      % {"name": name[:100], "folder": folder})  # fmt: skip
    return path


def names() -> list[str]:
    """The bundles in BUNDLES_DIR whose names say their versions; a web server knows names alone."""
    folder = Path(settings.BUNDLES_DIR)
    found = folder.glob("*.tar") if folder.is_dir() else ()
    return sorted(path.name for path in found if tag_of(path.name) and not path.is_symlink())


def tag_of(name: str) -> str:
    """The version that `make bundle` has named it after; empty where it was renamed."""
    match = TAG.fullmatch(name)
    return match["tag"] if match else ""


@contextmanager
def images(path: Path, alive: Alive) -> Iterator[Path]:
    """The archive of images in the bundle, once every file of it has the checksum it was packed
    with; raises BundleError.
    """
    with alone.partial_folder(f"bundle-{uuid4().hex[:8]}") as folder:
        folder.mkdir()
        target = folder / IMAGES
        try:
            with tarfile.open(path) as archive:
                _check(_unpacked(archive, target, alive), _sums(path))
        except tarfile.TarError as error:
            raise BundleError(_("%(name)s is no bundle: %(error)s")
                              % {"name": path.name, "error": error}) from error  # fmt: skip
        yield target


def _unpacked(archive: tarfile.TarFile, target: Path, alive: Alive) -> dict[str, str]:
    """Write the images' archive to `target`; returns the SHA-256 of each file by its place."""
    hashes: dict[str, str] = {}
    for member in archive:
        place = member.name.partition("/")[2]
        source = archive.extractfile(member) if member.isfile() else None
        if source is None or place == SUMS:
            continue
        if place == IMAGES:
            with target.open("xb") as output:
                hashes[place] = _hashed(source, alive, output)
        else:
            hashes[place] = _hashed(source, alive)
    return hashes


def _hashed(source: IO[bytes], alive: Alive, output: IO[bytes] | None = None) -> str:
    digest = hashlib.sha256()
    while block := source.read(BLOCK):
        alive()
        digest.update(block)
        if output:
            output.write(block)
    return digest.hexdigest()


def _sums(path: Path) -> dict[str, str]:
    """What SHA256SUMS says, by place."""
    with tarfile.open(path) as archive:
        for member in archive:
            if member.name.partition("/")[2] == SUMS and (source := archive.extractfile(member)):
                lines = source.read().decode("utf-8", "replace").splitlines()
                matches = [match for line in lines if (match := LINE.fullmatch(line))]
                return {match[2]: match[1] for match in matches}
    raise BundleError(_("%s has no checksums") % path.name)


def _check(hashes: dict[str, str], sums: dict[str, str]) -> None:
    wrong = sorted(name for name in {*hashes, *sums} if hashes.get(name) != sums.get(name))
    if wrong:
        raise BundleError(_("the bundle is damaged; nothing was loaded: %s") % ", ".join(wrong[:5]))
    if IMAGES not in hashes:
        raise BundleError(_("the bundle has no images"))
