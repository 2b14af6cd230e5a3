"""A vector does not depend on its batch, and the queue is fair, bounded and survives a failure."""

import hashlib
import random
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from inference_server.arrays import Floats
from inference_server.encoding.batching import Batcher, Overloaded
from inference_server.encoding.engine import Encoder, choose
from inference_server.scorer import Scorer
from tests.fakes import Forward, vectors_of
from tests.inference import sample_texts
from tests.inference.serving import wait_until

Ids = Sequence[Sequence[int]]
IS_INT8 = choose("cpu", "auto")[1] == "int8"
int8_only = pytest.mark.skipif(
    not IS_INT8, reason="without AVX-512 VNNI int8 is a plain loop, which takes hours for this"
)
TEXTS = sample_texts.texts(400 if IS_INT8 else 100, 960)
SECONDS = 10


def one_by_one(texts: list[str]) -> list[list[str]]:
    return [[text] for text in texts]


def sorted_by_32(texts: list[str]) -> list[list[str]]:
    return _cut(sorted(texts, key=len), 32)


def shuffled_by_13(texts: list[str]) -> list[list[str]]:
    return _cut(random.Random(13).sample(texts, len(texts)), 13)


def _cut(texts: list[str], size: int) -> list[list[str]]:
    return [texts[start : start + size] for start in range(0, len(texts), size)]


WAYS = (one_by_one, sorted_by_32, shuffled_by_13)


class Recorder:
    """An encoder's forward pass that remembers the digest of every sequence's vectors."""

    def __init__(self, forward: Forward) -> None:
        self.forward = forward
        self.digests: dict[tuple[int, ...], str] = {}
        self.sizes: list[int] = []

    def __call__(self, sequences: Ids) -> list[Floats]:
        outputs = self.forward(sequences)
        self.sizes.append(len(sequences))
        for ids, vectors in zip(sequences, outputs, strict=True):
            self.digests[tuple(ids)] = hashlib.sha256(vectors.tobytes()).hexdigest()
        return outputs


class Outcome:
    """Digests and marks of all texts, cut into batches in one way."""

    def __init__(self, encoder: Encoder, cut: Callable[[list[str]], list[list[str]]]) -> None:
        self.recorder = Recorder(encoder.forward)
        self.marks: dict[str, Any] = {}
        with running(self.recorder, pack_tokens=10**9, queue=10**9) as batcher:
            scorer = Scorer(encoder, batcher, 10**9)
            for part in cut(TEXTS):
                marks = scorer.score(sample_texts.QUESTION, part)
                self.marks |= dict(zip(part, marks, strict=True))


Outcomes = dict[str, Outcome]
"""By the name of the way."""


@contextmanager
def running(forward: Forward, *, pack_tokens: int = 10, queue: int = 100) -> Iterator[Batcher]:
    batcher = Batcher(forward, pack_tokens, queue)
    try:
        yield batcher
    finally:
        batcher.close()


@pytest.fixture(scope="module")
def outcomes(encoder: Encoder) -> Outcomes:
    return {cut.__name__: Outcome(encoder, cut) for cut in WAYS}


def test_it_is_tried_on_texts_of_every_length(encoder: Encoder) -> None:
    sizes = [len(tokens) for tokens in encoder.tokenise(TEXTS)]
    assert len(set(TEXTS)) == (400 if IS_INT8 else 100)
    assert min(sizes) < 10
    assert max(sizes) > (600 if IS_INT8 else 512)


def test_it_is_tried_in_batches_of_different_sizes(outcomes: Outcomes) -> None:
    largest = {name: max(way.recorder.sizes) for name, way in outcomes.items()}
    assert largest["sorted_by_32"] >= 32
    assert 13 <= largest["shuffled_by_13"] < 32


@int8_only
@pytest.mark.parametrize("way", ["sorted_by_32", "shuffled_by_13"])
def test_it_makes_the_same_int8_vectors_in_any_batch(outcomes: Outcomes, way: str) -> None:
    alone = outcomes["one_by_one"].recorder.digests
    together = outcomes[way].recorder.digests
    assert alone.keys() == together.keys()
    assert [ids for ids in alone if alone[ids] != together[ids]] == []


@pytest.mark.parametrize("way", ["sorted_by_32", "shuffled_by_13"])
def test_it_gives_the_same_mark_in_any_batch(outcomes: Outcomes, way: str) -> None:
    assert outcomes[way].marks == outcomes["one_by_one"].marks


