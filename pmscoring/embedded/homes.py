"""Where PostgreSQL's data lie: in the installation's folder, or where its account may enter.

Run as root, PostgreSQL has an account that may not enter a folder such as /root. Such a folder has
a home of its own under /var/lib/pmscoring. The link `home` in the folder leads there, and a record
in the home names the folder, so that `python -m pmscoring.embedded.homes` (`make clean`) can remove
the homes of folders that are gone.
"""

import hashlib
import json
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from pmscoring.base.files import write_whole
from pmscoring.embedded.accounts import can_enter
from pmscoring.embedded.errors import CannotStart
from pmscoring.embedded.volumes import mount_point

HOMES = Path("/var/lib/pmscoring")
LINK = "home"
RECORD = "belongs-to.json"


def home_of(folder: Path, user: str | None) -> Path:
    """Where the data of the installation in `folder` lie, or would lie; makes nothing."""
    link = folder / LINK
    if user and link.is_symlink() and _is_free_for(home := Path(os.readlink(link)), folder):
        return home
    return folder if can_enter(user, str(folder)) else _named_after(folder)


def _is_free_for(home: Path, folder: Path) -> bool:
    """Whether the home belongs to `folder`, to no folder, or to one that is gone, so was moved.

    A copied folder has the link of the one that it was copied from, whose data are not its own.
    """
    owner = _owner(home)
    is_free = owner is None or owner == folder.resolve() or not owner.exists()
    return is_free and home.parent == HOMES


def _named_after(folder: Path) -> Path:
    return HOMES / hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:16]


def make_home(folder: Path, user: str | None) -> Path:
    """The same, made where it is not there; raises CannotStart."""
    home = home_of(folder, user)
    if home == folder:
        return folder
    try:
        for made in (HOMES, home):
            made.mkdir(parents=True, exist_ok=True)
            made.chmod(0o755)  # whatever the umask: the account must enter
        resolved = folder.resolve()
        record = {"folder": str(resolved), "volume": str(mount_point(resolved))}
        write_whole(home / RECORD, json.dumps(record), mode=0o644)
        _lead_to(home, folder / LINK)
    except OSError as error:
        fault = f"the account {user} may not enter {folder}, and there is no other place for data"
        raise CannotStart(f"{fault}: {error}") from error
    return home


def _lead_to(home: Path, link: Path) -> None:
    if link.is_symlink() and os.readlink(link) == str(home):
        return
    link.unlink(missing_ok=True)
    link.symlink_to(home)


def _read(home: Path) -> dict[str, str]:
    try:
        record: dict[str, str] = json.loads((home / RECORD).read_text("utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    return record


def _owner(home: Path) -> Path | None:
    record = _read(home)
    return Path(record["folder"]) if record else None


def remove_orphans() -> Iterator[str]:
    """Remove the homes of folders that are gone; yields a sentence for each home of no folder."""
    for home in sorted(HOMES.iterdir()) if HOMES.is_dir() else []:
        owner = _owner(home)
        if owner is None:
            yield f"{home} does not say which folder it belongs to; it is kept"
        elif not owner.exists():
            yield f"{home} belongs to {owner}, which is gone; {_remove(home)}"


def _remove(home: Path) -> str:
    """Remove a home without a folder if that is safe; says what was done."""
    volume = Path(_read(home)["volume"])
    if not volume.is_mount():
        return f"it is kept, for no volume is mounted at {volume}"
    if _has_processes(home):
        return "it is kept, for a process runs in it"
    # A folder made anew at the same path may start at this moment. The rename takes the home away
    # from it at once and not file by file: it makes a new one, or its start fails and says so.
    removed = home.with_name(f"{home.name}.removed")
    shutil.rmtree(removed, ignore_errors=True)
    home.rename(removed)
    shutil.rmtree(removed)
    return "it is removed"


def _has_processes(folder: Path) -> bool:
    """Whether any process works in the folder or was started from it; only root sees all."""
    for name in (name for name in os.listdir("/proc") if name.isdigit()):
        for place in ("cwd", "exe"):
            try:
                target = Path(os.readlink(f"/proc/{name}/{place}"))
            except OSError:  # it has ended meanwhile, or is a thread of the kernel
                continue
            if target.is_relative_to(folder):
                return True
    return False


if __name__ == "__main__":
    if os.geteuid() == 0:
        for sentence in remove_orphans():
            sys.stdout.write(f"pmscoring: {sentence}\n")
