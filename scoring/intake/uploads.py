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
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from time import monotonic
from typing import Any

from django.conf import settings
from django.core.files.base import File
from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext as _

from pmscoring.base import texts
from pmscoring.base.faults import Fault, fault
from pmscoring.base.lifecycle import WrongState
from scoring import documents
from scoring.intake import staging, submissions
from scoring.intake.staging import StagedRow
from scoring.models import Batch, Exam, Upload, locks

MOST_REJECTIONS = 1000
"""Faults that are kept of one upload."""
MOST_NOTES = 50
"""Sheets and lines that were not read, of which an upload keeps the first."""
CHUNK, BEAT_SECONDS = staging.CHUNK, 2.0
"""Rows of a chunk, and seconds after which a smaller chunk is written: each is a heartbeat."""
Places = dict[int, list[tuple[int, str]]]
"""By the number of a submission's first row: the number and place of each of its rows."""


@dataclass
class Rejections:
    """The number of rejected rows of the file `name`, and the first MOST_REJECTIONS faults.

    Each fault is kept with the number of its row.
    """

    name: str
    rows: int = 0
    faults: list[tuple[int, dict[str, Any]]] = field(default_factory=list)

    def add(self, number: int, place: documents.Place, row_faults: Sequence[Fault]) -> None:
        """Reject one row, which may have several faults."""
        self.rows += 1
        room = max(MOST_REJECTIONS - len(self.faults), 0)
        self.faults += [(number, self._fault(place, each)) for each in row_faults[:room]]

    def _fault(self, place: documents.Place, row_fault: Fault) -> dict[str, Any]:
        words = {
            "file": self.name,
            "place": place.cell(row_fault["pointer"]),
            "reason": row_fault["detail"],
        }
        where = {"line": place.line, "sheet": place.sheet, "file": place.file}
        return {
            **{name: value for name, value in where.items() if value},
            "pointer": row_fault["pointer"],
            "detail": _("%(file)s, %(place)s: %(reason)s") % words,
        }

    def in_order(self) -> list[dict[str, Any]]:
        """The faults in the order of the rows in the file."""
        return [row_fault for _number, row_fault in sorted(self.faults, key=itemgetter(0))]


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
    rejections = Rejections(upload.name)
    try:
        with staging.temporary_table():
            notes = _fill_table(upload, rejections, say)
            return _store(upload, rejections, notes)
    except documents.BadDocument as error:
        upload.fail(f"{upload.name}: {error}")
        return set()


def _fill_table(upload: Upload, rejections: Rejections, say: Callable[[int], None]) -> list[str]:
    """Stage the rows; return what was not read and is no row, in words."""
    notes: list[str] = []
    rows = documents.rows(upload.name, Path(upload.file.path), question_names(upload.exam))
    for chunk in _chunks(_staged(rows, notes)):
        # Each chunk is committed, so that others see the heartbeat and the progress.
        with transaction.atomic():
            staging.copy([row for row in chunk if row.candidate])
            upload.beat(seen=upload.seen + len(chunk))
        for row in chunk:
            if not row.candidate:
                rejections.add(row.number, row.where(), json.loads(row.faults))
        say(upload.seen)
    if not upload.seen:
        raise documents.BadDocument("; ".join([_("the file has no rows"), *notes]))
    return notes


def question_names(exam: Exam) -> documents.Questions:
    """The codes of the exam's questions by folded code, and by folded label where it is unique."""
    questions = list(exam.questions.values_list("code", "label"))
    labels = Counter(texts.folded(label) for _code, label in questions)
    by_label = {texts.folded(label): code for code, label in questions if label}
    unique = {label: code for label, code in by_label.items() if labels[label] == 1}
    return unique | {code: code for code, _label in questions}


def _staged(rows: Iterator[documents.PlacedRow], notes: list[str]) -> Iterator[staging.StagedRow]:
    for number, (place, row) in enumerate(rows, start=1):
        if not isinstance(row, documents.Skipped):
            yield staging.checked(number, place, row)
        elif len(notes) < MOST_NOTES:
            notes.append(f"{place.row()}: {row.reason}")


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


