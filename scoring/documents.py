"""Port: rows and texts out of CSV, XLSX, JSONL, and ZIP of TXT, DOCX and PDF.

Files are not trusted: archives may not unfold beyond bounds, XML may not name entities.
"""

import csv
import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

from defusedxml.common import DefusedXmlException
from docx import Document
from docx.opc.exceptions import PackageNotFoundError
from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException
from pypdf import PdfReader
from pypdf.errors import PyPdfError

COLUMNS = ("candidate", "question", "text", "attempt")
MOST_ROWS = 200_000
MOST_ENTRIES = 20_000
MOST_UNFOLDED = 1024 * 1024 * 1024
MOST_ENTRY = 50 * 1024 * 1024
MOST_RATIO = 200
XLSX_ERRORS = (
    InvalidFileException,
    KeyError,
    IndexError,
    ValueError,
    SyntaxError,
    TypeError,
    DefusedXmlException,
)
Row = dict[str, Any]


class BadDocument(Exception):
    """The file, or an entry of it, cannot be read; the message says why."""


def rows(name: str, data: bytes) -> Iterator[tuple[int, Row | str]]:
    """(line, row) of the file, or (line, reason) for a bad line. Raises BadDocument."""
    kind = PurePosixPath(name.lower()).suffix
    readers = {".csv": _csv, ".jsonl": _jsonl, ".ndjson": _jsonl, ".xlsx": _xlsx, ".zip": _zip}
    if kind not in readers:
        raise BadDocument(f"{kind or 'no ending'}: CSV, XLSX, JSONL and ZIP are read")
    for count, found in enumerate(readers[kind](data)):
        if count >= MOST_ROWS:
            raise BadDocument(f"more than {MOST_ROWS} rows")
        yield found


