"""A backup's folder as one tar archive, which is written nowhere and can be read from any byte on.

The archive has the same bytes each time: the files in the order of their names, each with the time
of the snapshot, and no owner. So a download that broke off goes on where it was, also from another
process.
"""

import hashlib
import os
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from django.utils.translation import gettext as _

from opsconsole.backups import places
from opsconsole.models import Backup
from pmscoring.base.refusals import Refused

CHUNK = 256 * 1024
MODE = 0o600


@dataclass(frozen=True)
class Piece:
    """Bytes of the archive from `start` on: `content` itself, or `size` bytes of a file."""

    start: int
    size: int
    content: bytes | Path

    def read(self, first: int, last: int) -> Iterator[bytes]:
        """The bytes `first` to `last` of this piece; OSError where the file has become shorter."""
        if isinstance(self.content, bytes):
            yield self.content[first : last + 1]
            return
        with open(self.content, "rb", opener=_not_through_links) as file:
            file.seek(first)
            left = last - first + 1
            while left:
                chunk = file.read(min(CHUNK, left))
                if not chunk:
                    raise OSError(f"{self.content.name} has become shorter")
                left -= len(chunk)
                yield chunk


@dataclass(frozen=True)
class Archive:
    """The archive of a backup; `etag` changes with its content."""

    name: str
    etag: str
    size: int
    pieces: list[Piece] = field(repr=False)

    def read(self, first: int, last: int) -> Iterator[bytes]:
        """The bytes from `first` to `last`, both included."""
        for piece in self.pieces:
            begin, end = max(first - piece.start, 0), min(last - piece.start, piece.size - 1)
            if begin <= end:
                yield from piece.read(begin, end)


def archive(backup: Backup) -> Archive:
    """The archive of the backup's folder; raises Refused where it is not here, or not complete."""
    folder = places.folder(backup)
    manifest = folder / places.MANIFEST
    if not manifest.is_file():
        raise Refused(_("%s is not in the backup folder; it may still be in a store") % backup)
    seconds = int(backup.snapshot_at.timestamp()) if backup.snapshot_at else 0
    pieces: list[Piece] = []
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink():
            _add(pieces, path, f"{folder.name}/{path.relative_to(folder).as_posix()}", seconds)
    end = b"\0" * 2 * tarfile.BLOCKSIZE
    _append(pieces, end)
    digest = hashlib.sha256(manifest.read_bytes()).hexdigest()[:32]
    size = pieces[-1].start + len(end)
    return Archive(f"{folder.name}.tar", f"{digest}-{size}", size, pieces)


def _add(pieces: list[Piece], path: Path, name: str, seconds: int) -> None:
    info = tarfile.TarInfo(name)
    info.size, info.mtime, info.mode = path.stat().st_size, seconds, MODE
    _append(pieces, info.tobuf(tarfile.PAX_FORMAT))
    pieces.append(Piece(_end(pieces), info.size, path))
    if padding := -info.size % tarfile.BLOCKSIZE:
        _append(pieces, b"\0" * padding)


def _append(pieces: list[Piece], content: bytes) -> None:
    pieces.append(Piece(_end(pieces), len(content), content))


def _end(pieces: list[Piece]) -> int:
    return pieces[-1].start + pieces[-1].size if pieces else 0


def _not_through_links(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW)
