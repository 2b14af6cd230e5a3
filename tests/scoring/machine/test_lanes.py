"""A long queue of one question is scored by several tasks side by side, and by no more."""

import pytest
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from scoring import tasks
from scoring.inference import Inference
from scoring.intake import submissions
from scoring.machine import lanes
from tests.factories import example_exam, submission

pytestmark = pytest.mark.django_db


def test_a_queue_has_as_many_lanes_as_batches() -> None:
    assert lanes.open_for(-1, 2.5) == [0, 1, 2]
    assert lanes.open_for(-2, 0.0) == []
    assert lanes.open_for(-3, 1000.0) == list(range(lanes.MOST))


def test_a_lane_on_which_a_task_waits_is_not_opened_again_until_it_is_taken_up() -> None:
    lanes.open_for(-4, 3)
    assert lanes.open_for(-4, 3) == []
    lanes.take_up(-4, 1)
    assert lanes.open_for(-4, 3) == [1]


def test_without_a_cache_there_is_one_lane(settings: Settings) -> None:
    settings.CACHES = {
        "default": {**settings.CACHES["default"], "LOCATION": "redis://127.0.0.1:1/0"}
    }
    lanes.take_up(-5, 0)
    assert lanes.open_for(-5, 4) == [0]
    assert lanes.open_for(-5, 0) == []


def test_a_task_asks_for_others_before_its_own_batch_and_for_what_is_left_after_it(
    inference_url: str,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    settings.SCORING_BATCH = 2
    question = example_exam().questions.get(code="Q1")
    submissions.accept_all((n, submission(f"c{n}", f"要件が{n}回変わった")) for n in range(7))
    sent: list[tuple[int, int]] = []
    monkeypatch.setattr(
        tasks.score_waiting, "apply_async", lambda args, **options: sent.append(args)
    )
    monkeypatch.setattr(tasks, "TURN_SECONDS", 0.0)
    service = Inference(inference_url, "a-token-for-tests", 60)
    monkeypatch.setattr(tasks, "inference", lambda: service)

    with django_capture_on_commit_callbacks(execute=True):
        assert tasks.score_waiting(question.pk) == 2

    assert sent == [(question.pk, lane) for lane in (0, 1, 2)]
