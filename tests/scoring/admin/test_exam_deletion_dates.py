"""A date of deletion that is past or near is confirmed by the number of answers."""

from datetime import date, timedelta
from typing import Any

import pytest
from django.core.files.base import File
from django.test import Client
from django.urls import reverse
from django.utils.timezone import localdate

from pmscoring.base.lifecycle import WrongState
from scoring.exams import definitions
from scoring.intake import submissions, uploads
from scoring.models import Exam
from tests.clients import JSON, client_for, form_data, named_file, signed_in
from tests.factories import answers_of, exam_in, submission

pytestmark = pytest.mark.django_db
NEAR = [localdate() - timedelta(days=400), localdate(), localdate() + timedelta(days=7)]


def save(browser: Client, exam: Exam, on: date, **more: Any) -> Any:
    address = reverse("admin:scoring_exam_change", args=[exam.pk])
    return browser.post(
        address, form_data(browser, address) | {"delete_answers_on": str(on), **more}
    )


def date_of(exam: Exam) -> date | None:
    return Exam.objects.get(pk=exam.pk).delete_answers_on


@pytest.mark.parametrize("on", NEAR)
def test_a_near_date_is_kept_only_with_the_number(on: date) -> None:
    browser, exam = signed_in("exam manager"), exam_in()
    answers_of(exam, "一", "二")
    page = save(browser, exam, on).content.decode()
    assert "2 answers of ROOM are deleted for good" in page
    assert 'name="deletes"' in page
    assert save(browser, exam, on, deletes="3").status_code == 200
    assert date_of(exam) is None
    assert save(browser, exam, on, deletes="2").status_code == 302
    assert date_of(exam) == on


def test_a_later_date_or_an_exam_without_answers_asks_nothing() -> None:
    browser, exam = signed_in("exam manager"), exam_in()
    later = localdate() + timedelta(days=8)
    assert save(browser, exam, localdate()).status_code == 302
    other = exam_in(code="OTHER")
    answers_of(other, "一")
    assert save(browser, other, later).status_code == 302
    assert date_of(other) == later


@pytest.mark.parametrize("days", [0, 400])
def test_answers_that_would_be_deleted_at_once_are_refused(days: int) -> None:
    exam = exam_in()
    on = localdate() - timedelta(days=days)
    Exam.objects.filter(pk=exam.pk).update(delete_answers_on=on)
    refused = submissions.accept(submission("c1", "一", exam.code))
    assert isinstance(refused, list)
    assert [fault["pointer"] for fault in refused] == ["/exam"]
    with pytest.raises(WrongState, match=str(on)):
        uploads.receive(fresh_exam(exam), "a.csv", File(named_file("a.csv", b"x")))
    Exam.objects.filter(pk=exam.pk).update(delete_answers_on=localdate() + timedelta(days=1))
    assert not isinstance(submissions.accept(submission("c1", "一", exam.code)), list)


def fresh_exam(exam: Exam) -> Exam:
    return Exam.objects.get(pk=exam.pk)


def test_rest_answers_409_with_the_number_until_it_is_named() -> None:
    exam = exam_in()
    answers_of(exam, "一")
    client = client_for("exam manager")
    body = definitions.describe(exam) | {"delete_answers_on": "2001-01-01"}
    address = f"/api/v1/exams/{exam.code}"
    english = {"Accept-Language": "en"}
    refused = client.put(address, body, content_type=JSON, headers=english)
    assert refused.status_code == 409
    assert "1 answer of ROOM is deleted" in refused.json()["detail"]
    assert date_of(exam) is None
    assert client.put(f"{address}?deletes=1", body, content_type=JSON).status_code == 200
    assert client.put(address, body, content_type=JSON).status_code == 200
