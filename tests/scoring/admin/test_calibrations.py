"""The calibration of a question in the admin: each action shows its effect, then is done."""

import re

import pytest
from django.test import Client
from django.urls import reverse

from scoring.calibration import fitting, thresholds
from scoring.machine import batches
from scoring.models import Calibration, Exam, MarkingPolicy, Question
from tests.clients import signed_in
from tests.factories import example_question
from tests.scoring.calibrations import fitted, marked_question
from tests.scoring.fake_inference import FakeInference, right, sloppy

pytestmark = pytest.mark.django_db


@pytest.fixture
def question() -> Question:
    question = marked_question(120)
    MarkingPolicy.objects.update_or_create(exam=question.exam, defaults={"machine_final": True})
    return question


@pytest.fixture
def browser() -> Client:
    return signed_in("exam manager")


def at(question: Question, name: str = "calibration", *more: int) -> str:
    return reverse(f"admin:scoring_question_{name}", args=[question.pk, *more])


def page(browser: Client, address: str) -> str:
    response = browser.get(address)
    assert response.status_code == 200
    return re.sub(r"\s+", " ", response.content.decode())


def test_a_question_without_marks_says_what_it_takes(browser: Client) -> None:
    html = page(browser, at(example_question()))
    assert "0 different texts; 30 are needed" in html
    assert "None yet." in html
    assert "/ask/" not in html


def test_it_is_asked_for_and_its_progress_is_alive(browser: Client, question: Question) -> None:
    assert 'texts marked by people</td><td class="pms-number"><b>120</b>' in page(
        browser, at(question, "ask")
    )
    assert not Calibration.objects.exists()
    assert browser.post(at(question, "ask")).status_code == 302
    calibration = Calibration.objects.get()
    assert calibration.requested_by is not None
    calibration.become("fitting", stage="embedding", fraction=0.42)
    html = page(browser, at(question))
    assert 'id="calibration-live" data-live' in html
    assert 'aria-valuenow="42"' in html
    assert "embedding" in html
    detail = page(browser, reverse("admin:scoring_calibration_change", args=[calibration.pk]))
    assert f'id="calibration-{calibration.pk}" data-live' in detail


def test_the_page_shows_what_is_in_use_and_what_it_reaches(
    browser: Client, question: Question
) -> None:
    first = fitted(question, FakeInference(right))
    fitted(question, FakeInference(sloppy))
    html = page(browser, at(question))
    assert "data-live" not in html
    assert "<dd><b>0.800</b></dd>" in html
    assert f"Marked under {first}." in html
    assert html.count("Put to use") == 1
    assert "better than the one before" in html
    assert '<polyline class="pms-line"' in html


def test_what_failed_says_why(browser: Client, question: Question) -> None:
    service = FakeInference(right)
    service.refuses = "other_encoder"
    fitting.fit(fitting.request(question), service.client)
    assert "HTTP 422" in page(browser, at(question))


def test_a_promotion_shows_both_and_what_becomes_of_the_threshold(
    browser: Client, question: Question
) -> None:
    fitted(question, FakeInference(right))
    batches.score_waiting(question, FakeInference(right).client)
    thresholds.apply(question, 0.85)
    second = fitted(question, FakeInference(lambda text: (0, 0.9)))
    html = page(browser, at(question, "promote", second.pk))
    assert "on 120 texts that neither was fitted to" in html
    figures = re.findall(r'exact</td><td class="pms-number">(.*?)</td>.*?<b>(.*?)</b>', html)
    assert figures == [("100.0%", "33.3%")]
    assert "no machine mark becomes final" in html
    question.refresh_from_db()
    assert question.calibration != second
    browser.post(at(question, "promote", second.pk))
    question.refresh_from_db()
    assert (question.calibration, question.threshold) == (second, None)


def test_it_is_rolled_back_after_a_question(browser: Client, question: Question) -> None:
    fitted(question, FakeInference(right))
    assert "Roll back to the uncalibrated method?" in page(browser, at(question, "rollback"))
    browser.post(at(question, "rollback"))
    question.refresh_from_db()
    assert question.calibration is None
    assert "rolled back" in page(browser, at(question))
    assert browser.get(at(question, "rollback")).status_code == 302


