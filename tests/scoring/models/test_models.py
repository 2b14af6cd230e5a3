"""What the tables themselves hold to."""

import pytest
from django.db import DatabaseError, transaction
from django.db.models import RestrictedError

from scoring.models import Answer, Exam, Mark, Question, QuestionGroup, Submission

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
