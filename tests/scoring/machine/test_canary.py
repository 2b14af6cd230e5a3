"""The canary: a fixed question that the inference service must mark as it always does."""

import json

import pytest
from django.conf import LazySettings
from django.core.management import CommandError, call_command
from jsonschema import Draft202012Validator

from scoring.machine import canary
from tests.paths import ROOT
from tests.scoring.fake_inference import FakeInference, right


@pytest.fixture
def service() -> FakeInference:
    """A service that gives points to the right answer alone."""
    made = FakeInference(right)
    made.uncalibrated = lambda text: 5 if text == canary.RIGHT[1] else 1
    return made


def test_it_tells_the_points_and_the_model(service: FakeInference) -> None:
    marks = canary.sing(service.client)
    assert (marks.right, marks.wrong, marks.model) == (5, 1, service.model)


def test_it_fails_where_the_service_is_away(service: FakeInference) -> None:
    service.is_away = True
    with pytest.raises(canary.CanaryFailed, match="ConnectError"):
        canary.sing(service.client)


def test_it_fails_where_all_answers_get_the_same(service: FakeInference) -> None:
    service.uncalibrated = lambda text: 3
    with pytest.raises(canary.CanaryFailed, match="the right answer got 3 points"):
        canary.sing(service.client)


def test_the_question_is_one_of_the_contract() -> None:
    schema = json.loads((ROOT / "pmscoring/contract/question.schema.json").read_text("utf-8"))
    Draft202012Validator(schema).validate(canary.QUESTION)


def test_the_real_service_tells_the_right_answer_from_the_wrong_one(
    inference_url: str, settings: LazySettings, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.INFERENCE_URL = inference_url
    call_command("canary")
    marks = json.loads(capsys.readouterr().out)
    assert marks["right"] >= 4
    assert marks["wrong"] <= 2


def test_the_command_fails_where_nothing_answers(settings: LazySettings) -> None:
    settings.INFERENCE_URL = "http://127.0.0.1:9"
    with pytest.raises(CommandError, match="ConnectError"):
        call_command("canary")
