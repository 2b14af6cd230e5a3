"""Samples as documents of rows and files, and back again, without loss. Pure.

Fields that are not known are left out, and a reading without trouble is its number alone: there are
thousands of rows a day. A field that a later version has written is passed over: after a rollback
its rows are still there.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import fields
from datetime import datetime
from typing import Any, Protocol

from opsconsole.scaling.shapes import Reading, Room, Sample, Seen

Document = dict[str, Any]
UNREADABLE = (ValueError, KeyError, TypeError, AttributeError)
"""Of what is not as `content_of` and `line_of` write it."""


class Row(Protocol):
    """What is read of a ScalingSample."""

    service: str
    at: datetime
    content: Any


def content_of(sample: Sample) -> Document:
    """The sample's content; its time and its service are columns of the row."""
    parts = {
        "replicas": [_replica(seen) for seen in sample.replicas],
        "readings": {key: _reading(reading) for key, reading in sample.readings.items()},
        "room": _known(vars(sample.room)),
        "totals": {key: list(numbers) for key, numbers in sample.totals.items()},
    }
    return {"wanted": sample.wanted, **_known(parts)}


def sample_of(row: Row) -> Sample:
    """The sample that a row was written from; not for the rows of whole hours.

    Raises UNREADABLE where it is none.
    """
    return _sample(row.service, row.at, row.content)


def samples_of(rows: Iterable[Row]) -> Iterator[Sample]:
    """The samples of those rows that can be read."""
    for row in rows:
        with suppress(*UNREADABLE):
            yield sample_of(row)


def line_of(environment: str, sample: Sample) -> Document:
    """The sample as an object of a file, with the code of its environment."""
    return {
        "environment": environment,
        "service": sample.service,
        "at": sample.at.isoformat(),
        "content": content_of(sample),
    }


def sample_in(line: Document) -> tuple[str, Sample]:
    """The code of the environment, and the sample, of an object that `line_of` has made.

    Raises UNREADABLE where it is none.
    """
    at = datetime.fromisoformat(line["at"])
    if at.utcoffset() is None:
        raise ValueError(f"{line['at']} has no offset from UTC")
    return line["environment"], _sample(line["service"], at, line["content"])


def _sample(service: str, at: datetime, content: Document) -> Sample:
    return Sample(
        at=at,
        service=service,
        wanted=content["wanted"],
        replicas=tuple(_seen(one) for one in content.get("replicas", ())),
        readings={key: _read(one) for key, one in content.get("readings", {}).items()},
        room=Room(**_fields(Room, content.get("room", {}))),
        totals=totals_of(content),
    )


def totals_of(content: Mapping[str, Any]) -> dict[str, Sequence[float]]:
    """The running totals in a content."""
    return {key: tuple(map(float, numbers)) for key, numbers in content.get("totals", {}).items()}


def _known(values: Mapping[str, Any]) -> Document:
    return {name: value for name, value in values.items() if value not in (None, "", [], {})}


def _replica(seen: Seen) -> Document:
    known = {name: value for name, value in vars(seen).items() if value is not None}
    return {**known, "name": seen.name}


def _seen(document: Document) -> Seen:
    return Seen(**_fields(Seen, document | _floats(document, "age", "cpu", "throttled")))


def _reading(reading: Reading) -> float | Document:
    if reading.value is not None and not reading.trouble:
        return reading.value
    return _known(vars(reading))


def _read(recorded: float | Document) -> Reading:
    if not isinstance(recorded, dict):
        return Reading(float(recorded))
    return Reading(**_fields(Reading, recorded | _floats(recorded, "value")))


def _fields(shape: type[Seen | Room | Reading], document: Document) -> Document:
    """Of the document, what the shape has."""
    known = {field.name for field in fields(shape)}
    return {name: value for name, value in document.items() if name in known}


def _floats(document: Document, *names: str) -> Document:
    """PostgreSQL writes a large float as a whole number."""
    return {name: float(document[name]) for name in names if name in document}