def _store(upload: Upload, rejections: Rejections, notes: list[str]) -> set[int]:
    with upload.all_or_none():
        return _store_submissions(upload, rejections, notes)


def _store_submissions(upload: Upload, rejections: Rejections, notes: list[str]) -> set[int]:
    # The exam before the upload: the order of scoring/models/locks.py.
    locks.share_exam(upload.exam_id)
    # This heartbeat locks the upload's row until the end of the transaction, however long that is.
    # The sweep passes over it, and a deletion of the exam's answers waits. If either came first,
    # it raises WrongState here, before anything is stored.
    upload.beat()
    places: Places = {}
    outcome = submissions.accept_all(_submissions(upload.exam, rejections, places))
    for number, group in groupby(outcome.rejected, key=itemgetter("line")):
        for row_number, place, row_faults in _by_row(places.pop(number), list(group)):
            rejections.add(row_number, place, row_faults)
    # `accept_all` learns the exam from the records, of which there may be none.
    Batch.objects.filter(pk=outcome.batch.pk).update(exam=upload.exam)
    upload.finish(
        batch=outcome.batch,
        accepted=sum(map(len, places.values())),
        rejected=rejections.rows,
        rejections=rejections.in_order(),
        notes=notes,
    )
    return outcome.questions


def _submissions(
    exam: Exam, rejections: Rejections, places: Places
) -> Iterator[tuple[int, dict[str, Any]]]:
    """(number of the first row, record) of each candidate and attempt without a faulty row.

    The rows of each such submission are added to `places` under the first one's number; all rows of
    the other submissions are added to `rejections`.
    """
    for (candidate, attempt), group in groupby(staging.sorted_rows(), key=itemgetter(2, 3)):
        rows = list(group)
        row_faults = _group_faults(rows)
        if row_faults:
            culprit = next(row for row in rows if row.number in row_faults)
            neighbour = [_rejected_with(culprit.where())]
            for row in rows:
                found = row_faults.get(row.number, neighbour)
                rejections.add(row.number, row.where(), found)
            continue
        answers = [row for row in rows if row.question]
        others = [row for row in rows if not row.question]
        places[rows[0].number] = [(row.number, row.place) for row in [*answers, *others]]
        yield (
            rows[0].number,
            {
                "exam": exam.code,
                "candidate": candidate,
                "attempt": attempt,
                "absent": rows[0].absent,
                "answers": [{"question": row.question, "text": row.text} for row in answers],
            },
        )


def _group_faults(rows: Sequence[StagedRow]) -> dict[int, list[Fault]]:
    """The faults of one submission's rows by their number."""
    faulty = {row.number: json.loads(row.faults) for row in rows if row.faults}
    present = next((row for row in rows if not row.absent and not row.faults), None)
    if present is None:
        return faulty
    reason = _("absent here, but not everywhere: %s") % present.where().row()
    absent = {row.number: [fault("/absent", reason)] for row in rows if row.absent}
    return absent | faulty


def _rejected_with(place: documents.Place) -> Fault:
    return fault("", _("%s of the same candidate and attempt was rejected") % place.row())


def _by_row(
    rows: Sequence[tuple[int, str]], submission_faults: Sequence[Fault]
) -> Iterator[tuple[int, documents.Place, list[Fault]]]:
    """Each row of a rejected submission, with its number and its faults.

    The submission's pointer /answers/1/question becomes /question of the second row. Faults of the
    submission as a whole go to its first row, and a row without any names the first with one.
    """
    by_index: dict[int, list[Fault]] = {}
    for submission_fault in submission_faults:
        index, pointer = _row_pointer(submission_fault["pointer"])
        by_index.setdefault(index, []).append(fault(pointer, submission_fault["detail"]))
    places = [staging.place(text) for _number, text in rows]
    neighbour = [_rejected_with(places[min(by_index)])]
    for index, (number, _text) in enumerate(rows):
        yield number, places[index], by_index.get(index, neighbour)


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
