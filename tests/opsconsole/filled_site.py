"""`python -m tests.opsconsole.filled_site`: rows and files in the database of the settings."""

import json
import os
from datetime import timedelta

import django
from django.core.files.base import ContentFile
from django.utils.timezone import localdate, now


def main() -> None:
    """Two exams with an answer each, one of them to be deleted tomorrow; uploads; a schedule."""
    django.setup()
    from django_celery_beat.models import IntervalSchedule, PeriodicTask

    from opsconsole.models import Caller, Event
    from scoring.models import Upload
    from tests.factories import exam_in, submitted_answer

    kept, due = exam_in("marking", "KEPT"), exam_in("marking", "DUE")
    type(due).objects.filter(pk=due.pk).update(delete_answers_on=localdate() + timedelta(days=1))
    for exam in (kept, due):
        submitted_answer(exam, "要件")
        upload = Upload(exam=exam, name="answers.jsonl", size=3)
        upload.file.save("answers.jsonl", ContentFile(exam.code.encode()))
    every, _ = IntervalSchedule.objects.get_or_create(every=1, period="days")
    PeriodicTask.objects.create(
        name="a day", task="a", interval=every, last_run_at=now() - timedelta(days=9)
    )
    Event.objects.record("backup.requested", None, Caller("before", "command"))
    files = dict(Upload.objects.values_list("exam__code", "file"))
    print(json.dumps(files))


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pmscoring.settings")
    main()
