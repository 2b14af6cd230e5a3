"""The parts of a backup, compared with its manifest and decrypted, for whoever reads them."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _

from opsconsole.backups import copies, places
from opsconsole.gateways import age
from opsconsole.gateways.stores import Digest

Alive = Callable[[], None]


class Unreadable(Exception):
    """The backup is damaged, incomplete or encrypted; the message names the file."""


@contextmanager
def opened(
    folder: Path, identity: Path | None, scratch: Path, names: Sequence[str], alive: Alive
) -> Iterator[tuple[Path, dict[str, Any]]]:
    """A folder with the parts of these names, readable, and the manifest; raises Unreadable.

    Of an encrypted backup they are decrypted into the new folder `scratch`.
    """
    manifest = _manifest(folder)
    files = _files(folder, manifest, names)
    for path, digest in files.items():
        _compare(folder / path, digest, alive)
    if not any(path.endswith(age.SUFFIX) for path in files):
        yield folder, manifest
        return
    if not identity:
        raise Unreadable(_("it is encrypted, and needs --identity"))
    keys = age.identities(identity)
    for path in files:
        target = scratch / path.removesuffix(age.SUFFIX)
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        age.decrypt(folder / path, target, keys, alive)
    yield scratch, manifest


def _manifest(folder: Path) -> dict[str, Any]:
    try:
        manifest: dict[str, Any] = json.loads((folder / places.MANIFEST).read_text("utf-8"))
    except FileNotFoundError:
        raise Unreadable(_("%s has no manifest.json: it is no backup") % folder) from None
    except ValueError:
        raise Unreadable(_("its manifest is damaged")) from None
    return manifest


def _files(folder: Path, manifest: dict[str, Any], names: Sequence[str]) -> dict[str, Digest]:
    """The files of the parts; every part must be there."""
    there = {part.get("name") for part in manifest.get("parts", ()) if isinstance(part, dict)}
    if missing := set(names) - there:
        raise Unreadable(_("it has no part %s") % ", ".join(sorted(missing)))
    wanted = [part for part in manifest["parts"] if part["name"] in names]
    return copies.files_of({**manifest, "parts": wanted})


def _compare(path: Path, digest: Digest, alive: Alive) -> None:
    try:
        seen = copies.hashed(path, lambda moved: alive())
    except OSError as error:
        raise Unreadable(f"{path.name}: {error.strerror}") from error
    if seen != digest:
        raise Unreadable(_("%s is not what the manifest names") % path.name)
