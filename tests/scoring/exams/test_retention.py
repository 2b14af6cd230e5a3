"""From an exam's date on its answers are gone, and nothing else is."""

import logging
from datetime import date
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.utils.timezone import now
from pytest_django import Settings

from scoring import tasks
from scoring.exams import definitions, retention
from scoring.intake import submissions
from scoring.models import (
    Answer,
    AnswerGroup,
    Batch,
    Exam,
    IdempotencyKey,
    Lease,
    Mark,
    Question,
    Reference,
    ReferenceMark,
    Submission,
    Upload,
)
from tests.factories import EXAM, submission

pytestmark = pytest.mark.django_db(transaction=True)
DAY = date(2026, 4, 1)


@pytest.fixture(autouse=True)
def uploads(settings: Settings, tmp_path: Path) -> Path:
    """The folder of uploaded files."""
    settings.MEDIA_ROOT = tmp_path
    return tmp_path


def exam_with_answers(code: str, day: date | None, candidates: int = 3) -> Exam:
    exam, _ = definitions.load({**EXAM, "code": code})
    records = [submission(f"c{n}", "要件が途中で変わったから", code) for n in range(candidates)]
    submissions.accept_all(enumerate(records, start=1))
    Exam.objects.filter(pk=exam.pk).update(delete_answers_on=day)
    for answer in Answer.objects.filter(submission__exam=exam):
        Mark.objects.create(answer=answer, source=Mark.Source.MACHINE, points=2)
    upload = Upload(exam=exam, name="answers.csv", size=3, accepted=3, status=Upload.Status.READ)
    upload.rejections = [{"line": 2, "pointer": "", "detail": "x"}]
    upload.notes = ["sheet 山田: the sheet is hidden and was not read"]
    upload.reason = "c0_Q1.pdf: x"
    upload.file.save("answers.csv", ContentFile(b"a,b"))
    user = User.objects.get_or_create(username="cbt")[0]
    IdempotencyKey.objects.create(user=user, key=code, body_hash="x", response=records[0])
    return exam


def rows_of(exam: Exam) -> tuple[int, int, int]:
    answers = Answer.objects.filter(submission__exam=exam)
    marks = Mark.objects.filter(answer__in=answers)
    return Submission.objects.filter(exam=exam).count(), answers.count(), marks.count()


def test_it_deletes_from_that_day_on_and_only_of_that_exam(uploads: Path) -> None:
    due, later, never = (
        exam_with_answers("DUE", DAY),
        exam_with_answers("LATER", date(2026, 4, 2)),
        exam_with_answers("NEVER", None),
    )
    assert retention.delete_due(date(2026, 3, 31)) == []
    assert rows_of(due) == (3, 3, 3)
    (deleted,) = retention.delete_due(DAY)
    assert deleted == retention.Deleted("DUE", 3, 3, 3, files=1, responses=1)
    assert rows_of(due) == (0, 0, 0)
    assert rows_of(later) == rows_of(never) == (3, 3, 3)
    assert len([path for path in uploads.rglob("*") if path.is_file()]) == 2
    assert set(IdempotencyKey.objects.values_list("key", flat=True)) == {"LATER", "NEVER"}
    assert retention.delete_due(DAY) == []


def test_the_exam_and_what_was_counted_stay() -> None:
    exam = exam_with_answers("DUE", DAY)
    retention.delete_due(DAY)
    assert Question.objects.filter(exam=exam).exists()
    assert [batch.accepted for batch in Batch.objects.all()] == [3]
    upload = Upload.objects.get()
    assert (upload.accepted, upload.file.name, upload.rejections) == (3, "", [])
    assert (upload.notes, upload.reason) == ([], "")


def test_marks_that_were_withdrawn_go_too() -> None:
    exam = exam_with_answers("DUE", DAY, candidates=1)
    marker = User.objects.create_user("marker")
    answer = Answer.objects.get(submission__exam=exam)
    mark = Mark.objects.create(answer=answer, source=Mark.Source.HUMAN, marker=marker, points=1)
    for _ in range(2):
        mark = Mark.objects.create(
            answer=answer, source="withdrawal", marker=marker, points=0, withdraws=mark
        )
    assert retention.delete_due(DAY)[0].marks == 4
    assert rows_of(exam) == (0, 0, 0)


def test_more_than_fit_in_one_transaction_are_deleted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "CHUNK", 2)
    exam = exam_with_answers("DUE", DAY, candidates=5)
    assert retention.delete_due(DAY)[0].submissions == 5
    assert rows_of(exam) == (0, 0, 0)


def test_a_file_that_waits_to_be_read_is_not_read_any_more(uploads: Path) -> None:
    exam = exam_with_answers("DUE", DAY)
    Upload.objects.update(status=Upload.Status.WAITING)
    retention.delete_due(DAY)
    assert Upload.objects.get().status == Upload.Status.REFUSED
    assert not Upload.objects.waiting().exists()
    assert rows_of(exam) == (0, 0, 0)


def test_the_audit_log_has_counts_and_no_candidate(caplog: pytest.LogCaptureFixture) -> None:
    exam_with_answers("DUE", date(2020, 1, 1))
    with caplog.at_level(logging.INFO, logger="audit"):
        tasks.delete_due_answers()
    (record,) = (one for one in caplog.records if one.name == "audit")
    told = {name: getattr(record, name) for name in ("exam", "submissions", "answers", "marks")}
    assert told == {"exam": "DUE", "submissions": 3, "answers": 3, "marks": 3}
    # Without what every record has: ids and the checkout's folder may spell anything.
    usual = {*vars(logging.makeLogRecord({})), "request_id"}
    added = {name: said for name, said in vars(record).items() if name not in usual}
    assert "c0" not in f"{record.getMessage()} {added}"


def test_beat_sees_to_it(settings: Settings) -> None:
    named = {entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()}
    assert tasks.delete_due_answers.name in named


def test_what_people_had_in_hand_goes_with_the_answers() -> None:
    exam = exam_with_answers("DUE", DAY, candidates=2)
    marker = User.objects.create_user("marker")
    one, other = Answer.objects.filter(submission__exam=exam)
    Lease.objects.create(answer=one, marker=marker, expires_at=now())
    group = AnswerGroup.objects.create(question=one.question, kind="same", representative=one)
    Answer.objects.filter(pk__in=[one.pk, other.pk]).update(answer_group=group)
    reference = Reference.objects.create(answer=other, points=2)
    told = {"reference": reference, "marker": marker, "points": 1, "agrees": False}
    ReferenceMark.objects.create(purpose="watch", **told)
    retention.delete_due(DAY)
    for model in (Lease, AnswerGroup, Reference, ReferenceMark, Answer):
        assert not model.objects.exists()
