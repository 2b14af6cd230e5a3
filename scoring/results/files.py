"""Results as files, written as they are read."""

import codecs
import csv
import io
import tempfile
import unicodedata
from collections.abc import Iterator, Sequence
from typing import IO, Any

import orjson
from openpyxl import Workbook
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

from scoring.models import Exam
from scoring.results.rows import Result, Total, candidates

RESULTS, TOTALS = tuple(Result.__annotations__), tuple(Total.__annotations__)
IN_JAPANESE = {
    "candidate": "受験者",
    "attempt": "回",
    "question": "設問",
    "status": "状態",
    "points": "得点",
    "source": "採点の種別",
    "suggested": "機械の提案",
    "confidence": "確信度",
    "flags": "注意",
    "counted": "合計に算入",
    "absent": "欠席",
    "total": "合計",
    "suggested_total": "提案の合計",
    "complete": "確定",
}
SHEETS = {"en": ("answers", "totals"), "ja": ("解答", "合計")}
HEADERS = tuple(SHEETS)
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
GETA = "〓"
SIMILAR = str.maketrans("—–¥‾", "―‐￥￣")


def as_json(exam: Exam) -> Iterator[bytes]:
    """`{exam, results, totals}`."""
    totals: list[bytes] = []
    yield b'{"exam":%b,"results":[' % orjson.dumps(exam.code)
    for number, (rows, total) in enumerate(candidates(exam)):
        totals.append(orjson.dumps(total))
        yield (b"," if number else b"") + orjson.dumps(rows)[1:-1]
    yield b'],"totals":[' + b",".join(totals) + b"]}"


def as_csv(exam: Exam, encoding: str, headers: str = "en") -> Iterator[bytes]:
    """A row a candidate and question; no cell begins a formula.

    What CP932 cannot write becomes a character that looks alike, else its NFKC form, else its base
    letter, else 〓.
    """
    encoder = codecs.getincrementalencoder(encoding)("pmscoring.similar")
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(_header(RESULTS, headers))
    for rows, _total in candidates(exam):
        writer.writerows(_cells(row, RESULTS, _as_text) for row in rows)
        yield encoder.encode(out.getvalue())
        out.seek(0), out.truncate()
    yield encoder.encode(out.getvalue(), True)


def as_xlsx(exam: Exam, headers: str = "en") -> IO[bytes]:
    """An open temporary file of two sheets: answers and totals."""
    book = Workbook(write_only=True)
    answers, totals = (book.create_sheet(name) for name in SHEETS[headers])
    answers.append(_header(RESULTS, headers))
    totals.append(_header(TOTALS, headers))
    for rows, total in candidates(exam):
        for row in rows:
            answers.append(_cells(row, RESULTS, _as_cell))
        totals.append(_cells(total, TOTALS, _as_cell))
    file = tempfile.TemporaryFile()  # noqa: SIM115  the caller sends and closes it
    book.save(file)
    file.seek(0)
    return file


def _header(names: Sequence[str], headers: str) -> list[str]:
    return [IN_JAPANESE[name] if headers == "ja" else name for name in names]


def _cells(row: Any, names: Sequence[str], write: Any) -> list[Any]:
    return [write(row[name]) for name in names]


def _as_text(value: Any) -> Any:
    return str(value).lower() if isinstance(value, bool) else _safe(value)


def _as_cell(value: Any) -> Any:
    value = _safe(value)
    return ILLEGAL_CHARACTERS_RE.sub("\ufffd", value) if isinstance(value, str) else value


def _safe(value: Any) -> Any:
    if isinstance(value, list):
        return " ".join(value)
    if isinstance(value, str) and value.startswith(FORMULA_STARTS):
        return f"'{value}"
    return value


def _similar(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    unknown = error.object[error.start : error.end]
    return "".join(_nearest(character, error.encoding) for character in unknown), error.end


def _nearest(character: str, encoding: str) -> str:
    folded = unicodedata.normalize("NFKC", character)
    parts = unicodedata.normalize("NFKD", character)
    base = "".join(part for part in parts if not unicodedata.combining(part))
    for form in (character.translate(SIMILAR), folded, base):
        if form and _is_written(form, encoding):
            return form
    return GETA


def _is_written(text: str, encoding: str) -> bool:
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True


codecs.register_error("pmscoring.similar", _similar)
