"""Progress counts results that stand, and each person's bar what that person can do."""

import pytest
from django.test import Client
from django.urls import reverse

from scoring.admin import counts
from scoring.marks import giving
from scoring.models import Answer, Exam
from scoring.review.progress import Progress, marking_progress
from tests.clients import browser_of, signed_in
from tests.factories import answers_of, exam_in, fresh, make_user

pytestmark = pytest.mark.django_db
DISPUTES = "/admin/marking/desk/ROOM/disputes/"


def read_twice(exam: Exam, text: str, *points: int) -> Answer:
    """An answer with a mark by m1, and by m2 where there are two."""
    (answer,) = answers_of(exam, text)
    for number, value in enumerate(points, 1):
        giving.give(fresh(answer), make_user(f"m{number}", staff=True), {"points": value})
    return fresh(answer)


def row_of(browser: Client) -> dict[str, int]:
    page = browser.get(reverse("admin:index"))
    (panel,) = [panel for template, panel in page.context["panels"] if "exams" in panel]
    found: dict[str, int] = panel["exams"][0]["counts"]
    return found


def test_answers_that_only_the_machine_has_read_are_no_progress() -> None:
    exam = exam_in()
    answers = answers_of(exam, "一", "二")
    manager = signed_in("exam manager")
    exams = reverse("admin:scoring_exam_changelist")
    assert 'aria-valuenow="0"' in manager.get(exams).content.decode()
    for answer in answers:
        giving.give(fresh(answer), make_user("m1", staff=True), {"points": 4})
    assert 'aria-valuenow="100"' in manager.get(exams).content.decode()


def test_the_overview_counts_queue_and_disputes_of_each_exam() -> None:
    exam = exam_in(readings=2)
    read_twice(exam, "一", 4, 0)
    read_twice(exam, "二", 4)
    read_twice(exam, "三", 4, 4)
    row = row_of(signed_in("exam manager"))
    assert {name: row[name] for name in counts.WORK} == {"final": 1, "queued": 1, "disputed": 1}


def test_a_failed_answer_that_a_person_marked_is_in_the_bar_once() -> None:
    failed, waiting, _read = answers_of(exam_in(), "一", "二", "三")
    for answer, status in ((failed, "failed"), (waiting, "scoring")):
        giving.give(fresh(answer), make_user("m1", staff=True), {"points": 4})
        Answer.objects.filter(pk=answer.pk).update(status=status)
    row = row_of(signed_in("exam manager"))
    parts = [row[name] for name in ("final", *counts.WITHOUT_RESULT)]
    assert parts == [2, 1, 0, 0]


def test_a_second_reader_is_not_told_of_answers_that_they_have_marked() -> None:
    exam = exam_in(readings=2)
    read_twice(exam, "一", 4)
    answers_of(exam, "二")
    first, second = make_user("m1"), make_user("m2")
    assert counted(marking_progress(exam, first)) == (1, 1)
    assert counted(marking_progress(exam, second)) == (0, 2)


def counted(progress: Progress) -> tuple[int, int]:
    return progress.done, progress.left


def test_the_entry_page_offers_only_what_the_marker_can_mark() -> None:
    exam = exam_in(readings=2)
    read_twice(exam, "一", 4)
    page = browser_of(make_user("m1")).get("/admin/marking/")
    row = page.context["exams"][0]["rows"][0]
    assert (row.done, row.left) == (1, 0)


def test_an_adjudicator_s_bar_counts_disputes_that_they_may_settle() -> None:
    exam = exam_in(readings=2)
    for text in ("一", "二"):
        read_twice(exam, text, 4, 0)
    answers_of(exam, "三")
    bar = browser_of(make_user("senior", "adjudicator")).get(DISPUTES).context["progress"]
    assert (bar["done"], bar["all"]) == (0, 2)
    of_a_marker = marking_progress(exam, make_user("m1", "adjudicator"))
    assert of_a_marker.disputed == 0
