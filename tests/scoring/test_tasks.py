"""The names of tasks, which stored schedules and messages on their way carry."""

from typing import Any, cast

from django.conf import settings

import opsconsole.tasks  # noqa: F401 - makes its tasks known
from pmscoring.celery import app
from scoring import tasks

STORED = {
    "scoring.tasks.score_waiting",
    "scoring.tasks.fit_calibration",
    "scoring.tasks.refold",
    "scoring.tasks.regroup",
    "scoring.tasks.read_upload",
    "scoring.tasks.sweep",
    "scoring.tasks.forget_old_keys",
    "scoring.tasks.publish_load",
    "scoring.tasks.delete_due_answers",
}


def test_a_task_keeps_its_name_wherever_its_work_moves() -> None:
    assert {name for name in app.tasks if name.startswith("scoring.")} == STORED
    assert tasks.sweep.name in STORED


def test_every_schedule_names_a_task_that_there_is() -> None:
    scheduled = {entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()}
    assert scheduled
    assert scheduled <= set(app.tasks)


def test_the_load_is_published_by_workers_that_score_and_by_one_that_does_not() -> None:
    scheduled = settings.CELERY_BEAT_SCHEDULE.values()
    of_load = [entry for entry in scheduled if entry["task"] == tasks.publish_load.name]
    options = [cast("dict[str, Any]", entry["options"]) for entry in of_load]
    assert {each.get("queue", "default") for each in options} == {"default", "ops"}
    # A message that nobody has taken for so long is followed by the next one.
    assert [each["expires"] for each in options] == [entry["schedule"] for entry in of_load]
