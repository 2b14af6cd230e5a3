"""The service over HTTP: who may call, what is refused and how, what it reports of itself."""

import json
import re
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from inference_server.arrays import Floats
from inference_server.config import Config
from inference_server.encoding.engine import choose
from inference_server.http.app import make_app
from inference_server.http.state import Service
from tests.fakes import service_with, vectors_of
from tests.inference import sample_texts, serving
from tests.inference.http.requests import SMALL, assert_refused, post_score, score_request
from tests.inference.serving import wait_until

SECRET = "極秘の解答七四一"
UNKNOWN = "0" * 64
SCORED = "inference_request_seconds_count"
GIVEN_UP = 'inference_refused_total{error_type="incomplete"}'
CALLS = [("POST", "/v1/score"), ("GET", "/info"), ("GET", "/metrics")]


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("service") / "inference.log"


@pytest.fixture(scope="module")
def service(weights: Path, log: Path) -> Iterator[httpx.Client]:
    """The real service with small limits, logging all that it ever logs."""
    limits = {
        "INFERENCE_MAX_ANSWERS": "5",
        "INFERENCE_MAX_TOKENS": "600",
        "INFERENCE_MAX_BODY": "20000",
        "INFERENCE_THREADS": "1",
        "LOG_LEVEL": "DEBUG",
    }
    with serving.process(weights, log, **limits) as client:
        yield client


@pytest.mark.parametrize(("method", "path"), CALLS)
@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer wrong", serving.TOKEN, f"Basic {serving.TOKEN}", "Bearer é"]
)
def test_it_wants_the_token(service: httpx.Client, method: str, path: str, header: str) -> None:
    headers = {b"Authorization": header.encode()}
    assert_refused(service.request(method, path, headers=headers), 401, "unauthorized")


def test_it_reports_its_health_to_anyone(service: httpx.Client) -> None:
    response = httpx.get(service.base_url.join("/health"))
    assert (response.status_code, response.json()["model_loaded"]) == (200, True)
    assert response.json()["status"] == "healthy"


def test_it_scores(service: httpx.Client, weights: Path) -> None:
    body = post_score(service, "利用部門が要件を確認していなかった", "").json()
    assert body["model"] == service.get("/info").json()["model"]
    first, second = body["results"]
    assert (first["id"], second["id"]) == ("0", "1")
    assert first["points"] > second["points"] == 0
    assert first.keys() == {"id", "points", "criteria", "confidence", "flags"}
    assert [criterion["code"] for criterion in first["criteria"]] == ["C1", "C2"]


def test_it_scores_no_answers(service: httpx.Client) -> None:
    assert post_score(service).json()["results"] == []


def test_it_gives_two_equal_texts_one_result(service: httpx.Client) -> None:
    results = post_score(service, "要件", "別の答え", "要件").json()["results"]
    assert results[2] | {"id": "0"} == results[0]


def test_it_refuses_too_many_answers(service: httpx.Client) -> None:
    response = post_score(service, *"一二三四五六")
    assert "5" in assert_refused(response, 413, "too_large")


def test_it_refuses_too_many_tokens(service: httpx.Client) -> None:
    response = post_score(service, "".join(sample_texts.JAPANESE), "要件" * 900)
    assert "600" in assert_refused(response, 413, "too_large")


@pytest.mark.parametrize("chunked", [False, True])
def test_it_refuses_too_large_a_body(service: httpx.Client, chunked: bool) -> None:
    body = b" " * 30_000
    parts = (body[start : start + 1000] for start in range(0, len(body), 1000))
    response = service.post("/v1/score", content=parts if chunked else body)
    assert "20000" in assert_refused(response, 413, "too_large")


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"calibration": "x"}, "/calibration"),
        ({"question": sample_texts.QUESTION | {"step": 3}}, "/question/step"),
        ({"answers": [{"id": "1", "text": f"{SECRET}\0"}]}, "/answers/0/text"),
        ({"answers": [{"id": "1"}]}, "/answers/0/text"),
    ],
)
def test_it_points_at_what_is_invalid(
    service: httpx.Client, changes: dict[str, Any], pointer: str
) -> None:
    message = assert_refused(post_score(service, **changes), 422, "invalid")
    assert f"{pointer}: " in message
    assert SECRET not in message


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff", b'{"\\ud800": 1}', b'"\\ud800"'])
def test_it_refuses_what_is_no_request(service: httpx.Client, body: bytes) -> None:
    assert_refused(service.post("/v1/score", content=body), 422, "invalid")


def test_it_lacks_a_calibration_that_it_was_never_given(service: httpx.Client) -> None:
    response = post_score(service, "要件", calibration=UNKNOWN)
    assert UNKNOWN in assert_refused(response, 424, "calibration_missing")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/nowhere", 404), ("GET", "/v1/score", 405), ("DELETE", "/health", 405)],
)
def test_it_refuses_another_call_in_the_same_shape(
    service: httpx.Client, method: str, path: str, status: int
) -> None:
    assert_refused(service.request(method, path), status, "invalid")


