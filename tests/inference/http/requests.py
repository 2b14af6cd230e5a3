"""A small configuration, a request to score, and the check of a refusal."""

from pathlib import Path
from typing import Any

import httpx

from inference_server.config import Config
from tests.inference import sample_texts, serving

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


def score_request(*texts: str, **changes: Any) -> dict[str, Any]:
    """The body of /v1/score for these texts, their ids counted from 0."""
    answers = [{"id": str(index), "text": text} for index, text in enumerate(texts)]
    body = {"question": sample_texts.QUESTION, "calibration": None, "answers": answers}
    return body | changes


def assert_refused(response: httpx.Response, status: int, error_type: str) -> str:
    """Check that the response is the error body with this status and type; return its message."""
    assert response.status_code == status
    assert response.headers["Content-Type"] == "application/json"
    body: dict[str, str] = response.json()
    assert body.keys() == {"error", "error_type"}
    assert body["error_type"] == error_type
    return body["error"]


def post_score(client: httpx.Client, *texts: str, **changes: Any) -> httpx.Response:
    """The response to that request."""
    return client.post("/v1/score", json=score_request(*texts, **changes))
