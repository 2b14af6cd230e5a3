"""What the tests of the project package may ask for."""

from collections.abc import Iterator

import pytest
from django.core.cache import cache

from pmscoring.base.throttling import Windows
from pmscoring.base.watched import Watched
from pmscoring.health import looks


@pytest.fixture(autouse=True)
def nothing_remembered(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No check of an earlier test is fresh, and no caller of one was counted."""
    fresh = {name: Watched(one.ask) for name, one in looks.WATCHED.items()}
    monkeypatch.setattr(looks, "WATCHED", fresh)
    monkeypatch.setattr(Windows, "away_until", 0.0)
    cache.clear()
    yield
    for watched in fresh.values():
        watched.executor.shutdown(wait=True)
