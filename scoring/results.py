"""Results of an exam: one row a candidate and question, in JSON, CSV or XLSX."""

import csv
import io
from collections.abc import Iterator
from typing import Any

from django.db.models import Max
from openpyxl import Workbook

from scoring.models import Answer, Exam, Mark
from scoring.models.exams import number

COLUMNS = ("candidate", "attempt", "question", "status", "points", "source", "suggested", "flags")
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def rows(exam: Exam) -> Iterator[dict[str, Any]]:
    """The latest attempt of each candidate; `points` are final, `suggested` the machine's."""
    latest = dict(
        exam.submissions.order_by().values_list("candidate").annotate(last=Max("attempt"))
    )
    answers = (
        Answer.objects.filter(submission__exam=exam)
        .select_related("submission", "question")
        .order_by("submission__candidate", "question__position", "pk")
    )
    suggested = _suggestions(exam)
    for answer in answers.iterator(2000):
        if latest[answer.submission.candidate] == answer.submission.attempt:
            yield _row(answer, suggested.get(answer.pk))
    for absent in exam.submissions.filter(absent=True).order_by("candidate"):
        if latest[absent.candidate] == absent.attempt:
            yield {**dict.fromkeys(COLUMNS), "candidate": absent.candidate,
                   "attempt": absent.attempt, "status": "absent", "flags": []}  # fmt: skip


def _suggestions(exam: Exam) -> dict[int, Mark]:
    """The newest machine mark of each answer."""
    marks = Mark.objects.filter(answer__submission__exam=exam, source=Mark.Source.MACHINE)
    return {mark.answer_id: mark for mark in marks.order_by("pk")}


def _row(answer: Answer, mark: Mark | None) -> dict[str, Any]:
    final = answer.final_points
    return {
        "candidate": answer.submission.candidate,
        "attempt": answer.submission.attempt,
        "question": answer.question.code,
        "status": answer.status,
        "points": None if final is None else number(final),
        "source": answer.final_source or None,
        "suggested": mark and number(mark.points),
        "flags": answer.flags,
    }


def as_csv(exam: Exam, encoding: str) -> bytes:
    """CSV; what CP932 cannot write becomes `?`, and no cell begins a formula."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    writer.writerows(_cells(row) for row in rows(exam))
    return out.getvalue().encode(encoding, "replace")


def as_xlsx(exam: Exam) -> bytes:
    """One sheet with a header."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet(exam.code)
    sheet.append(COLUMNS)
    for row in rows(exam):
        sheet.append(_cells(row))
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _cells(row: dict[str, Any]) -> list[Any]:
    return [_safe(row[name]) for name in COLUMNS]


def _safe(value: Any) -> Any:
    if isinstance(value, list):
        return " ".join(value)
    if isinstance(value, str) and value.startswith(FORMULA_STARTS):
        return f"'{value}"
    return value
