"""Chains of events, and changes of them that the product itself never makes."""

from typing import Any

from django.db import connection

from opsconsole.models import Event


def recorded(count: int) -> list[Event]:
    """So many events."""
    return [Event.objects.record("events.exported", lines=number) for number in range(count)]


def as_owner(sql: str, *values: Any) -> None:
    """Change events past the trigger, as only the owner of the table can."""
    trigger = "TRIGGER opsconsole_event_only_added"
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE opsconsole_event DISABLE {trigger}")
        cursor.execute(sql, values)
        cursor.execute(f"ALTER TABLE opsconsole_event ENABLE {trigger}")
