"""A job is one worker's at a time: claimed, kept alive, ended, put back, swept.

On the tables of two models that are jobs; what holds for both holds for the next ones.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import translation
from django.utils.timezone import now

from pmscoring.base.lifecycle import WrongState
from scoring.models import Calibration, Exam, Question, Upload
from tests.concurrency import run_concurrently

AFTER, LONG_AGO = timedelta(minutes=1), timedelta(hours=1)
BLOCKED = 0.3
"""Seconds after which another is taken to wait for a lock."""
Job = Calibration | Upload
Kind = type[Calibration] | type[Upload]
on_both = pytest.mark.parametrize("kind", [Calibration, Upload])
on_disk = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def in_english() -> Iterator[None]:
    """What is told in words is told in English."""
    with translation.override("en"):
        yield


def job_of(kind: Kind) -> Job:
    """One that waits."""
    exam = Exam.objects.create(code="E1", title="Exam")
    if kind is Upload:
        return Upload.objects.create(exam=exam, name="answers.csv", size=1, language="ja")
    question = Question.objects.create(exam=exam, code="Q1", prompt="?", max_points=4)
    return Calibration.objects.create(question=question)


def claimed(kind: Kind, tries: int = 1) -> Job:
    """By a worker, at its so many-th try."""
    job = job_of(kind)
    kind.objects.update(tries=tries - 1)
    job.claim()
    return job


def quiet(job: Job) -> Job:
    """Its worker has not been heard of for long, and still knows its claim."""
    job.claimed_at = now() - LONG_AGO
    type(job).objects.update(claimed_at=job.claimed_at)
    return job


def taken_over(job: Job) -> Job:
    """As another worker has it, that claimed it after the sweep."""
    assert type(job).objects.release_stalled(AFTER) == 1
    other = row(job)
    other.claim()
    return other


def row(job: Job) -> Job:
    """As it is stored."""
    return type(job).objects.get(pk=job.pk)


def state(job: Job) -> tuple[str, int, bool]:
    """Status, tries, and whether a worker has it."""
    stored = row(job)
    return stored.status, stored.tries, stored.claimed_at is not None


@on_both
@pytest.mark.django_db
def test_a_claim_counts_the_try_and_a_second_one_is_refused(kind: Kind) -> None:
    job = job_of(kind)
    late = row(job)
    assert list(kind.objects.waiting()) == [job]
    job.claim()
    assert state(job) == (kind.WORKING, 1, True)
    assert not kind.objects.waiting().exists()
    with pytest.raises(WrongState):
        late.claim()
    assert state(job) == (kind.WORKING, 1, True)


@on_both
@on_disk
def test_of_workers_that_claim_at_the_same_instant_one_gets_the_job(kind: Kind) -> None:
    job = job_of(kind)
    found = run_concurrently([row(job).claim for _ in range(4)])
    assert [one for one in found if one is None] == [None]
    assert sum(isinstance(one, WrongState) for one in found) == 3
    assert state(job) == (kind.WORKING, 1, True)


@pytest.mark.django_db
def test_a_heartbeat_tells_how_far_the_work_is() -> None:
    upload = claimed(Upload)
    before = upload.claimed_at
    upload.beat(seen=500)
    stored = Upload.objects.get()
    assert (stored.seen, stored.claimed_at) == (500, upload.claimed_at)
    assert before is not None
    assert stored.claimed_at is not None
    assert stored.claimed_at > before
    Exam.objects.all().delete()
    calibration = claimed(Calibration)
    calibration.beat(stage="heads", fraction=0.5)
    assert Calibration.objects.filter(stage="heads", fraction=0.5).exists()


@on_both
@pytest.mark.django_db
def test_a_job_that_is_done_is_no_worker_s_and_has_no_reason(kind: Kind) -> None:
    job = claimed(kind)
    kind.objects.update(reason="the worker went quiet")
    job.finish()
    assert state(job) == (kind.DONE, 1, False)
    assert row(job).reason == ""


@on_both
@pytest.mark.django_db
def test_a_job_that_fails_says_why_at_most_at_the_column_s_length(kind: Kind) -> None:
    job = claimed(kind)
    job.fail("no" * 400)
    assert state(job) == (kind.FAILED, 1, False)
    assert row(job).reason == "no" * 250


@pytest.mark.django_db
def test_a_model_writes_more_along_at_the_end() -> None:
    calibration = claimed(Calibration)
    calibration.fail("no")
    assert Calibration.objects.filter(finished_at__isnull=False).exists()


@on_both
@pytest.mark.django_db
def test_what_is_put_back_waits_and_fails_after_so_many_tries(kind: Kind) -> None:
    job = claimed(kind)
    job.put_back("stopped")
    assert (state(job), row(job).reason) == ((kind.WAITING, 1, False), "stopped")
    for _ in range(2):
        job = row(job)
        job.claim()
        job.put_back("stopped")
    assert (state(job), row(job).reason) == ((kind.FAILED, 3, False), "stopped")


@on_both
@pytest.mark.django_db
def test_a_try_that_was_not_begun_does_not_count(kind: Kind) -> None:
    job = claimed(kind, tries=3)
    job.put_back("the service is away", begun=False)
    assert state(job) == (kind.WAITING, 2, False)


@on_both
@pytest.mark.django_db
def test_the_sweep_frees_jobs_of_workers_that_went_quiet_and_no_others(kind: Kind) -> None:
    job = claimed(kind)
    assert kind.objects.release_stalled(AFTER) == 0
    assert kind.objects.release_stalled(AFTER, at=now() + LONG_AGO) == 1
    assert state(job) == (kind.WAITING, 1, False)


@on_both
@pytest.mark.django_db
def test_the_sweep_gives_up_a_job_after_so_many_tries(kind: Kind) -> None:
    job = quiet(claimed(kind, tries=3))
    assert kind.objects.release_stalled(AFTER) == 1
    assert state(job) == (kind.FAILED, 3, False)
    assert "3" in row(job).reason


@pytest.mark.django_db
def test_the_reason_is_in_the_language_of_whoever_asked_for_the_job() -> None:
    quiet(claimed(Upload, tries=3))
    Upload.objects.release_stalled(AFTER)
    assert Upload.objects.get().reason == "読み込みが3回中断しました"


@on_both
@pytest.mark.django_db
@pytest.mark.parametrize("deed", ["beat", "finish", "fail"])
def test_a_slow_worker_writes_nothing_once_another_has_the_job(kind: Kind, deed: str) -> None:
    slow = quiet(claimed(kind))
    other = taken_over(slow)
    deeds = {"beat": slow.beat, "finish": slow.finish, "fail": lambda: slow.fail("slow")}
    with pytest.raises(WrongState, match="another worker"):
        deeds[deed]()
    assert state(other) == (kind.WORKING, 2, True)
    other.beat()


@on_both
@pytest.mark.django_db
def test_a_slow_worker_does_not_put_back_what_another_has(kind: Kind) -> None:
    slow = quiet(claimed(kind))
    other = taken_over(slow)
    slow.put_back("stopped")
    assert state(other) == (kind.WORKING, 2, True)


@on_both
@on_disk
def test_the_sweep_passes_over_a_job_whose_outcome_is_being_written(kind: Kind) -> None:
    job = quiet(claimed(kind))
    locked, swept = threading.Event(), threading.Event()

    def write() -> None:
        with transaction.atomic():
            job.beat()
            locked.set()
            swept.wait(30)
            job.finish()

    def sweep() -> int:
        locked.wait(30)
        try:
            return kind.objects.release_stalled(AFTER)
        finally:
            swept.set()

    assert run_concurrently([write, sweep]) == [None, 0]
    assert state(job) == (kind.DONE, 1, False)


@on_both
@on_disk
def test_a_worker_that_writes_while_the_sweep_has_its_job_finds_it_gone(kind: Kind) -> None:
    job = quiet(claimed(kind))
    freed = threading.Event()

    def sweep() -> None:
        with transaction.atomic():
            kind.objects.release_stalled(AFTER)
            freed.set()
            time.sleep(BLOCKED)

    def write() -> None:
        freed.wait(30)
        job.finish()

    _swept, refused = run_concurrently([sweep, write])
    assert isinstance(refused, WrongState), refused
    assert state(job) == (kind.WAITING, 1, False)


@on_both
@pytest.mark.django_db
def test_a_worker_whose_outcome_is_undone_still_knows_its_claim(kind: Kind) -> None:
    job = claimed(kind)
    with suppress(ZeroDivisionError), job.all_or_none():
        job.beat()
        raise ZeroDivisionError
    assert row(job).claimed_at == job.claimed_at
    job.fail("no")
    assert state(job) == (kind.FAILED, 1, False)
