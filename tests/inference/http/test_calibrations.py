"""Calibration over HTTP: the stream, what is refused, one at a time, and giving artefacts back."""

import asyncio
import base64
import hashlib
import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from inference_server.arrays import Floats
from inference_server.http.app import make_app
from inference_server.http.fit_job import FitJob
from inference_server.judging.question import QuestionCalibration
from tests.fakes import service_with
from tests.inference import marked_answers, sample_texts, serving
from tests.inference.http.requests import SMALL, assert_refused, post_score, score_request
from tests.inference.serving import lines_of

EXAMPLES = marked_answers.answers(40)
LARGER = replace(SMALL, queue_answers=1000, max_examples=60)


def body(examples: Sequence[dict[str, Any]] = EXAMPLES, **changes: Any) -> dict[str, Any]:
    return {"question": sample_texts.QUESTION | changes, "examples": list(examples)}


@pytest.fixture(scope="module")
def service(weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    log = tmp_path_factory.mktemp("calibrating") / "inference.log"
    with serving.process(weights, log, INFERENCE_THREADS="1", LOG_LEVEL="DEBUG") as client:
        yield client
    content = log.read_text("utf-8")
    assert not [example["text"] for example in EXAMPLES if example["text"] in content]


@pytest.fixture(scope="module")
def stream(service: httpx.Client) -> list[dict[str, Any]]:
    return lines_of(service.post("/v1/calibrate", json=body()))


@pytest.fixture(scope="module")
def artefact(stream: list[dict[str, Any]]) -> bytes:
    return base64.b64decode(stream[-1]["artefact_base64"], validate=True)


@pytest.fixture(scope="module")
def fake() -> Iterator[httpx.Client]:
    """A client of the service around a stand-in for the encoder."""
    with serving.served(make_app(LARGER, loader=service_with)) as client:
        yield client


def test_it_reports_its_progress_and_then_the_calibration(stream: list[dict[str, Any]]) -> None:
    *progress, last = stream
    assert all(line.keys() == {"stage", "fraction"} for line in progress)
    fractions = [line["fraction"] for line in progress]
    assert fractions == sorted(fractions)
    assert len(progress) > 20
    assert last.keys() == {"sha256", "metrics", "artefact_base64"}


def test_the_artefact_is_what_its_name_says(
    stream: list[dict[str, Any]], artefact: bytes, service: httpx.Client
) -> None:
    assert hashlib.sha256(artefact).hexdigest() == stream[-1]["sha256"]
    model = service.get("/info").json()["model"]
    assert QuestionCalibration.unpack(artefact).encoder == model


def test_it_says_what_it_measured(stream: list[dict[str, Any]]) -> None:
    names = "examples folds kappa exact adjacent mae calibration_error seconds seed out_of_fold"
    assert stream[-1]["metrics"].keys() == set(names.split())
    assert len(stream[-1]["metrics"]["out_of_fold"]) == len(EXAMPLES)


def test_it_marks_under_it_at_once(stream: list[dict[str, Any]], service: httpx.Client) -> None:
    texts = [example["text"] for example in EXAMPLES]
    results = post_score(service, *texts, calibration=stream[-1]["sha256"]).json()["results"]
    assert all(0 < result["confidence"] < 1 for result in results)


def test_another_service_lacks_it_until_it_is_given(
    stream: list[dict[str, Any]],
    artefact: bytes,
    service: httpx.Client,
    weights: Path,
    tmp_path: Path,
) -> None:
    name = stream[-1]["sha256"]
    body = score_request(*(example["text"] for example in EXAMPLES), calibration=name)
    with serving.process(weights, tmp_path / "log", INFERENCE_THREADS="1") as other:
        assert_refused(other.post("/v1/score", json=body), 424, "calibration_missing")
        upload = other.put(f"/v1/calibrations/{name}", content=artefact)
        assert (upload.status_code, upload.content) == (204, b"")
        results = other.post("/v1/score", json=body).json()["results"]
    assert results == service.post("/v1/score", json=body).json()["results"]


def test_an_artefact_under_another_name_is_refused(service: httpx.Client, artefact: bytes) -> None:
    response = service.put(f"/v1/calibrations/{'0' * 64}", content=artefact)
    assert_refused(response, 422, "invalid")


def test_what_is_no_artefact_is_refused(service: httpx.Client) -> None:
    content = b"\x08\0\0\0\0\0\0\0{}      "
    name = hashlib.sha256(content).hexdigest()
    assert_refused(service.put(f"/v1/calibrations/{name}", content=content), 422, "invalid")


def test_an_artefact_of_another_encoder_is_refused(service: httpx.Client, artefact: bytes) -> None:
    foreign = replace(QuestionCalibration.unpack(artefact), encoder="e" * 64).pack()
    name = hashlib.sha256(foreign).hexdigest()
    assert_refused(service.put(f"/v1/calibrations/{name}", content=foreign), 422, "other_encoder")
    assert_refused(post_score(service, "要件", calibration=name), 424, "calibration_missing")


def test_it_marks_no_other_question(stream: list[dict[str, Any]], service: httpx.Client) -> None:
    other = sample_texts.QUESTION | {"max_points": 5}
    response = post_score(service, "要件", calibration=stream[-1]["sha256"], question=other)
    assert_refused(response, 422, "invalid")


@pytest.mark.parametrize("path", ["/v1/calibrate", f"/v1/calibrations/{'0' * 64}"])
def test_it_wants_the_token(fake: httpx.Client, path: str) -> None:
    method = "POST" if path.endswith("calibrate") else "PUT"
    response = fake.request(method, path, headers={"Authorization": "Bearer wrong"})
    assert_refused(response, 401, "unauthorized")


FIRST = EXAMPLES[0]


@pytest.mark.parametrize(
    ("examples", "detail"),
    [
        (EXAMPLES[:29], "/examples: fewer than 30"),
        ([FIRST | {"points": 4, "criteria": None}] * 30, "/examples: all have the same points"),
        ([*EXAMPLES, FIRST | {"points": 7}], "/examples/40/points: not from 0 to 6"),
        ([*EXAMPLES, FIRST | {"points": -1}], "/examples/40/points: "),
        ([*EXAMPLES, FIRST | {"points": 2.5}], "/examples/40/points: "),
        ([*EXAMPLES, FIRST | {"points": "4"}], "/examples/40/points: "),
        ([*EXAMPLES, FIRST | {"criteria": {"C1": 4}}], "/examples/40/criteria: "),
        ([*EXAMPLES, FIRST | {"criteria": {"C1": 4, "C2": 3}}], "/examples/40/criteria/C2: "),
        ([*EXAMPLES, FIRST | {"text": "a\0b"}], "/examples/40/text: "),
        ([*EXAMPLES, FIRST | {"name": "x"}], "/examples/40/name: "),
    ],
)
def test_it_refuses_what_it_cannot_learn_from(
    fake: httpx.Client, examples: list[dict[str, Any]], detail: str
) -> None:
    assert detail in assert_refused(fake.post("/v1/calibrate", json=body(examples)), 422, "invalid")


def test_it_learns_what_answers_other_questions(service: httpx.Client) -> None:
    plain, taught = (
        lines_of(service.post("/v1/calibrate", json=body() | told))[-1]["sha256"]
        for told in ({}, {"foreign": list(sample_texts.ENGLISH)})
    )
    assert plain != taught


@pytest.mark.parametrize(
    ("foreign", "detail"),
    [(["a"] * 201, "/foreign: "), (["a", ""], "/foreign/1: "), (["a" * 2001], "/foreign/0: ")],
)
def test_it_refuses_too_much_of_other_questions(
    fake: httpx.Client, foreign: list[str], detail: str
) -> None:
    response = fake.post("/v1/calibrate", json=body() | {"foreign": foreign})
    assert detail in assert_refused(response, 422, "invalid")


def test_it_refuses_too_many_examples(fake: httpx.Client) -> None:
    response = fake.post("/v1/calibrate", json=body(marked_answers.answers(61)))
    assert_refused(response, 413, "too_large")


def test_it_refuses_a_text_that_the_question_does_not_take(fake: httpx.Client) -> None:
    long = [EXAMPLES[0] | {"text": "\ufdfa" * 2000}, *EXAMPLES[1:]]
    error = assert_refused(fake.post("/v1/calibrate", json=body(long)), 422, "invalid")
    assert "/examples/0/text: 36000 code points" in error


def test_it_fits_one_at_a_time_and_goes_on_scoring(fake: httpx.Client) -> None:
    with fake.stream("POST", "/v1/calibrate", json=body()) as response:
        lines = response.iter_lines()
        next(lines)
        assert_refused(fake.post("/v1/calibrate", json=body()), 429, "overloaded")
        assert post_score(fake, "要件").status_code == 200
        assert "sha256" in json.loads(list(lines)[-1])
    assert "sha256" in lines_of(fake.post("/v1/calibrate", json=body(EXAMPLES[:30])))[-1]


def test_its_slot_is_free_before_the_last_line_is_sent() -> None:
    events: list[Any] = []

    class Lines(asyncio.Queue[Any]):
        def put_nowait(self, item: Any) -> None:
            events.append(item)
            super().put_nowait(item)

    async def listen() -> None:
        is_watched = threading.Event()

        def work(_say: Callable[[str, float], None]) -> dict[str, Any]:
            assert is_watched.wait(10)
            return {"sha256": "x"}

        job = FitJob(work, lambda: events.append("over"))
        job.lines = Lines()
        is_watched.set()
        assert [line async for line in job] == [{"sha256": "x"}]

    asyncio.run(listen())
    assert events == ["over", {"sha256": "x"}, None]


def test_it_stops_when_the_client_goes_away() -> None:
    """On a service of its own, for the next calibration is begun only to see that it may be."""
    with serving.served(make_app(LARGER, loader=service_with)) as client:
        assert begun(client, marked_answers.answers(60)) == 200
        left = time.monotonic()
        while begun(client, EXAMPLES[:30]) == 429:
            assert time.monotonic() - left < 5
            time.sleep(0.05)


def begun(client: httpx.Client, examples: Sequence[dict[str, Any]]) -> int:
    """The status of a calibration that is left at its first line."""
    with client.stream("POST", "/v1/calibrate", json=body(examples)) as response:
        next(response.iter_lines())
        return response.status_code


def test_a_failure_is_the_last_line() -> None:
    def broken(_sequences: Sequence[Sequence[int]]) -> list[Floats]:
        raise RuntimeError("no")

    app = make_app(LARGER, loader=lambda config: service_with(config, broken))
    with serving.served(app) as client:
        assert lines_of(client.post("/v1/calibrate", json=body()))[-1]["error_type"] == "internal"


def test_a_question_without_references_is_calibrated(fake: httpx.Client) -> None:
    bare = [
        criterion | {"references": [], "label": "", "keywords": []}
        for criterion in sample_texts.QUESTION["criteria"]
    ]
    stream = lines_of(fake.post("/v1/calibrate", json=body(criteria=bare, model_answers=[])))
    assert "sha256" in stream[-1]
