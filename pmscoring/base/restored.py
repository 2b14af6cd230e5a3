"""What apps have done to a restored database before anybody works with it.

A backup is older than the present, and may hold what has had to go since. Each app registers what
it must do about that; the restore runs it in the new database, with the restored files, before they
take the place of the live ones.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

Deletes = Callable[[], Sequence[Mapping[str, Any]]]
_deletes: dict[str, Deletes] = {}


def register_deletions(app: str, delete: Deletes) -> None:
    """Let `delete` remove what was due since the snapshot; it returns what it removed, as JSON."""
    _deletes[app] = delete


def delete_due() -> list[Mapping[str, Any]]:
    """Run what every app registered; returns all that was removed."""
    return [{"app": app, **deleted} for app, delete in _deletes.items() for deleted in delete()]