def test_it_describes_itself(service: httpx.Client) -> None:
    info = service.get("/info").json()
    assert re.fullmatch("[0-9a-f]{64}", info["model"])
    assert (info["device"], info["dtype"]) == choose("cpu", "auto")
    assert info["window_tokens"] == 512
    limits = ("max_answers", "max_tokens", "max_body_bytes")
    assert [info[name] for name in limits] == [5, 600, 20_000]


def metric(client: httpx.Client, name: str) -> float:
    response = client.get("/metrics")
    assert response.headers["Content-Type"].startswith("text/plain")
    match = re.search(rf"^{re.escape(name)} (\S+)$", response.text, re.MULTILINE)
    return float(match.group(1)) if match else 0.0


def test_it_counts_what_it_scored_and_refused(service: httpx.Client) -> None:
    names = (
        "inference_answers_total",
        'inference_refused_total{error_type="unauthorized"}',
        "inference_request_seconds_count",
    )
    before = [metric(service, name) for name in names]
    post_score(service, "要件", "合意", "要件")
    service.get("/info", headers={"Authorization": "Bearer wrong"})
    after = [metric(service, name) for name in names]
    assert [now - then for now, then in zip(after, before, strict=True)] == [3, 1, 1]


def test_it_reports_how_many_sequences_wait(service: httpx.Client) -> None:
    assert metric(service, "inference_waiting_sequences") == 0


@pytest.mark.parametrize("path", ["/health", "/info", "/nowhere", "/v1/score"])
def test_it_sends_the_request_id_back(service: httpx.Client, path: str) -> None:
    response = service.get(path, headers={"X-Request-ID": "a-request.1"})
    assert response.headers["X-Request-ID"] == "a-request.1"


@pytest.mark.parametrize("unusable", ["", "a b", "x" * 65, "<script>"])
def test_it_makes_a_request_id_where_none_is_usable(service: httpx.Client, unusable: str) -> None:
    response = service.get("/health", headers={"X-Request-ID": unusable})
    assert re.fullmatch("[0-9a-f]{32}", response.headers["X-Request-ID"])


def entries(log: Path) -> list[dict[str, Any]]:
    """The log, each line of which is a JSON object."""
    return [json.loads(line) for line in log.read_text("utf-8").splitlines()]


def test_it_logs_the_request_id(service: httpx.Client, log: Path) -> None:
    service.post("/v1/score", json=score_request("要件"), headers={"X-Request-ID": "logged-1"})
    [entry] = [entry for entry in entries(log) if entry.get("request_id") == "logged-1"]
    assert (entry["message"], entry["answers"]) == ("scored", 1)


def test_it_never_logs_what_was_sent(service: httpx.Client, log: Path) -> None:
    for body in (
        score_request(SECRET),
        score_request(SECRET, calibration=UNKNOWN),
        score_request(f"{SECRET}\0"),
        score_request(SECRET * 500),
        score_request(*[SECRET] * 6),
        score_request(question=SECRET),
    ):
        service.post("/v1/score", json=body)
    service.post("/v1/score", content=f'{{"answers": "{SECRET}'.encode())
    content = log.read_text("utf-8")
    assert "scored" in content
    assert SECRET not in content
    assert json.dumps(SECRET)[1:-1] not in content
    assert serving.TOKEN not in content


def errors(log: Path) -> int:
    return sum(entry["level"] == "ERROR" for entry in entries(log))


def hang_up(
    client: httpx.Client,
    sent: bytes,
    length: int,
    before: Callable[[], object] = lambda: None,
) -> None:
    """Send a part of a request of `length` bytes, call `before` and hang up."""
    head = f"POST /v1/score HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {serving.TOKEN}\r\n"
    with socket.create_connection((client.base_url.host, client.base_url.port or 0)) as connection:
        connection.sendall(f"{head}Content-Length: {length}\r\n\r\n".encode() + sent)
        before()


def served_or_given_up(client: httpx.Client) -> float:
    """A request whose caller hangs up at once may be answered before that is seen."""
    return metric(client, SCORED) + metric(client, GIVEN_UP)


@pytest.mark.parametrize("missing", [0, 1000])
def test_it_outlives_a_client_that_hangs_up(service: httpx.Client, log: Path, missing: int) -> None:
    body = json.dumps(score_request("利用部門の不在")).encode()
    before = errors(log)
    count = served_or_given_up(service)
    for _ in range(5):
        hang_up(service, body, len(body) + missing)
    wait_until(lambda: served_or_given_up(service) == count + 5)
    assert post_score(service, "要件").status_code == 200
    assert errors(log) == before


