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
from inference_server.judging.question import Calibration
from tests.fakes import service_with
from tests.inference import marked, serving, written
from tests.inference.http.test_service import SMALL, refused, request
from tests.inference.serving import lines

EXAMPLES = marked.answers(40)
LARGER = replace(SMALL, queue_answers=1000, max_examples=60)


def body(examples: Sequence[dict[str, Any]] = EXAMPLES, **changes: Any) -> dict[str, Any]:
    return {"question": written.QUESTION | changes, "examples": list(examples)}


@pytest.fixture(scope="module")
def service(weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    log = tmp_path_factory.mktemp("calibrating") / "inference.log"
    with serving.process(weights, log, INFERENCE_THREADS="1", LOG_LEVEL="DEBUG") as caller:
        yield caller
    told = log.read_text("utf-8")
    assert not [one["text"] for one in EXAMPLES if one["text"] in told]


@pytest.fixture(scope="module")
def told(service: httpx.Client) -> list[dict[str, Any]]:
    return lines(service.post("/v1/calibrate", json=body()))


@pytest.fixture(scope="module")
def artefact(told: list[dict[str, Any]]) -> bytes:
    return base64.b64decode(told[-1]["artefact_base64"], validate=True)


@pytest.fixture(scope="module")
def quick() -> Iterator[httpx.Client]:
    """The service around a stand-in for the encoder."""
    with serving.served(make_app(LARGER, loader=service_with)) as caller:
        yield caller


def test_it_tells_its_progress_and_then_the_calibration(told: list[dict[str, Any]]) -> None:
    *progress, last = told
    assert all(one.keys() == {"stage", "fraction"} for one in progress)
    fractions = [one["fraction"] for one in progress]
    assert fractions == sorted(fractions)
    assert len(progress) > 20
    assert last.keys() == {"sha256", "metrics", "artefact_base64"}


def test_the_artefact_is_what_its_name_says(
    told: list[dict[str, Any]], artefact: bytes, service: httpx.Client
) -> None:
    assert hashlib.sha256(artefact).hexdigest() == told[-1]["sha256"]
    model = service.get("/info").json()["model"]
    assert Calibration.unpack(artefact).encoder == model


def test_it_says_what_it_measured(told: list[dict[str, Any]]) -> None:
    names = "examples folds kappa exact adjacent mae calibration_error seconds seed out_of_fold"
    assert told[-1]["metrics"].keys() == set(names.split())
    assert len(told[-1]["metrics"]["out_of_fold"]) == len(EXAMPLES)


def test_it_marks_under_it_at_once(told: list[dict[str, Any]], service: httpx.Client) -> None:
    texts = [one["text"] for one in EXAMPLES]
    asked = request(*texts, calibration=told[-1]["sha256"])
    results = service.post("/v1/score", json=asked).json()["results"]
    assert all(0 < one["confidence"] < 1 for one in results)


def test_another_service_lacks_it_until_it_is_given(
    told: list[dict[str, Any]],
    artefact: bytes,
    service: httpx.Client,
    weights: Path,
    tmp_path: Path,
) -> None:
    name = told[-1]["sha256"]
    asked = request(*(one["text"] for one in EXAMPLES), calibration=name)
    with serving.process(weights, tmp_path / "log", INFERENCE_THREADS="1") as other:
        refused(other.post("/v1/score", json=asked), 424, "calibration_missing")
        given = other.put(f"/v1/calibrations/{name}", content=artefact)
        assert (given.status_code, given.content) == (204, b"")
        results = other.post("/v1/score", json=asked).json()["results"]
    assert results == service.post("/v1/score", json=asked).json()["results"]


def test_an_artefact_under_another_name_is_refused(service: httpx.Client, artefact: bytes) -> None:
    answer = service.put(f"/v1/calibrations/{'0' * 64}", content=artefact)
    refused(answer, 422, "invalid")


def test_what_is_no_artefact_is_refused(service: httpx.Client) -> None:
    content = b"\x08\0\0\0\0\0\0\0{}      "
    name = hashlib.sha256(content).hexdigest()
    refused(service.put(f"/v1/calibrations/{name}", content=content), 422, "invalid")


def test_an_artefact_of_another_encoder_is_refused(service: httpx.Client, artefact: bytes) -> None:
    foreign = replace(Calibration.unpack(artefact), encoder="e" * 64).pack()
    name = hashlib.sha256(foreign).hexdigest()
    refused(service.put(f"/v1/calibrations/{name}", content=foreign), 422, "other_encoder")
    refused(
        service.post("/v1/score", json=request("要件", calibration=name)),
        424,
        "calibration_missing",
    )


def test_it_marks_no_other_question(told: list[dict[str, Any]], service: httpx.Client) -> None:
    asked = request("要件", calibration=told[-1]["sha256"])
    asked["question"] = asked["question"] | {"max_points": 5}
    refused(service.post("/v1/score", json=asked), 422, "invalid")


@pytest.mark.parametrize("path", ["/v1/calibrate", f"/v1/calibrations/{'0' * 64}"])
def test_it_wants_the_token(quick: httpx.Client, path: str) -> None:
    method = "POST" if path.endswith("calibrate") else "PUT"
    answer = quick.request(method, path, headers={"Authorization": "Bearer wrong"})
    refused(answer, 401, "unauthorized")


ONE = EXAMPLES[0]


@pytest.mark.parametrize(
    ("examples", "told"),
    [
        (EXAMPLES[:29], "/examples: fewer than 30"),
        ([ONE | {"points": 4, "criteria": None}] * 30, "/examples: all have the same points"),
        ([*EXAMPLES, ONE | {"points": 7}], "/examples/40/points: not from 0 to 6"),
        ([*EXAMPLES, ONE | {"points": -1}], "/examples/40/points: "),
        ([*EXAMPLES, ONE | {"points": 2.5}], "/examples/40/points: "),
        ([*EXAMPLES, ONE | {"points": "4"}], "/examples/40/points: "),
        ([*EXAMPLES, ONE | {"criteria": {"C1": 4}}], "/examples/40/criteria: "),
        ([*EXAMPLES, ONE | {"criteria": {"C1": 4, "C2": 3}}], "/examples/40/criteria/C2: "),
        ([*EXAMPLES, ONE | {"text": "a\0b"}], "/examples/40/text: "),
        ([*EXAMPLES, ONE | {"name": "x"}], "/examples/40/name: "),
    ],
)
def test_it_refuses_what_it_cannot_learn_from(
    quick: httpx.Client, examples: list[dict[str, Any]], told: str
) -> None:
    assert told in refused(quick.post("/v1/calibrate", json=body(examples)), 422, "invalid")


def test_it_refuses_too_many_examples(quick: httpx.Client) -> None:
    refused(quick.post("/v1/calibrate", json=body(marked.answers(61))), 413, "too_large")


def test_it_fits_one_at_a_time_and_goes_on_scoring(quick: httpx.Client) -> None:
    with quick.stream("POST", "/v1/calibrate", json=body()) as stream:
        rest = stream.iter_lines()
        next(rest)
        refused(quick.post("/v1/calibrate", json=body()), 429, "overloaded")
        assert quick.post("/v1/score", json=request("要件")).status_code == 200
        assert "sha256" in json.loads(list(rest)[-1])
    assert "sha256" in lines(quick.post("/v1/calibrate", json=body()))[-1]


def test_its_turn_is_over_before_the_last_line_is_told() -> None:
    heard: list[Any] = []

    class Lines(asyncio.Queue[Any]):
        def put_nowait(self, item: Any) -> None:
            heard.append(item)
            super().put_nowait(item)

    async def listen() -> None:
        begun = threading.Event()

        def work(_say: Callable[[str, float], None]) -> dict[str, Any]:
            assert begun.wait(10)
            return {"sha256": "x"}

        job = FitJob(work, lambda: heard.append("over"))
        job.lines = Lines()
        begun.set()
        assert [line async for line in job] == [{"sha256": "x"}]

    asyncio.run(listen())
    assert heard == ["over", {"sha256": "x"}, None]


def test_it_stops_when_the_caller_goes_away(quick: httpx.Client) -> None:
    with quick.stream("POST", "/v1/calibrate", json=body(marked.answers(60))) as stream:
        assert "stage" in json.loads(next(stream.iter_lines()))
    gone = time.monotonic()
    while quick.post("/v1/calibrate", json=body(EXAMPLES[:30])).status_code == 429:
        assert time.monotonic() - gone < 5
        time.sleep(0.05)


def test_a_failure_is_the_last_line() -> None:
    def broken(_sequences: Sequence[Sequence[int]]) -> list[Floats]:
        raise RuntimeError("no")

    app = make_app(LARGER, loader=lambda config: service_with(config, broken))
    with serving.served(app) as caller:
        assert lines(caller.post("/v1/calibrate", json=body()))[-1]["error_type"] == "internal"


def test_a_question_without_references_is_calibrated(quick: httpx.Client) -> None:
    bare = [
        one | {"references": [], "label": "", "keywords": []}
        for one in written.QUESTION["criteria"]
    ]
    told = lines(quick.post("/v1/calibrate", json=body(criteria=bare, model_answers=[])))
    assert "sha256" in told[-1]
