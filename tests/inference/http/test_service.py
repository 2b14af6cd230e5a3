"""The service over HTTP: who may call, what is refused and how, and what it tells of itself."""

import json
import re
import socket
import threading
from collections.abc import Iterator, Sequence
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
from inference_server.scorer import Scorer
from tests.fakes import FakeEncoder, service_with, vectors_of
from tests.inference import serving, written
from tests.inference.serving import until

SECRET = "極秘の解答七四一"
UNKNOWN = "0" * 64
SCORED = "inference_request_seconds_count"
SMALL = Config(
    token=serving.TOKEN,
    model=Path("none"),
    device="cpu",
    precision="fp32",
    threads=1,
    pack_tokens=1024,
    queue_answers=2,
    max_answers=8,
    max_tokens=10_000,
    max_body=100_000,
)
CALLS = [("POST", "/v1/score"), ("GET", "/info"), ("GET", "/metrics")]


def request(*texts: str, **changes: Any) -> dict[str, Any]:
    answers = [{"id": str(index), "text": text} for index, text in enumerate(texts)]
    return {"question": written.QUESTION, "calibration": None, "answers": answers} | changes


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("service") / "inference.log"


@pytest.fixture(scope="module")
def service(weights: Path, log: Path) -> Iterator[httpx.Client]:
    """The real service with small limits, telling all that it ever tells."""
    limits = {
        "INFERENCE_MAX_ANSWERS": "5",
        "INFERENCE_MAX_TOKENS": "600",
        "INFERENCE_MAX_BODY": "20000",
        "INFERENCE_THREADS": "1",
        "LOG_LEVEL": "DEBUG",
    }
    with serving.process(weights, log, **limits) as caller:
        yield caller


def refused(answer: httpx.Response, status: int, kind: str) -> str:
    """Check that the answer is the one error body, and give its message."""
    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/json"
    body: dict[str, str] = answer.json()
    assert body.keys() == {"error", "error_type"}
    assert body["error_type"] == kind
    return body["error"]


@pytest.mark.parametrize(("method", "path"), CALLS)
@pytest.mark.parametrize(
    "given", ["", "Bearer", "Bearer wrong", serving.TOKEN, f"Basic {serving.TOKEN}", "Bearer é"]
)
def test_it_wants_the_token(service: httpx.Client, method: str, path: str, given: str) -> None:
    headers = {b"Authorization": given.encode()}
    refused(service.request(method, path, headers=headers), 401, "unauthorized")


def test_it_tells_its_health_to_anyone(service: httpx.Client) -> None:
    answer = httpx.get(service.base_url.join("/health"))
    assert (answer.status_code, answer.json()["model_loaded"]) == (200, True)
    assert answer.json()["status"] == "healthy"


def test_it_scores(service: httpx.Client, weights: Path) -> None:
    body = service.post("/v1/score", json=request("利用部門が要件を確認していなかった", "")).json()
    assert body["model"] == service.get("/info").json()["model"]
    first, second = body["results"]
    assert (first["id"], second["id"]) == ("0", "1")
    assert first["points"] > second["points"] == 0
    assert first.keys() == {"id", "points", "criteria", "confidence", "flags"}
    assert [one["code"] for one in first["criteria"]] == ["C1", "C2"]


def test_it_scores_no_answers(service: httpx.Client) -> None:
    assert service.post("/v1/score", json=request()).json()["results"] == []


def test_it_gives_two_equal_texts_one_result(service: httpx.Client) -> None:
    results = service.post("/v1/score", json=request("要件", "別の答え", "要件")).json()["results"]
    assert results[2] | {"id": "0"} == results[0]


def test_it_encodes_two_equal_texts_once() -> None:
    encoder = FakeEncoder()
    sizes: list[int] = []

    def forward(sequences: Sequence[Sequence[int]]) -> list[Floats]:
        sizes.extend(map(len, sequences))
        return vectors_of(sequences)

    ready = service_with(SMALL, forward)
    scorer = Scorer(encoder, ready.batcher, 10_000)
    scorer.score(
        written.QUESTION, ["要件の変更", "別", "要件の変更", " ﾖｳ件の変更", "ヨウ件の変更"]
    )
    ready.batcher.close()
    assert [text for text in encoder.seen if "件の変更" in text] == ["要件の変更", "ヨウ件の変更"]
    assert len(sizes) == len(encoder.seen)


def test_it_encodes_a_question_once() -> None:
    ready = service_with(SMALL)
    for text in ("一", "二", "三"):
        ready.scorer.score(written.QUESTION, [text])
    ready.batcher.close()
    assert isinstance(ready.encoder, FakeEncoder)
    assert ready.encoder.seen.count(written.QUESTION["criteria"][0]["references"][0]) == 1


def test_it_refuses_too_many_answers(service: httpx.Client) -> None:
    answer = service.post("/v1/score", json=request(*"一二三四五六"))
    assert "5" in refused(answer, 413, "too_large")


def test_it_refuses_too_many_tokens(service: httpx.Client) -> None:
    answer = service.post("/v1/score", json=request(*["".join(written.JAPANESE)] * 1, "要件" * 900))
    assert "600" in refused(answer, 413, "too_large")


