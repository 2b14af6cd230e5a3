"""Fixtures for tests of the scoring app."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.utils import translation
from pytest_django import DjangoDbBlocker, Settings

from scoring.models import Exam
from tests import marked_exam
from tests.clients import JSON, client_for
from tests.factories import EXAM


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


@pytest.fixture(scope="module")
def marked_exam_of_module(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker
) -> Iterator[marked_exam.MarkedExam]:
    """The exam of marked_exam.py, built once; what the module's tests change is rolled back."""
    with django_db_blocker.unblock(), transaction.atomic():
        yield marked_exam.build()
        transaction.set_rollback(True)


@pytest.fixture
def agreed_exam(marked_exam_of_module: marked_exam.MarkedExam, db: None) -> Exam:
    """That exam as it now is in the database."""
    return Exam.objects.get(pk=marked_exam_of_module.exam.pk)
