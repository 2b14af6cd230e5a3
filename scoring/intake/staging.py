"""The rows of an uploaded file while it is read: checked, and sorted by candidate in PostgreSQL."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict
from typing import NamedTuple

from django.db import DatabaseError, connection

from pmscoring.base import texts
from pmscoring.base.faults import Fault, fault
from pmscoring.base.words import kept, spoken, worded
from pmscoring.base.words import words as _
from scoring import documents
from scoring.contract.faults import faults

CHUNK = 500
CREATE_TABLE = (
    "CREATE TEMPORARY TABLE upload_row (number int, place text, candidate text, attempt int,"
    " absent boolean, question text, text text, faults text, written text)"
)
SORTED_ROWS = (
    "SELECT number, place, candidate, attempt, absent, question, text, faults, written"
    " FROM upload_row"
    " ORDER BY min(number) OVER (PARTITION BY candidate, attempt), number"
)


class StagedRow(NamedTuple):
    """A row of the temporary table; `faults` is a JSON list, or empty for a valid row.

    `number` counts the rows of the file, and `place` is a documents.Place as JSON. `candidate` is
    empty where the file does not say whose the row is, `question` where the row has no answer.
    `written` is the candidate as the file has it, of which `candidate` is the one form.
    """

    number: int
    place: str
    candidate: str
    attempt: int
    absent: bool
    question: str
    text: str
    faults: str
    written: str = ""

    def where(self) -> documents.Place:
        """The place, out of its JSON."""
        return place(self.place)

    def found(self) -> list[Fault]:
        """The faults, in the active language."""
        each = json.loads(self.faults) if self.faults else []
        return [fault(one["pointer"], spoken(one["detail"])) for one in each]


def _kept(row_faults: Sequence[Fault]) -> str:
    """The faults as JSON that keeps their words."""
    return json.dumps([{**each, "detail": kept(each["detail"])} for each in row_faults])


def place(text: str) -> documents.Place:
    """The place that was staged as JSON."""
    return documents.Place(**json.loads(text))


@contextmanager
def temporary_table() -> Iterator[None]:
    """The table in which rows are staged, which only this connection sees."""
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


def copy(rows: Sequence[StagedRow]) -> None:
    """Add rows to the temporary table."""
    with connection.cursor() as cursor, cursor.copy("COPY upload_row FROM STDIN") as stream:
        for row in rows:
            stream.write_row(row)


def sorted_rows() -> Iterator[StagedRow]:
    """All rows; those of one candidate and attempt stand together, at the first one's place."""
    with connection.chunked_cursor() as cursor:
        cursor.execute(SORTED_ROWS)
        while rows := cursor.fetchmany(CHUNK):
            yield from map(StagedRow._make, rows)


def checked(
    number: int, place: documents.Place, row: documents.Row | documents.Unreadable
) -> StagedRow:
    """The row as it is staged, with its faults by the contract."""
    if isinstance(row, documents.Unreadable):
        return unreadable(number, place, row)
    row = with_folded_code(row)
    if row_faults := faults("row", row) or _refused_characters(row) or _absent_fault(row):
        return faulty(number, place, row, row_faults)
    absent = row.get("absent", False)
    question, text = ("", "") if absent else (row.get("question", ""), row.get("text", ""))
    attempt = int(row.get("attempt", 1))
    candidate = texts.identifier(row["candidate"])
    where, written = json.dumps(asdict(place)), row["candidate"]
    return StagedRow(number, where, candidate, attempt, absent, question, text, "", written)


def unreadable(number: int, place: documents.Place, row: documents.Unreadable) -> StagedRow:
    """A row that cannot be read, as it is staged."""
    owner = {"candidate": row.candidate, "attempt": row.attempt}
    return faulty(number, place, owner, [fault(row.pointer, row.reason)])


def faulty(
    number: int, place: documents.Place, row: documents.Row, row_faults: Sequence[Fault]
) -> StagedRow:
    """A row with faults, as it is staged."""
    where = json.dumps(asdict(place))
    return StagedRow(number, where, *_owner(row), False, "", "", _kept(row_faults))


def with_folded_code(row: documents.Row) -> documents.Row:
    """The row with its question's code in the form in which codes are stored."""
    code = row.get("question")
    if not isinstance(code, str) or len(code) > texts.LONGEST_ID:
        return row
    return {**row, "question": texts.identifier(code)}


def _absent_fault(row: documents.Row) -> list[Fault]:
    is_answered = row.get("absent") and row.get("text", "").strip()
    return [fault("/absent", _("an absent candidate has no answers"))] if is_answered else []


def _refused_characters(row: documents.Row) -> list[Fault]:
    reasons = {
        "candidate": texts.refused_identifier(row["candidate"]),
        "text": texts.refused_character(row.get("text", "")),
    }
    return [fault(f"/{name}", worded(reason)) for name, reason in reasons.items() if reason]


def _owner(row: documents.Row) -> tuple[str, int]:
    """Candidate and attempt of a row with faults; ("", 1) where these are at fault themselves."""
    candidate, attempt = row.get("candidate"), row.get("attempt", 1)
    owner = {"candidate": candidate, "attempt": attempt, "question": "Q", "text": ""}
    if faults("row", owner) or texts.refused_identifier(str(candidate)):
        return "", 1
    return texts.identifier(str(candidate)), int(attempt)
