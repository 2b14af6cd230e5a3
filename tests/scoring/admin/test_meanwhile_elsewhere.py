"""Two managers save one page that is no form of an admin class: the second is told, too."""

import html
import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from pmscoring.base.lifecycle import ChangedMeanwhile
from pmscoring.base.roles import roles_of
from scoring.calibration import promotion, thresholds
from scoring.models import Calibration, Question
from scoring.review import assignments, notes
from tests.clients import browser_of, form_data
from tests.factories import calibrated, exam_in, make_user

pytestmark = pytest.mark.django_db
NOTES = "/admin/marking/notes/"


@pytest.fixture
def manager() -> User:
    return make_user("boss", "exam manager")


@pytest.fixture
def browser(manager: User) -> Client:
    return browser_of(manager)


def page(response: Any) -> str:
    return html.unescape(response.content.decode())


def shown(browser: Client, address: str, name: str = "shown") -> str:
    """What the page says that it showed."""
    text = browser.get(address).content.decode()
    return html.unescape(re.findall(rf'name="{name}" value="([^"]*)"', text)[0])


def test_assignments_of_others_are_kept_and_told(manager: User, browser: Client) -> None:
    exam, sato, tanaka = exam_in(), make_user("sato", "marker"), make_user("tanaka", "marker")
    address = reverse("people:assignments", args=[exam.code])
    mine = {f"marker-{sato.pk}": ["Q1"], "shown": shown(browser, address)}
    new = make_user("ueda", "marker")
    assignments.replace(exam, manager, {"tanaka": None, "ueda": ["Q2"]})
    refused = browser.post(address, mine)
    assert "Changed meanwhile for: tanaka, ueda." in page(refused)
    assert assignments.describe(exam) == {"tanaka": None, "ueda": ["Q2"]}
    boxes = {
        row["user"]: [box[0] for box in row["boxes"] if box[2]] for row in refused.context["rows"]
    }
    assert boxes == {sato: ["Q1"], tanaka: ["all"], new: ["Q2"]}
    again = {f"marker-{user.pk}": codes for user, codes in boxes.items()}
    browser.post(address, {**again, "shown": refused.context["shown"]})
    assert assignments.describe(exam) == {"sato": ["Q1"], "tanaka": None, "ueda": ["Q2"]}


def test_an_account_that_another_manager_changed_is_shown_with_both(browser: Client) -> None:
    sato = make_user("sato", "marker")
    address = reverse("people:person", args=[sato.pk])
    seen = shown(browser, address, "_shown")
    sato.groups.set(make_user("other", "adjudicator").groups.all())
    sent = {"name": "佐藤", "roles": ["marker"], "is_active": "on", "_shown": seen}
    refused = browser.post(address, sent)
    assert "Changed meanwhile" in page(refused)
    form = refused.context["form"]
    assert (form["name"].value(), form["roles"].value()) == ("佐藤", ["adjudicator"])
    sato.refresh_from_db()
    assert (sato.last_name, list(roles_of(sato))) == ("", ["adjudicator"])
    sent = {"name": "佐藤", "roles": ["adjudicator"], "is_active": "on"}
    assert browser.post(address, {**sent, "_shown": refused.context["shown"]}).status_code == 302
    sato.refresh_from_db()
    assert sato.last_name == "佐藤"


def test_the_administrators_form_of_a_user_tells_too() -> None:
    browser, sato = browser_of(make_user("superuser")), make_user("sato", "marker")
    address = reverse("admin:auth_user_change", args=[sato.pk])
    mine = form_data(browser, address) | {"_shown": shown(browser, address, "_shown")}
    User.objects.filter(pk=sato.pk).update(email="sato@example.com")
    refused = browser.post(address, mine | {"last_name": "佐藤"})
    assert "nothing of yours is saved yet" in page(refused)
    sato.refresh_from_db()
    assert (sato.last_name, sato.email) == ("", "sato@example.com")


def test_the_form_of_a_schedule_tells_too() -> None:
    every, _ = IntervalSchedule.objects.get_or_create(every=5, period="minutes")
    task = PeriodicTask.objects.create(name="sweep", task="scoring.sweep", interval=every)
    browser = browser_of(make_user("superuser"))
    address = reverse("admin:django_celery_beat_periodictask_change", args=[task.pk])
    mine = form_data(browser, address) | {"_shown": shown(browser, address, "_shown")}
    PeriodicTask.objects.filter(pk=task.pk).update(enabled=False)
    refused = browser.post(address, mine | {"description": "nightly"})
    assert "nothing of yours is saved yet" in page(refused)
    task.refresh_from_db()
    assert (task.enabled, task.description) == (False, "")


def test_a_reply_of_another_manager_is_not_replaced(manager: User, browser: Client) -> None:
    note = notes.write(exam_in().questions.get(code="Q1"), make_user("sato", "marker"), "認めるか")
    notes.reply(note, make_user("second", "exam manager"), "認める")
    sent = {"note": note.pk, "reply": "認めない", "command": "done", "shown": ""}
    refused = browser.post(NOTES, sent)
    assert "Somebody else has replied meanwhile: “認める”" in page(refused)
    assert ">認めない</textarea>" in page(refused)
    note.refresh_from_db()
    assert note.reply == "認める"
    assert browser.post(NOTES, sent | {"shown": "認める"}).status_code == 302
    note.refresh_from_db()
    assert note.reply == "認めない"


@pytest.fixture
def question() -> Question:
    return calibrated(exam_in(), threshold=0.9)


def at(question: Question, page: str, *more: int) -> str:
    return reverse(f"admin:scoring_question_{page}", args=[question.pk, *more])


def test_a_threshold_of_another_manager_is_not_replaced(
    browser: Client, question: Question
) -> None:
    address = at(question, "threshold")
    sent = {"value": "0.5", "shown": shown(browser, f"{address}?value=0.5")}
    thresholds.apply(question, 0.8)
    refused = browser.post(address, sent)
    assert refused["Location"] == f"{address}?value=0.5"
    assert "Somebody else has changed the calibration or the threshold" in page(
        browser.get(refused["Location"])
    )
    question.refresh_from_db()
    assert question.threshold == 0.8
    browser.post(address, {"value": "0.5", "shown": shown(browser, refused["Location"])})
    question.refresh_from_db()
    assert question.threshold == 0.5


def test_two_who_roll_back_go_back_once(browser: Client, question: Question) -> None:
    first = question.calibration
    assert first is not None
    first.definition = question.digest
    first.save()
    newest = Calibration.objects.create(
        question=question, status="ready", sha256="d" * 64, definition=question.digest
    )
    promotion.promote(newest)
    address = at(question, "rollback")
    seen = shown(browser, address)
    promotion.promote(first)
    browser.post(address, {"shown": seen})
    question.refresh_from_db()
    assert question.calibration == first


def test_a_promotion_is_decided_upon_what_was_shown(question: Question) -> None:
    other = Calibration.objects.create(
        question=question, status="ready", sha256="d" * 64, definition=question.digest
    )
    seen = thresholds.in_use(question)
    thresholds.apply(question, None)
    with pytest.raises(ChangedMeanwhile):
        promotion.promote(other, shown=seen)
