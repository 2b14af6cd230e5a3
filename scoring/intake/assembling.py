"""Submissions out of the rows of a file, and the rows again of what became of them.

All rows of one candidate and attempt are one submission: one faulty row holds the others back.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any

from pmscoring.base.faults import Fault, fault
from pmscoring.base.words import words as _
from scoring import documents
from scoring.intake import staging
from scoring.intake.entries import Outcome
from scoring.intake.rejections import Rejections
from scoring.intake.staging import StagedRow
from scoring.models import Exam

Places = dict[int, list[tuple[int, str]]]
"""By the number of a submission's first row: the number and place of each of its rows."""


def submissions(
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


def sort_out(outcome: Outcome, places: Places, rejections: Rejections, skipped: Rejections) -> int:
    """Add the rows that were not taken to the rejections; returns how many were."""
    for number, group in groupby(outcome.rejected, key=itemgetter("line")):
        for row_number, place, row_faults in _by_row(places.pop(number), list(group)):
            rejections.add(row_number, place, row_faults)
    for answer in outcome.skipped:
        index, pointer = _row_pointer(answer["pointer"])
        number, text = places[answer["line"]][index]
        skipped.add(number, staging.place(text), [fault(pointer, answer["detail"])])
    return sum(map(len, places.values())) - len(outcome.skipped)


def _group_faults(rows: Sequence[StagedRow]) -> dict[int, list[Fault]]:
    """The faults of one submission's rows by their number."""
    faulty = {row.number: row.found() for row in rows if row.faults} | _answered_twice(rows)
    present = next((row for row in rows if not row.absent and not row.faults), None)
    if present is None:
        return faulty
    reason = _("absent here, but not everywhere: %s") % present.where().row()
    absent = {row.number: [fault("/absent", reason)] for row in rows if row.absent}
    return absent | faulty


def _answered_twice(rows: Sequence[StagedRow]) -> dict[int, list[Fault]]:
    """The faults of rows that answer a question which another row has answered already."""
    first: dict[str, StagedRow] = {}
    found = {}
    for row in rows:
        earlier = first.setdefault(row.question, row)
        if row.question and earlier is not row:
            found[row.number] = [fault("/question", _twice(row, earlier))]
    return found


def _twice(row: StagedRow, earlier: StagedRow) -> str:
    words = {
        "question": row.question,
        "place": earlier.where().row(),
        "candidate": row.written,
        "earlier": earlier.written,
    }
    if row.written == earlier.written:
        return _("%(question)s is answered twice: %(place)s has this candidate's answer") % words
    return (
        _(
            "%(question)s is answered twice: %(place)s has the answer of %(earlier)s, which looks"
            " like %(candidate)s and so is the same candidate"
        )
        % words
    )


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
