"""Every page of the admin renders, in both languages; nothing of it is left untranslated."""

from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils.timezone import now
from django_celery_beat.models import (
    ClockedSchedule,
    CrontabSchedule,
    IntervalSchedule,
    PeriodicTask,
    SolarSchedule,
)

from scoring.models import (
    ApiToken,
    Batch,
    Calibration,
    Exam,
    Question,
    QuestionGroup,
    Submission,
    Upload,
    Withdrawal,
)
from tests.clients import signed_in
from tests.factories import example_exam, make_user, marked_with_evidence, submitted_answer

pytestmark = pytest.mark.django_db
MODELS = sorted(
    (model for model in admin.site._registry if model._meta.app_label != "opsconsole"),
    key=lambda model: model._meta.label,
)
ADDED_BY_HAND = {Exam, Question, User, PeriodicTask, IntervalSchedule, CrontabSchedule,
                 ClockedSchedule, SolarSchedule}  # fmt: skip


@pytest.fixture
def rows() -> None:
    """At least one row of every model that the admin knows."""
    exam = example_exam()
    marked_with_evidence(submitted_answer(exam, "要件が途中で変わったから"), ("C1", 0, 12))
    rejections = [{"line": 3, "pointer": "/question", "detail": "there is no question Q9"}]
    Upload.objects.create(
        exam=exam,
        name="a.csv",
        size=1,
        status="refused",
        rejected=1,
        rejections=rejections,
        batch=Batch.objects.first(),
    )
    question = exam.questions.get(code="Q1")
    Calibration.objects.create(question=question, status="failed", reason="away")
    ApiToken.issue(make_user("client"), "cbt")
    manager = make_user("manager")
    Withdrawal.objects.create(exam=exam, kind="upload", subject=1, withdrawn_by=manager)
    every = IntervalSchedule.objects.create(every=10, period="seconds")
    PeriodicTask.objects.create(name="sweep", task="scoring.tasks.sweep", interval=every)
    CrontabSchedule.objects.create(minute="0", hour="3")
    ClockedSchedule.objects.create(clocked_time=now())
    SolarSchedule.objects.create(event="sunrise", latitude=35, longitude=139)


@pytest.fixture(params=["ja", "en"])
def browser(request: pytest.FixtureRequest, rows: None) -> Client:
    return signed_in("superuser", request.param)


def address(model: Any, page: str, *args: Any) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_list_add_and_change_render(browser: Client, model: Any) -> None:
    listed = browser.get(address(model, "changelist"))
    assert listed.status_code == 200
    wanted = 200 if model in ADDED_BY_HAND else 403
    assert browser.get(address(model, "add")).status_code == wanted
    row = model._default_manager.order_by("pk").first()
    assert row is not None, f"the fixture makes no {model._meta.label}"
    assert browser.get(address(model, "change", row.pk)).status_code == 200


def test_the_overview_tells_of_every_exam_and_of_what_waits(browser: Client) -> None:
    page = browser.get("/admin/").content.decode()
    assert "プロジェクトマネージャ試験" in page
    assert reverse("admin:scoring_answer_changelist") + "?status__exact=failed" in page


def test_the_language_is_the_browser_s_until_one_is_chosen(rows: None) -> None:
    browser = signed_in("superuser", "ja")
    assert "模範解答" in browser.get(address(Question, "change", _question())).content.decode()
    browser.post("/i18n/setlang/", {"language": "en"})
    page = browser.get(address(Question, "change", _question())).content.decode()
    assert "Model answers" in page
    assert "模範解答" not in page


def _question() -> int:
    return Question.objects.earliest("pk").pk


@pytest.mark.parametrize("model", [Exam, Question, Submission, Batch])
def test_a_list_asks_the_database_no_more_often_for_more_rows(rows: None, model: Any) -> None:
    browser = signed_in("superuser")

    def asked() -> int:
        with CaptureQueriesContext(
            connection,
        ) as queries:
            browser.get(address(model, "changelist"))
        return len(queries)

    browser.get("/admin/")
    before = asked()
    for number in range(3):
        exam = Exam.objects.create(code=f"E{number}", title="t")
        group = QuestionGroup.objects.create(exam=exam, code="G", choose=1)
        Question.objects.create(exam=exam, group=group, code="Q", prompt="?", max_points=1)
        batch = Batch.objects.create(exam=exam)
        Submission.objects.create(exam=exam, batch=batch, candidate="c", body_hash="")
    assert asked() == before
