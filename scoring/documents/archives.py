"""ZIP archives, none of whose declared sizes, names and flags can be trusted."""

import struct
import zipfile
import zlib
from collections.abc import Iterator
from copy import copy
from pathlib import Path, PurePosixPath
from typing import IO

from pmscoring.base import texts
from pmscoring.base.words import words as _
from scoring.documents.base import BLOCK, BadDocument

MOST_ENTRIES = 20_000
MOST_UNPACKED = 1024 * 1024 * 1024
MOST_RATIO = 200
READ_ERRORS = (zipfile.BadZipFile, EOFError, NotImplementedError, ValueError, OSError)
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
ENCRYPTED, UTF_8_NAME = 1 << 0, 1 << 11
UNICODE_PATH = 0x7075
OLE = b"\xd0\xcf\x11\xe0"
"""First bytes of Office files before OOXML, and of encrypted ones."""


def open_archive(file: IO[bytes] | Path) -> zipfile.ZipFile:
    """The archive, if its declared sizes and paths are acceptable. Raises BadDocument.

    Whether the declared sizes are true is checked by `read` and `verify`.
    """
    try:
        archive = zipfile.ZipFile(file)
    except FileNotFoundError:
        raise
    except READ_ERRORS as error:
        raise BadDocument(_not_an_archive(file)) from error
    entries = archive.infolist()
    if len(entries) > MOST_ENTRIES:
        raise BadDocument(_("more than %d entries") % MOST_ENTRIES)
    if sum(entry.file_size for entry in entries) > MOST_UNPACKED:
        raise BadDocument(_("larger than %d bytes when unpacked") % MOST_UNPACKED)
    for entry in entries:
        _check_entry(entry)
    return archive


def _not_an_archive(file: IO[bytes] | Path) -> str:
    stream = file.open("rb") if isinstance(file, Path) else file
    with stream:
        stream.seek(0)
        if stream.read(4) == OLE:
            return _("an encrypted or old Office file; save it unencrypted as XLSX or DOCX")
    return _("not a readable archive; the file is damaged or of another kind than its name says")


def _check_entry(entry: zipfile.ZipInfo) -> None:
    path = PurePosixPath(name_of(entry))
    if path.is_absolute() or ".." in path.parts:
        raise BadDocument(_("%s: the path leads out of the archive") % path)
    if (entry.external_attr >> 28) == 0xA:  # S_IFLNK in the Unix mode
        raise BadDocument(_("%s: a symbolic link") % path)
    if entry.file_size > BLOCK and entry.file_size > MOST_RATIO * entry.compress_size:
        raise BadDocument(
            _("%(path)s: compressed more than %(times)d times")
            % {"path": path, "times": MOST_RATIO}
        )
    if entry.flag_bits & ENCRYPTED:
        raise BadDocument(_("%s: encrypted") % path)
    if entry.compress_type not in METHODS:
        raise BadDocument(_("%s: compressed by a method other than deflate") % path)


def name_of(entry: zipfile.ZipInfo) -> str:
    """The entry's path, normalised to NFC, with `/` as separator.

    Without flag bit 11 zipfile decodes the name as CP437, but it is in the encoding of the system
    that packed it: macOS writes UTF-8, Japanese Windows CP932.
    """
    name = entry.orig_filename
    if not entry.flag_bits & UTF_8_NAME:
        raw = name.encode("cp437")
        if unicode_name := _unicode_name(entry.extra, raw):
            return texts.composed(unicode_name).replace("\\", "/")
        for encoding in ("utf-8", "cp932"):
            try:
                name = raw.decode(encoding)
                break
            except UnicodeDecodeError:
                continue
    return texts.composed(name).replace("\\", "/")


def _unicode_name(extra: bytes, raw: bytes) -> str:
    """The name in UTF-8 that some programs put beside one in their system's encoding, or nothing.

    It counts while its checksum is that of the other name (APPNOTE.TXT, 4.6.9).
    """
    while len(extra) >= 4:
        kind, size = struct.unpack("<HH", extra[:4])
        field, extra = extra[4 : 4 + size], extra[4 + size :]
        is_valid = len(field) >= 5 and int.from_bytes(field[1:5], "little") == zlib.crc32(raw)
        if kind == UNICODE_PATH and is_valid:
            return field[5:].decode("utf-8", "replace")
    return ""


def read(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, most: int) -> bytes:
    """The entry unpacked. Raises BadDocument if it has in fact more than `most` bytes."""
    return b"".join(blocks(archive, entry, most))


def verify(archive: zipfile.ZipFile, most: int) -> None:
    """Check that each entry has the size that it declares, at most `most` bytes.

    After that a library may read the archive by itself. Raises BadDocument.
    """
    for entry in archive.infolist():
        if sum(map(len, blocks(archive, entry, most))) != entry.file_size:
            raise BadDocument(_("%s does not have the size that it declares") % name_of(entry))


def blocks(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, most: int) -> Iterator[bytes]:
    """The entry unpacked, in blocks. Raises BadDocument if it has more than `most` bytes."""
    if entry.file_size > most:
        raise BadDocument(_("over %d bytes") % most)
    # zipfile cuts its output at the declared size, but only after it has unpacked more than that.
    # So the bound is declared instead, and a block more: else zipfile would compare checksums at
    # the bound before an entry that is too large is found out.
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
        raise BadDocument(_("the content is damaged; pack the file again")) from error
