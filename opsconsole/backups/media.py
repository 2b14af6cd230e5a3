"""The files of uploads in a restore: staged beside the live ones, exchanged by renames, put back.

MEDIA_ROOT itself may be a mount, so its entries are exchanged and not the folder. All of it happens
in one file system: a rename is a matter of milliseconds, and needs no space.
"""

import os
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from django.apps import apps
from django.db import models

from pmscoring.base.files import sync_folder

STAGING, PREVIOUS = ".restore-", ".before-"
JOURNAL = "journal.json"


@dataclass(frozen=True)
class Media:
    """The folder of uploads, and the two folders in it that belong to one restore."""

    root: Path
    key: str

    @property
    def staging(self) -> Path:
        """What belongs to the restore while it runs."""
        return self.root / f"{STAGING}{self.key}"

    @property
    def files(self) -> Path:
        """The files that are to take the live ones' place."""
        return self.staging / "files"

    @property
    def previous(self) -> Path:
        """The files whose place was taken, kept until a person drops them."""
        return self.root / f"{PREVIOUS}{self.key}"

    def make(self) -> None:
        """An empty staging folder, in which `files` is yet to be made; raises OSError."""
        self.root.mkdir(parents=True, exist_ok=True)
        self.staging.mkdir(mode=0o700)

    def stage_live(self) -> None:
        """Stage each live file that is not staged."""
        self.stage(self.root)

    def stage(self, folder: Path) -> None:
        """Stage each file of `folder` that is not, as a second name of it, which needs no space.

        A deletion in the staging folder then leaves the file as it is.
        """
        self.files.mkdir(mode=0o700, exist_ok=True)
        for name in _names_below(folder):
            staged = self.files / name
            if not staged.exists():
                staged.parent.mkdir(parents=True, exist_ok=True)
                _link(folder / name, staged)

    def unstage(self, names: Iterable[str]) -> None:
        """Leave these staged files out of the exchange."""
        for name in names:
            (self.files / name).unlink(missing_ok=True)

    def staged(self) -> list[str]:
        """The names that `exchange` moves; the caller keeps them, for `put_back`."""
        return sorted(_entries(self.files))

    def exchange(self) -> None:
        """Move the live entries to `previous`, and the staged ones into their place."""
        self.previous.mkdir(mode=0o700, exist_ok=True)
        for name in _entries(self.root):
            _move(self.root / name, self.previous / name)
        for name in self.staged():
            _move(self.files / name, self.root / name)
        # Before the databases are renamed: a power cut must not keep that and lose this.
        for folder in (self.previous, self.root):
            sync_folder(folder)

    def put_back(self, names: list[str]) -> None:
        """Undo `exchange`, however far it, or an earlier undoing, has come.

        An entry of `names` that is not in the staging folder is in the live ones' place. Only when
        all are back do the live ones return, whose names may be the same.
        """
        for name in names:
            if not os.path.lexists(self.files / name):
                _move(self.root / name, self.files / name)
        if self.previous.is_dir():
            for name in os.listdir(self.previous):
                _move(self.previous / name, self.root / name)
            self.previous.rmdir()

    def remove_previous(self) -> None:
        """Remove what was replaced for good; raises OSError."""
        if self.previous.exists():
            shutil.rmtree(self.previous)

    def remove_staging(self) -> None:
        """Raises OSError; a staging folder that is gone is fine."""
        if self.staging.exists():
            shutil.rmtree(self.staging)


def is_ours(name: str) -> bool:
    """Whether the entry of MEDIA_ROOT is the console's own, such as a restore's, and no upload."""
    return name.startswith(".")


def journals(root: Path) -> list[Path]:
    """The journals of restores that have not ended, the oldest first."""
    paths = root.glob(f"{STAGING}*/{JOURNAL}")
    return sorted(paths, key=lambda path: path.stat().st_mtime)


def missing_and_orphans(root: Path) -> tuple[list[str], list[str]]:
    """The files that rows name and `root` lacks, and those in `root` that no row names."""
    there, named = set(_names_below(root)), set(_names_in_rows())
    return sorted(named - there), sorted(there - named)


def _names_in_rows() -> Iterator[str]:
    for model in apps.get_models():
        for field in model._meta.concrete_fields:
            if isinstance(field, models.FileField):
                rows = model._default_manager.exclude(**{field.name: ""})
                yield from rows.values_list(field.name, flat=True).iterator()


def _entries(root: Path) -> list[str]:
    """The entries of the folder that are no restore's."""
    return [name for name in os.listdir(root) if not is_ours(name)]


def _names_below(root: Path) -> Iterator[str]:
    for name in _entries(root):
        path = root / name
        files = path.rglob("*") if path.is_dir() and not path.is_symlink() else [path]
        yield from (file.relative_to(root).as_posix() for file in files if file.is_file())


def _move(source: Path, target: Path) -> None:
    """A file that a health check has just removed is left out."""
    try:
        source.rename(target)
    except FileNotFoundError:
        if os.path.lexists(source):
            raise


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)  # a file system that knows no second names