@pytest.mark.parametrize("chunked", [False, True])
def test_it_refuses_too_large_a_body(service: httpx.Client, chunked: bool) -> None:
    body = b" " * 30_000
    parts = (body[start : start + 1000] for start in range(0, len(body), 1000))
    answer = service.post("/v1/score", content=parts if chunked else body)
    assert "20000" in refused(answer, 413, "too_large")


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"calibration": "x"}, "/calibration"),
        ({"question": written.QUESTION | {"step": 3}}, "/question/step"),
        ({"answers": [{"id": "1", "text": f"{SECRET}\0"}]}, "/answers/0/text"),
        ({"answers": [{"id": "1"}]}, "/answers/0/text"),
    ],
)
def test_it_points_at_what_is_invalid(
    service: httpx.Client, changes: dict[str, Any], pointer: str
) -> None:
    message = refused(service.post("/v1/score", json=request(**changes)), 422, "invalid")
    assert f"{pointer}: " in message
    assert SECRET not in message


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff", b'{"\\ud800": 1}', b'"\\ud800"'])
def test_it_refuses_what_is_no_request(service: httpx.Client, body: bytes) -> None:
    refused(service.post("/v1/score", content=body), 422, "invalid")


def test_it_lacks_a_calibration_that_it_was_never_given(service: httpx.Client) -> None:
    answer = service.post("/v1/score", json=request("要件", calibration=UNKNOWN))
    assert UNKNOWN in refused(answer, 424, "calibration_missing")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/nowhere", 404), ("GET", "/v1/score", 405), ("DELETE", "/health", 405)],
)
def test_it_refuses_another_call_in_the_same_shape(
    service: httpx.Client, method: str, path: str, status: int
) -> None:
    refused(service.request(method, path), status, "invalid")


def test_it_tells_what_it_is(service: httpx.Client) -> None:
    told = service.get("/info").json()
    assert re.fullmatch("[0-9a-f]{64}", told["model"])
    assert (told["device"], told["dtype"]) == choose("cpu", "auto")
    assert told["window_tokens"] == 512
    limits = ("max_answers", "max_tokens", "max_body_bytes")
    assert [told[name] for name in limits] == [5, 600, 20_000]


def metric(caller: httpx.Client, name: str) -> float:
    answer = caller.get("/metrics")
    assert answer.headers["Content-Type"].startswith("text/plain")
    found = re.search(rf"^{re.escape(name)} (\S+)$", answer.text, re.MULTILINE)
    return float(found.group(1)) if found else 0.0


def test_it_counts_what_it_scored_and_refused(service: httpx.Client) -> None:
    names = (
        "inference_answers_total",
        'inference_refused_total{error_type="unauthorized"}',
        "inference_request_seconds_count",
    )
    before = [metric(service, name) for name in names]
    service.post("/v1/score", json=request("要件", "合意", "要件"))
    service.get("/info", headers={"Authorization": "Bearer wrong"})
    after = [metric(service, name) for name in names]
    assert [now - then for now, then in zip(after, before, strict=True)] == [3, 1, 1]


def test_it_tells_how_many_sequences_wait(service: httpx.Client) -> None:
    assert metric(service, "inference_waiting_sequences") == 0


@pytest.mark.parametrize("path", ["/health", "/info", "/nowhere", "/v1/score"])
def test_it_sends_the_request_id_back(service: httpx.Client, path: str) -> None:
    answer = service.get(path, headers={"X-Request-ID": "a-request.1"})
    assert answer.headers["X-Request-ID"] == "a-request.1"


@pytest.mark.parametrize("given", ["", "a b", "x" * 65, "<script>"])
def test_it_makes_a_request_id_where_none_will_do(service: httpx.Client, given: str) -> None:
    answer = service.get("/health", headers={"X-Request-ID": given})
    assert re.fullmatch("[0-9a-f]{32}", answer.headers["X-Request-ID"])


def lines(log: Path) -> list[dict[str, Any]]:
    """The log, each line of which is one JSON object."""
    return [json.loads(line) for line in log.read_text("utf-8").splitlines()]


def test_it_logs_the_request_id(service: httpx.Client, log: Path) -> None:
    service.post("/v1/score", json=request("要件"), headers={"X-Request-ID": "logged-1"})
    [line] = [line for line in lines(log) if line.get("request_id") == "logged-1"]
    assert (line["message"], line["answers"]) == ("scored", 1)


def test_it_never_logs_what_was_sent(service: httpx.Client, log: Path) -> None:
    for body in (
        request(SECRET),
        request(SECRET, calibration=UNKNOWN),
        request(f"{SECRET}\0"),
        request(SECRET * 500),
        request(*[SECRET] * 6),
        request(question=SECRET),
    ):
        service.post("/v1/score", json=body)
    service.post("/v1/score", content=f'{{"answers": "{SECRET}'.encode())
    written_down = log.read_text("utf-8")
    assert "scored" in written_down
    assert SECRET not in written_down
    assert json.dumps(SECRET)[1:-1] not in written_down
    assert serving.TOKEN not in written_down


