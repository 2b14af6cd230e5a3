"""What tests of the scoring app may ask for."""

from typing import Any

import pytest
from django.test import Client
from django.utils import translation
from pytest_django import Settings

from tests.scoring.clients import EXAM, JSON, client_for


@pytest.fixture
def manager(db: None) -> Client:
    """An exam manager."""
    return client_for("exam manager")


@pytest.fixture
def exam(manager: Client) -> dict[str, Any]:
    """The definition of the example exam, loaded."""
    told = manager.put("/api/v1/exams/PM-2026", EXAM, content_type=JSON)
    assert told.status_code == 201, told.content
    definition: dict[str, Any] = told.json()
    return definition


@pytest.fixture(autouse=True)
def no_language_left_over() -> None:
    """A request leaves its language behind in the thread; no test may depend on another's."""
    translation.deactivate()


@pytest.fixture
def english(settings: Settings) -> None:
    """What is told in words is told in English, also to callers who name no language."""
    settings.LANGUAGE_CODE = "en"
