"""Three states of a form's rows: as a person was shown them, as that person sent them, as they are.

Pure: what nobody else has changed is taken as sent, what the person left alone as it is now, and of
what both changed the sent value is kept, and told.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

Values = dict[str, list[str]]
"""The values of a row by field, as a browser sends them."""
FORM = ""
"""The set of the one row that is the form's own."""


@dataclass(frozen=True)
class Rows:
    """Rows by set and key; `new` are those that have no key yet."""

    sets: dict[str, dict[str, Values]] = field(default_factory=dict)
    new: dict[str, list[Values]] = field(default_factory=dict)


@dataclass(frozen=True)
class Change:
    """What somebody else changed: a field of a row, or with `name` "" a whole row.

    `old` and `now` are None where the row was not there. `mine` is what was sent where that differs
    from both.
    """

    where: str
    key: str
    name: str
    old: list[str] | None
    now: list[str] | None
    mine: list[str] | None = None


def changes(shown: Rows, sent: Rows, now: Rows) -> list[Change]:
    """What others changed since the form was shown."""
    return [
        change
        for where in {**shown.sets, **now.sets}
        for change in _of_set(
            where, shown.sets.get(where, {}), sent.sets.get(where, {}), now.sets.get(where, {})
        )
    ]


def _of_set(
    where: str,
    shown: Mapping[str, Values],
    sent: Mapping[str, Values],
    now: Mapping[str, Values],
) -> Iterator[Change]:
    for key in {**shown, **now}:
        if key not in now:
            yield Change(where, key, "", [], None)
        elif key not in shown:
            yield Change(where, key, "", None, [])
        else:
            yield from _of_row(where, key, shown[key], sent.get(key, shown[key]), now[key])


def _of_row(where: str, key: str, shown: Values, sent: Values, now: Values) -> Iterator[Change]:
    for name in {**shown, **now}:
        old, new, mine = (row.get(name, []) for row in (shown, now, sent))
        if old != new:
            touched = mine not in (old, new)
            yield Change(where, key, name, old, new, mine if touched else None)


def merge(shown: Rows, sent: Rows, now: Rows) -> Rows:
    """What was typed, upon what others have saved since.

    A row that others removed is a new one where the person had changed it, and else is gone.
    """
    merged = Rows({}, {where: list(rows) for where, rows in sent.new.items()})
    for where in {**now.sets, **sent.sets}:
        before, typed = shown.sets.get(where, {}), sent.sets.get(where, {})
        present = now.sets.get(where, {})
        merged.sets[where] = {
            key: _merged(before.get(key, {}), typed[key], row) if key in typed else row
            for key, row in present.items()
        }
        for key, row in typed.items():
            if key not in present and row != before.get(key):
                merged.new.setdefault(where, []).append(row)
    return merged


def _merged(shown: Values, sent: Values, now: Values) -> Values:
    names = {**now, **sent}
    untouched = {name for name in names if sent.get(name, []) == shown.get(name, [])}
    row = {name: (now if name in untouched else sent).get(name, []) for name in names}
    return {name: values for name, values in row.items() if values}
