"""A policy's form that others have overtaken: what they changed, upon which the typed one is put.

The lists of metrics and rates are taken as wholes: their rows have no keys by which to tell them.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.http import QueryDict
from django.utils.text import capfirst

from opsconsole.models import Event, ScalingPolicy
from pmscoring.base.admin import merging, parts
from pmscoring.base.admin.merging import FORM, Change, Rows
from pmscoring.base.admin.sent import lines, untouched

LISTS = {"metric": "metrics", "up": "up_rates", "down": "down_rates"}
"""The column of the policy that each set of rows fills, by its prefix."""
ROWS = "rows"
NOT_OF_THE_FORM = ("csrfmiddlewaretoken", "read", "previewed", "_save", "_preview")


@dataclass(frozen=True)
class Overtaken:
    """What others have saved since the form was shown, and what is to be looked at now."""

    data: Any
    changes: list[dict[str, str]] = field(default_factory=list)
    by: str = ""


def shown(bound_fields: Iterable[Any]) -> Rows:
    """What an unbound form shows."""
    return _rows(untouched(bound_fields))


def compare(policy: ScalingPolicy, data: Any, now: Rows, rules: Any) -> Overtaken:
    """What was sent, merged with what is there now where others have saved in between.

    `rules` is the form of the policy's own fields.
    """
    page = parts.read(data.get("read", ""))
    if page is None:
        return Overtaken(data)
    at, before = page
    names = [name for name in data if name not in NOT_OF_THE_FORM]
    sent = _rows({name: lines(data.getlist(name)) for name in names})
    changed = merging.changes(before, sent, now)
    if not changed:
        return Overtaken(data)
    merged = _posted(data, merging.merge(before, sent, now))
    return Overtaken(merged, [_described(rules, each) for each in changed], _who(policy, at))


def _rows(sent: Mapping[str, list[str]]) -> Rows:
    lists = {
        prefix: {name: each for name, each in sent.items() if name.startswith(f"{prefix}-")}
        for prefix in LISTS
    }
    own = {name: each for name, each in sent.items() if name.partition("-")[0] not in LISTS}
    sets = {
        prefix: {"": {ROWS: [json.dumps(names, sort_keys=True)]}} for prefix, names in lists.items()
    }
    return Rows({FORM: {"": own}, **sets})


def _posted(data: Any, merged: Rows) -> QueryDict:
    result = QueryDict(mutable=True)
    result["read"] = data.get("read", "")
    values = dict(merged.sets[FORM][""])
    for prefix in LISTS:
        values |= json.loads(merged.sets[prefix][""][ROWS][0])
    for name, each in values.items():
        result.setlist(name, each)
    return result


def _described(rules: Any, change: Change) -> dict[str, str]:
    if change.where == FORM:
        return parts.in_words(rules, change)
    column: Any = ScalingPolicy._meta.get_field(LISTS[change.where])
    sides = {side: _text(getattr(change, side)) for side in ("old", "now", "mine")}
    return {"row": "", "field": str(capfirst(column.verbose_name)), **sides}


def _text(values: list[str] | None) -> str:
    """The rows of a list, each by what stands in its fields."""
    rows: dict[str, list[str]] = {}
    for name, each in json.loads(values[0]).items() if values else ():
        _prefix, number, *rest = name.split("-", 2)
        if rest and any(each):
            rows.setdefault(number, []).append(" ".join(each))
    return "; ".join(" ".join(row) for _number, row in sorted(rows.items())) or parts.NOTHING


def _who(policy: ScalingPolicy, since: datetime) -> str:
    events = Event.objects.filter(
        deed="policy.changed", object_type="scalingpolicy", object_id=str(policy.pk), at__gte=since
    )
    return ", ".join(sorted(set(events.exclude(actor="").values_list("actor", flat=True))))
