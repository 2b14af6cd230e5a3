"""The service reads the contract's examples as the JSON Schemas do."""

import json
from typing import Any

import pytest

from inference_server.http.bodies import Invalid, read_score_request
from inference_server.http.schemas import Question
from tests.paths import EXAMPLES

QUESTIONS = json.loads((EXAMPLES / "question.json").read_text("utf-8"))
QUESTION = QUESTIONS["valid"][0]["value"]


def examples(kind: str) -> list[Any]:
    return [pytest.param(example, id=example["name"]) for example in QUESTIONS[kind]]


def body(**changes: Any) -> bytes:
    request = {
        "question": QUESTION,
        "calibration": None,
        "answers": [{"id": "1", "text": "要件が変わった"}],
    }
    return json.dumps(request | changes).encode()


@pytest.mark.parametrize("example", examples("valid"))
def test_it_reads_the_valid_example(example: dict[str, Any]) -> None:
    assert Question.model_validate(example["value"]).plain() == {
        "no_answers": [],
        **example["value"],
    }


@pytest.mark.parametrize("example", examples("invalid"))
def test_it_points_at_the_fault_of_the_invalid_example(example: dict[str, Any]) -> None:
    with pytest.raises(Invalid) as raised:
        read_score_request(body(question=example["value"]))
    assert f"/question{example['pointer']}" in dict(raised.value.faults)


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"answers": [{"id": "1", "text": 5}]}, "/answers/0/text"),
        ({"answers": [{"id": "1", "text": "a\ud800b"}]}, "/answers/0/text"),
        ({"answers": [{"id": "1", "text": "a\0b"}]}, "/answers/0/text"),
        ({"answers": [{"id": "1", "text": "a"}, {"id": "1", "text": "b"}]}, ""),
        ({"calibration": "not-a-sha256"}, "/calibration"),
        ({"question": QUESTION | {"max_points": True}}, "/question/max_points"),
        ({"question": QUESTION | {"max_points": 1e999}}, ""),
        ({"more": 1}, "/more"),
    ],
)
def test_it_points_at_the_fault_of_a_request(changes: dict[str, Any], pointer: str) -> None:
    with pytest.raises(Invalid) as raised:
        read_score_request(body(**changes))
    assert pointer in dict(raised.value.faults)


def test_it_never_repeats_the_text_of_an_answer() -> None:
    with pytest.raises(Invalid) as raised:
        read_score_request(body(answers=[{"id": "1", "text": "secret\0secret"}]))
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize("broken", [b"", b"{", b"\xff\xfe", b"[" * 100_000])
def test_it_refuses_what_is_not_json(broken: bytes) -> None:
    with pytest.raises(Invalid, match="not JSON"):
        read_score_request(broken)