def decoded(data: bytes) -> str:
    """UTF-8 with or without BOM, else CP932; BadDocument when it is neither."""
    for encoding in ("utf-8-sig", "cp932"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise BadDocument("the text is neither UTF-8 nor CP932")


def _csv(data: bytes) -> Iterator[tuple[int, Row | str]]:
    reader = csv.reader(io.StringIO(decoded(data), newline=""), strict=True)
    try:
        header = [cell.strip().lower() for cell in next(reader, [])]
        _check_header(header)
        for cells in reader:
            if any(cells):
                yield reader.line_num, _row(header, cells)
    except csv.Error as error:
        raise BadDocument(f"line {reader.line_num}: {error}") from error


def _check_header(header: list[str]) -> None:
    missing = [column for column in COLUMNS[:3] if column not in header]
    unknown = [column for column in header if column and column not in COLUMNS]
    if missing or unknown:
        found = [f"column {column} is missing" for column in missing]
        found += [f"column {column} is not known" for column in unknown]
        raise BadDocument("; ".join(found))


def _row(header: list[str], cells: list[Any]) -> Row | str:
    if len(cells) > len(header) and any(cells[len(header) :]):
        return f"{len(cells)} cells, {len(header)} columns"
    row = {key: cell for key, cell in zip(header, cells, strict=False) if key}
    row = {key: "" if cell is None else cell for key, cell in row.items()}
    attempt = str(row.pop("attempt", "")).strip().removesuffix(".0")
    for key in ("candidate", "question"):
        row[key] = str(row.get(key, "")).strip()
    row["text"] = str(row.get("text", ""))
    if attempt:
        row["attempt"] = int(attempt) if attempt.isascii() and attempt.isdigit() else attempt
    return row


def _jsonl(data: bytes) -> Iterator[tuple[int, Row | str]]:
    for number, line in enumerate(decoded(data).split("\n"), start=1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            yield number, "not JSON"
            continue
        yield number, value if isinstance(value, dict) else "not a JSON object"


def _xlsx(data: bytes) -> Iterator[tuple[int, Row | str]]:
    check_archive(data)
    try:
        book = load_workbook(io.BytesIO(data), read_only=True, data_only=True)
        table = book.worksheets[0].iter_rows(values_only=True)
        header = [str(cell or "").strip().lower() for cell in next(table, ())]
        _check_header(header)
        for number, cells in enumerate(table, start=2):
            if any(cell is not None for cell in cells):
                yield number, _row(header, list(cells))
    except XLSX_ERRORS as error:
        raise BadDocument(f"not a readable XLSX file: {error}") from error


def check_archive(data: bytes) -> zipfile.ZipFile:
    """The archive, when it unfolds within bounds and leads nowhere else; else BadDocument."""
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except (zipfile.BadZipFile, NotImplementedError, ValueError) as error:
        raise BadDocument(f"not a readable archive: {error}") from error
    entries = archive.infolist()
    if len(entries) > MOST_ENTRIES:
        raise BadDocument(f"more than {MOST_ENTRIES} entries")
    if sum(entry.file_size for entry in entries) > MOST_UNFOLDED:
        raise BadDocument(f"unfolds to more than {MOST_UNFOLDED} bytes")
    for entry in entries:
        _check_entry(entry)
    return archive


def _check_entry(entry: zipfile.ZipInfo) -> None:
    path = PurePosixPath(entry.filename.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts:
        raise BadDocument(f"{entry.filename}: leads out of the archive")
    if (entry.external_attr >> 28) == 0xA:
        raise BadDocument(f"{entry.filename}: a link")
    if entry.file_size > MOST_ENTRY:
        raise BadDocument(f"{entry.filename}: over {MOST_ENTRY} bytes")
    if entry.file_size > 1_000_000 and entry.file_size > MOST_RATIO * entry.compress_size:
        raise BadDocument(f"{entry.filename}: unfolds more than {MOST_RATIO} times")
    if entry.flag_bits & 1:
        raise BadDocument(f"{entry.filename}: encrypted")


def _zip(data: bytes) -> Iterator[tuple[int, Row | str]]:
    archive = check_archive(data)
    for number, entry in enumerate(archive.infolist(), start=1):
        path = PurePosixPath(entry.filename.replace("\\", "/"))
        if entry.is_dir() or path.name.startswith(".") or "__MACOSX" in path.parts:
            continue
        candidate, _, question = path.stem.rpartition("_")
        if not candidate:
            yield number, f"{path.name}: the name is not candidate_question"
            continue
        try:
            text = document_text(path.suffix.lower(), archive.read(entry))
        except (BadDocument, zipfile.BadZipFile, EOFError, NotImplementedError) as error:
            yield number, f"{path.name}: {error}"
            continue
        yield number, {"candidate": candidate, "question": question, "text": text}


def document_text(kind: str, data: bytes) -> str:
    """The text of one TXT, DOCX or PDF. Raises BadDocument."""
    readers = {".txt": decoded, ".docx": _docx, ".pdf": _pdf}
    if kind not in readers:
        raise BadDocument(f"{kind or 'no ending'}: TXT, DOCX and PDF are read")
    return readers[kind](data)


def _docx(data: bytes) -> str:
    check_archive(data)
    for part in zipfile.ZipFile(io.BytesIO(data)).infolist():
        if part.filename.endswith((".xml", ".rels")):
            with zipfile.ZipFile(io.BytesIO(data)).open(part) as stream:
                if b"<!DOCTYPE" in stream.read(4096):
                    raise BadDocument("XML with a document type is refused")
    try:
        return "\n".join(paragraph.text for paragraph in Document(io.BytesIO(data)).paragraphs)
    except (PackageNotFoundError, KeyError, ValueError, SyntaxError, DefusedXmlException) as error:
        raise BadDocument(f"not a readable DOCX file: {error}") from error


def _pdf(data: bytes) -> str:
    try:
        pages = PdfReader(io.BytesIO(data)).pages
        return "\n".join(page.extract_text() for page in pages)
    except (PyPdfError, ValueError, KeyError, RecursionError, TypeError) as error:
        raise BadDocument(f"not a readable PDF file: {error}") from error
