"""A change form and its inlines as rows that can be compared: as shown, as sent, as posted anew."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.text import capfirst
from django.utils.timezone import now
from django.utils.translation import gettext as _

from pmscoring.base.admin.merging import FORM, Change, Rows, Values
from pmscoring.base.admin.sent import lines, untouched

NOTHING = "–"
MOST_ROWS = 1000
"""As Django allows in a set of forms."""


@dataclass(frozen=True)
class Parts:
    """An unbound form and its sets of rows, as a page shows them."""

    form: Any
    formsets: list[Any]

    def rows(self) -> Rows:
        """What is sent if nobody touches the page."""
        sets = {FORM: {"": untouched(self.form)}}
        for formset in self.formsets:
            sets[formset.prefix] = {
                str(form.instance.pk): _below(f"{form.prefix}-", untouched(form), _pk(formset))
                for form in formset.initial_forms
            }
        return Rows(sets)

    def sent(self, post: QueryDict) -> Rows:
        """What was sent."""
        prefixes = tuple(f"{formset.prefix}-" for formset in self.formsets)
        names = [name for name in post if not name.startswith(("_", "csrf", *prefixes))]
        rows = Rows({FORM: {"": {name: lines(post.getlist(name)) for name in names}}})
        for formset in self.formsets:
            rows.sets[formset.prefix], rows.new[formset.prefix] = _sent_rows(post, formset)
        return rows

    def posted(self, post: QueryDict, rows: Rows) -> QueryDict:
        """What was sent with these rows in place of its own."""
        prefixes = tuple(f"{formset.prefix}-" for formset in self.formsets)
        result = post.copy()
        for name in [name for name in post if not name.startswith(("_", "csrf"))]:
            if not name.startswith(prefixes) or _is_row(name, prefixes):
                del result[name]
        for name, values in rows.sets[FORM][""].items():
            result.setlist(name, values)
        for formset in self.formsets:
            _write_rows(result, formset, rows)
        return result

    def described(self, change: Change) -> dict[str, str]:
        """`{row, field, old, now, mine}` of a change, in words."""
        form = self._form_of(change)
        return {**in_words(form, change), "row": self._row_name(change, form)}

    def _form_of(self, change: Change) -> Any:
        if change.where == FORM:
            return self.form
        rows = (form for each in self.formsets if each.prefix == change.where for form in each)
        return next((form for form in rows if str(form.instance.pk) == change.key), None)

    def _row_name(self, change: Change, form: Any) -> str:
        if change.where == FORM:
            return ""
        (formset,) = (each for each in self.formsets if each.prefix == change.where)
        name = str(form.instance) if form is not None else f"#{change.key}"
        return f"{capfirst(formset.model._meta.verbose_name)} {name}"


def in_words(form: Any, change: Change) -> dict[str, str]:
    """`{row, field, old, now, mine}` of a change of the form's own; `row` is empty."""
    bound = _field(form, change.name) if form is not None else None
    sides = {
        side: _words(bound, getattr(change, side), change.name) for side in ("old", "now", "mine")
    }
    return {"row": "", "field": str(bound.label) if bound is not None else "", **sides}


def written(rows: Rows) -> str:
    """The rows with the time, as the page carries them."""
    return json.dumps({"at": now().isoformat(), "sets": rows.sets}, ensure_ascii=False)


def read(text: str) -> tuple[datetime, Rows] | None:
    """What `written` wrote, as a page sent it back; None where it is nothing of the kind."""
    try:
        page = json.loads(text)
        return datetime.fromisoformat(page["at"]), Rows(page["sets"])
    except (ValueError, KeyError, TypeError):
        return None


def _pk(formset: Any) -> str:
    return str(formset.model._meta.pk.name)


def _below(prefix: str, values: Values, pk: str) -> Values:
    """The values by the names of their fields, without the row's key."""
    row = {name.removeprefix(prefix): each for name, each in values.items()}
    return {name: each for name, each in row.items() if name != pk}


def _sent_rows(post: QueryDict, formset: Any) -> tuple[dict[str, Values], list[Values]]:
    kept: dict[str, Values] = {}
    new: list[Values] = []
    count = post.get(f"{formset.prefix}-TOTAL_FORMS", "")
    for index in range(min(int(count), MOST_ROWS) if count.isdecimal() else 0):
        prefix = f"{formset.prefix}-{index}-"
        row = {name: lines(post.getlist(name)) for name in post if name.startswith(prefix)}
        key = "".join(row.get(prefix + _pk(formset), []))
        values = _below(prefix, row, _pk(formset))
        if key:
            kept[key] = values
        elif values:
            new.append(values)
    return kept, new


def _is_row(name: str, prefixes: tuple[str, ...]) -> bool:
    """Whether the name is of a row of a set, and not one that counts its rows."""
    rest = next(name.removeprefix(prefix) for prefix in prefixes if name.startswith(prefix))
    return rest.partition("-")[0].isdecimal()


def _write_rows(post: QueryDict, formset: Any, rows: Rows) -> None:
    if f"{formset.prefix}-TOTAL_FORMS" not in post:
        return
    kept = rows.sets.get(formset.prefix, {})
    keyed = [{**values, _pk(formset): [key]} for key, values in kept.items()]
    every = [*keyed, *rows.new.get(formset.prefix, [])]
    for index, row in enumerate(every):
        for name, values in row.items():
            post.setlist(f"{formset.prefix}-{index}-{name}", values)
    post[f"{formset.prefix}-TOTAL_FORMS"] = str(len(every))
    post[f"{formset.prefix}-INITIAL_FORMS"] = str(len(keyed))


def _field(form: Any, name: str) -> Any:
    """The field that a name belongs to: a time is sent as two names, `at_0` and `at_1`."""
    plain = name.rpartition("_")[0] if name[-1:].isdecimal() and name not in form.fields else name
    return form[plain] if plain in form.fields else None


def _words(bound: Any, values: list[str] | None, name: str) -> str:
    if values is None:
        return ""
    if not name:
        return _("there")
    choices = getattr(bound.field, "choices", None) if bound is not None else None
    labels = {str(key): str(label) for key, label in choices} if choices else {}
    if bound is not None and isinstance(bound.field, forms.BooleanField):
        return _("yes") if values else _("no")
    return ", ".join(labels.get(value, value) for value in values) or NOTHING
