"""Why rows of a file were rejected, kept so that each reader gets the reasons in their language."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any

from pmscoring.base.faults import Fault
from pmscoring.base.words import kept, spoken
from pmscoring.base.words import words as _
from scoring import documents

MOST_REJECTIONS = 1000
"""Faults that are kept of one upload."""


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
        parts = {
            "file": self.name,
            "place": place.cell(row_fault["pointer"]),
            "reason": row_fault["detail"],
        }
        where = {"line": place.line, "sheet": place.sheet, "file": place.file}
        detail = _("%(file)s, %(place)s: %(reason)s") % parts
        return {
            **{name: value for name, value in where.items() if value},
            "pointer": row_fault["pointer"],
            "detail": detail,
            "words": kept(detail),
        }

    def in_order(self) -> list[dict[str, Any]]:
        """The faults in the order of the rows in the file."""
        return [row_fault for _number, row_fault in sorted(self.faults, key=itemgetter(0))]


def shown(rejections: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Kept rejections as `{line, pointer, detail}` and more, in the active language."""
    return [_shown(each) for each in rejections]


def _shown(rejection: dict[str, Any]) -> dict[str, Any]:
    rest = {name: value for name, value in rejection.items() if name != "words"}
    # Those of the version before have no words.
    return {**rest, "detail": spoken(rejection.get("words", rejection["detail"]))}
