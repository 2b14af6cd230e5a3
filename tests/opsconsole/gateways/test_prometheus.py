"""The value of an expression, from a Prometheus that runs here and from the documented answers."""

import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest

from opsconsole.gateways import prometheus
from opsconsole.gateways.prometheus import PrometheusError, value_of
from tests.local_servers import free_port
from tests.opsconsole.gateways.answering import Answering, answering, document, text
from tests.waiting import wait_until

PROGRAM = shutil.which("prometheus")


@pytest.fixture
def server() -> Iterator[Answering]:
    with answering(document({})) as there:
        yield there


def vector(*values: object) -> dict[str, Any]:
    """As the API answers an instant query."""
    series = [{"metric": {}, "value": [1764400000.1, value]} for value in values]
    return {"status": "success", "data": {"resultType": "vector", "result": series}}


def data(kind: str, result: object) -> dict[str, Any]:
    return {"status": "success", "data": {"resultType": kind, "result": result}}


@pytest.mark.parametrize(
    ("answer", "value"),
    [
        (vector("12.5"), 12.5),
        (vector("0"), 0.0),
        (vector("-3"), -3.0),
        (data("scalar", [1764400000.1, "42"]), 42.0),
    ],
)
def test_a_single_number_is_its_value(server: Answering, answer: object, value: float) -> None:
    server.answer = document(answer)
    assert value_of(server.url, "up") == value


def test_the_expression_is_sent_as_it_is(server: Answering) -> None:
    server.answer = document(vector("1"))
    expression = 'sum(rate(x{a="&=é"}[1m])) / 2'
    value_of(server.url + "/", expression)
    [(line, body)] = server.asked
    assert line == "POST /api/v1/query HTTP/1.1"
    assert parse_qs(body)["query"] == [expression]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (vector(), "no series"),
        (vector("1", "2"), "several series"),
        (vector("NaN"), "nan"),
        (vector("+Inf"), "inf"),
        (vector("-Inf"), "-inf"),
        (data("scalar", [1.0, "NaN"]), "nan"),
        (data("matrix", []), "a matrix"),
        (data("string", [1.0, "x"]), "a string"),
        (data("vector", [{"metric": {}, "histogram": [1.0, {"count": "3"}]}]), "no number"),
        ({"status": "success"}, "a None"),
        ([], "refuses"),
    ],
)
def test_everything_else_is_trouble_in_words(server: Answering, answer: object, words: str) -> None:
    server.answer = document(answer)
    with pytest.raises(PrometheusError, match=words):
        value_of(server.url, "up")


def test_it_tells_what_prometheus_says_of_a_wrong_expression(server: Answering) -> None:
    body = {"status": "error", "errorType": "bad_data", "error": "1:4: parse error"}
    server.answer = document(body, 400)
    with pytest.raises(PrometheusError, match="1:4: parse error"):
        value_of(server.url, "up(")


def test_it_knows_what_is_no_prometheus(server: Answering) -> None:
    server.answer = text("<html>", 502)
    with pytest.raises(PrometheusError, match=r"HTTP 502.* no Prometheus"):
        value_of(server.url, "up")


def test_one_that_is_away_is_trouble() -> None:
    with pytest.raises(PrometheusError, match="away"):
        value_of(f"http://127.0.0.1:{free_port()}", "up")


def test_one_that_hangs_is_given_up(server: Answering, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prometheus, "SECONDS", 0.2)
    server.answer = lambda handler: time.sleep(1)
    with pytest.raises(PrometheusError, match=r"did not answer within 0\.2 s"):
        value_of(server.url, "up")


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One that scrapes itself every second."""
    if PROGRAM is None:
        pytest.skip("prometheus is not installed (Debian's package prometheus)")
    folder, port = tmp_path_factory.mktemp("prometheus"), free_port()
    _configure(folder, port)
    process = subprocess.Popen(
        [
            PROGRAM,
            f"--config.file={folder}/prometheus.yml",
            f"--storage.tsdb.path={folder}/data",
            f"--web.listen-address=127.0.0.1:{port}",
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_until(lambda: _scrapes(f"http://127.0.0.1:{port}"), seconds=30)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)


def _configure(folder: Path, port: int) -> None:
    (folder / "prometheus.yml").write_text(
        "global: {scrape_interval: 1s}\n"
        "scrape_configs:\n"
        f"  - {{job_name: a, static_configs: [{{targets: ['127.0.0.1:{port}']}}]}}\n"
    )


def _scrapes(url: str) -> bool:
    try:
        return value_of(url, "up") == 1
    except PrometheusError:
        return False


@pytest.mark.parametrize(("expression", "value"), [("up", 1.0), ("1 + 1", 2.0), ("sum(up)", 1.0)])
def test_a_real_one_answers(real: str, expression: str, value: float) -> None:
    assert value_of(real, expression) == value


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("nowhere", "no series"),
        ('{__name__=~"up|scrape_duration_seconds"}', "several series"),
        ("0 * up / 0", "nan"),
        ("1 / 0", "inf"),
        ("up[1m]", "matrix"),
        ("up(", "parse error"),
        ('"x"', "string"),
    ],
)
def test_a_real_ones_troubles_are_told(real: str, expression: str, words: str) -> None:
    with pytest.raises(PrometheusError, match=words):
        value_of(real, expression)
