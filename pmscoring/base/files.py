"""Files that are written whole or not at all, also when the power fails."""

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path


def write_whole(path: Path, content: str | bytes | Iterable[bytes], *, mode: int = 0o600) -> None:
    """Replace `path` by a file with this content (text in UTF-8) and these permissions.

    Content that comes in pieces is written as it comes.

    The content goes to `<name>.partial` in the same folder, which takes the file's place by a
    rename, so `path` holds the old content or the new one, whole. A process that is killed in the
    middle leaves at most the partial file, which the next call replaces. Raises OSError: up to the
    rename nothing has changed then, and no partial file is left.

    Two processes must not write the same path at once: the second would take the first one's
    partial file away, and the first would then rename the second's, which may not be complete.
    Callers hold a lock, or are the only ones that write there.
    """
    partial = path.with_name(f"{path.name}.partial")
    partial.unlink(missing_ok=True)
    # A link that somebody has put there in the meantime is refused, and not written through.
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    descriptor = os.open(partial, flags, mode & 0o600)
    try:
        _fill(descriptor, _pieces(content), mode)
        partial.rename(path)
    except BaseException:
        with suppress(OSError):
            partial.unlink()
        raise
    sync_folder(path.parent)


def _pieces(content: str | bytes | Iterable[bytes]) -> Iterable[bytes]:
    if isinstance(content, str):
        return [content.encode()]
    return [content] if isinstance(content, bytes) else content


def _fill(descriptor: int, pieces: Iterable[bytes], mode: int) -> None:
    with open(descriptor, "wb") as file:
        # Before there is anything to read; and the umask has taken bits away from what open set.
        os.fchmod(descriptor, mode)
        file.writelines(pieces)
        file.flush()
        # Without this a power cut may keep the rename and lose what was written before it.
        os.fsync(descriptor)


def sync_folder(folder: Path) -> None:
    """Write a folder to the disk: only then is a rename in it there for good."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
