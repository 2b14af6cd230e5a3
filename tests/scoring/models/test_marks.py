"""The words of marks: whose they are, which stand, which are in force, which count."""

from collections.abc import Iterable

import pytest
from django.db.models import Subquery
from pytest_django import DjangoAssertNumQueries

from scoring.models import Answer, Exam, Mark, Question
from scoring.models.marks import standing
from scoring.review import queue
from tests.factories import answers_of, calibrated, exam_in, make_user, scored

pytestmark = pytest.mark.django_db


@pytest.fixture
def exam() -> Exam:
    """Q1 is calibrated, Q2 is not."""
    return exam_in()


def keys(marks: Iterable[Mark]) -> list[int]:
    return [mark.pk for mark in marks]


def marked_by(name: str, answer: Answer, points: float) -> Mark:
    mark = queue.mark(answer, make_user(name, "adjudicator"), {"points": points})
    assert isinstance(mark, Mark)
    return mark


def test_a_withdrawn_mark_stands_no_more_and_neither_does_its_withdrawal(exam: Exam) -> None:
    (answer,) = answers_of(exam, "一")
    kept, gone = marked_by("a", answer, 1), marked_by("b", answer, 2)
    queue.withdraw(gone, make_user("m", "exam manager"), anyone=True)
    every = list(answer.marks.all())
    assert {mark.source for mark in every} == {"machine", "human", "withdrawal"}
    assert keys(answer.marks.by_people().standing()) == [kept.pk]
    assert list(answer.marks.by_people()) == [kept, gone]
    assert keys(standing(every)) == keys(answer.marks.standing())


def test_in_force_is_the_mark_of_the_active_calibration_and_the_present_definition(
    exam: Exam,
) -> None:
    (answer,) = answers_of(exam, "一")
    question = calibrated(exam)
    assert not answer.marks.in_force(question).exists()
    scored([answer], 3, 0.9, "c" * 64)
    scored([answer], 4, 0.9, "d" * 64)
    assert [mark.points for mark in answer.marks.in_force(question)] == [3]
    Question.objects.filter(pk=question.pk).update(calibration=None)
    question = Question.objects.get(pk=question.pk)
    assert [mark.calibration for mark in answer.marks.in_force(question)] == [""]
    Question.objects.filter(pk=question.pk).update(digest="x")
    assert not answer.marks.in_force(Question.objects.get(pk=question.pk)).exists()
    assert not answer.marks.in_force().exists()


def test_each_mark_is_held_against_its_own_question(
    exam: Exam, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    (first,), (second,) = answers_of(exam, "一"), answers_of(exam, "one", question="Q2")
    calibrated(exam)
    scored([first, second], 1, 0.9, "c" * 64)
    expected = {first.pk: "c" * 64, second.pk: ""}
    with django_assert_num_queries(1):
        found = Mark.objects.in_force()
        assert {mark.answer_id: mark.calibration for mark in found} == expected
    with django_assert_num_queries(1):
        made_under = Subquery(Mark.objects.in_force_of_outer().values("calibration"))
        answers = Answer.objects.annotate(made_under=made_under)
        assert dict(answers.values_list("pk", "made_under")) == expected
    assert {m.answer_id: m.calibration for m in Mark.objects.all() if in_force(m)} == expected


def in_force(mark: Mark) -> bool:
    return mark.is_in_force(mark.answer.question)


def test_what_counts_is_what_people_gave_and_the_mark_in_force(exam: Exam) -> None:
    (answer,) = answers_of(exam, "一")
    kept, gone = marked_by("a", answer, 1), marked_by("b", answer, 2)
    queue.withdraw(gone, make_user("m", "exam manager"), anyone=True)
    question = calibrated(exam)
    scored([answer], 3, 0.9, "c" * 64)
    machine = answer.marks.get(calibration="c" * 64)
    assert list(answer.marks.that_count(question)) == [kept, machine]
    assert list(answer.marks.that_count()) == [kept, machine]
    Question.objects.filter(pk=question.pk).update(calibration=None)
    assert [mark.source for mark in answer.marks.that_count()] == ["machine", "human"]
