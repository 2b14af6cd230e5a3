"""Samples in a file: one JSON document a line, the oldest first.

A line is a sample's content (recorded.content_of) with its `at` (ISO 8601 with an offset) and its
`service`. Other fields, such as the environment's code, are kept out of the sample; empty lines are
skipped. `autoscale --replay FILE` reads it.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from opsconsole.scaling.recorded import content_of, sample_of
from opsconsole.scaling.shapes import Sample

CONTENT = ("wanted", "replicas", "readings", "room", "totals")


class BadLine(Exception):
    """A line is no sample; the message names it."""


@dataclass
class _Row:
    service: str
    at: datetime
    content: dict[str, Any]


def line_of(sample: Sample) -> str:
    """The sample as a line, without its end."""
    document = {"at": sample.at.isoformat(), "service": sample.service, **content_of(sample)}
    return json.dumps(document, ensure_ascii=False)


def samples_of(lines: Iterable[str]) -> Iterator[Sample]:
    """The samples in the lines; raises BadLine."""
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                yield _sample(json.loads(line))
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                words = {"number": number, "error": f"{type(error).__name__}: {error}"[:200]}
                raise BadLine(_("Line %(number)d is no sample: %(error)s") % words) from error


def _sample(document: dict[str, Any]) -> Sample:
    at = datetime.fromisoformat(document["at"])
    if at.tzinfo is None:
        raise ValueError(_("its time has no offset"))
    content = {key: document[key] for key in CONTENT if key in document}
    return sample_of(_Row(document["service"], at, content))
