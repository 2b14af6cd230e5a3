"""Fixtures for tests of the scoring app."""

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
    """The definition of the example exam, which is loaded."""
    response = manager.put("/api/v1/exams/PM-2026", EXAM, content_type=JSON)
    assert response.status_code == 201, response.content
    definition: dict[str, Any] = response.json()
    return definition


@pytest.fixture(autouse=True)
def no_language_left_over() -> None:
    """Reset the thread's language, which a request of an earlier test may have set."""
    translation.deactivate()


@pytest.fixture
def english(settings: Settings) -> None:
    """Messages are in English, also for requests that name no language."""
    settings.LANGUAGE_CODE = "en"
