"""Fixing an exam says what is unfinished first; every change of state has its person."""

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse

from scoring.exams import definitions
from scoring.intake import submissions
from scoring.marks import giving
from scoring.models import Answer, Exam
from tests.clients import JSON, client_for, signed_in
from tests.factories import answers_of, exam_in, fresh, make_user

pytestmark = pytest.mark.django_db
ENGLISH = {"Accept-Language": "en"}


@pytest.fixture
def manager() -> Client:
    return signed_in("exam manager")


def disputed(exam: Exam) -> Answer:
    (answer,) = answers_of(exam, "一")
    for name, points in (("m1", 4), ("m2", 0)):
        giving.give(fresh(answer), make_user(name, staff=True), {"points": points})
    assert fresh(answer).review == "disputed"
    return answer


def address(exam: Exam, state: str = "fixed") -> str:
    return reverse("admin:scoring_exam_state", args=[exam.pk, state])


def state_of(exam: Exam) -> str:
    return Exam.objects.get(pk=exam.pk).status


def sent(browser: Client, exam: Exam) -> dict[str, str]:
    """What the page sends when the exam's code is typed."""
    form = browser.get(address(exam)).context["form"]
    return {"code": exam.code, "shown": form["shown"].value()}


def unfinished_exam() -> Exam:
    """With a dispute, an answer in the queue, and one whose scoring failed: queued, too."""
    exam = exam_in(readings=2)
    disputed(exam)
    _queued, failed = answers_of(exam, "二", "三")
    Answer.objects.filter(pk=failed.pk).update(status="failed", review="queued")
    return exam


def test_the_page_counts_what_is_unfinished_before_it_fixes(manager: Client) -> None:
    page = manager.get(address(unfinished_exam()))
    counts = {str(row["name"]): row["count"] for row in page.context["counts"]}
    assert counts == {
        "open disputes": 1,
        "answers to be marked by people": 2,
        "answers that the machine has not read": 1,
        "candidates without a total": 3,
    }
    assert 'name="code"' in page.content.decode()


@pytest.mark.parametrize("typed", ["", "room", "yes"])
def test_it_is_not_fixed_without_the_code(manager: Client, typed: str) -> None:
    exam = unfinished_exam()
    page = manager.post(address(exam), {"code": typed})
    assert page.status_code == 200
    assert "1 dispute is open" in page.content.decode() or typed
    assert state_of(exam) == "marking"


def test_it_is_fixed_with_the_code_and_the_history_has_who_and_what(manager: Client) -> None:
    exam = unfinished_exam()
    manager.post(address(exam), sent(manager, exam))
    assert state_of(exam) == "fixed"
    page = manager.get(reverse("admin:scoring_exam_history", args=[exam.pk])).content.decode()
    assert "State changed from “marking” to “fixed”." in page
    assert "1 dispute is open" in page
    assert "exam-manager" in page


def test_it_asks_for_no_code_where_all_is_finished(manager: Client) -> None:
    exam = exam_in()
    (answer,) = answers_of(exam, "一")
    giving.give(fresh(answer), make_user("m1", staff=True), {"points": 4})
    assert 'name="code"' not in manager.get(address(exam)).content.decode()
    manager.post(address(exam))
    assert state_of(exam) == "fixed"


def test_it_counts_again_when_it_is_confirmed(manager: Client) -> None:
    exam = exam_in(readings=2)
    assert not manager.get(address(exam)).context["form"]
    disputed(exam)
    page = manager.post(address(exam))
    assert "1 dispute is open" in page.content.decode()
    assert state_of(exam) == "marking"


def test_the_code_confirms_no_more_than_the_page_showed(manager: Client) -> None:
    exam = unfinished_exam()
    form = sent(manager, exam)
    answers_of(exam, "四")
    page = manager.post(address(exam), form)
    assert "More is unfinished than this page showed" in page.content.decode()
    assert state_of(exam) == "marking"
    counts = [row["count"] for row in page.context["counts"]]
    assert counts == [1, 3, 1, 4]
    for other in ("", "[]", '{"disputes": 9}', '{"disputes": "9"}'):
        manager.post(address(exam), {"code": exam.code, "shown": other})
        assert state_of(exam) == "marking"
    manager.post(address(exam), {"code": exam.code, "shown": page.context["form"]["shown"].value()})
    assert state_of(exam) == "fixed"


def test_less_that_is_unfinished_needs_no_second_look(manager: Client) -> None:
    exam = unfinished_exam()
    form = sent(manager, exam)
    queued = Answer.objects.filter(review="queued").latest("pk")
    for name in ("m1", "m2"):
        giving.give(fresh(queued), make_user(name, staff=True), {"points": 1})
    manager.post(address(exam), form)
    assert state_of(exam) == "fixed"


def test_the_list_fixes_nothing_without_the_page(manager: Client) -> None:
    exam = exam_in()
    other = exam_in(code="OTHER")
    exams = reverse("admin:scoring_exam_changelist")
    data: dict[str, Any] = {"action": "become_fixed", "_selected_action": [exam.pk]}
    assert manager.post(exams, data)["Location"] == address(exam)
    data["_selected_action"] = [exam.pk, other.pk]
    manager.post(exams, data, follow=True)
    assert {state_of(exam), state_of(other)} == {"marking"}


def test_candidates_who_were_absent_or_have_all_points_have_no_total_to_wait_for(
    manager: Client,
) -> None:
    exam = exam_in()
    submissions.accept({"exam": exam.code, "candidate": "c", "absent": True, "answers": []})
    page = manager.get(address(exam))
    assert [row["count"] for row in page.context["counts"]] == [0, 0, 0, 0]


def put(client: Client, exam: Exam, query: str = "") -> Any:
    body = definitions.describe(exam) | {"state": "fixed"}
    return client.put(f"/api/v1/exams/{exam.code}{query}", body, content_type=JSON, headers=ENGLISH)


def test_rest_lists_the_counts_and_fixes_with_the_code() -> None:
    exam = unfinished_exam()
    client = client_for("exam manager")
    refused = put(client, exam)
    assert refused.status_code == 409
    assert [error["pointer"] for error in refused.json()["errors"]] == [
        "/disputes",
        "/queued",
        "/unread",
        "/without_total",
    ]
    assert "1 dispute is open" in refused.json()["detail"]
    assert put(client, exam, "?unfinished=other").status_code == 409
    assert state_of(exam) == "marking"
    assert put(client, exam, f"?unfinished={exam.code}").status_code == 200
    assert state_of(exam) == "fixed"
    entry = LogEntry.objects.get()
    assert entry.user.username == "exam-manager"


@pytest.mark.parametrize(
    ("language", "sentence"),
    [
        ("en", "State changed from “marking” to “fixed”."),
        ("ja", "状態を「採点」から「確定」に変更しました。"),
    ],
)
def test_the_history_is_in_the_language_of_its_reader(language: str, sentence: str) -> None:
    exam = exam_in()
    signed_in("exam manager", "ja" if language == "en" else "en").post(address(exam))
    reader = signed_in("viewer", language)
    page = reader.get(reverse("admin:scoring_exam_history", args=[exam.pk]))
    assert sentence in page.content.decode()
