"""What the tests of the REST API may ask for."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.utils.timezone import now
from django_celery_beat.models import CrontabSchedule
from pytest_django import Settings
from rest_framework.throttling import SimpleRateThrottle

from opsconsole.models import Backup, BackupPlan, Event, ExamWindow, Restore
from scoring import tasks
from scoring.exams import definitions
from scoring.intake import submissions, uploads
from scoring.marks import settlement
from scoring.models import (
    Answer,
    AnswerGroup,
    ApiToken,
    Calibration,
    Mark,
    Reference,
    RubricNote,
    SavedComment,
)
from tests.factories import EXAM, submission
from tests.opsconsole import environments_made
from tests.opsconsole.scaling import factories

DAY = timedelta(days=1)


@pytest.fixture
def headers(
    transactional_db: None,
    settings: Settings,
    tmp_path: Any,
    inference_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> dict[str, str]:
    """A superuser's token, in an installation that has a row of every model."""
    rates = {**SimpleRateThrottle.THROTTLE_RATES, "ops": "100000/min"}
    monkeypatch.setattr(SimpleRateThrottle, "THROTTLE_RATES", rates)
    settings.MEDIA_ROOT = tmp_path
    settings.INFERENCE_URL = inference_url
    tasks.inference.cache_clear()
    user = User.objects.create_superuser("root")
    _, secret = ApiToken.issue(user)
    exam, _ = definitions.load(EXAM)
    # Far from any id that is drawn: if a call deleted the token, all later ones would be refused.
    ApiToken.objects.update(id=10**12 + exam.pk)
    settlement.become(exam, "marking")
    submissions.accept_all([(1, submission("c1", "一")), (2, submission("c2", "二"))])
    Answer.objects.update(status="scored")
    settlement.settle(Answer.objects.values_list("pk", flat=True))
    answer = Answer.objects.order_by("pk")[0]
    AnswerGroup.objects.create(question=answer.question, kind="same", representative=answer)
    # Far from any id that is drawn, for a call may delete it.
    Reference.objects.create(pk=10**12, answer=answer, points=1)
    Mark.objects.create(answer=answer, source="human", marker=user, points=1)
    Calibration.objects.create(question=answer.question, status="failed", reason="x")
    # As far from any id that is drawn, for a call may delete it.
    SavedComment.objects.create(pk=10**12, exam=exam, author=user, text="x", is_shared=True)
    RubricNote.objects.create(question=answer.question, author=user, text="x", answer=answer)
    backup = Backup.objects.create(name="20260101T000000Z-00000000", status="stored")
    Restore.objects.create(backup=backup, backup_name=backup.name, status="done")
    BackupPlan.objects.create(name="fuzz", schedule=CrontabSchedule.objects.create())
    Event.objects.record("backup.requested", backup)
    environment = environments_made.environment()
    environments_made.release(environment, live=True)
    environments_made.deployment(environment, status="live")
    environments_made.operation(environment, status="done")
    factories.decision(factories.policy(of=environment))
    at = now()
    ExamWindow.objects.create(pk=10**12, name="over", starts_at=at - 2 * DAY, ends_at=at - DAY)
    uploads.read(uploads.receive(exam, "a.csv", ContentFile(b"candidate,question,text\nc,Q9,a")))
    return {"Authorization": f"Bearer {secret}"}