@int8_only
def test_it_makes_the_same_int8_vectors_on_any_number_of_threads(encoder: Encoder) -> None:
    ids = [tokens.ids[:512] for tokens in encoder.tokenise(TEXTS[::10])]
    single = [vectors.tobytes() for vectors in encoder.forward(ids)]
    try:
        torch.set_num_threads(2)
        several = [vectors.tobytes() for vectors in encoder.forward(ids)]
    finally:
        torch.set_num_threads(1)
    assert single == several


def test_it_makes_nearly_the_same_fp32_vectors_in_any_batch(weights: Path) -> None:
    plain = Encoder.load(weights, "cpu", "fp32", threads=1)
    short = sample_texts.texts(150, 40)
    sequences = {
        text: tokens.ids for text, tokens in zip(short, plain.tokenise(short), strict=True)
    }
    alone = {text: plain.forward([sequences[text]])[0] for text in short}
    for part in [*sorted_by_32(short), *shuffled_by_13(short)]:
        for text, vectors in zip(part, plain.forward([sequences[t] for t in part]), strict=True):
            assert np.linalg.norm(unit_mean(vectors) - unit_mean(alone[text])) < 1e-6


def unit_mean(vectors: Floats) -> Floats:
    mean: Floats = vectors.mean(axis=0)
    return mean / np.linalg.norm(mean)


class Gate:
    """A forward pass that waits until it is opened, and keeps the packs that it saw."""

    def __init__(self) -> None:
        self.entered, self.opened = threading.Event(), threading.Event()
        self.packs: list[list[list[int]]] = []

    def __call__(self, sequences: Ids) -> list[Floats]:
        self.packs.append([list(ids) for ids in sequences])
        self.entered.set()
        assert self.opened.wait(SECONDS)
        return vectors_of(sequences)


@contextmanager
def held(*, pack_tokens: int = 10, queue: int = 100) -> Iterator[tuple[Batcher, Gate]]:
    """A batcher whose thread stands in the pass of one sequence, [0], until the gate is opened."""
    gate = Gate()
    with running(gate, pack_tokens=pack_tokens, queue=queue) as batcher:
        batcher.submit([[0]])
        assert gate.entered.wait(SECONDS)
        try:
            yield batcher, gate
        finally:
            gate.opened.set()


def test_it_gives_the_vectors_in_the_order_of_the_sequences() -> None:
    sequences = [[1, 2, 3], [4], [5, 6], [7, 8, 9, 10, 11]]
    with running(vectors_of, pack_tokens=3) as batcher:
        outputs = batcher.submit(sequences).result(SECONDS)
    for output, expected in zip(outputs, vectors_of(sequences), strict=True):
        np.testing.assert_array_equal(output, expected)


def test_it_gives_nothing_for_nothing() -> None:
    with running(vectors_of) as batcher:
        assert batcher.submit([]).result(SECONDS) == []


def test_it_packs_no_more_tokens_than_the_budget_but_for_a_lone_long_sequence() -> None:
    with held(pack_tokens=10) as (batcher, gate):
        done = batcher.submit([[n] * size for n, size in enumerate((4, 25, 3, 10, 6, 1, 7, 2))])
        gate.opened.set()
        done.result(SECONDS)
    assert len(gate.packs) > 3
    assert all(len(pack) == 1 or sum(map(len, pack)) <= 10 for pack in gate.packs)
    assert sorted(len(ids) for pack in gate.packs[1:] for ids in pack) == [1, 2, 3, 4, 6, 7, 10, 25]


def test_it_packs_the_sequences_of_several_requests_together() -> None:
    with held(pack_tokens=10) as (batcher, gate):
        jobs = [batcher.submit([[n]]) for n in range(1, 6)]
        gate.opened.set()
        for job in jobs:
            job.result(SECONDS)
    assert len(gate.packs) == 2
    assert sorted(gate.packs[1]) == [[1], [2], [3], [4], [5]]


def test_it_serves_a_small_request_before_a_large_one_that_came_first() -> None:
    with held(pack_tokens=2) as (batcher, gate):
        large = batcher.submit([[1, 1]] * 10)
        small = batcher.submit([[2, 2]])
        gate.opened.set()
        small.result(SECONDS)
        large.result(SECONDS)
    assert gate.packs[1] == [[2, 2]]


