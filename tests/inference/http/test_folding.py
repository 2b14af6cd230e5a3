"""Workers and services of two releases side by side: no mark by the rules of the other release."""

from collections.abc import Iterator

import httpx
import pytest
from pytest_django import Settings

from inference_server.http.app import make_app
from pmscoring.base import folding
from scoring.inference import Inference, InferenceBrokeOff, InferenceUnavailable
from tests.fakes import service_with
from tests.inference import sample_texts, serving
from tests.inference.http.requests import SMALL, assert_refused, post_score, score_request
from tests.inference.serving import wait_until

ANSWERS = [("1", "要件の未確認")]


class OfAnotherRelease(Inference):
    """A client that folds by the rules before these, or after them."""

    step = 1

    def _headers(self) -> dict[str, str]:
        return {**super()._headers(), folding.HEADER: str(folding.FOLDING + self.step)}


@pytest.fixture
def service() -> Iterator[httpx.Client]:
    with serving.served(make_app(SMALL, service_with)) as client:
        wait_until(lambda: client.get("/health").status_code == 200)
        yield client


@pytest.mark.parametrize("step", [-1, 1], ids=["older", "newer"])
def test_a_caller_that_folds_by_other_rules_gets_no_mark_and_comes_again(
    service: httpx.Client, step: int, settings: Settings
) -> None:
    settings.LANGUAGE_CODE = "en"
    client = OfAnotherRelease(str(service.base_url), serving.TOKEN, 20)
    client.step = step
    with pytest.raises(InferenceUnavailable, match="rules of another release") as refused:
        client.score(sample_texts.QUESTION, ANSWERS)
    assert not isinstance(refused.value, InferenceBrokeOff)


def test_a_caller_of_the_same_release_gets_marks(service: httpx.Client) -> None:
    client = Inference(str(service.base_url), serving.TOKEN, 20)
    _model, results = client.score(sample_texts.QUESTION, ANSWERS)
    assert list(results) == ["1"]


def test_a_caller_that_names_no_rules_gets_marks(service: httpx.Client) -> None:
    assert post_score(service, "要件の未確認").status_code == 200


def test_rules_that_are_no_number_are_other_rules(service: httpx.Client) -> None:
    headers = {folding.HEADER: f"{folding.FOLDING}a"}
    response = service.post("/v1/score", json=score_request("要件"), headers=headers)
    assert_refused(response, 503, "other_folding")
