"""The form of points: its rows, the values in it, and the judgement that is read from it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

from django.utils.translation import gettext as _

from pmscoring.base.faults import Invalid, fault
from scoring.models import Mark, Question
from scoring.models.exams import number

MOST_CHOICES = 13
"""A criterion with more choices than this has a number field instead of buttons."""
WHOLE = "points"


@dataclass(frozen=True)
class Choice:
    """A number of points as a button; `by` are the letters of the markers who gave it."""

    points: float | int
    chosen: bool
    by: tuple[str, ...] = ()


@dataclass(frozen=True)
class Row:
    """A criterion in the form; a question without criteria has one row, named `points`."""

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
        """Every possible number of points, empty where they are too many for buttons."""
        steps = int(Decimal(str(self.most)) / Decimal(str(self.step)))
        if steps + 1 > MOST_CHOICES:
            return []
        values = [number(Decimal(str(self.step)) * n) for n in range(steps + 1)]
        return [
            Choice(
                points,
                self.value == str(points),
                tuple(letter for letter, other in self.others.items() if other == points),
            )
            for points in values
        ]

    @property
    def differs(self) -> bool:
        """Whether other markers gave different points."""
        return len(set(self.others.values())) > 1


def rows(
    question: Question,
    values: Mapping[str, str] | None = None,
    machine: Mark | None = None,
    others: Mapping[str, Mark] | None = None,
) -> list[Row]:
    """The form's rows, with the values in it and the points by the machine and other markers."""
    values, others = values or {}, others or {}
    criteria = list(question.criteria.all())
    if not criteria:
        return [_only_row(question, values, machine, others)]
    return [
        Row(
            name := f"criterion-{criterion.code}",
            criterion.code,
            criterion.label,
            number(criterion.points),
            number(question.step),
            index % 8,
            criterion.references,
            criterion.keywords,
            values.get(name, ""),
            points_of(machine, criterion.code),
            {letter: points_of(mark, criterion.code) for letter, mark in others.items()},
        )
        for index, criterion in enumerate(criteria)
    ]


def _only_row(
    question: Question,
    values: Mapping[str, str],
    machine: Mark | None,
    others: Mapping[str, Mark],
) -> Row:
    return Row(
        WHOLE,
        "",
        _("points"),
        number(question.max_points),
        number(question.step),
        value=values.get(WHOLE, ""),
        machine=number(machine.points) if machine else None,
        others={letter: number(mark.points) for letter, mark in others.items()},
    )


def points_of(mark: Any, code: str) -> float | int | None:
    """The points that a Mark or ReferenceMark gives the criterion, None where it gives none."""
    for criterion in mark.criteria if mark else ():
        if criterion["code"] == code:
            return number(criterion["points"])
    return None


def form_values(mark: Any) -> dict[str, str]:
    """The values of the form, by field, from which this Mark or ReferenceMark was made."""
    criteria = {f"criterion-{row['code']}": str(number(row["points"])) for row in mark.criteria}
    return {WHOLE: str(number(mark.points)), **criteria, "comment": getattr(mark, "comment", "")}


def is_same(question: Question, mark: Any, data: Mapping[str, str]) -> bool:
    """Whether the form holds just what this Mark or ReferenceMark says."""
    try:
        return read_form(question, data) == read_form(question, form_values(mark))
    except Invalid:  # The criteria have changed since the mark was given.
        return False


def typed(data: Mapping[str, str]) -> str:
    """What was typed into the form, in lines, for a marker who cannot send it any more."""
    names = [name for name in data if name == WHOLE or name.startswith("criterion-")]
    lines = [f"{name.removeprefix('criterion-')}: {data[name]}" for name in names if data[name]]
    return "\n".join(filter(None, [*lines, data.get("comment", "").strip()]))


def read_form(question: Question, data: Mapping[str, str]) -> dict[str, Any]:
    """The judgement `{points | criteria, comment}`, as `giving.read` takes it.

    Raises Invalid where a row is empty or its number does not fit.
    """
    by_code = {row.code: _number(row, data.get(row.name, "").strip()) for row in rows(question)}
    comment = data.get("comment", "").strip()
    if "" in by_code:
        return {"points": by_code[""], "comment": comment}
    return {"criteria": by_code, "comment": comment}


def _number(row: Row, text: str) -> float | int:
    name = f"{row.code} {row.label}".strip()
    if not text:
        raise _invalid(row, _("%(name)s has no points yet.") % {"name": name})
    try:
        value = Decimal(text)
        fits = 0 <= value <= Decimal(str(row.most)) and value % Decimal(str(row.step)) == 0
    except InvalidOperation:
        fits = False
    if not fits:
        bounds = {"name": name, "most": row.most, "step": row.step}
        raise _invalid(row, _("%(name)s: from 0 to %(most)s in steps of %(step)s.") % bounds)
    return number(value)


def _invalid(row: Row, detail: str) -> Invalid:
    return Invalid([fault(f"/criteria/{row.code}" if row.code else "/points", detail)])
