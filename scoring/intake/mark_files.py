"""Files of marks: ground truth that exists already, given outside by named sources.

A source is the name of who gave a mark: the file's column `marker`, or what the sender of the file
says. It is no account and cannot sign in. Marks by two sources are double scoring.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pmscoring.base import texts
from pmscoring.base.faults import Fault, Invalid, fault
from pmscoring.base.words import worded
from pmscoring.base.words import words as _
from scoring import documents
from scoring.contract.faults import faults
from scoring.intake import mark_storing, staging
from scoring.intake.contents import Contents, beginning, question_names
from scoring.models import Criterion, Mark, Upload

LONGEST_SOURCE = 100


def source(name: str) -> str:
    """The name of a source in the form in which it is stored. Raises Invalid."""
    if reason := _refused_source(name):
        raise Invalid([fault("/source", reason)])
    return texts.folded(name)


def rows(upload: Upload) -> Iterator[documents.PlacedRow]:
    """The rows of the file, each with its source. Raises BadDocument."""
    names, criteria = question_names(upload.exam), _criterion_names(upload)
    path = Path(upload.file.path)
    for place, row in documents.mark_rows(upload.name, path, names, criteria):
        if isinstance(row, documents.Table) and not (upload.source or _names_markers(row)):
            raise documents.BadDocument(
                _("column %(name)s (%(example)s) is missing, or name the source with the file")
                % {"name": "marker", "example": "採点者"}
            )
        yield place, {"marker": upload.source, **row} if isinstance(row, dict) else row


def _names_markers(table: documents.Table) -> bool:
    return "marker" in {meaning for _heading, meaning in table.columns}


def _criterion_names(upload: Upload) -> set[str]:
    criteria = Criterion.objects.filter(question__exam=upload.exam).values_list("code", "label")
    return {texts.folded(name) for names in criteria for name in names if name}


def checked(
    number: int, place: documents.Place, row: documents.Row | documents.Unreadable
) -> staging.StagedRow:
    """The row as it is staged: its `text` is the mark as JSON."""
    if isinstance(row, documents.Unreadable):
        return staging.unreadable(number, place, row)
    row = staging.with_folded_code(row)
    if row_faults := faults("mark", row) or _refused(row):
        return staging.faulty(number, place, row, row_faults)
    names = ("points", "criteria", "comment")
    mark = {name: row[name] for name in names if name in row}
    mark |= {"source": row.get("source", Mark.Source.HUMAN), "origin": texts.folded(row["marker"])}
    candidate, attempt = texts.identifier(row["candidate"]), int(row.get("attempt", 1))
    where, text = json.dumps(asdict(place)), json.dumps(mark)
    return staging.StagedRow(number, where, candidate, attempt, False, row["question"], text, "")


def _refused(row: documents.Row) -> list[Fault]:
    reasons = {
        "candidate": _worded(texts.refused_identifier(row["candidate"])),
        "marker": _refused_source(row["marker"]) or _missing_source(row["marker"]),
        "comment": _worded(texts.refused_character(row.get("comment", ""))),
    }
    return [fault(f"/{name}", reason) for name, reason in reasons.items() if reason]


def _refused_source(name: str) -> str | None:
    if len(name) > LONGEST_SOURCE or len(texts.folded(name)) > LONGEST_SOURCE:
        return _("a name of at most %d characters is expected") % LONGEST_SOURCE
    return _worded(texts.refused_character(name))


def _worded(refusal: texts.Refusal | None) -> str | None:
    return worded(refusal) if refusal else None


def _missing_source(name: str) -> str | None:
    return None if texts.folded(name) else _("who gave the mark is missing")


def first(row: staging.StagedRow) -> dict[str, Any]:
    """A row as the preview shows it, with its points, their source and the comment's beginning."""
    mark = json.loads(row.text)
    return {
        **beginning(row, mark.get("comment", "")),
        "points": mark.get("points"),
        "criteria": mark.get("criteria", {}),
        "source": mark["origin"],
    }


MARKS = Contents(
    documents.refuse_archive, rows, checked, first, mark_storing.store, mark_storing.look
)
