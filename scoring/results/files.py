"""Results as files, written as they are read."""

from collections.abc import Iterator
from typing import IO

import orjson

from scoring.models import Exam
from scoring.results.rows import candidates
from scoring.results.sheets import Book, Columns, csv_lines

RESULTS = Columns(
    {
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
    },
    ("answers", "解答"),
)
TOTALS = Columns(
    {
        "candidate": "受験者",
        "attempt": "回",
        "absent": "欠席",
        "total": "合計",
        "suggested_total": "提案の合計",
        "complete": "確定",
    },
    ("totals", "合計"),
)


def as_json(exam: Exam) -> Iterator[bytes]:
    """`{exam, results, totals}`."""
    totals: list[bytes] = []
    yield b'{"exam":%b,"results":[' % orjson.dumps(exam.code)
    for number, (rows, total) in enumerate(candidates(exam)):
        totals.append(orjson.dumps(total))
        yield (b"," if number else b"") + orjson.dumps(rows)[1:-1]
    yield b'],"totals":[' + b",".join(totals) + b"]}"


def as_csv(exam: Exam, encoding: str, headers: str = "en") -> Iterator[bytes]:
    """A row a candidate and question."""
    return csv_lines(RESULTS, (rows for rows, _total in candidates(exam)), encoding, headers)


def as_xlsx(exam: Exam, headers: str = "en") -> IO[bytes]:
    """An open temporary file of two sheets: answers and totals."""
    book = Book(headers)
    answers, totals = book.sheet(RESULTS), book.sheet(TOTALS)
    for rows, total in candidates(exam):
        for row in rows:
            answers.append(row)
        totals.append(total)
    return book.close()
