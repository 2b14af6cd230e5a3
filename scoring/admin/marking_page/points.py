"""What is typed into the form of points, and the rows that the form offers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

from django.utils.translation import gettext as _

from pmscoring.base.faults import Invalid, fault
from scoring.models import Mark, Question
from scoring.models.exams import number

MOST_CHOICES = 13
"""More steps than that are typed as a number."""
WHOLE = "points"


@dataclass(frozen=True)
class Choice:
    """A number of points, as a button; `by` are the names of those who gave it."""

    points: float | int
    chosen: bool
    by: tuple[str, ...] = ()


@dataclass(frozen=True)
class Row:
    """A criterion as the form shows it; a question without criteria is one row, `points`."""

    name: str
    code: str
    label: str
    most: float | int
    step: float | int
    style: int = 0
    references: Sequence[str] = ()
    keywords: Sequence[str] = ()
    value: str = ""
    machine: float | int | None = None
    others: Mapping[str, float | int | None] = field(default_factory=dict)

    @property
    def choices(self) -> list[Choice]:
        """Every number of points, where they are few enough for buttons."""
        steps = int(Decimal(str(self.most)) / Decimal(str(self.step)))
        if steps + 1 > MOST_CHOICES:
            return []
        values = [number(Decimal(str(self.step)) * n) for n in range(steps + 1)]
        return [
            Choice(
                points,
                self.value == str(points),
                tuple(name for name, given in self.others.items() if given == points),
            )
            for points in values
        ]

    @property
    def differs(self) -> bool:
        """Whether the others did not all give the same."""
        return len(set(self.others.values())) > 1


def rows(
    question: Question,
    values: Mapping[str, str] | None = None,
    machine: Mark | None = None,
    others: Mapping[str, Mark] | None = None,
) -> list[Row]:
    """The form's rows, with what is already typed, what the machine and what the others gave."""
    values, others = values or {}, others or {}
    criteria = list(question.criteria.all())
    if not criteria:
        given = {name: number(mark.points) for name, mark in others.items()}
        return [
            Row(
                WHOLE,
                "",
                _("points"),
                number(question.max_points),
                number(question.step),
                value=values.get(WHOLE, ""),
                machine=number(machine.points) if machine else None,
                others=given,
            )
        ]
    return [
        Row(
            name := f"criterion-{one.code}",
            one.code,
            one.label,
            number(one.points),
            number(question.step),
            index % 8,
            one.references,
            one.keywords,
            values.get(name, ""),
            points_of(machine, one.code),
            {who: points_of(mark, one.code) for who, mark in others.items()},
        )
        for index, one in enumerate(criteria)
    ]


def points_of(mark: Any, code: str) -> float | int | None:
    """What a mark gives the criterion, where it says."""
    found = (one["points"] for one in mark.criteria if one["code"] == code) if mark else ()
    return next((number(points) for points in found), None)


def values_of(mark: Any) -> dict[str, str]:
    """What was typed for this mark, to be typed again."""
    found = {f"criterion-{one['code']}": str(number(one["points"])) for one in mark.criteria}
    return {WHOLE: str(number(mark.points)), **found, "comment": getattr(mark, "comment", "")}


def told(question: Question, typed: Mapping[str, str]) -> dict[str, Any]:
    """`{points | criteria, comment}` as the verbs take it; Invalid where a row does not fit."""
    found = {row.code: _number(row, typed.get(row.name, "").strip()) for row in rows(question)}
    comment = typed.get("comment", "").strip()
    if "" in found:
        return {"points": found[""], "comment": comment}
    return {"criteria": found, "comment": comment}


def _number(row: Row, typed: str) -> float | int:
    name = f"{row.code} {row.label}".strip()
    if not typed:
        raise _wrong(row, _("%(name)s has no points yet.") % {"name": name})
    try:
        value = Decimal(typed)
        fits = 0 <= value <= Decimal(str(row.most)) and value % Decimal(str(row.step)) == 0
    except InvalidOperation:
        fits = False
    if not fits:
        words = {"name": name, "most": row.most, "step": row.step}
        raise _wrong(row, _("%(name)s: from 0 to %(most)s in steps of %(step)s.") % words)
    return number(value)


def _wrong(row: Row, text: str) -> Invalid:
    return Invalid([fault(f"/criteria/{row.code}" if row.code else "/points", text)])
