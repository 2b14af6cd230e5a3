"""Loading a definition: what the exam object in hand says afterwards."""

from decimal import Decimal

import pytest

from scoring.exams import definitions
from scoring.models import MarkingPolicy
from tests.factories import example_definition

pytestmark = pytest.mark.django_db


def test_a_loaded_exam_says_at_once_how_it_is_marked_from_now_on() -> None:
    exam, _ = definitions.load({**example_definition(), "marking": {"readings": 2}})
    exam, _ = definitions.load(
        {**example_definition(), "marking": {"readings": 1, "tolerance": 0.5}}
    )
    marking = definitions.describe(exam)["marking"]
    assert (marking["readings"], marking["tolerance"]) == (1, 0.5)
    assert MarkingPolicy.of(exam).tolerance + Decimal(1) == Decimal("1.5")
