"""Loading a definition: what the exam object in hand says afterwards."""

from decimal import Decimal

import pytest

from pmscoring.base.faults import Invalid
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


def test_a_question_is_refused_whose_texts_are_allowed_one_by_one_and_not_together() -> None:
    definition = example_definition()
    definition["questions"][0]["criteria"][0]["references"] = ["要" * 2000] * 50
    definition["questions"][0]["criteria"][1]["references"] = ["件" * 2000] * 50
    with pytest.raises(Invalid, match="200000") as refused:
        definitions.load(definition)
    assert [each["pointer"] for each in refused.value.faults] == ["/questions/0"]
