"""The sample exam's answers in the files that people send: a writer for each kind of file.

Essays are written as people write them, with the label of each section on a line of its own.
"""

import csv
import io
import json
import shutil
import subprocess
import zipfile
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple
from unicodedata import normalize

from docx import Document
from openpyxl import Workbook

from pmscoring.base.texts import SECTION_BREAK
from tests.bench import sample
from tests.scoring.documents.pdf_files import BOX, at, codes, japanese, pdf_file

HEADER = ("candidate", "question", "text")
ENCODINGS = ("utf-8", "utf-8-sig", "cp932", "utf-16")
LIBRE_OFFICE = "soffice"
SECONDS = 3600
MOST_AT_ONCE = 50
"""Files that LibreOffice converts in one run; of several hundred it leaves some out, silently."""


class Answer(NamedTuple):
    """An answer of the sample exam; the candidate's id has characters that systems encode apart."""

    candidate: str
    question: str
    text: str


Writer = Callable[[Sequence[Answer]], bytes]


def answers() -> Iterator[Answer]:
    """All answers of the sample exam, in the order of its questions."""
    for question in sample.questions():
        labels = [section["label"] for section in question.wire["sections"]]
        for number, text in enumerate(question.texts):
            if labels:
                parts = zip(labels, text.split(SECTION_BREAK), strict=True)
                text = "\n".join(f"{label}\n{part}" for label, part in parts)
            yield Answer(f"受験が{number:03}", question.code, text)


def table(encoding: str, separator: str, end: str = "\r\n", first: str = "") -> Writer:
    """A row for each answer, with values that are quoted where they need it."""

    def write(rows: Sequence[Answer]) -> bytes:
        out = io.StringIO(first, newline="")
        out.seek(0, io.SEEK_END)
        csv.writer(out, delimiter=separator, lineterminator=end).writerows([HEADER, *rows])
        return out.getvalue().encode(encoding)

    return write


def wide(rows: Sequence[Answer]) -> bytes:
    """A row for each candidate and a column for each question."""
    by_candidate: dict[str, dict[str, str]] = defaultdict(dict)
    for row in rows:
        by_candidate[row.candidate][row.question] = row.text
    questions = list(dict.fromkeys(row.question for row in rows))
    out = io.StringIO()
    writer = csv.DictWriter(out, ["受験番号", *questions])
    writer.writeheader()
    writer.writerows({"受験番号": name, **texts} for name, texts in by_candidate.items())
    return out.getvalue().encode()


def jsonl(rows: Sequence[Answer]) -> bytes:
    return "".join(json.dumps(row._asdict(), ensure_ascii=False) + "\n" for row in rows).encode()


def by_openpyxl(rows: Sequence[Answer]) -> bytes:
    book, out = Workbook(), io.BytesIO()
    assert book.active is not None
    for row in (HEADER, *rows):
        book.active.append(row)
    book.save(out)
    return out.getvalue()


def by_xlsxwriter(rows: Sequence[Answer]) -> bytes:
    import xlsxwriter

    out = io.BytesIO()
    with xlsxwriter.Workbook(out) as book:
        sheet = book.add_worksheet()
        for number, row in enumerate((HEADER, *rows)):
            for column, value in enumerate(row):
                sheet.write_string(number, column, value)
    return out.getvalue()


def batched(names: Sequence[str], most: int) -> Iterator[Sequence[str]]:
    """The names in order, at most so many at a time."""
    return (names[start : start + most] for start in range(0, len(names), most))


def converted(files: dict[str, bytes], kind: str, *options: str) -> dict[str, bytes]:
    """The files as LibreOffice saves them in another format."""
    with TemporaryDirectory() as folder:
        place = Path(folder)
        for name, data in files.items():
            (place / name).write_bytes(data)
        command = [LIBRE_OFFICE, f"-env:UserInstallation=file://{folder}/profile", "--headless"]
        arguments = [*options, "--convert-to", kind, "--outdir", f"{folder}/out"]
        for batch in batched([str(place / name) for name in files], MOST_AT_ONCE):
            subprocess.run(
                [*command, *arguments, *batch], check=True, capture_output=True, timeout=SECONDS
            )
        return {path.name: path.read_bytes() for path in (place / "out").iterdir()}


def by_libre_office(rows: Sequence[Answer]) -> bytes:
    # Commas, quotation marks, UTF-8, from the first line on.
    options = "--infilter=Text - txt - csv (StarCalc):44,34,76,1"
    return converted({"a.csv": table("utf-8", ",")(rows)}, "xlsx", options)["a.xlsx"]


def packed(one: Callable[[str], bytes], extension: str, name: Callable[[str], bytes]) -> Writer:
    """An archive with a file for each answer, whose names are encoded by `name`."""

    def write(rows: Sequence[Answer]) -> bytes:
        return archive(rows, [one(row.text) for row in rows], extension, name)

    return write