def leave_early(caller: httpx.Client, sent: bytes, length: int) -> None:
    """Send a part of a request of `length` bytes and hang up."""
    head = f"POST /v1/score HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {serving.TOKEN}\r\n"
    with socket.create_connection((caller.base_url.host, caller.base_url.port or 0)) as line:
        line.sendall(f"{head}Content-Length: {length}\r\n\r\n".encode() + sent)


@pytest.mark.parametrize("missing", [0, 1000])
def test_it_outlives_a_caller_who_hangs_up(service: httpx.Client, log: Path, missing: int) -> None:
    body = json.dumps(request("利用部門の不在")).encode()
    before = len([line for line in lines(log) if line["level"] == "ERROR"])
    counted = 'inference_refused_total{error_type="incomplete"}' if missing else SCORED
    heard = metric(service, counted)
    for _ in range(5):
        leave_early(service, body, len(body) + missing)
    until(lambda: metric(service, counted) == heard + 5)
    assert service.post("/v1/score", json=request("要件")).status_code == 200
    assert len([line for line in lines(log) if line["level"] == "ERROR"]) == before


class Gate:
    """A forward pass that waits until it is opened."""

    def __init__(self) -> None:
        self.entered, self.opened = threading.Event(), threading.Event()

    def __call__(self, sequences: Sequence[Sequence[int]]) -> list[Floats]:
        self.entered.set()
        assert self.opened.wait(30)
        return vectors_of(sequences)


@contextmanager
def gated(config: Config = SMALL) -> Iterator[tuple[httpx.Client, Gate]]:
    """A service of a tiny queue whose encoder stands still until the gate is opened."""
    gate = Gate()
    with serving.served(make_app(config, lambda c: service_with(c, gate))) as caller:
        try:
            yield caller, gate
        finally:
            gate.opened.set()


def test_it_says_when_its_queue_is_full_and_serves_those_who_wait() -> None:
    bare = written.QUESTION["criteria"][0] | {"label": "", "references": []}
    asked = written.QUESTION | {"criteria": [bare], "model_answers": [], "prompt": ""}
    with gated() as (caller, gate), ThreadPoolExecutor(3) as pool:

        def post(text: str) -> httpx.Response:
            return caller.post("/v1/score", json=request(text, question=asked))

        first = pool.submit(post, "一")
        assert gate.entered.wait(20)
        waiting = [pool.submit(post, text) for text in ("二", "三")]
        until(lambda: metric(caller, "inference_waiting_sequences") == 2)
        full = post("四")
        refused(full, 429, "overloaded")
        assert int(full.headers["Retry-After"]) >= 1
        gate.opened.set()
        assert [one.result(20).status_code for one in (first, *waiting)] == [200, 200, 200]
        assert post("四").status_code == 200


def test_it_answers_health_while_it_computes() -> None:
    with gated() as (caller, gate), ThreadPoolExecutor(1) as pool:
        pool.submit(caller.post, "/v1/score", json=request("一"))
        assert gate.entered.wait(20)
        assert caller.get("/health").status_code == 200
        gate.opened.set()


def test_it_answers_health_while_it_loads_and_is_ready_later() -> None:
    opened = threading.Event()

    def slowly(config: Config) -> Service:
        assert opened.wait(30)
        return service_with(config)

    with serving.served(make_app(SMALL, slowly), status=503) as caller:
        try:
            health = caller.get("/health").json()
            assert (health["status"], health["model_loaded"]) == ("starting", False)
            for method, path in CALLS[:2]:
                early = caller.request(method, path)
                refused(early, 503, "not_ready")
                assert int(early.headers["Retry-After"]) >= 1
            assert caller.get("/metrics").status_code == 200
            nobody = {"Authorization": "Bearer wrong"}
            refused(caller.get("/info", headers=nobody), 401, "unauthorized")
        finally:
            opened.set()
        until(lambda: caller.get("/health").status_code == 200)
        assert caller.post("/v1/score", json=request("要件")).status_code == 200


def test_it_says_that_it_is_unwell_when_the_weights_cannot_be_read() -> None:
    app = make_app(replace(SMALL, model=Path("no/such/folder")))
    with serving.served(app, status=503) as caller:
        until(lambda: caller.get("/health").json()["status"] == "unhealthy")
        refused(caller.get("/info"), 503, "not_ready")


def failing(sequences: Sequence[Sequence[int]]) -> list[Floats]:
    if any(ord("壊") in ids for ids in sequences):
        raise RuntimeError(f"a bug with {SECRET}")
    return vectors_of(sequences)


def test_it_tells_nothing_of_a_failure_of_its_own_but_its_id() -> None:
    with serving.served(make_app(SMALL, lambda c: service_with(c, failing))) as caller:
        named = {"X-Request-ID": "failed-1", "Connection": "close"}
        broken = caller.post("/v1/score", json=request("壊"), headers=named)
        assert SECRET not in refused(broken, 500, "internal")
        assert broken.headers["X-Request-ID"] == "failed-1"
        assert caller.post("/v1/score", json=request("要件")).status_code == 200
