"""The chain of events as a file: NDJSON that is verified without a database.

The first line says whose events they are, how many, and the hash of the last one, so that lines
missing at the end are found too. Each other line is a link, written canonically.
"""

import json
from collections.abc import Iterable, Iterator
from typing import Any, TypedDict

from django.utils.timezone import now

from opsconsole.models.chain import Chain, Link, canonical, moment
from opsconsole.models.events import Event
from opsconsole.models.installation import Installation

FORMAT = 1
MEDIA_TYPE = "application/x-ndjson"


class NotAnExport(Exception):
    """The file does not begin as an export of events does."""


class Verdict(TypedDict):
    """Whether a chain is whole; `broken_at` is the number of the first event that is not."""

    events: int
    intact: bool
    broken_at: int | None


def verdict(events: int, broken_at: int | None) -> Verdict:
    """The verdict on a chain of so many events."""
    return {"events": events, "intact": broken_at is None, "broken_at": broken_at}


def exported() -> Iterator[bytes]:
    """The lines of the file, which end with a line feed; what is recorded meanwhile is left out."""
    installation = Installation.objects.here()
    head = {
        "format": FORMAT,
        "installation": str(installation.uid),
        "exported_at": moment(now()),
        "events": installation.events,
        "head": installation.head,
    }
    yield canonical(head) + b"\n"
    for link in Event.objects.filter(number__lte=installation.events).links():
        yield canonical(link) + b"\n"


def verified(lines: Iterable[bytes]) -> Verdict:
    """The verdict on a file's lines; raises NotAnExport."""
    numbered = iter(lines)
    head = _head(next(numbered, b""))
    chain = Chain()
    for line in numbered:
        link = _object(line)
        # A line that says the same in other words was changed, and JSON may name a key twice.
        if canonical(link) != line.rstrip(b"\n") or not chain.follow(link):
            return verdict(head["events"], chain.number + 1)
    if (chain.number, chain.head) != (head["events"], head["head"]):
        return verdict(head["events"], min(chain.number, head["events"]) + 1)
    return verdict(chain.number, None)


def _head(line: bytes) -> Link:
    head = _object(line)
    if head.get("format") != FORMAT or type(head.get("events")) is not int or "head" not in head:
        raise NotAnExport("the file does not begin as an export of events, format 1")
    return head


def _object(line: bytes) -> dict[str, Any]:
    """The line's JSON object; an empty one, which is no link, for anything else."""
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
