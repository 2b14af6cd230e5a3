"""Read uploaded files of answers into submissions.

A file is stored when it arrives and read by a worker later. Rows with faults are rejected; all
others are stored in one transaction. The rows of one candidate and attempt may stand anywhere in
the file. They are accepted or rejected together, so that the corrected file can be uploaded again.

The rows pass through a temporary table, so that PostgreSQL sorts them and a large file is never
held in memory.

How two workers, or a worker and the sweep, race for an upload is described in
pmscoring/base/jobs.py. What is particular to a file:

1. A slow worker reads on after the sweep has given its upload to another. A temporary table
   belongs to its connection, so neither sees the other's rows. The slow one gets WrongState from
   its next heartbeat, which at the latest comes before it stores any submission.
2. The exam's answers are deleted (scoring/exams/retention.py) while a worker reads the file. The
   deletion ends the upload, so that the worker, too, gets WrongState from its next heartbeat. If
   the worker is already storing submissions, it holds the upload's row: the deletion waits for it,
   and the next deletion removes what it stored.
3. The exam is fixed, or its definition is loaded, between the upload and the reading. Each row is
   therefore checked again when it is stored, while the worker holds the exam FOR SHARE.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import groupby
from pathlib import Path
from time import monotonic
from typing import Any, NamedTuple

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
"""Faults that are kept of one upload."""
CHUNK, BEAT_SECONDS = 500, 2.0
"""Rows of a chunk, and seconds after which a smaller chunk is written: each is a heartbeat."""
CREATE_TABLE = (
    "CREATE TEMPORARY TABLE upload_row"
    " (line int, candidate text, attempt int, question text, text text, faults text)"
)
SORTED_ROWS = (
    "SELECT line, candidate, attempt, question, text, faults FROM upload_row"
    " ORDER BY min(line) OVER (PARTITION BY candidate, attempt), line"
)


class StagedRow(NamedTuple):
    """A row of the temporary table; `faults` is a JSON list, or empty for a valid row.

    `candidate` is empty where the file does not say whose the row is.
    """

    line: int
    candidate: str
    attempt: int
    question: str
    text: str
    faults: str


@dataclass
class Rejections:
    """The number of rejected rows, and the first MOST_REJECTIONS faults, each with its line."""

    rows: int = 0
    faults: list[dict[str, Any]] = field(default_factory=list)

    def add(self, line: int, row_faults: Sequence[Fault]) -> None:
        """Reject one row, which may have several faults."""
        self.rows += 1
        room = max(MOST_REJECTIONS - len(self.faults), 0)
        self.faults += [{"line": line, **row_fault} for row_fault in row_faults[:room]]


def receive(exam: Exam, name: str, file: "File[bytes]") -> Upload:
    """Store the file, named `name` by its sender, for a worker to read.

    Raises BadDocument for a format that cannot be read, and WrongState for a fixed exam.
    """
    documents.reader(name)
    # Only a quick answer for the sender: the exam may be fixed right after this, so the worker
    # checks it again.
    if exam.frozen:
        raise WrongState(exam.state_message)
    language = translation.get_language() or settings.LANGUAGE_CODE
    upload = Upload(exam=exam, name=name[-255:], size=file.size, language=language)
    # The file comes before its row, so that no worker finds a row whose file is not complete.
    upload.file.save(name, file, save=False)
    try:
        upload.save()
    except BaseException:
        upload.file.delete(save=False)
        raise
    return upload


def read(upload: Upload, say: Callable[[int], None] = lambda rows_read: None) -> set[int]:
    """Read a waiting upload; return the keys of the questions that now have answers waiting.

    `say` is called after each chunk with the number of rows read so far, which is stored in the
    upload too. Submissions that were stored before stay as they are. A file that cannot be read
    fails the upload. Raises WrongState where another worker has it.
    """
    upload.claim(seen=0)
    with upload.in_its_language():
        return _read(upload, say)


def _read(upload: Upload, say: Callable[[int], None]) -> set[int]:
    rejections = Rejections()
    try:
        with _temporary_table():
            _fill_table(upload, rejections, say)
            return _store(upload, rejections)
    except documents.BadDocument as error:
        upload.fail(str(error))
        return set()


@contextmanager
def _temporary_table() -> Iterator[None]:
    with connection.cursor() as cursor:
        # A worker keeps its connection, on which an earlier reading may have left the table.
        cursor.execute("DROP TABLE IF EXISTS pg_temp.upload_row")
        cursor.execute(CREATE_TABLE)
    try:
        yield
    finally:
        # Where the connection itself broke, the table is gone, and its error must not hide the
        # one that ended the reading.
        with suppress(DatabaseError), connection.cursor() as cursor:
            cursor.execute("DROP TABLE pg_temp.upload_row")


def _fill_table(upload: Upload, rejections: Rejections, say: Callable[[int], None]) -> None:
    numbered_rows = documents.rows(upload.name, Path(upload.file.path))
    for chunk in _chunks(map(_checked, numbered_rows)):
        # Each chunk is committed, so that others see the heartbeat and the progress.
        with transaction.atomic():
            _copy([row for row in chunk if row.candidate])
            upload.beat(seen=upload.seen + len(chunk))
        for row in chunk:
            if not row.candidate:
                rejections.add(row.line, json.loads(row.faults))
        say(upload.seen)
    if not upload.seen:
        raise documents.BadDocument(_("the file has no rows"))


def _chunks(rows: Iterable[StagedRow]) -> Iterator[list[StagedRow]]:
    """CHUNK rows at a time, or fewer where reading them takes longer than BEAT_SECONDS."""
    chunk: list[StagedRow] = []
    since = monotonic()
    for row in rows:
        chunk.append(row)
        if len(chunk) >= CHUNK or monotonic() - since >= BEAT_SECONDS:
            yield chunk
            chunk, since = [], monotonic()
    if chunk:
        yield chunk


def _checked(numbered_row: documents.NumberedRow) -> StagedRow:
    line, row = numbered_row
    if isinstance(row, documents.Unreadable):
        owner = _owner({"candidate": row.candidate, "attempt": row.attempt})
        return StagedRow(line, *owner, "", "", json.dumps([fault("", row.reason[:500])]))
    if row_faults := faults("row", row) or _refused_characters(row):
        return StagedRow(line, *_owner(row), "", "", json.dumps(row_faults))
    attempt = int(row.get("attempt", 1))
    return StagedRow(line, row["candidate"], attempt, row["question"], row["text"], "")


def _refused_characters(row: documents.Row) -> list[Fault]:
    reasons = {name: texts.refused_character(row[name]) for name in ("candidate", "text")}
    return [fault(f"/{name}", reason) for name, reason in reasons.items() if reason]


def _owner(row: documents.Row) -> tuple[str, int]:
    """Candidate and attempt of a row with faults; ("", 1) where these are at fault themselves."""
    candidate, attempt = row.get("candidate"), row.get("attempt", 1)
    owner = {"candidate": candidate, "attempt": attempt, "question": "Q", "text": ""}
    if faults("row", owner) or texts.refused_character(str(candidate)):
        return "", 1
    return str(candidate), int(attempt)


def _copy(rows: Sequence[StagedRow]) -> None:
    with connection.cursor() as cursor, cursor.copy("COPY upload_row FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)


def _store(upload: Upload, rejections: Rejections) -> set[int]:
    with upload.all_or_none():
        return _store_submissions(upload, rejections)


def _store_submissions(upload: Upload, rejections: Rejections) -> set[int]:
    # The exam before the upload: the order of scoring/models/locks.py.
    locks.share_exam(upload.exam_id)
    # This heartbeat locks the upload's row until the end of the transaction, however long that is.
    # The sweep passes over it, and a deletion of the exam's answers waits. If either came first,
    # it raises WrongState here, before anything is stored.
    upload.beat()
    lines: dict[int, list[int]] = {}
    outcome = submissions.accept_all(_submissions(upload.exam, rejections, lines))
    for first_line, group in groupby(outcome.rejected, key=_line):
        for line, row_faults in _by_row(lines.pop(first_line), list(group)):
            rejections.add(line, row_faults)
    # `accept_all` learns the exam from the records, of which there may be none.
    Batch.objects.filter(pk=outcome.batch.pk).update(exam=upload.exam)
    upload.finish(
        batch=outcome.batch,
        accepted=sum(map(len, lines.values())),
        rejected=rejections.rows,
        rejections=sorted(rejections.faults, key=_line),
    )
    return outcome.questions


def _line(rejection: dict[str, Any]) -> int:
    return int(rejection["line"])


def _submissions(
    exam: Exam, rejections: Rejections, lines: dict[int, list[int]]
) -> Iterator[tuple[int, dict[str, Any]]]:
    """(first line, record) of each candidate and attempt without a faulty row.

    The lines of each such submission are added to `lines` under its first one; all rows of the
    other submissions are added to `rejections`.
    """
    for (candidate, attempt), group in groupby(_sorted_rows(), key=lambda row: row[1:3]):
        rows = list(group)
        if faulty := next((row.line for row in rows if row.faults), None):
            for row in rows:
                row_faults = json.loads(row.faults) if row.faults else [_rejected_with(faulty)]
                rejections.add(row.line, row_faults)
            continue
        lines[rows[0].line] = [row.line for row in rows]
        yield (
            rows[0].line,
            {
                "exam": exam.code,
                "candidate": candidate,
                "attempt": attempt,
                "answers": [{"question": row.question, "text": row.text} for row in rows],
            },
        )


def _sorted_rows() -> Iterator[StagedRow]:
    with connection.chunked_cursor() as cursor:
        cursor.execute(SORTED_ROWS)
        while rows := cursor.fetchmany(CHUNK):
            yield from map(StagedRow._make, rows)


def _rejected_with(line: int) -> Fault:
    return fault("", _("line %d of the same candidate and attempt was rejected") % line)


def _by_row(
    lines: Sequence[int], submission_faults: Sequence[Fault]
) -> Iterator[tuple[int, list[Fault]]]:
    """Each line of a rejected submission, with its faults.

    The submission's pointer /answers/1/question becomes /question of the second line. Faults of
    the submission as a whole go to its first line, and a line without any names the first with one.
    """
    by_line: dict[int, list[Fault]] = {}
    for submission_fault in submission_faults:
        index, pointer = _row_pointer(submission_fault["pointer"])
        by_line.setdefault(lines[index], []).append(fault(pointer, submission_fault["detail"]))
    for line in lines:
        yield line, by_line.get(line, [_rejected_with(min(by_line))])


def _row_pointer(pointer: str) -> tuple[int, str]:
    """The index of the row that a submission's pointer points into, and the pointer within it."""
    parts = pointer.split("/", 3)
    if parts[1:2] == ["answers"] and parts[2:]:
        return int(parts[2]), "".join(f"/{part}" for part in parts[3:])
    return 0, pointer


def release_stalled() -> int:
    """Let uploads whose worker went quiet wait again; return how many there were.

    After `Upload.MOST_TRIES` tries an upload fails instead.
    """
    return Upload.objects.release_stalled(timedelta(seconds=settings.SCORING_STALLED_SECONDS))
