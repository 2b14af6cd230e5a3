"""A file of answers becomes submissions: rows of one candidate and attempt belong together."""

from collections.abc import Iterator
from typing import Any

from django.db import transaction

from scoring import documents, intake
from scoring.contract import faults
from scoring.models import Exam, Upload


@transaction.atomic
def upload(exam: Exam, name: str, data: bytes) -> tuple[Upload, set[int]]:
    """Read the file; the upload, refused or read with its rejections, and the questions touched."""
    made = Upload(exam=exam, name=name[:255], size=len(data))
    try:
        found = list(documents.rows(name, data))
    except documents.BadDocument as error:
        made.status = Upload.Status.REFUSED
        made.rejections = [{"line": 0, "pointer": "", "detail": str(error)[:500]}]
        made.save()
        return made, set()
    rejected: list[dict[str, Any]] = []
    good = list(_valid(found, rejected))
    outcome = intake.take_all(_submissions(exam, good))
    refused = {one["line"] for one in outcome.rejected}
    lines = _lines(good)
    made.status = Upload.Status.READ
    made.batch = outcome.batch
    made.rejections = sorted(rejected + outcome.rejected, key=lambda one: one["line"])
    made.accepted = sum(len(rows) for first, rows in lines.items() if first not in refused)
    made.save()
    return made, outcome.questions


def _valid(
    found: list[tuple[int, documents.Row | str]], rejected: list[dict[str, Any]]
) -> Iterator[tuple[int, documents.Row]]:
    for line, row in found:
        if isinstance(row, str):
            rejected.append({"line": line, "pointer": "", "detail": row[:500]})
        elif wrong := faults("row", row):
            rejected.extend({"line": line, **one} for one in wrong)
        else:
            yield line, row


def _key(row: documents.Row) -> tuple[str, int]:
    return row["candidate"], row.get("attempt", 1)


def _lines(good: list[tuple[int, documents.Row]]) -> dict[int, list[int]]:
    """First line of each submission → its lines."""
    first: dict[tuple[str, int], int] = {}
    lines: dict[int, list[int]] = {}
    for line, row in good:
        lines.setdefault(first.setdefault(_key(row), line), []).append(line)
    return lines


def _submissions(
    exam: Exam, good: list[tuple[int, documents.Row]]
) -> Iterator[tuple[int, dict[str, Any]]]:
    rows = dict(good)
    for first, lines in _lines(good).items():
        candidate, attempt = _key(rows[first])
        answers = [{"question": rows[n]["question"], "text": rows[n]["text"]} for n in lines]
        record = {"exam": exam.code, "candidate": candidate, "attempt": attempt}
        yield first, {**record, "answers": answers}
