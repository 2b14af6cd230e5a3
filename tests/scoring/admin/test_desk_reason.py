"""The desk says why an answer is in the queue, as far as its marker may know."""

from typing import Any

import pytest
from django.urls import reverse

from scoring.models import Answer, Reference
from tests.clients import browser_of, signed_in
from tests.factories import answers_of, calibrated, exam_in, fresh, hand_in, make_user, scored

pytestmark = pytest.mark.django_db
DESK = "/admin/marking/desk/ROOM/"


def flagged(text: str = "一", **marking: Any) -> Answer:
    exam = exam_in(machine_final=True, audit_rate=0, **marking)
    calibrated(exam)
    unsure, answer = hand_in(exam.questions.get(code="Q1"), ["二", text])
    scored([unsure], 4, 0.5, "c" * 64)
    scored([answer], 4, 0.99, "c" * 64, flags=["off_topic"])
    return fresh(answer)


def test_a_flagged_answer_comes_first_with_its_reason_and_flag() -> None:
    answer = flagged()
    page = browser_of(make_user("m1")).get(DESK)
    assert page.context["number"] == f"#{answer.pk}"
    assert page.context["why"] == "the machine flagged it"
    assert "Off topic" in page.content.decode()


def test_who_marks_blind_is_told_no_reason() -> None:
    flagged(shown="nothing")
    page = browser_of(make_user("m1")).get(DESK)
    assert page.context["why"] == ""
    assert "Why it is here" not in page.content.decode()


def test_a_hidden_reference_answer_has_a_reason_like_the_others() -> None:
    exam = exam_in(reference_rate=1.0, marker_bound=0.5)
    (known,) = answers_of(exam, "一")
    Reference.objects.create(answer=known, points=4, qualifies=False)
    answers_of(exam, "二")
    Answer.objects.filter(pk=known.pk).update(review="marked", review_reason="")
    exam.standings.create(marker=make_user("m1"), status="qualified")
    page = browser_of(make_user("m1")).get(DESK)
    assert page.context["number"] == f"#{known.pk}"
    assert page.context["why"] == "the machine is unsure"


def test_managers_see_the_reason_on_the_answer_s_page() -> None:
    address = reverse("admin:scoring_answer_change", args=[flagged().pk])
    assert "the machine flagged it" in signed_in("exam manager").get(address).content.decode()
    assert "the machine flagged it" not in signed_in("marker").get(address).content.decode()
