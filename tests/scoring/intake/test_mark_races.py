"""Two files of marks for the same answers, and a withdrawal, at the same instant."""

from functools import partial
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import File
from pytest_django import Settings

from scoring.intake import uploads, withdrawals
from scoring.models import Exam, Mark, Upload
from tests.clients import named_file
from tests.concurrency import run_concurrently
from tests.factories import answers_of, exam_in, fresh, make_user

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("english")]
TEXTS = [f"要件{number}" for number in range(12)]


@pytest.fixture(autouse=True)
def media(settings: Settings, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path / "uploads"


def received(exam: Exam, points: float, source: str, names: list[str], **wanted: Any) -> Upload:
    rows = "".join(f"{name},Q1,{points}\n" for name in names)
    file = File(named_file("a.csv", f"candidate,question,points\n{rows}".encode()))
    return uploads.receive(
        exam, "a.csv", file, uploads.Wanted(kind="marks", source=source, **wanted)
    )


def test_of_two_files_by_one_source_the_second_finds_the_marks_of_the_first() -> None:
    exam = exam_in()
    answers = answers_of(exam, *TEXTS)
    names = [answer.submission.candidate for answer in answers]
    files = [received(exam, 5, "A", names), received(exam, 3, "A", names[::-1])]
    outcome = run_concurrently([partial(uploads.read, file) for file in files])
    assert outcome == [set(), set()]
    assert sorted((file.accepted, file.rejected) for file in files) == [(0, 12), (12, 0)]
    assert Mark.objects.by_people().standing().count() == len(answers)
    assert len({fresh(answer).final_points for answer in answers}) == 1


def test_two_files_by_two_sources_are_double_scoring_of_every_answer() -> None:
    exam = exam_in(readings=2)
    answers = answers_of(exam, *TEXTS)
    names = [answer.submission.candidate for answer in answers]
    files = [received(exam, 5, "A", names), received(exam, 5, "B", names[::-1])]
    assert run_concurrently([partial(uploads.read, file) for file in files]) == [set(), set()]
    assert {fresh(answer).final_points for answer in answers} == {5}
    assert {fresh(answer).review for answer in answers} == {"marked"}


def test_a_file_that_is_withdrawn_while_another_replaces_it_leaves_the_others_marks() -> None:
    exam = exam_in()
    answers = answers_of(exam, *TEXTS)
    names = [answer.submission.candidate for answer in answers]
    anna = make_user("anna", "exam manager")
    first = received(exam, 5, "A", names)
    uploads.read(first)
    second = received(exam, 3, "A", names[::-1], conflicts="replace")
    withdraw = partial(withdrawals.withdraw, first, anna, "wrong", len(answers))
    run_concurrently([partial(uploads.read, second), withdraw])
    assert Upload.objects.get(pk=second.pk).accepted == len(answers)
    marks = Mark.objects.by_people().standing()
    assert {mark.from_upload for mark in marks} == {second.pk}
    assert marks.count() == len(answers)
    assert {fresh(answer).final_points for answer in answers} == {3}
