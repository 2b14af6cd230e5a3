"""A caller who hangs up leaves nothing behind that is computed for nobody."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import httpx
import pytest

from inference_server.arrays import Floats
from inference_server.encoding.batching import Batcher
from inference_server.http.app import make_app
from tests.fakes import service_with, vectors_of
from tests.inference import marked_answers, sample_texts, serving
from tests.inference.http.requests import SMALL

EXAMPLES = marked_answers.answers(60)
GROUPS = {
    "texts": [{"id": str(n), "text": each["text"]} for n, each in enumerate(EXAMPLES)],
    "distance": 0.1,
}


@contextmanager
def standing() -> Iterator[tuple[httpx.Client, Batcher]]:
    """A service whose encoder stands in its first pass until the end."""
    ended = threading.Event()

    def forward(sequences: Sequence[Sequence[int]]) -> list[Floats]:
        ended.wait(90)
        return vectors_of(sequences)

    config = replace(SMALL, queue_answers=1000, pack_tokens=8, max_examples=100)
    app = make_app(config, loader=lambda config: service_with(config, forward))
    with serving.served(app) as client:
        try:
            yield client, app.state.service.batcher
        finally:
            ended.set()


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/groups", GROUPS),
        ("/v1/calibrate", {"question": sample_texts.QUESTION, "examples": EXAMPLES}),
    ],
)
def test_what_waits_for_a_caller_who_is_gone_leaves_the_queue(
    path: str, body: dict[str, Any]
) -> None:
    with standing() as (client, batcher):
        with client.stream("POST", path, json=body):
            serving.wait_until(lambda: bool(batcher.jobs))
        serving.wait_until(lambda: not batcher.jobs)
