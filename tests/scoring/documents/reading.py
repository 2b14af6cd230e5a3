"""The rows of a file without how its tables were understood, which previews show."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from scoring import documents


def rows(
    name: str, path: Path, *more: documents.Questions, **options: Any
) -> Iterator[tuple[documents.Place, Any]]:
    """Each row, unreadable one and skipped part, with its place."""
    for place, row in documents.rows(name, path, *more, **options):
        if not isinstance(row, documents.Table):
            yield place, row
