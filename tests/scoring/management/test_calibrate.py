"""`manage.py calibrate` asks, follows the worker and tells what came of it."""

from collections.abc import Callable
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from scoring.calibration import fitting
from scoring.models import Calibration, Exam, Question
from tests.factories import example_question
from tests.scoring.calibrations import fitted, marked_question
from tests.scoring.fake_inference import FakeInference, right, sloppy

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("english")]


def run(*words: str) -> str:
    out = StringIO()
    call_command("calibrate", *words, stdout=out, stderr=out)
    return out.getvalue()


@pytest.fixture
def question() -> Question:
    return marked_question()


def worked_by(
    service: FakeInference, monkeypatch: pytest.MonkeyPatch, then: Callable[[], Any] = lambda: None
) -> None:
    """Let a worker fit what waits whenever the command polls."""

    def work(_seconds: float) -> None:
        for calibration in Calibration.objects.waiting():
            fitting.fit(calibration, service.client)
        then()

    monkeypatch.setattr("scoring.management.commands.calibrate.time.sleep", work)


def test_it_asks_and_leaves_the_rest_to_a_worker(question: Question) -> None:
    assert "waits for a worker" in run("PM-2026")
    assert Calibration.objects.get().status == "waiting"


def test_it_follows_until_the_calibration_marks(
    question: Question, monkeypatch: pytest.MonkeyPatch
) -> None:
    worked_by(FakeInference(right), monkeypatch)
    told = run("PM-2026", "Q1", "--wait")
    assert "[########################################]" in told
    assert "30 texts, QWK 0.800, exact 90.0%" in told
    assert "now marks the question" in told


def test_it_follows_the_one_that_is_under_way(
    question: Question, monkeypatch: pytest.MonkeyPatch
) -> None:
    fitting.request(question)
    worked_by(FakeInference(right), monkeypatch)
    assert "now marks the question" in run("PM-2026", "--wait")
    assert Calibration.objects.count() == 1


@pytest.mark.parametrize(("more", "is_used"), [([], False), (["--promote"], True)])
def test_what_is_no_better_is_put_to_use_only_where_it_is_asked_for(
    question: Question, monkeypatch: pytest.MonkeyPatch, more: list[str], is_used: bool
) -> None:
    fitted(question, FakeInference(right))
    worked_by(FakeInference(sloppy), monkeypatch)
    told = run("PM-2026", "--wait", *more)
    assert ("no better" in told) is not is_used
    question.refresh_from_db()
    assert (question.calibration == Calibration.objects.latest("pk")) is is_used


def test_it_says_why_a_calibration_can_no_longer_be_promoted(
    question: Question, monkeypatch: pytest.MonkeyPatch
) -> None:
    fitted(question, FakeInference(right))
    worked_by(FakeInference(sloppy), monkeypatch, then=lambda: Exam.objects.update(status="fixed"))
    with pytest.raises(CommandError, match=r"Q1: PM-2026 .*fixed"):
        run("PM-2026", "--promote")


def test_a_fit_that_failed_is_told_and_is_an_error(
    question: Question, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = FakeInference(right)
    service.refuses = "invalid"
    worked_by(service, monkeypatch)
    with pytest.raises(CommandError, match="1 of 1 failed"):
        run("PM-2026", "--wait")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["NO-SUCH"], "no exam NO-SUCH"),
        (["PM-2026", "Q1", "Q77"], "no question Q77"),
        (["PM-2026", "Q1"], "Q1: .*0 different texts"),
        (["PM-2026"], "nothing to calibrate"),
    ],
)
def test_what_cannot_be_asked_is_an_error(words: list[Any], told: str) -> None:
    example_question()
    with pytest.raises(CommandError, match=told):
        run(*words)
