"""ZIP archives, which may lie about everything that they say of themselves."""

import unicodedata
import zipfile
import zlib
from collections.abc import Iterator
from copy import copy
from pathlib import Path, PurePosixPath
from typing import IO

from django.utils.translation import gettext as _

from scoring.documents.base import BLOCK, BadDocument

MOST_ENTRIES = 20_000
MOST_UNFOLDED = 1024 * 1024 * 1024
MOST_RATIO = 200
READ_ERRORS = (zipfile.BadZipFile, EOFError, NotImplementedError, ValueError, OSError)
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
ENCRYPTED, UTF_8_NAME = 1 << 0, 1 << 11
OLE = b"\xd0\xcf\x11\xe0"


def opened(file: IO[bytes] | Path) -> zipfile.ZipFile:
    """The archive, when by its own word it unfolds within bounds and leads nowhere else.

    Raises BadDocument. What it unfolds to in truth is found by `read` and `prove`.
    """
    try:
        archive = zipfile.ZipFile(file)
    except FileNotFoundError:
        raise
    except READ_ERRORS as error:
        raise BadDocument(_not_an_archive(file, error)) from error
    entries = archive.infolist()
    if len(entries) > MOST_ENTRIES:
        raise BadDocument(_("more than %d entries") % MOST_ENTRIES)
    if sum(entry.file_size for entry in entries) > MOST_UNFOLDED:
        raise BadDocument(_("unfolds to more than %d bytes") % MOST_UNFOLDED)
    for entry in entries:
        _check(entry)
    return archive


def _not_an_archive(file: IO[bytes] | Path, error: Exception) -> str:
    if isinstance(file, Path):
        with file.open("rb") as stream:
            if stream.read(4) == OLE:
                return _("an encrypted or an old Office file; save it unencrypted as XLSX or DOCX")
    return _("not a readable archive: %s") % error


def _check(entry: zipfile.ZipInfo) -> None:
    path = PurePosixPath(name_of(entry))
    if path.is_absolute() or ".." in path.parts:
        raise BadDocument(_("%s: leads out of the archive") % path)
    if (entry.external_attr >> 28) == 0xA:
        raise BadDocument(_("%s: a link") % path)
    if entry.file_size > BLOCK and entry.file_size > MOST_RATIO * entry.compress_size:
        raise BadDocument(
            _("%(path)s: unfolds more than %(times)d times") % {"path": path, "times": MOST_RATIO}
        )
    if entry.flag_bits & ENCRYPTED:
        raise BadDocument(_("%s: encrypted") % path)
    if entry.compress_type not in METHODS:
        raise BadDocument(_("%s: packed by a method other than deflate") % path)


def name_of(entry: zipfile.ZipInfo) -> str:
    """The entry's path, with `/`.

    Without flag bit 11 the name is in the encoding of whoever packed it, which zipfile takes for
    CP437: macOS writes UTF-8 there, a Japanese Windows CP932.
    """
    name = entry.orig_filename
    if not entry.flag_bits & UTF_8_NAME:
        raw = name.encode("cp437")
        for encoding in ("utf-8", "cp932"):
            try:
                name = raw.decode(encoding)
                break
            except UnicodeDecodeError:
                continue
    return unicodedata.normalize("NFC", name).replace("\\", "/")


def read(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, most: int) -> bytes:
    """The entry's bytes; BadDocument when there are in truth more than `most`."""
    return b"".join(_blocks(archive, entry, most))


def prove(archive: zipfile.ZipFile, most: int) -> None:
    """That each entry is as large as it says, so that a library may read it whole."""
    for entry in archive.infolist():
        if sum(map(len, _blocks(archive, entry, most))) != entry.file_size:
            raise BadDocument(_("%s is not of the size that it says") % name_of(entry))


def _blocks(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, most: int) -> Iterator[bytes]:
    """zipfile stops at the declared size but unfolds beyond it first; so declare the bound."""
    # A block more, so that the bound is met before zipfile compares checksums at its end.
    if entry.file_size > most:
        raise BadDocument(_("over %d bytes") % most)
    bounded, left = copy(entry), most
    bounded.file_size = most + BLOCK
    try:
        with archive.open(bounded) as stream:
            while block := stream.read(min(BLOCK, left + 1)):
                left -= len(block)
                if left < 0:
                    raise BadDocument(_("over %d bytes") % most)
                yield block
    except (*READ_ERRORS, zlib.error) as error:
        raise BadDocument(str(error)) from error
