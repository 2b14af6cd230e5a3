"""Fifty containers at once, beside the same one after another."""

import os
import statistics
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import django

LOOKS = 5


def sampling() -> Iterator[dict[str, Any]]:
    """Seconds of a look at all of them, and of each by itself as `docker stats` reads it."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pmscoring.settings")
    django.setup()
    from tests.stack import fifty

    with tempfile.TemporaryDirectory() as folder, fifty.fifty(Path(folder)) as engine:
        looks = fifty.seconds_of_looks(engine, LOOKS)
        each = fifty.seconds_of_each(engine, LOOKS)
    at_once, alone = statistics.median(looks), fifty.MANY * statistics.mean(each)
    yield {
        "name": "sampling",
        "ratio": round(at_once / alone, 4),
        "at_once_s": [round(seconds, 2) for seconds in looks],
        "one_after_another_s": round(alone, 1),
    }
