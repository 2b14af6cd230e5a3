"""The migrations of a restored database beside those of this version of the product."""

from collections.abc import Mapping, Sequence

from django.db.migrations.loader import MigrationLoader

Applied = Mapping[str, Sequence[str]]
"""The names of the applied migrations, by app."""


def compared(applied: Applied) -> tuple[list[str], list[str]]:
    """The migrations that this version does not know, and those that it would add, as app.name."""
    known = {f"{app}.{name}" for app, name in MigrationLoader(None).disk_migrations}
    there = {f"{app}.{name}" for app, names in applied.items() for name in names}
    return sorted(there - known), sorted(known - there)
