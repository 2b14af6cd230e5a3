"""Tar archives of folders: regular files only, in bounded memory however many there are.

What is read may come from anybody: links, devices and paths that lead elsewhere are refused.
"""

import os
import shutil
import stat
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO

from django.utils.translation import gettext as _

from pmscoring.base.progress import Alive

TRIES = 3
"""Of a file that changes while it is read."""
MOST_NAMED = 1000
"""Files left out that are named; the others are counted."""
CHUNK = 1024 * 1024


class ArchiveError(Exception):
    """The archive is damaged, or holds what no archive of ours may hold; the message names it."""


class _Changed(Exception):
    """The file was not the same after it was read."""


@dataclass
class Packed:
    """What is in an archive: its files, their bytes, and what was left out, with reasons."""

    files: int = 0
    bytes: int = 0
    left_out: list[tuple[str, str]] = field(default_factory=list)
    left_out_count: int = 0

    def leave_out(self, path: str, why: str) -> None:
        """Name a file that is not in the archive."""
        self.left_out_count += 1
        if len(self.left_out) < MOST_NAMED:
            self.left_out.append((path, why))


def pack(
    folder: Path,
    archive: Path,
    alive: Alive = lambda: None,
    skip: Callable[[str], bool] = lambda name: False,
) -> Packed:
    """Write the regular files below `folder` to a new archive, which is then on the disk.

    Entries of `folder` itself of which `skip` says so are passed over as if they were not there.

    A file that changes while it is read is read again; one that goes on changing, or vanishes, is
    left out and named. Links and devices are left out too. Raises OSError where it cannot write.
    """
    packed = Packed()
    with archive.open("xb") as output:
        with tarfile.open(fileobj=output, mode="w", format=tarfile.PAX_FORMAT) as tar:
            for path in _files(folder, packed, alive, skip):
                alive()
                _add(tar, output, folder, path, packed, alive)
                _forget(tar)
        output.flush()
        os.fsync(output.fileno())
    return packed


def _files(
    folder: Path, packed: Packed, alive: Alive, skip: Callable[[str], bool]
) -> Iterator[Path]:
    """The regular files, one folder after the other, each folder's in the order of their names."""
    waiting = [folder] if folder.is_dir() else []
    root = folder
    while waiting:
        folder = waiting.pop()
        alive()
        with suppress(FileNotFoundError), os.scandir(folder) as entries:
            for entry in sorted(entries, key=lambda entry: entry.name):
                if folder == root and skip(entry.name):
                    continue
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(Path(entry.path))
                elif entry.is_file(follow_symlinks=False):
                    yield Path(entry.path)
                else:
                    name = str(Path(entry.path).relative_to(root))
                    packed.leave_out(name, _("not a regular file"))


def _add(
    tar: tarfile.TarFile, output: IO[bytes], folder: Path, path: Path, packed: Packed, alive: Alive
) -> None:
    name = path.relative_to(folder).as_posix()
    for _try in range(TRIES):
        start = tar.offset
        try:
            packed.bytes += _add_once(tar, name, path, alive)
        except _Changed:
            # As if it had never been written.
            output.seek(start)
            output.truncate()
            tar.offset = start
        except FileNotFoundError:
            packed.leave_out(name, _("vanished while the backup was made"))
            return
        else:
            packed.files += 1
            return
    packed.leave_out(name, _("changed during every attempt to read it"))


def _add_once(tar: tarfile.TarFile, name: str, path: Path, alive: Alive) -> int:
    # Not blocking: a pipe that was put in the file's place would never be opened.
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with open(descriptor, "rb") as file:
        before = os.fstat(descriptor)
        if not stat.S_ISREG(before.st_mode):
            raise _Changed
        member = tarfile.TarInfo(name)
        member.size, member.mtime, member.mode = before.st_size, int(before.st_mtime), 0o600
        try:
            tar.addfile(member, _Read(file, alive))
        except OSError as error:
            if error.errno is None:  # tarfile's own: the file is shorter than it was
                raise _Changed from error
            raise
        after = os.fstat(descriptor)
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise _Changed
    return before.st_size


class _Read:
    """A file that says with each block that it is still being read."""

    def __init__(self, file: IO[bytes], alive: Alive) -> None:
        self.file, self.alive = file, alive

    def read(self, size: int = -1) -> bytes:
        self.alive()
        return self.file.read(size)


def names(archive: Path, alive: Alive = lambda: None) -> Iterator[tuple[str, int]]:
    """The name and size of each file, read to the end of the archive; raises ArchiveError."""
    with _opened(archive) as tar:
        for member in _members(tar, alive):
            yield member.name, member.size


def unpack(archive: Path, folder: Path, alive: Alive = lambda: None) -> int:
    """Write the archive's files below the new `folder`, for its owner alone; returns their number.

    Raises ArchiveError, with nothing left of the folder.
    """
    folder.mkdir(mode=0o700)
    count = 0
    try:
        with _opened(archive) as tar:
            for member in _members(tar, alive):
                _write(tar, member, folder, alive)
                count += 1
        os.sync()  # once: 100,000 times fsync would take many minutes
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return count


def _write(tar: tarfile.TarFile, member: tarfile.TarInfo, folder: Path, alive: Alive) -> None:
    target, content = folder / member.name, tar.extractfile(member)
    assert content is not None  # noqa: S101 - a regular file has content
    try:
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with target.open("xb") as file:
            os.fchmod(file.fileno(), 0o600)
            while block := content.read(CHUNK):
                alive()
                file.write(block)
            if file.tell() != member.size:
                raise ArchiveError(_("%s is truncated") % member.name)
    except (FileExistsError, NotADirectoryError, IsADirectoryError) as error:
        raise ArchiveError(_("%s occurs twice") % member.name) from error
    os.utime(target, (member.mtime, member.mtime))


@contextmanager
def _opened(archive: Path) -> Iterator[tarfile.TarFile]:
    try:
        with tarfile.open(archive, "r:") as tar:
            yield tar
    except (tarfile.TarError, EOFError, UnicodeError) as error:
        raise ArchiveError(
            _("%(archive)s is damaged: %(why)s") % {"archive": archive.name, "why": error}
        ) from error


def _members(tar: tarfile.TarFile, alive: Alive) -> Iterator[tarfile.TarInfo]:
    """The regular files. Folders are not needed, and everything else is refused."""
    while member := tar.next():
        alive()
        _forget(tar)
        refuse_path(member.name)
        if member.isdir():
            continue
        if not member.isreg() or member.issparse():
            raise ArchiveError(_("%r is not a regular file") % member.name[:200])
        yield member
    if not _ends(tar):
        raise ArchiveError(_("the archive is truncated"))


def _forget(tar: tarfile.TarFile) -> None:
    """tarfile remembers every member: of 100,000 files that would be 100 MB."""
    tar.members.clear()  # type: ignore[attr-defined]


def _ends(tar: tarfile.TarFile) -> bool:
    """Whether a block of zeros follows the last file: without it the archive was cut off."""
    assert tar.fileobj is not None  # noqa: S101 - it is open
    tar.fileobj.seek(tar.offset)
    block = tar.fileobj.read(tarfile.BLOCKSIZE)
    return len(block) == tarfile.BLOCKSIZE and not any(block)


def refuse_path(name: str) -> None:
    """Raise ArchiveError for a path that is absolute or leads out of its folder."""
    path = PurePosixPath(name)
    if path.is_absolute() or not path.parts or ".." in path.parts or "\0" in name or "\\" in name:
        raise ArchiveError(_("%r leads out of the folder") % name[:200])
