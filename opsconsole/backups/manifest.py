"""manifest.json: what a backup is, of which files it is made, and what is in its database.

It holds no secret, also where the parts are encrypted. manifest.schema.json describes format 1.
"""

import hashlib
import json
import os
import stat
from collections.abc import Iterator
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, NotRequired, TypedDict
from uuid import UUID

from django.utils.translation import gettext as _
from jsonschema import Draft202012Validator

from opsconsole.backups import places
from opsconsole.gateways.postgres.contents import Contents
from pmscoring.base.files import write_whole
from pmscoring.base.progress import Alive

FORMAT = 1
PLACES = {
    "database": "database",
    "uploads": "uploads.tar",
    "redis": "redis.rdb",
    "configuration": "configuration.tar",
}
"""Where in the folder each part is; the database is a folder of files."""
MOST_BYTES = 64 * 1024 * 1024
CHUNK = 1024 * 1024


class ManifestError(Exception):
    """The manifest is missing, damaged or not understood, or its files are not those it names."""


class File(TypedDict):
    """A file of the backup: its path in the folder, its size and SHA-256 as it lies there."""

    path: str
    bytes: int
    sha256: str


class Part(TypedDict):
    """A part. `sha256` is that of its files' list, as sha256sum prints it, in order of paths."""

    name: str
    bytes: int
    sha256: str
    files: list[File]
    rows: NotRequired[int]
    """Of the database: in all its tables."""
    entries: NotRequired[int]
    """Of an archive: the files in it."""


class Encryption(TypedDict):
    """To whom the parts are encrypted."""

    format: str
    recipients: list[str]


class Manifest(TypedDict):
    """The whole document; times in ISO 8601, UTC."""

    format: int
    installation: str
    id: str
    name: str
    started_at: str
    snapshot_at: str
    product: dict[str, Any]
    server: dict[str, Any]
    tables: dict[str, Contents]
    parts: list[Part]
    encryption: Encryption | None
    left_out: list[dict[str, str]]
    warnings: list[str]


def write(folder: Path, manifest: Manifest) -> None:
    """Write the manifest beside its parts, whole, and on the disk."""
    content = json.dumps(manifest, ensure_ascii=False, indent=1, sort_keys=True)
    write_whole(folder / places.MANIFEST, content + "\n")


def read(folder: Path) -> Manifest:
    """The manifest of the backup in this folder; raises ManifestError."""
    path = folder / places.MANIFEST
    try:
        if path.is_symlink() or path.stat().st_size > MOST_BYTES:
            raise ManifestError(_("%s is not a manifest") % path)
        document = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise ManifestError(_("%s has no manifest.json: it is not a backup") % folder) from None
    except (OSError, ValueError, RecursionError) as error:
        raise ManifestError(_("%s is damaged") % path) from error
    return checked(document)


def checked(document: Any) -> Manifest:
    """The document, if it is a manifest of a format that is understood; else ManifestError."""
    kind = document.get("format") if isinstance(document, dict) else None
    if kind != FORMAT:
        raise ManifestError(_("the manifest has format %s instead of 1") % str(kind)[:20])
    for error in _validator().iter_errors(document):
        words = {"where": "/".join(map(str, error.absolute_path)), "what": error.message[:200]}
        raise ManifestError(_("the manifest is not valid: %(where)s: %(what)s") % words)
    manifest: Manifest = document
    _refuse_lies(manifest)
    return manifest


@cache
def _validator() -> Draft202012Validator:
    return Draft202012Validator(
        json.loads(Path(__file__).with_name("manifest.schema.json").read_text("utf-8"))
    )


def _refuse_lies(manifest: Manifest) -> None:
    """What a document says of itself in two places must be the same."""
    seen: set[str] = set()
    for part in manifest["parts"]:
        place = PLACES[part["name"]]
        for file in part["files"]:
            plain = _plain(file["path"])
            if (plain != place and plain.rpartition("/")[0] != place) or file["path"] in seen:
                raise ManifestError(_("%r does not belong to this part") % file["path"][:100])
            seen.add(file["path"])
        if part != part | _totals(part["files"]):
            raise ManifestError(_("the manifest contradicts itself about %s") % part["name"])
    if len({part["name"] for part in manifest["parts"]}) < len(manifest["parts"]):
        raise ManifestError(_("the manifest names a part twice"))


