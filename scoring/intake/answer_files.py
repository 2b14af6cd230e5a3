"""Files of answers: what is particular to them among uploads."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from scoring import documents
from scoring.intake import assembling, staging, submissions
from scoring.intake.assembling import Places
from scoring.intake.contents import Contents, Taken, beginning, question_names
from scoring.intake.rejections import Rejections
from scoring.models import Batch, Mark, Upload


def rows(upload: Upload) -> Iterator[documents.PlacedRow]:
    """The rows of the file. Raises BadDocument."""
    names, is_html = question_names(upload.exam), upload.format == Upload.Format.HTML
    return documents.rows(upload.name, Path(upload.file.path), names, is_html=is_html)


def first(row: staging.StagedRow) -> dict[str, Any]:
    """A row as the preview shows it, with the beginning of its text."""
    return beginning(row, row.text)


def store(upload: Upload, rejections: Rejections) -> Taken:
    """Store the submissions of the staged rows, as a batch."""
    places: Places = {}
    records = assembling.submissions(upload.exam, rejections, places)
    outcome = submissions.accept_all(records, upload.conflicts)
    accepted = assembling.sort_out(outcome, places, rejections, rejections)
    # `accept_all` learns the exam from the records, of which there may be none.
    Batch.objects.filter(pk=outcome.batch.pk).update(exam=upload.exam)
    return Taken(accepted, outcome.batch, outcome.questions)


def look(upload: Upload, rejections: Rejections, conflicts: Rejections) -> dict[str, int]:
    """Count what would be stored, with all conflicts as skipped."""
    places: Places = {}
    outcome = submissions.compare_all(assembling.submissions(upload.exam, rejections, places))
    return {
        "submissions": outcome.accepted,
        "added": outcome.added,
        "accepted": assembling.sort_out(outcome, places, rejections, conflicts),
        "marked": _marked_by_people(outcome.in_conflict),
    }


def _marked_by_people(answers: Iterable[int | None]) -> int:
    """How many of the answers with these keys people have marked."""
    marks = Mark.objects.filter(answer__in=[key for key in answers if key])
    return marks.by_people().standing().answer_count()


ANSWERS = Contents(documents.reader, rows, staging.checked, first, store, look)