def archive(
    rows: Sequence[Answer],
    contents: Sequence[bytes],
    extension: str,
    name: Callable[[str], bytes],
) -> bytes:
    """The contents, packed as a system does that says nothing of its names' encoding."""
    out = io.BytesIO()
    names = [name(f"{row.candidate}_{row.question}.{extension}") for row in rows]
    stand_ins = [f"{n:05}".ljust(len(raw), "-") for n, raw in enumerate(names)]
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as file:
        for stand_in, content in zip(stand_ins, contents, strict=True):
            file.writestr(stand_in, content)
    data = out.getvalue()
    for stand_in, raw in zip(stand_ins, names, strict=True):
        data = data.replace(stand_in.encode(), raw)
    return data


def windows(name: str) -> bytes:
    return name.encode("cp932")


def mac(name: str) -> bytes:
    return normalize("NFD", name).encode()


def wrapped(text: str, width: int) -> list[str]:
    """The lines of a text, cut at a number of characters as a fixed width cuts them."""
    lines = text.splitlines() or [""]
    return [line[i : i + width] for line in lines for i in range(0, max(len(line), 1), width)]


def plain(encoding: str, width: int = 0) -> Callable[[str], bytes]:
    def write(text: str) -> bytes:
        lines = wrapped(text, width) if width else text.splitlines()
        return "\r\n".join(lines).encode(encoding)

    return write


def by_python_docx(text: str) -> bytes:
    document, out = Document(), io.BytesIO()
    for line in text.splitlines():
        document.add_paragraph(line)
    document.save(out)
    return out.getvalue()


def pdf(width: int) -> Callable[[str], bytes]:
    """A page with lines of at most so many characters, each of them by its glyph's number."""

    def write(text: str) -> bytes:
        signs = list(dict.fromkeys(text.replace("\n", "")))
        cmap, font = japanese("".join(signs)).split("\0")
        number = {sign: code for code, sign in enumerate(signs, 1)}
        lines = [line for line in wrapped(text, width) if line]
        top = 20 * len(lines) + 40
        page = "".join(
            at(40, top - 20 * index, codes(*map(number.__getitem__, line)))
            for index, line in enumerate(lines, 1)
        )
        file = pdf_file(page, fonts=f"/F1 {font}", more=[cmap])
        return file.replace(BOX.encode(), f"[0 0 {12 * width + 80} {top}]".encode())

    return write


def office_archive(kind: str) -> Writer:
    """An archive of files that LibreOffice made of DOCX files."""

    def write(rows: Sequence[Answer]) -> bytes:
        files = {f"{n:05}.docx": by_python_docx(row.text) for n, row in enumerate(rows)}
        made = converted(files, kind)
        contents = [made[f"{n:05}.{kind}"] for n in range(len(rows))]
        return archive(rows, contents, kind, windows)

    return write


WRITERS: dict[str, Writer] = {
    **{f"comma {encoding}.csv": table(encoding, ",") for encoding in ENCODINGS},
    **{f"tab {encoding}.tsv": table(encoding, "\t", "\n") for encoding in ENCODINGS},
    "semicolon.csv": table("utf-8", ";"),
    "declared.csv": table("cp932", "|", first="sep=|\r\n"),
    "wide.csv": wide,
    "lines.jsonl": jsonl,
    "openpyxl.xlsx": by_openpyxl,
    **{f"windows {each}.zip": packed(plain(each), "txt", windows) for each in ENCODINGS},
    "mac.zip": packed(plain("utf-8"), "txt", mac),
    "wrapped text.zip": packed(plain("cp932", 20), "txt", windows),
    "python-docx.zip": packed(by_python_docx, "docx", mac),
    "pdf.zip": packed(pdf(10_000), "pdf", mac),
    "wrapped pdf.zip": packed(pdf(20), "pdf", windows),
    "xlsxwriter.xlsx": by_xlsxwriter,
    "libreoffice.xlsx": by_libre_office,
    "libreoffice docx.zip": office_archive("docx"),
    "libreoffice pdf.zip": office_archive("pdf"),
}
"""By the name of the file, which ends in its extension."""


def missing(name: str) -> str:
    """What this machine lacks to write the file, or an empty string."""
    if name.startswith("libreoffice") and shutil.which(LIBRE_OFFICE) is None:
        return "no LibreOffice: Debian's libreoffice-calc-nogui and libreoffice-writer-nogui"
    if name.startswith("xlsxwriter") and find_spec("xlsxwriter") is None:
        return "no XlsxWriter: pip install XlsxWriter"
    return ""


def has_text(name: str, text: str) -> bool:
    """Whether the file can hold this text.

    A PDF file without any is refused as a picture is, and an empty cell of a wide table is a
    question that was not answered.
    """
    return bool(text.strip()) or not ("pdf" in name or name.startswith("wide"))