def _plain(path: str) -> str:
    """The path before encryption; raises ManifestError where it leads out of the folder."""
    try:
        return str(places.relative(path)).removesuffix(".age")
    except places.Unsafe as error:
        raise ManifestError(str(error)) from error


def size(manifest: Manifest) -> int:
    """The bytes of all parts."""
    return sum(part["bytes"] for part in manifest["parts"])


def moment(text: str) -> datetime:
    """A time of the manifest; raises ValueError, also for one without a zone."""
    time = datetime.fromisoformat(text)
    if time.tzinfo is None:
        raise ValueError(text)
    return time


def columns(manifest: Manifest) -> dict[str, Any]:
    """The columns of a backup's row that the manifest says.

    Raises ValueError: the schema leaves the form of times and ids open.
    """
    encryption = manifest["encryption"]
    return {
        "uid": UUID(manifest["id"]),
        "name": manifest["name"],
        "parts": [part["name"] for part in manifest["parts"]],
        "recipients": "\n".join(encryption["recipients"]) if encryption else "",
        "snapshot_at": moment(manifest["snapshot_at"]),
        "bytes": size(manifest),
        "manifest": manifest,
    }


def part_of(manifest: Manifest, name: str) -> Part | None:
    """The part of that name, if the backup has it."""
    return next((part for part in manifest["parts"] if part["name"] == name), None)


def described(folder: Path, name: str, alive: Alive = lambda: None) -> Part:
    """The part as it lies in the folder, with the hash of each file; raises ManifestError."""
    place = folder / PLACES[name]
    paths = sorted(place.iterdir()) if place.is_dir() else [place]
    files = [file_at(folder, path.relative_to(folder).as_posix(), alive) for path in paths]
    if not files or not all(file["bytes"] for file in files):
        raise ManifestError(_("the part %s is empty") % name)
    return part_with(name, files)


def part_with(name: str, files: list[File]) -> Part:
    """A part of these files."""
    size, sha256 = _totals(files).values()
    return {"name": name, "bytes": size, "sha256": sha256, "files": files}


def _totals(files: list[File]) -> dict[str, Any]:
    ordered = sorted(files, key=lambda file: file["path"])
    listing = "".join(f"{file['sha256']}  {file['path']}\n" for file in ordered)
    return {
        "bytes": sum(file["bytes"] for file in files),
        "sha256": hashlib.sha256(listing.encode()).hexdigest(),
    }


def file_at(folder: Path, path: str, alive: Alive = lambda: None) -> File:
    """A file of the folder with its hash; raises OSError, and ManifestError where it is a link."""
    sha256 = hashlib.sha256()
    descriptor = os.open(folder / path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with open(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise ManifestError(_("%s is not a regular file") % path)
        while block := file.read(CHUNK):
            alive()
            sha256.update(block)
        return {"path": path, "bytes": file.tell(), "sha256": sha256.hexdigest()}


def faults(folder: Path, part: Part, alive: Alive = lambda: None) -> Iterator[str]:
    """What is wrong with the files of the part, compared with the manifest."""
    for file in part["files"]:
        path = file["path"]
        if (folder / path).parent.is_symlink():
            yield _("%s is behind a link") % path
            continue
        try:
            seen = file_at(folder, path, alive)
        except FileNotFoundError:
            yield _("%s is missing") % path
            continue
        except (OSError, ManifestError) as error:
            yield f"{path}: {error}"
            continue
        if seen["bytes"] != file["bytes"]:
            words = {"path": path, "bytes": seen["bytes"], "wanted": file["bytes"]}
            yield _("%(path)s has %(bytes)d bytes instead of %(wanted)d") % words
        elif seen["sha256"] != file["sha256"]:
            yield _("%s is damaged: its hash differs") % path


def unlisted(folder: Path, manifest: Manifest) -> list[str]:
    """The files in the folder that the manifest does not name."""
    named = {file["path"] for part in manifest["parts"] for file in part["files"]}
    there = (
        (Path(place) / name).relative_to(folder).as_posix()
        for place, _folders, names in os.walk(folder)
        for name in names
    )
    return sorted(path for path in there if path not in named | {places.MANIFEST})
