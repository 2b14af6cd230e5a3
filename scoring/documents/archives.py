"""ZIP archives, which may lie about everything that they say of themselves."""

import unicodedata
import zipfile
import zlib
from collections.abc import Iterator
from copy import copy
from pathlib import Path, PurePosixPath
from typing import IO

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
        raise BadDocument(f"more than {MOST_ENTRIES} entries")
    if sum(entry.file_size for entry in entries) > MOST_UNFOLDED:
        raise BadDocument(f"unfolds to more than {MOST_UNFOLDED} bytes")
    for entry in entries:
        _check(entry)
    return archive


def _not_an_archive(file: IO[bytes] | Path, error: Exception) -> str:
    if isinstance(file, Path):
        with file.open("rb") as stream:
            if stream.read(4) == OLE:
                return "an encrypted or an old Office file; save it unencrypted as XLSX or DOCX"
    return f"not a readable archive: {error}"


def _check(entry: zipfile.ZipInfo) -> None:
    path = PurePosixPath(name_of(entry))
    if path.is_absolute() or ".." in path.parts:
        raise BadDocument(f"{path}: leads out of the archive")
    if (entry.external_attr >> 28) == 0xA:
        raise BadDocument(f"{path}: a link")
    if entry.file_size > BLOCK and entry.file_size > MOST_RATIO * entry.compress_size:
        raise BadDocument(f"{path}: unfolds more than {MOST_RATIO} times")
    if entry.flag_bits & ENCRYPTED:
        raise BadDocument(f"{path}: encrypted")
    if entry.compress_type not in METHODS:
        raise BadDocument(f"{path}: packed by a method other than deflate")


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
            raise BadDocument(f"{name_of(entry)} is not of the size that it says")


def _blocks(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, most: int) -> Iterator[bytes]:
    """zipfile stops at the declared size but unfolds beyond it first; so declare the bound."""
    # A block more, so that the bound is met before zipfile compares checksums at its end.
    if entry.file_size > most:
        raise BadDocument(f"over {most} bytes")
    bounded, left = copy(entry), most
    bounded.file_size = most + BLOCK
    try:
        with archive.open(bounded) as stream:
            while block := stream.read(min(BLOCK, left + 1)):
                left -= len(block)
                if left < 0:
                    raise BadDocument(f"over {most} bytes")
                yield block
    except (*READ_ERRORS, zlib.error) as error:
        raise BadDocument(str(error)) from error
