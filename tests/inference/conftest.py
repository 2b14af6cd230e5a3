"""The real encoder in this process, and a scorer on it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from inference_server.encoding.batching import Batcher
from inference_server.encoding.engine import Encoder
from inference_server.scorer import Scorer


@pytest.fixture(scope="session")
def encoder(weights: Path) -> Encoder:
    """The default encoder in int8, on one thread: two wait for each other where others work."""
    return Encoder.load(weights, "cpu", "int8", threads=1)


@pytest.fixture(scope="session")
def scorer(encoder: Encoder) -> Iterator[Scorer]:
    """What scores a list of texts against a question."""
    batcher = Batcher(encoder.forward, 1024, 100_000)
    yield Scorer(encoder, batcher, 1_000_000)
    batcher.close()
