"""The exam's page has its phrases that answer nothing, one per line."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from scoring.marks import giving
from scoring.models import Answer, Exam
from tests.clients import form_data, signed_in
from tests.factories import answers_of, exam_in, make_user

pytestmark = pytest.mark.django_db


def save(browser: Client, exam: Exam, phrases: str, **more: Any) -> Any:
    address = reverse("admin:scoring_exam_change", args=[exam.pk])
    return browser.post(address, form_data(browser, address) | {"no_answers": phrases, **more})


def phrases_of(exam: Exam) -> list[str]:
    phrases: list[str] = Exam.objects.get(pk=exam.pk).no_answers
    return phrases


def test_saved_phrases_have_the_answers_scored_again() -> None:
    browser, exam = signed_in("exam manager"), exam_in()
    answers_of(exam, "白旗")
    assert save(browser, exam, "白旗\r\n\r\n次へ\r\n白旗").status_code == 302
    assert phrases_of(exam) == ["白旗", "次へ"]
    answer = Answer.objects.get()
    assert (answer.status, answer.question.wire()["no_answers"]) == ("waiting", ["白旗", "次へ"])
    assert answer.question.digest == answer.question.sealed()


def test_saving_the_page_as_it_is_changes_nothing() -> None:
    browser, exam = signed_in("exam manager"), exam_in()
    save(browser, exam, "白旗")
    answers_of(exam, "一")
    assert save(browser, exam, "白旗").status_code == 302
    assert Answer.objects.get().status == "scored"


def test_where_people_have_marked_it_asks_first() -> None:
    browser, exam = signed_in("exam manager"), exam_in()
    (answer,) = answers_of(exam, "白旗")
    giving.give(answer, make_user("m1"), {"points": 0})
    page = save(browser, exam, "白旗").content.decode()
    assert "people have marked answers under the old criteria" in page
    assert 'name="force"' in page
    assert phrases_of(exam) == []
    assert save(browser, exam, "白旗", force="on").status_code == 302
    assert phrases_of(exam) == ["白旗"]
    assert Answer.objects.get().status == "waiting"


@pytest.mark.parametrize("phrases", ["旗" * 101, "\n".join(f"旗{n}" for n in range(201))])
def test_phrases_that_no_definition_may_have_are_refused(phrases: str) -> None:
    browser, exam = signed_in("exam manager"), exam_in()
    assert save(browser, exam, phrases).status_code == 200
    assert phrases_of(exam) == []


def test_a_new_exam_can_have_phrases() -> None:
    browser = signed_in("exam manager")
    address = reverse("admin:scoring_exam_add")
    data = form_data(browser, address) | {"code": "NEW", "title": "新", "no_answers": "白旗"}
    assert browser.post(address, data).status_code == 302
    assert Exam.objects.get(code="NEW").no_answers == ["白旗"]
