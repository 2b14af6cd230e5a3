"""Which fields are personal data or secrets, and what a copy for another environment has instead.

Every field of every model is declared: as plain, or with what takes its place. A table whose rows
are of no use in a copy is emptied. A test fails on a field that nobody declared, and a copy is
refused with one, so that a new field cannot slip into it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.apps import apps
from django.db import connection, models, transaction
from django.db.models import F, Value
from django.db.models.functions import Cast, Concat, Length, Repeat


def numbered(prefix: str) -> Any:
    """`<prefix><key of the row>`: tells rows apart, and says nothing else."""
    return Concat(Value(prefix), Cast(F("pk"), models.CharField()))


def filler(name: str) -> Any:
    """As many characters as the field `name` has, all the same."""
    return Repeat(Value("□"), Length(name))


@dataclass(frozen=True)
class _Declared:
    plain: frozenset[str] = frozenset()
    instead: Mapping[str, Any] = field(default_factory=dict)
    is_emptied: bool = False


_declared: dict[str, _Declared] = {}


def declare(label: str, plain: str, **instead: Any) -> None:
    """Declare the fields of the model `app.Model`: names of `plain` ones, separated by spaces.

    The others are personal: each with the value or the expression that takes its place.
    """
    _declared[label] = _Declared(frozenset(plain.split()), instead)


def emptied(*labels: str) -> None:
    """Declare that a copy has no rows of these models."""
    for label in labels:
        _declared[label] = _Declared(is_emptied=True)


def undeclared() -> list[str]:
    """`app.Model.field` of each field that nobody declared, and of each that was but is none."""
    models_ = {model._meta.label: model for model in _models()}
    wrong = [label for label in _declared if label not in models_]
    for label, model in models_.items():
        declared = _declared.get(label, _Declared())
        names = {field_.name for field_ in model._meta.concrete_fields}
        if not declared.is_emptied:
            wrong += [
                f"{label}.{name}" for name in names ^ (declared.plain | set(declared.instead))
            ]
    return sorted(wrong)


def scrub() -> int:
    """Replace what is personal in the database in use; returns how many rows were changed or lost.

    Only ever for a copy. Raises ValueError where a field is undeclared.
    """
    if names := undeclared():
        raise ValueError(f"undeclared: {', '.join(names)}")
    changed = 0
    # All in one: a copy is scrubbed, or it is none.
    with transaction.atomic():
        changed += _empty([m for m in _models() if _declared[m._meta.label].is_emptied])
        for model in _models():
            if instead := _declared[model._meta.label].instead:
                with _without_triggers([model]):
                    changed += model._base_manager.update(**instead)
    return changed


def _empty(models_: list[type[models.Model]]) -> int:
    count = sum(model._base_manager.count() for model in models_)
    names = ", ".join(connection.ops.quote_name(model._meta.db_table) for model in models_)
    with _without_triggers(models_), connection.cursor() as cursor:
        cursor.execute(f"TRUNCATE {names} RESTART IDENTITY")
    return count


def _models() -> Iterable[type[models.Model]]:
    return [m for m in apps.get_models(include_auto_created=True) if m._meta.managed]


class _without_triggers:  # noqa: N801 - reads as the context manager that it is
    """Some tables refuse changes of their rows by triggers, which their owner may switch off."""

    def __init__(self, models_: list[type[models.Model]]) -> None:
        self.names = [connection.ops.quote_name(model._meta.db_table) for model in models_]

    def __enter__(self) -> None:
        self._alter("DISABLE")

    def __exit__(self, *error: object) -> None:
        if not error[0]:
            with connection.cursor() as cursor:
                # A table with checks to come cannot be altered.
                cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            self._alter("ENABLE")

    def _alter(self, verb: str) -> None:
        with connection.cursor() as cursor:
            for name in self.names:
                cursor.execute(f"ALTER TABLE {name} {verb} TRIGGER USER")


# Of Django's own apps and beat's.
emptied("admin.LogEntry", "sessions.Session", "auth.User_user_permissions")
declare("auth.Permission", "id name content_type codename")
declare("auth.Group", "id name")
declare("auth.Group_permissions", "id group permission")
declare("auth.User_groups", "id user group")
declare(
    "auth.User",
    "id is_superuser is_staff is_active date_joined",
    username=numbered("user-"),
    first_name="",
    last_name="",
    email="",
    password="!",  # noqa: S106 - what Django keeps for an account that cannot sign in
    last_login=None,
)
declare("contenttypes.ContentType", "id app_label model")
declare("django_celery_beat.SolarSchedule", "id event latitude longitude")
declare("django_celery_beat.IntervalSchedule", "id every period")
declare("django_celery_beat.ClockedSchedule", "id clocked_time")
declare(
    "django_celery_beat.CrontabSchedule",
    "id minute hour day_of_week day_of_month month_of_year timezone",
)
declare("django_celery_beat.PeriodicTasks", "ident last_update")
declare(
    "django_celery_beat.PeriodicTask",
    "id name task interval crontab solar clocked args kwargs queue exchange routing_key headers "
    "priority expires expire_seconds one_off start_time enabled last_run_at total_run_count "
    "date_changed description",
)