def test_it_serves_many_short_sequences_before_a_few_long_ones_that_came_first() -> None:
    with held(pack_tokens=10) as (batcher, gate):
        long = batcher.submit([[1] * 10] * 2)
        short = batcher.submit([[2]] * 10)
        gate.opened.set()
        short.result(SECONDS)
        long.result(SECONDS)
    assert gate.packs[1] == [[2]] * 10


def test_it_does_not_compute_what_its_caller_has_cancelled() -> None:
    with held(pack_tokens=2) as (batcher, gate):
        cancelled = batcher.submit([[1, 1]] * 10)
        other = batcher.submit([[2, 2]] * 20)
        assert cancelled.cancel()
        assert batcher.waiting == 20
        gate.opened.set()
        other.result(SECONDS)
    assert [1, 1] not in [ids for pack in gate.packs for ids in pack]
    assert batcher.waiting == 0


def test_it_drops_what_is_computed_while_its_caller_cancels() -> None:
    with held(pack_tokens=2) as (batcher, gate):
        cancelled = batcher.submit([[1, 1]] * 3)
        gate.entered.clear()
        gate.opened.set()
        wait_until(lambda: len(gate.packs) > 1 or cancelled.done())
        cancelled.cancel()
        assert len(batcher.submit([[2, 2]]).result(SECONDS)) == 1
    assert batcher.waiting == 0


def test_it_refuses_what_would_overfill_the_queue() -> None:
    with held(queue=3) as (batcher, _):
        batcher.submit([[1], [2]])
        with pytest.raises(Overloaded):
            batcher.submit([[3], [4]])
        batcher.submit([[5]])
        with pytest.raises(Overloaded):
            batcher.submit([[6]])


def test_it_takes_more_once_the_queue_is_served() -> None:
    with held(queue=2) as (batcher, gate):
        first = batcher.submit([[1], [2]])
        gate.opened.set()
        first.result(SECONDS)
        assert len(batcher.submit([[3], [4]]).result(SECONDS)) == 2
        assert batcher.waiting == 0


def test_it_takes_a_request_larger_than_the_queue_when_nothing_waits() -> None:
    with running(vectors_of, queue=2) as batcher:
        assert len(batcher.submit([[n] for n in range(5)]).result(SECONDS)) == 5


def failing(sequences: Ids) -> list[Floats]:
    if any(13 in ids for ids in sequences):
        raise RuntimeError("no memory left")
    return vectors_of(sequences)


def test_it_fails_the_requests_of_a_failing_pack_and_serves_on() -> None:
    with running(failing, pack_tokens=1) as batcher:
        with pytest.raises(RuntimeError, match="no memory left"):
            batcher.submit([[1], [13], [2], [3]]).result(SECONDS)
        assert len(batcher.submit([[1], [2]]).result(SECONDS)) == 2
        assert batcher.waiting == 0


def test_it_does_not_fail_a_request_for_the_pack_of_another() -> None:
    with running(failing, pack_tokens=1) as batcher:
        bad, good = batcher.submit([[13]]), batcher.submit([[1], [2]])
        assert len(good.result(SECONDS)) == 2
        assert isinstance(bad.exception(SECONDS), RuntimeError)


def test_it_outlives_a_failure_of_any_kind() -> None:
    def out_of_range(sequences: Ids) -> list[Floats]:
        raise IndexError("no such token")

    with running(out_of_range) as batcher:
        for _ in range(2):
            with pytest.raises(IndexError):
                batcher.submit([[1]]).result(SECONDS)


def test_it_finishes_what_is_queued_before_it_closes() -> None:
    with held(pack_tokens=1) as (batcher, gate):
        jobs = [batcher.submit([[n], [n]]) for n in range(5)]
        closing = threading.Thread(target=batcher.close)
        closing.start()
        gate.opened.set()
        closing.join(SECONDS)
    assert all(job.done() and len(job.result()) == 2 for job in jobs)
    assert batcher.running.done()


def test_it_gives_each_of_many_threads_its_own_vectors() -> None:
    def ask(seed: int) -> bool:
        draw = random.Random(seed)
        sequences = [[draw.randrange(1000)] * draw.randint(1, 9) for _ in range(draw.randint(1, 8))]
        outputs = batcher.submit(sequences).result(SECONDS)
        return all(map(np.array_equal, outputs, vectors_of(sequences)))

    with running(vectors_of, queue=10**6) as batcher, ThreadPoolExecutor(16) as pool:
        assert all(pool.map(ask, range(400)))
