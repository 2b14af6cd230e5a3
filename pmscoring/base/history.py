"""What people did to a row, in the history that the admin shows and in the audit log.

An entry keeps the deed and its details rather than a sentence, so that everybody reads it in their
own language.
"""

import json
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.db import models
from django.utils.translation import gettext

from pmscoring.base import audit

Words = Callable[[dict[str, Any]], str]
_words: dict[str, Words] = {}


def register(deed: str, words: Words) -> None:
    """Let entries of the deed be read as `words` of their details."""
    _words[deed] = words


def record(user: User, row: models.Model, deed: str, **details: Any) -> None:
    """An entry of what the user did to the row; `details` are ids, states and counts."""
    LogEntry.objects.create(
        user_id=user.pk,
        content_type=ContentType.objects.get_for_model(row),
        object_id=str(row.pk),
        object_repr=str(row)[:200],
        action_flag=CHANGE,
        change_message=json.dumps([{deed: details}]),
    )
    audit.record(deed, user, **{str(row._meta.model_name): row.pk}, **details)


def who_changed(rows: Iterable[models.Model], since: datetime) -> str:
    """The names of those who changed one of the rows since then; "" where no history tells."""
    entries = LogEntry.objects.none()
    for row in rows:
        kind = ContentType.objects.get_for_model(row)
        entries |= LogEntry.objects.filter(content_type=kind, object_id=str(row.pk))
    users = User.objects.filter(logentry__in=entries.filter(action_time__gte=since)).distinct()
    return ", ".join(user.get_full_name() or user.username for user in users)


def words(entry: LogEntry) -> str:
    """What the entry says, in the active language."""
    try:
        parts = json.loads(entry.change_message)
    except ValueError:
        return entry.change_message
    if not isinstance(parts, list):
        return entry.change_message
    deeds = [
        _words[deed](details) for part in parts for deed, details in part.items() if deed in _words
    ]
    rest = [_translated(part) for part in parts if not part.keys() & _words.keys()]
    if rest:
        deeds.append(str(LogEntry(change_message=json.dumps(rest)).get_change_message()))
    return " ".join(deeds)


def _translated(part: dict[str, Any]) -> dict[str, Any]:
    """Django's part of an entry with the names of fields translated.

    Django keeps the labels of a form, which begin with a capital, and translates them as they are;
    the catalogue has the fields' own names.
    """
    return {
        deed: {**details, "fields": [field_name(name) for name in details["fields"]]}
        if "fields" in details
        else details
        for deed, details in part.items()
    }


def field_name(label: str) -> str:
    """The label of a field in the active language, whether it begins with a capital or not."""
    translated = gettext(label) if label else ""
    return translated if translated != label else gettext(label[:1].lower() + label[1:])
