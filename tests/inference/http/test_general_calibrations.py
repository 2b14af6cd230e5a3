"""The general calibration over HTTP: the stream, what is refused, which questions it marks."""

import base64
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from inference_server.http.app import make_app
from inference_server.judging import artefacts
from inference_server.judging.packing import named
from tests.fakes import service_with
from tests.inference import carried, serving, written
from tests.inference.http.test_service import SMALL, refused, request
from tests.inference.serving import lines

MARKED = carried.marked()
LARGER = replace(SMALL, queue_answers=1000, max_examples=300, max_body=1_000_000)
ROUTE = "/v1/calibrate/general"
SECTION = {"label": "設問ア", "limits": {"min": None, "max": None}}


@pytest.fixture(scope="module")
def service(weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    log = tmp_path_factory.mktemp("general") / "inference.log"
    with serving.process(weights, log, INFERENCE_THREADS="1", LOG_LEVEL="DEBUG") as caller:
        yield caller
    told = log.read_text("utf-8")
    assert not [e for one in MARKED for e in one["examples"] if e["text"] in told]


@pytest.fixture(scope="module")
def told(service: httpx.Client) -> list[dict[str, Any]]:
    return lines(service.post(ROUTE, json={"questions": MARKED}))


@pytest.fixture(scope="module")
def quick() -> Iterator[httpx.Client]:
    """The service around a stand-in for the encoder."""
    with serving.served(make_app(LARGER, loader=service_with)) as caller:
        yield caller


def test_it_tells_its_progress_and_then_the_calibration(told: list[dict[str, Any]]) -> None:
    *progress, last = told
    fractions = [one["fraction"] for one in progress]
    assert fractions == sorted(fractions)
    assert {one["stage"] for one in progress} == {"reading", "fitting"}
    assert last.keys() == {"sha256", "metrics", "artefact_base64"}
    names = "questions examples folds r rmse exact accuracy uncalibrated seconds out_of_fold"
    assert last["metrics"].keys() == set(names.split())
    assert len(last["metrics"]["out_of_fold"]) == len(MARKED) * carried.EACH


def test_it_marks_any_question_at_once(told: list[dict[str, Any]], service: httpx.Client) -> None:
    for question in (carried.question(8), written.QUESTION):
        asked = request("要件", calibration=told[-1]["sha256"]) | {"question": question}
        (result,) = service.post("/v1/score", json=asked).json()["results"]
        assert result["confidence"] is None


def test_another_service_takes_it(
    told: list[dict[str, Any]], service: httpx.Client, weights: Path, tmp_path: Path
) -> None:
    name, content = told[-1]["sha256"], base64.b64decode(told[-1]["artefact_base64"])
    asked = request(*written.JAPANESE[:4], calibration=name)
    with serving.process(weights, tmp_path / "log", INFERENCE_THREADS="1") as other:
        refused(other.post("/v1/score", json=asked), 424, "calibration_missing")
        assert other.put(f"/v1/calibrations/{name}", content=content).status_code == 204
        results = other.post("/v1/score", json=asked).json()["results"]
    assert results == service.post("/v1/score", json=asked).json()["results"]


def test_one_of_another_encoder_is_refused(
    told: list[dict[str, Any]], service: httpx.Client
) -> None:
    general = artefacts.unpack(base64.b64decode(told[-1]["artefact_base64"]))
    foreign = replace(general, encoder="e" * 64).pack()
    answer = service.put(f"/v1/calibrations/{named(foreign)}", content=foreign)
    refused(answer, 422, "other_encoder")


def test_it_marks_no_question_in_sections(
    told: list[dict[str, Any]], service: httpx.Client
) -> None:
    asked = request("要件", calibration=told[-1]["sha256"])
    asked["question"] = asked["question"] | {"sections": [SECTION]}
    refused(service.post("/v1/score", json=asked), 422, "invalid")


def changed(place: int, **question: Any) -> list[dict[str, Any]]:
    """The marked questions, one of them otherwise."""
    one = MARKED[place]
    return [
        *MARKED[:place],
        one | {"question": one["question"] | question},
        *MARKED[place + 1 :],
    ]


ALIKE = [one | {"examples": [e | {"points": 0} for e in one["examples"]]} for one in MARKED]


@pytest.mark.parametrize(
    ("questions", "told"),
    [
        (MARKED[:4], "/questions: fewer than 5 questions"),
        (
            [one | {"examples": one["examples"][:30]} for one in MARKED[:6]],
            "/questions: fewer than 200 examples in all",
        ),
        (ALIKE, "/questions: all examples have the same share of the points"),
        (changed(2, max_points=1), "/questions/2/examples/0/points: not from 0 to 1"),
        (changed(3, sections=[SECTION]), "/questions/3/question/sections: a question in sections"),
        (changed(1, step=3), "/questions/1/question/step: "),
    ],
)
def test_it_refuses_what_it_cannot_learn_from(
    quick: httpx.Client, questions: list[dict[str, Any]], told: str
) -> None:
    answer = quick.post(ROUTE, json={"questions": questions})
    assert told in refused(answer, 422, "invalid")


def test_it_refuses_too_many_examples(quick: httpx.Client) -> None:
    answer = quick.post(ROUTE, json={"questions": carried.marked(0, 8)})
    refused(answer, 413, "too_large")


def test_it_wants_the_token(quick: httpx.Client) -> None:
    answer = quick.post(ROUTE, headers={"Authorization": "Bearer wrong"})
    refused(answer, 401, "unauthorized")


def test_examples_that_rules_mark_are_told_in_the_last_line(quick: httpx.Client) -> None:
    blank = [
        one | {"examples": [e | {"text": " " * i} for i, e in enumerate(one["examples"])]}
        for one in MARKED
    ]
    last = lines(quick.post(ROUTE, json={"questions": blank}))[-1]
    assert last["error_type"] == "invalid"
    assert "rule" in last["error"]
