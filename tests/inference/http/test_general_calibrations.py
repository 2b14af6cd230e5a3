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
from inference_server.judging.packing import sha256_of
from tests.fakes import service_with
from tests.inference import marked_questions, sample_texts, serving
from tests.inference.http.requests import SMALL, assert_refused, post_score, score_request
from tests.inference.serving import lines_of

MARKED = marked_questions.marked()
LARGER = replace(SMALL, queue_answers=1000, max_examples=300, max_body=1_000_000)
ROUTE = "/v1/calibrate/general"
SECTION = {"label": "設問ア", "limits": {"min": None, "max": None}}


@pytest.fixture(scope="module")
def service(weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    log = tmp_path_factory.mktemp("general") / "inference.log"
    with serving.process(weights, log, INFERENCE_THREADS="1", LOG_LEVEL="DEBUG") as client:
        yield client
    content = log.read_text("utf-8")
    texts = [example["text"] for marked in MARKED for example in marked["examples"]]
    assert not [text for text in texts if text in content]


@pytest.fixture(scope="module")
def stream(service: httpx.Client) -> list[dict[str, Any]]:
    return lines_of(service.post(ROUTE, json={"questions": MARKED}))


@pytest.fixture(scope="module")
def fake() -> Iterator[httpx.Client]:
    """A client of the service around a stand-in for the encoder."""
    with serving.served(make_app(LARGER, loader=service_with)) as client:
        yield client


def test_it_reports_its_progress_and_then_the_calibration(stream: list[dict[str, Any]]) -> None:
    *progress, last = stream
    fractions = [line["fraction"] for line in progress]
    assert fractions == sorted(fractions)
    assert {line["stage"] for line in progress} == {"reading", "fitting"}
    assert last.keys() == {"sha256", "metrics", "artefact_base64"}
    names = "questions examples folds r rmse exact accuracy uncalibrated seconds out_of_fold"
    assert last["metrics"].keys() == set(names.split())
    assert len(last["metrics"]["out_of_fold"]) == len(MARKED) * marked_questions.EXAMPLES


def test_it_marks_any_question_at_once(stream: list[dict[str, Any]], service: httpx.Client) -> None:
    for question in (marked_questions.question(8), sample_texts.QUESTION):
        response = post_score(service, "要件", calibration=stream[-1]["sha256"], question=question)
        (result,) = response.json()["results"]
        assert result["confidence"] is None


def test_another_service_takes_it(
    stream: list[dict[str, Any]], service: httpx.Client, weights: Path, tmp_path: Path
) -> None:
    name, content = stream[-1]["sha256"], base64.b64decode(stream[-1]["artefact_base64"])
    body = score_request(*sample_texts.JAPANESE[:4], calibration=name)
    with serving.process(weights, tmp_path / "log", INFERENCE_THREADS="1") as other:
        assert_refused(other.post("/v1/score", json=body), 424, "calibration_missing")
        assert other.put(f"/v1/calibrations/{name}", content=content).status_code == 204
        results = other.post("/v1/score", json=body).json()["results"]
    assert results == service.post("/v1/score", json=body).json()["results"]


def test_a_calibration_of_another_encoder_is_refused(
    stream: list[dict[str, Any]], service: httpx.Client
) -> None:
    general = artefacts.unpack(base64.b64decode(stream[-1]["artefact_base64"]))
    foreign = replace(general, encoder="e" * 64).pack()
    response = service.put(f"/v1/calibrations/{sha256_of(foreign)}", content=foreign)
    assert_refused(response, 422, "other_encoder")


def test_it_marks_no_question_in_sections(
    stream: list[dict[str, Any]], service: httpx.Client
) -> None:
    essay = sample_texts.QUESTION | {"sections": [SECTION]}
    response = post_score(service, "要件", calibration=stream[-1]["sha256"], question=essay)
    assert_refused(response, 422, "invalid")


def changed(place: int, **changes: Any) -> list[dict[str, Any]]:
    """The marked questions, with changes to the question at that place."""
    marked = MARKED[place]
    return [
        *MARKED[:place],
        marked | {"question": marked["question"] | changes},
        *MARKED[place + 1 :],
    ]


def with_examples(change: dict[str, Any]) -> list[dict[str, Any]]:
    """The marked questions, with the change to every example."""
    return [
        marked | {"examples": [example | change for example in marked["examples"]]}
        for marked in MARKED
    ]


@pytest.mark.parametrize(
    ("questions", "detail"),
    [
        (MARKED[:4], "/questions: fewer than 5 questions"),
        (
            [marked | {"examples": marked["examples"][:30]} for marked in MARKED[:6]],
            "/questions: fewer than 200 examples in all",
        ),
        (
            with_examples({"points": 0}),
            "/questions: all examples have the same share of the points",
        ),
        (changed(2, max_points=1), "/questions/2/examples/0/points: not from 0 to 1"),
        (changed(3, sections=[SECTION]), "/questions/3/question/sections: a question in sections"),
        (changed(1, step=3), "/questions/1/question/step: "),
    ],
)
def test_it_refuses_what_it_cannot_learn_from(
    fake: httpx.Client, questions: list[dict[str, Any]], detail: str
) -> None:
    response = fake.post(ROUTE, json={"questions": questions})
    assert detail in assert_refused(response, 422, "invalid")


def test_it_refuses_too_many_examples(fake: httpx.Client) -> None:
    response = fake.post(ROUTE, json={"questions": marked_questions.marked(0, 8)})
    assert_refused(response, 413, "too_large")


def test_it_wants_the_token(fake: httpx.Client) -> None:
    response = fake.post(ROUTE, headers={"Authorization": "Bearer wrong"})
    assert_refused(response, 401, "unauthorized")


def test_the_last_line_says_that_rules_mark_every_example(fake: httpx.Client) -> None:
    blank = [
        marked
        | {
            "examples": [
                example | {"text": " " * index} for index, example in enumerate(marked["examples"])
            ]
        }
        for marked in MARKED
    ]
    last = lines_of(fake.post(ROUTE, json={"questions": blank}))[-1]
    assert last["error_type"] == "invalid"
    assert "rule" in last["error"]
