"""A file of answers becomes submissions: stored first, read by a worker, all of it or nothing.

Rows of one candidate and attempt belong together wherever they stand in the file, and are taken or
refused together, so that the corrected file can be sent again. They pass through a temporary table,
which sorts a large file without holding it in memory.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import groupby
from pathlib import Path
from time import monotonic
from typing import Any

from django.conf import settings
from django.core.files.base import File
from django.db import DatabaseError, connection, transaction
from django.utils import translation
from django.utils.translation import gettext as _

from pmscoring.base import texts
from pmscoring.base.faults import Fault, fault
from pmscoring.base.lifecycle import WrongState
from scoring import documents
from scoring.contract.faults import faults
from scoring.intake import submissions
from scoring.models import Batch, Exam, Upload, locks

MOST_REJECTIONS = 1000
CHUNK, BEAT_SECONDS = 500, 2.0
STAGE = (
    "CREATE TEMPORARY TABLE upload_row"
    " (line int, candidate text, attempt int, question text, text text, faults text)"
)
SORTED = (
    "SELECT line, candidate, attempt, question, text, faults FROM upload_row"
    " ORDER BY min(line) OVER (PARTITION BY candidate, attempt), line"
)
Staged = tuple[int, str, int, str, str, str]


@dataclass
class Rejections:
    """How many rows were refused, and why, of the first ones."""

    rows: int = 0
    told: list[dict[str, Any]] = field(default_factory=list)

    def add(self, line: int, found: Sequence[Fault]) -> None:
        """Refuse a row."""
        self.rows += 1
        room = MOST_REJECTIONS - len(self.told)
        self.told += [{"line": line, **one} for one in found[: max(room, 0)]]


def receive(exam: Exam, name: str, file: "File[bytes]") -> Upload:
    """Keep the file, to be read by a worker. Raises BadDocument, or WrongState for a fixed exam."""
    documents.reader(name)
    if exam.frozen:
        raise WrongState(exam.state_message)
    language = translation.get_language() or settings.LANGUAGE_CODE
    upload = Upload(exam=exam, name=name[-255:], size=file.size, language=language)
    upload.file.save(name, file, save=False)
    try:
        upload.save()
    except BaseException:
        upload.file.delete(save=False)
        raise
    return upload


def read(upload: Upload, say: Callable[[int], None] = lambda seen: None) -> set[int]:
    """Read a waiting upload; the questions that now have answers waiting.

    `say` hears the rows seen so far, which the upload's row tells others too. What was handed in
    before changes nothing. Raises WrongState when another worker has it.
    """
    upload.claim(seen=0)
    with upload.in_its_language():
        return _read(upload, say)


def _read(upload: Upload, say: Callable[[int], None]) -> set[int]:
    rejections = Rejections()
    try:
        with _stage():
            _fill(upload, rejections, say)
            return _take(upload, rejections)
    except documents.BadDocument as error:
        upload.fail(str(error))
        return set()


@contextmanager
def _stage() -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS pg_temp.upload_row")
        cursor.execute(STAGE)
    try:
        yield
    finally:
        with suppress(DatabaseError), connection.cursor() as cursor:
            cursor.execute("DROP TABLE pg_temp.upload_row")


def _fill(upload: Upload, rejections: Rejections, say: Callable[[int], None]) -> None:
    """Each chunk is committed with the progress."""
    rows = documents.rows(upload.name, Path(upload.file.path))
    for chunk in _chunks(_checked(found) for found in rows):
        with transaction.atomic():
            _copy([row for row in chunk if row[1]])
            upload.beat(seen=upload.seen + len(chunk))
        for line, candidate, *_row, told in chunk:
            if not candidate:
                rejections.add(line, json.loads(told))
        say(upload.seen)
    if not upload.seen:
        raise documents.BadDocument(_("there are no rows in the file"))


def _chunks(rows: Iterable[Staged]) -> Iterator[list[Staged]]:
    """So many rows, or what came in so much time."""
    chunk: list[Staged] = []
    since = monotonic()
    for row in rows:
        chunk.append(row)
        if len(chunk) >= CHUNK or monotonic() - since >= BEAT_SECONDS:
            yield chunk
            chunk, since = [], monotonic()
    if chunk:
        yield chunk


def _checked(found: documents.NumberedRow) -> Staged:
    """The row with its faults; without a candidate where it cannot be told whose it is."""
    line, row = found
    if isinstance(row, documents.Unreadable):
        owner = {"candidate": row.candidate, "attempt": row.attempt}
        told = [fault("", row.reason[:500])]
        return line, *_owner(owner), "", "", json.dumps(told)
    told = faults("row", row) or _refused_characters(row)
    if told:
        return line, *_owner(row), "", "", json.dumps(told)
    return line, row["candidate"], int(row.get("attempt", 1)), row["question"], row["text"], ""


def _refused_characters(row: documents.Row) -> list[Fault]:
    found = ((name, texts.refused_character(row[name])) for name in ("candidate", "text"))
    return [fault(f"/{name}", reason) for name, reason in found if reason]


def _owner(row: documents.Row) -> tuple[str, int]:
    candidate, attempt = row.get("candidate"), row.get("attempt", 1)
    owner = {"candidate": candidate, "attempt": attempt, "question": "Q", "text": ""}
    if faults("row", owner) or texts.refused_character(str(candidate)):
        return "", 1
    return str(candidate), int(attempt)


def _copy(rows: Sequence[Staged]) -> None:
    with connection.cursor() as cursor, cursor.copy("COPY upload_row FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)


def _take(upload: Upload, rejections: Rejections) -> set[int]:
    """Hand in what was staged and tell what became of it, in one transaction."""
    with upload.all_or_none():
        return _taken(upload, rejections)


def _taken(upload: Upload, rejections: Rejections) -> set[int]:
    locks.share_exam(upload.exam_id)
    upload.beat()  # From here on no sweep takes the upload away.
    lines: dict[int, list[int]] = {}
    outcome = submissions.accept_all(_submissions(upload.exam, rejections, lines))
    for first, found in groupby(outcome.rejected, key=lambda one: int(one["line"])):
        for line, told in _by_row(lines.pop(first), list(found)):
            rejections.add(line, told)
    Batch.objects.filter(pk=outcome.batch.pk).update(exam=upload.exam)
    upload.finish(
        batch=outcome.batch,
        accepted=sum(map(len, lines.values())),
        rejected=rejections.rows,
        rejections=sorted(rejections.told, key=lambda one: int(one["line"])),
    )
    return outcome.questions


def _submissions(
    exam: Exam, rejections: Rejections, lines: dict[int, list[int]]
) -> Iterator[tuple[int, dict[str, Any]]]:
    """(first line, record) of those without a bad row; `lines` learns the lines of each."""
    for (candidate, attempt), found in groupby(_sorted_rows(), key=lambda row: (row[1], row[2])):
        rows = list(found)
        if bad := next((row[0] for row in rows if row[5]), None):
            for line, *_row, told in rows:
                rejections.add(line, json.loads(told) if told else [_neighbour(bad)])
            continue
        lines[rows[0][0]] = [row[0] for row in rows]
        yield (
            rows[0][0],
            {
                "exam": exam.code,
                "candidate": candidate,
                "attempt": attempt,
                "answers": [{"question": row[3], "text": row[4]} for row in rows],
            },
        )


def _sorted_rows() -> Iterator[Staged]:
    with connection.chunked_cursor() as cursor:
        cursor.execute(SORTED)
        while rows := cursor.fetchmany(CHUNK):
            yield from rows


def _neighbour(line: int) -> Fault:
    return fault("", _("line %d, of the same candidate and attempt, is refused") % line)


def _by_row(lines: Sequence[int], found: Sequence[Fault]) -> Iterator[tuple[int, list[Fault]]]:
    """Faults of a submission as faults of its rows: /answers/1/question is row 1's /question."""
    told: dict[int, list[Fault]] = {}
    for one in found:
        parts = one["pointer"].split("/", 3)
        index = int(parts[2]) if parts[1:2] == ["answers"] and parts[2:] else None
        pointer = one["pointer"] if index is None else "".join(f"/{part}" for part in parts[3:])
        told.setdefault(lines[index or 0], []).append(fault(pointer, one["detail"]))
    for line in lines:
        yield line, told.get(line, [_neighbour(min(told))])


def release_stalled() -> int:
    """Uploads of readers that went quiet wait again, a few times; how many."""
    return Upload.objects.release_stalled(timedelta(seconds=settings.SCORING_STALLED_SECONDS))
