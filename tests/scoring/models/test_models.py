"""What the tables themselves hold to."""

import pytest
from django.db import DatabaseError, transaction
from django.db.models import RestrictedError
from pytest_django import DjangoAssertNumQueries

from scoring.models import (
    Answer,
    Exam,
    Mark,
    MarkingPolicy,
    Question,
    QuestionGroup,
    Submission,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def answer() -> Answer:
    exam = Exam.objects.create(code="E1", title="Exam")
    question = Question.objects.create(exam=exam, code="Q1", prompt="?", max_points=4)
    submission = Submission.objects.create(exam=exam, candidate="c1", body_hash="x")
    return Answer.objects.create(submission=submission, question=question, text="a", text_key="k")


def test_a_mark_refuses_to_be_changed(answer: Answer) -> None:
    mark = Mark.objects.create(answer=answer, source="human", points=2)
    with pytest.raises(DatabaseError, match="only ever added"), transaction.atomic():
        Mark.objects.filter(pk=mark.pk).update(points=4)
    mark.refresh_from_db()
    assert mark.points == 2


def test_it_keeps_one_machine_mark_per_answer_calibration_model_and_definition(
    answer: Answer,
) -> None:
    Mark.objects.create(answer=answer, source="machine", points=2, model="m", definition="d")
    with pytest.raises(DatabaseError), transaction.atomic():
        Mark.objects.create(answer=answer, source="machine", points=3, model="m", definition="d")
    Mark.objects.create(answer=answer, source="machine", points=3, model="m", definition="d2")
    assert answer.marks.count() == 2


def test_an_exam_goes_with_its_groups() -> None:
    exam = Exam.objects.create(code="E2", title="Exam")
    group = QuestionGroup.objects.create(exam=exam, code="G1", choose=1)
    Question.objects.create(exam=exam, group=group, code="Q1", prompt="?", max_points=4)
    with pytest.raises(RestrictedError):
        group.delete()
    exam.delete()
    assert not QuestionGroup.objects.exists()


def test_an_exam_s_policy_is_read_once_and_not_at_all_where_it_was_selected_along(
    answer: Answer, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    exam = answer.question.exam
    MarkingPolicy.objects.create(exam=exam, readings=2)
    alone, along = Exam.objects.get(), Exam.objects.select_related("policy").get()
    with django_assert_num_queries(1):
        assert [MarkingPolicy.of(alone).readings for _ in range(2)] == [2, 2]
    with django_assert_num_queries(0):
        assert MarkingPolicy.of(along).readings == 2


def test_an_exam_without_a_policy_has_the_default_one_which_is_not_stored(
    answer: Answer, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    exam = Exam.objects.select_related("policy").get(pk=answer.question.exam_id)
    with django_assert_num_queries(0):
        assert MarkingPolicy.of(exam).readings == 1
    assert not MarkingPolicy.objects.exists()
