"""An exam's own phrases that answer nothing are part of every question's definition."""

from typing import Any

import pytest

from pmscoring.base.faults import Invalid
from scoring.exams import definitions
from scoring.machine import batches
from scoring.marks import giving
from scoring.models import Answer, Exam, Question
from tests.factories import EXAM, example_definition, hand_in, make_user
from tests.scoring.fake_inference import FakeInference, right

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("english")]


def loaded(*phrases: str, force: bool = False) -> Exam:
    exam, _ = definitions.load(
        example_definition() | {"state": "marking", "no_answers": list(phrases)}, force
    )
    return Exam.objects.get(pk=exam.pk)


def scored_answer(exam: Exam) -> Answer:
    question = exam.questions.get(code="Q1")
    (answer,) = hand_in(question, ["白旗"])
    batches.score_waiting(question, FakeInference(right).client)
    return Answer.objects.get(pk=answer.pk)


def test_they_are_exported_and_loading_the_export_changes_nothing() -> None:
    exam = loaded("白旗", "次へ")
    described = definitions.describe(exam)
    assert described["no_answers"] == ["白旗", "次へ"]
    digests = list(exam.questions.values_list("digest", flat=True))
    assert definitions.describe(definitions.load(described)[0]) == described
    assert list(exam.questions.values_list("digest", flat=True)) == digests
    assert all("no_answers" not in question for question in described["questions"])


def test_a_definition_without_them_has_none_and_keeps_its_digest() -> None:
    exam, _ = definitions.load(example_definition())
    question = exam.questions.get(code="Q1")
    assert definitions.describe(exam)["no_answers"] == []
    assert question.wire() == question.definition()


def test_every_question_goes_to_the_inference_service_with_them() -> None:
    exam = loaded("白旗")
    assert [question.wire()["no_answers"] for question in exam.questions.all()] == [["白旗"]] * len(
        EXAM["questions"]
    )


def test_changing_them_has_the_answers_marked_anew() -> None:
    answer = scored_answer(loaded("次へ"))
    assert answer.status == "scored"
    before = answer.question.digest
    loaded("次へ", "白旗")
    answer = Answer.objects.get(pk=answer.pk)
    assert (answer.status, answer.question.digest == before) == ("waiting", False)
    service = FakeInference(right)
    batches.score_waiting(answer.question, service.client)
    assert service.scored == [(None, ["白旗"])]
    assert answer.marks.in_force(Question.objects.get(pk=answer.question_id)).exists()


def test_what_people_marked_is_put_aside_only_by_force() -> None:
    answer = scored_answer(loaded())
    giving.give(answer, make_user("m1"), {"points": 0})
    with pytest.raises(definitions.WouldInvalidate, match="Q1: people have marked"):
        loaded("白旗")
    assert Exam.objects.get().no_answers == []
    assert loaded("白旗", force=True).no_answers == ["白旗"]


@pytest.mark.parametrize(
    ("value", "pointer"),
    [
        ("白旗", "/no_answers"),
        ([""], "/no_answers/0"),
        (["旗" * 101], "/no_answers/0"),
        ([7], "/no_answers/0"),
        (["旗"] * 201, "/no_answers"),
    ],
)
def test_what_is_no_list_of_phrases_is_refused(value: Any, pointer: str) -> None:
    with pytest.raises(Invalid) as refused:
        definitions.load(example_definition() | {"no_answers": value})
    assert [fault["pointer"] for fault in refused.value.faults] == [pointer]
