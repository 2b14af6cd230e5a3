"""What a restore would take away: rows that came after the snapshot, by the manifest's counts.

Only rows that were added are seen, and not those that were changed since; the page says so.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.db import models
from django.utils.text import capfirst

OURS = {"opsconsole", "sessions", "django_celery_beat", "contenttypes", "auth", "admin"}
"""Apps whose rows survive a restore, or are nothing that people entered."""
MOST_SHOWN = 12


@dataclass(frozen=True)
class Loss:
    """How many more rows there are than at the snapshot."""

    name: str
    rows: int


def since(manifest: Mapping[str, Any]) -> list[Loss]:
    """What was entered since the snapshot; the greatest number first."""
    counts = rows_by_table(manifest)
    losses = [
        Loss(capfirst(str(model._meta.verbose_name_plural)), more)
        for model in apps.get_models()
        if model._meta.app_label not in OURS and model._meta.db_table in counts
        if (more := _count(model) - counts[model._meta.db_table]) > 0
    ]
    return sorted(losses, key=lambda loss: -loss.rows)[:MOST_SHOWN]


def rows_by_table(manifest: Mapping[str, Any]) -> dict[str, int]:
    """The number of rows of each table at the snapshot."""
    tables = manifest.get("tables") or {}
    return {table.removeprefix("public."): int(row["rows"]) for table, row in tables.items()}


def _count(model: type[models.Model]) -> int:
    return model._default_manager.using("default").count()