def test_a_threshold_is_shown_with_what_it_would_do_and_then_applied(
    browser: Client, question: Question
) -> None:
    fitted(question, FakeInference(right))
    batches.score_waiting(question, FakeInference(right).client)
    html = page(browser, at(question, "threshold"))
    assert 'name="value" value="0.9"' in html
    assert "With 95 % probability, at least" in html
    assert "machine marks that become final, of 120 answers" in html
    assert not question.thresholds.exists()
    browser.post(at(question, "threshold"), {"value": "0.9", "target": "0.95"})
    browser.post(at(question, "threshold"), {})
    thresholds_set = list(question.thresholds.order_by("pk").values_list("value", "target"))
    assert thresholds_set == [(0.9, 0.95), (None, None)]
    question.refresh_from_db()
    assert question.threshold is None


def test_a_value_of_ones_own_is_shown_without_a_promise(
    browser: Client, question: Question
) -> None:
    fitted(question, FakeInference(right))
    html = page(browser, at(question, "threshold") + "?value=0.5")
    assert "no statistical guarantee" in html
    assert "With 95 %" not in html
    browser.post(at(question, "threshold"), {"value": "0.5"})
    assert question.thresholds.latest("pk").target is None


def test_a_target_that_is_not_shown_offers_nothing_to_apply(
    browser: Client, question: Question
) -> None:
    fitted(question, FakeInference(right))
    html = page(browser, at(question, "threshold") + "?target=0.999")
    assert "do not demonstrate this agreement at any confidence" in html
    assert 'name="value" value=' not in html.replace('name="value" value=""', "")


def test_a_fixed_exam_offers_nothing_and_a_late_click_gets_the_reason(
    browser: Client, question: Question
) -> None:
    fitted(question, FakeInference(right))
    Exam.objects.update(status="fixed")
    html = page(browser, at(question))
    assert not re.search(r"/(ask|rollback|threshold)/", html)
    html = browser.post(at(question, "rollback"), follow=True).content.decode()
    assert "fixed" in html
    question.refresh_from_db()
    assert question.calibration is not None


def test_who_only_views_changes_nothing(question: Question) -> None:
    calibration = fitted(question, FakeInference(right))
    browser = signed_in("viewer")
    assert not re.search(r"/(ask|rollback|threshold)/", page(browser, at(question)))
    for address in (
        at(question, "ask"),
        at(question, "rollback"),
        at(question, "threshold"),
        at(question, "promote", calibration.pk),
    ):
        assert browser.post(address, {"value": "0.5"}).status_code == 302
    question.refresh_from_db()
    assert (question.calibration, question.threshold) == (calibration, None)
    assert Calibration.objects.count() == 1


@pytest.mark.parametrize(("model", "nouns"), [("question", "questions"), ("exam", "exams")])
def test_many_are_calibrated_from_the_list(
    browser: Client, question: Question, model: str, nouns: str
) -> None:
    key = question.pk if model == "question" else question.exam_id
    body = {"action": "calibrate", "_selected_action": [key]}
    first = browser.post(reverse(f"admin:scoring_{model}_changelist"), body, follow=True)
    assert "waits for a worker" in first.content.decode()
    assert Calibration.objects.get().question == question
    again = browser.post(reverse(f"admin:scoring_{model}_changelist"), body, follow=True)
    assert "under way" in again.content.decode(), nouns


def test_the_list_shows_all_of_all_questions(browser: Client, question: Question) -> None:
    fitted(question, FakeInference(right))
    html = page(browser, reverse("admin:scoring_calibration_changelist"))
    assert "0.800" in html
    assert "90.0%" in html


def test_the_pages_speak_japanese(question: Question) -> None:
    fitted(question, FakeInference(right))
    browser = signed_in("exam manager", "ja")
    for name in ("calibration", "ask", "rollback", "threshold"):
        html = page(browser, at(question, name))
        assert "較正" in html, name
        assert "confidence" not in re.sub(r"<[^>]*>", "", html), name