BARE = sample_texts.QUESTION | {
    "criteria": [sample_texts.QUESTION["criteria"][0] | {"label": "", "references": []}],
    "model_answers": [],
    "prompt": "",
}
"""A question of which nothing is read before its answers."""


class Gate:
    """A forward pass that waits until it is opened."""

    def __init__(self) -> None:
        self.entered, self.opened = threading.Event(), threading.Event()
        self.seen: set[int] = set()

    def __call__(self, sequences: Sequence[Sequence[int]]) -> list[Floats]:
        self.seen |= {token for ids in sequences for token in ids}
        self.entered.set()
        assert self.opened.wait(30)
        return vectors_of(sequences)


@contextmanager
def gated(config: Config = SMALL) -> Iterator[tuple[httpx.Client, Gate]]:
    """A service of a tiny queue whose encoder stands still until the gate is opened."""
    gate = Gate()
    with serving.served(make_app(config, lambda c: service_with(c, gate))) as client:
        try:
            yield client, gate
        finally:
            gate.opened.set()


def test_it_says_when_its_queue_is_full_and_serves_what_waits() -> None:
    with gated() as (client, gate), ThreadPoolExecutor(3) as pool:

        def post(text: str) -> httpx.Response:
            return post_score(client, text, question=BARE)

        first = pool.submit(post, "一")
        assert gate.entered.wait(20)
        waiting = [pool.submit(post, text) for text in ("二", "三")]
        wait_until(lambda: metric(client, "inference_waiting_sequences") == 2)
        full = post("四")
        assert_refused(full, 429, "overloaded")
        assert int(full.headers["Retry-After"]) >= 1
        gate.opened.set()
        assert [future.result(20).status_code for future in (first, *waiting)] == [200, 200, 200]
        assert post("四").status_code == 200


def test_it_does_not_compute_what_nobody_waits_for() -> None:
    with gated(replace(SMALL, queue_answers=100)) as (client, gate), ThreadPoolExecutor(1) as pool:

        def waiting() -> float:
            return metric(client, "inference_waiting_sequences")

        first = pool.submit(post_score, client, "一", question=BARE)
        assert gate.entered.wait(20)
        given_up = metric(client, GIVEN_UP)
        body = json.dumps(score_request(*"二三四", question=BARE)).encode()
        hang_up(client, body, len(body), before=lambda: wait_until(lambda: waiting() == 3))
        wait_until(lambda: waiting() == 0)
        gate.opened.set()
        assert first.result(20).status_code == 200
        assert metric(client, GIVEN_UP) == given_up + 1
        assert not set(map(ord, "二三四")) & gate.seen


def test_it_answers_health_while_it_computes() -> None:
    with gated() as (client, gate), ThreadPoolExecutor(1) as pool:
        pool.submit(client.post, "/v1/score", json=score_request("一"))
        assert gate.entered.wait(20)
        assert client.get("/health").status_code == 200
        gate.opened.set()


def test_it_answers_health_while_it_loads_and_is_ready_later() -> None:
    opened = threading.Event()

    def slowly(config: Config) -> Service:
        assert opened.wait(30)
        return service_with(config)

    with serving.served(make_app(SMALL, slowly), status=503) as client:
        try:
            health = client.get("/health").json()
            assert (health["status"], health["model_loaded"]) == ("starting", False)
            for method, path in CALLS[:2]:
                early = client.request(method, path)
                assert_refused(early, 503, "not_ready")
                assert int(early.headers["Retry-After"]) >= 1
            assert client.get("/metrics").status_code == 200
            wrong = {"Authorization": "Bearer wrong"}
            assert_refused(client.get("/info", headers=wrong), 401, "unauthorized")
        finally:
            opened.set()
        wait_until(lambda: client.get("/health").status_code == 200)
        assert post_score(client, "要件").status_code == 200


def test_it_says_that_it_is_unwell_when_the_weights_cannot_be_read() -> None:
    app = make_app(replace(SMALL, model=Path("no/such/folder")))
    with serving.served(app, status=503) as client:
        wait_until(lambda: client.get("/health").json()["status"] == "unhealthy")
        assert_refused(client.get("/info"), 503, "not_ready")


def failing(sequences: Sequence[Sequence[int]]) -> list[Floats]:
    if any(ord("壊") in ids for ids in sequences):
        raise RuntimeError(f"a bug with {SECRET}")
    return vectors_of(sequences)


def test_it_reveals_nothing_of_its_own_failure_but_the_request_id() -> None:
    with serving.served(make_app(SMALL, lambda c: service_with(c, failing))) as client:
        headers = {"X-Request-ID": "failed-1", "Connection": "close"}
        broken = client.post("/v1/score", json=score_request("壊"), headers=headers)
        assert SECRET not in assert_refused(broken, 500, "internal")
        assert broken.headers["X-Request-ID"] == "failed-1"
        assert post_score(client, "要件").status_code == 200
