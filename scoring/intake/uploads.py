"""Read uploaded files of answers into submissions, and files of marks into marks.

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

from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from time import monotonic
from typing import Any

from django.conf import settings
from django.core.files.base import File
from django.db import transaction
from django.utils import translation

from pmscoring.base.disk import require_room
from pmscoring.base.lifecycle import WrongState
from pmscoring.base.words import joined, kept
from pmscoring.base.words import words as _
from scoring import documents
from scoring.intake import mark_files, staging
from scoring.intake.answer_files import ANSWERS
from scoring.intake.mark_files import MARKS
from scoring.intake.rejections import Rejections
from scoring.intake.staging import StagedRow
from scoring.models import Exam, Upload, locks

MOST_NOTES = 50
"""Sheets and lines that were not read, of which an upload keeps the first."""
CHUNK, BEAT_SECONDS = staging.CHUNK, 2.0
"""Rows of a chunk, and seconds after which a smaller chunk is written: each is a heartbeat."""
FIRST_ROWS = 10
"""Rows that a preview shows."""
CONTENTS = {Upload.Kind.ANSWERS.value: ANSWERS, Upload.Kind.MARKS.value: MARKS}


@dataclass(frozen=True)
class Wanted:
    """What the sender wants: a preview first, what happens to conflicts, and what the file holds.

    `source` is who gave the marks of a file that does not name them itself.
    """

    is_preview: bool = False
    conflicts: str = Upload.Conflicts.REFUSE
    format: str = Upload.Format.TEXT
    kind: str = Upload.Kind.ANSWERS
    source: str = ""


@dataclass
class Reading:
    """What is found on the way: tables, the first rows, and what was not read, in words.

    Of `notes` the first MOST_NOTES are kept; `further` counts the others.
    """

    tables: list[dict[str, Any]] = field(default_factory=list)
    first: list[dict[str, Any]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    further: int = 0

    def note(self, text: str) -> None:
        """Keep the note, or count it."""
        if len(self.notes) < MOST_NOTES:
            self.notes.append(text)
        else:
            self.further += 1

    def kept_notes(self) -> list[Any]:
        """The notes as they are stored, the last one of which counts those that are not."""
        rest = [_("%d further notes") % self.further] if self.further else []
        return [kept(note) for note in [*self.notes, *rest]]


def receive(exam: Exam, name: str, file: "File[bytes]", wanted: Wanted | None = None) -> Upload:
    """Store the file, named `name` by its sender, for a worker to read.

    Raises BadDocument for a format that cannot be read, WrongState for a fixed exam, Invalid for a
    source that cannot be stored, and DiskFull.
    """
    wanted = wanted or Wanted()
    CONTENTS[wanted.kind].accepts(name)
    source = mark_files.source(wanted.source)
    # Only a quick answer for the sender: the exam may be fixed right after this, so the worker
    # checks it again.
    if exam.closed_message:
        raise WrongState(exam.closed_message)
    require_room(file.size)
    language = translation.get_language() or settings.LANGUAGE_CODE
    upload = Upload(
        exam=exam,
        name=name[-255:],
        size=file.size,
        language=language,
        is_preview=wanted.is_preview,
        conflicts=wanted.conflicts,
        format=wanted.format,
        kind=wanted.kind,
        source=source,
    )
    # The file comes before its row, so that no worker finds a row whose file is not complete.
    upload.file.save(name, file, save=False)
    try:
        upload.save()
    except BaseException:
        upload.file.delete(save=False)
        raise
    return upload


def take(upload: Upload, conflicts: str = Upload.Conflicts.REFUSE) -> None:
    """Have a previewed file read again and stored.

    Raises WrongState where it is no longer a preview, or the exam is fixed, which leaves it one.
    """
    if upload.exam.frozen:
        raise WrongState(upload.exam.state_message)
    # Two who press at once: the second UPDATE waits for the first, and then matches no row.
    rows = Upload.objects.filter(pk=upload.pk, status=Upload.Status.PREVIEW)
    changes = {"status": Upload.Status.WAITING, "is_preview": False, "conflicts": conflicts}
    if not rows.update(**changes, preview={}, seen=0, tries=0, rejected=0, rejections=[], notes=[]):
        raise WrongState(_("%s is no preview") % upload)
    upload.refresh_from_db()


@transaction.atomic
def discard(upload: Upload) -> None:
    """Delete a previewed file, of which nothing was taken; WrongState where it is no preview."""
    # If somebody takes it at this moment, one of the two waits for the other's lock.
    rows = Upload.objects.select_for_update().filter(pk=upload.pk, status=Upload.Status.PREVIEW)
    found = rows.first()
    if found is None:
        raise WrongState(_("%s is no preview") % upload)
    found.delete()


def read(upload: Upload, say: Callable[[int], None] = lambda rows_read: None) -> set[int]:
    """Read a waiting upload; return the keys of the questions that now have answers waiting.

    `say` is called after each chunk with the number of rows read so far, which is stored in the
    upload too. What was stored before stays as it is, except as `Upload.conflicts` says; of a
    preview nothing is stored. A file that cannot be read fails the upload. Raises WrongState where
    another worker has it.
    """
    upload.claim(seen=0)
    with upload.in_its_language():
        return _read(upload, say)


def _read(upload: Upload, say: Callable[[int], None]) -> set[int]:
    rejections = Rejections(upload.name)
    try:
        with staging.temporary_table():
            reading = _fill_table(upload, rejections, say)
            if upload.is_preview:
                _look(upload, rejections, reading)
                return set()
            with upload.all_or_none():
                return _store(upload, rejections, reading)
    except documents.BadDocument as error:
        upload.refuse_file(joined(": ", [upload.name, error.reason]))
        return set()


def _fill_table(upload: Upload, rejections: Rejections, say: Callable[[int], None]) -> Reading:
    """Stage the rows; rejects those that name no candidate."""
    reading = Reading()
    for chunk in _chunks(_staged(upload, reading)):
        # Each chunk is committed, so that others see the heartbeat and the progress.
        with transaction.atomic():
            staging.copy([row for row in chunk if row.candidate])
            upload.beat(seen=upload.seen + len(chunk))
        for row in chunk:
            if not row.candidate:
                rejections.add(row.number, row.where(), row.found())
        say(upload.seen)
    if not upload.seen:
        raise documents.BadDocument(joined("; ", [_("the file has no rows"), *reading.notes]))
    return reading


def _staged(upload: Upload, reading: Reading) -> Iterator[StagedRow]:
    contents = CONTENTS[upload.kind]
    for number, (place, row) in enumerate(contents.rows(upload), start=1):
        if isinstance(row, documents.Table):
            reading.tables.append(_table(place, row))
        elif isinstance(row, documents.Skipped):
            reading.note(joined(": ", [place.row(), row.reason]))
        else:
            staged = contents.checked(number, place, row)
            if len(reading.first) < FIRST_ROWS and not staged.faults:
                reading.first.append(contents.first(staged))
            yield staged


def _table(place: documents.Place, table: documents.Table) -> dict[str, Any]:
    return {"line": place.line, **({"sheet": place.sheet} if place.sheet else {}), **asdict(table)}


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


def _store(upload: Upload, rejections: Rejections, reading: Reading) -> set[int]:
    # The exam before the upload: the order of scoring/models/locks.py.
    locks.share_exam(upload.exam_id)
    # This heartbeat locks the upload's row until the end of the transaction, however long that is.
    # The sweep passes over it, and a deletion of the exam's answers waits. If either came first,
    # it raises WrongState here, before anything is stored.
    upload.beat()
    taken = CONTENTS[upload.kind].store(upload, rejections)
    outcome = _outcome(rejections, reading)
    upload.finish(batch=taken.batch, accepted=taken.accepted, **outcome)
    return taken.questions


def _outcome(rejections: Rejections, reading: Reading) -> dict[str, Any]:
    return {
        "rejected": rejections.rows,
        "rejections": rejections.in_order(),
        "notes": reading.kept_notes(),
    }


def _look(upload: Upload, rejections: Rejections, reading: Reading) -> None:
    """Write what would be taken, refused and in conflict."""
    conflicts = Rejections(upload.name)
    preview = {
        **CONTENTS[upload.kind].look(upload, rejections, conflicts),
        "tables": reading.tables,
        "first": reading.first,
        "rows": upload.seen,
        "conflicts": conflicts.rows,
        "conflicting": conflicts.in_order(),
    }
    upload.show(preview=preview, **_outcome(rejections, reading))


def release_stalled() -> int:
    """Let uploads whose worker went quiet wait again; return how many there were.

    After `Upload.MOST_TRIES` tries an upload fails instead.
    """
    return Upload.objects.release_stalled(timedelta(seconds=settings.SCORING_STALLED_SECONDS))
