"""What the address of a list may ask for: what the list itself offers, and nothing else."""

import re
from collections.abc import Iterator
from typing import Any

from django.contrib.admin.utils import get_fields_from_path
from django.db import models
from django.http import HttpRequest

MOST_CHARACTERS = 200
"""Of a value; Python reads no number of more than 4,300 digits, and no filter has longer values."""
SUFFIXES = ("", "__exact", "__isnull")
MOMENT = re.compile(r"[12][0-9]{3}-.*", re.DOTALL)
"""Dates outside of these years overflow when they are converted from one time zone to another."""
CALENDAR = re.compile(r"[12][0-9]{3}|0?[1-9]|[1-3][0-9]")


class OfferedLookups:
    """For admin classes: a list is filtered only by the lookups that its own filters write.

    Django allows every lookup of a model's own fields, and of those that a filter reaches. Whoever
    may open a list could then find out column by column what the list does not show, by lookups
    such as `candidate__startswith`; and PostgreSQL refuses some of their values with an error.
    """

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Whether a filter of this list writes the lookup, and such a value."""
        if "\0" in value or len(value) > MOST_CHARACTERS:
            return False
        bound = dict(_offered(self, request)).get(lookup, ...)
        return bound is not ... and (bound is None or bound.fullmatch(value) is not None)


def _offered(owner: Any, request: HttpRequest) -> Iterator[tuple[str, re.Pattern[str] | None]]:
    """Each lookup of the list's filters, with what its value must look like; None for any value."""
    for item in owner.get_list_filter(request):
        if hasattr(item, "parameter_name"):
            yield item.parameter_name, None
        else:
            yield from _of_field(owner.model, item[0] if isinstance(item, tuple | list) else item)
    if owner.date_hierarchy:
        for part in ("year", "month", "day"):
            yield f"{owner.date_hierarchy}__{part}", CALENDAR
        yield from _of_field(owner.model, owner.date_hierarchy)


def _of_field(model: type[models.Model], path: str) -> Iterator[tuple[str, re.Pattern[str] | None]]:
    field: Any = get_fields_from_path(model, path)[-1]
    yield from ((path + suffix, None) for suffix in SUFFIXES)
    if field.is_relation:
        yield f"{path}__{field.target_field.name}__exact", None
    if isinstance(field, models.DateField):
        yield from ((path + suffix, MOMENT) for suffix in ("__gte", "__lt"))
