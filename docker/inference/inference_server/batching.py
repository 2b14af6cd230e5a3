"""Sequences of all requests share small packs on one thread; a bounded queue says when it is full.

A pack holds at most `budget` tokens. Half of it goes to the request with the least left to do and
the rest to the one that came first, so that a lone answer waits for one pack at most and a large
request is never starved. Within a request long sequences go with long ones.
"""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np

Array = np.ndarray[Any, np.dtype[np.float32]]
Sequences = Sequence[Sequence[int]]
Forward = Callable[[Sequences], list[Array]]
T = TypeVar("T")


class Overloaded(Exception):
    """The queue is full; `retry_after` seconds from now it should have room."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"the queue is full; try again in {retry_after} s")
        self.retry_after = retry_after


class TooLarge(Exception):
    """The request alone has more tokens than the queue may ever hold."""


@dataclass
class Job:
    """The sequences of one request; `left` holds the indices still to do, the longest last."""

    sequences: Sequences
    order: int
    done: Future[list[Array]] = field(default_factory=Future)
    left: list[int] = field(init=False)
    tokens: int = field(init=False)
    vectors: list[Array | None] = field(init=False)
    missing: int = field(init=False)

    def __post_init__(self) -> None:
        lengths = [len(sequence) for sequence in self.sequences]
        self.left = sorted(range(len(lengths)), key=lambda index: lengths[index])
        self.tokens = sum(lengths)
        self.vectors = [None] * len(lengths)
        self.missing = len(lengths)

    def take(self, room: int) -> Iterator[tuple["Job", int]]:
        """The longest sequences left that fit into `room` tokens together."""
        while self.left and len(self.sequences[self.left[-1]]) <= room:
            index = self.left.pop()
            self.tokens -= len(self.sequences[index])
            room -= len(self.sequences[index])
            yield self, index

    def put(self, index: int, vectors: Array) -> None:
        """Keep the vectors of one sequence; the last one completes the job."""
        self.vectors[index] = vectors
        self.missing -= 1
        if not self.missing:
            self.done.set_result([each for each in self.vectors if each is not None])


class Batcher:
    """Runs `forward` on one thread of its own, for as many callers as come."""

    def __init__(self, forward: Forward, budget: int, queue_tokens: int) -> None:
        self.forward, self.budget, self.queue_tokens = forward, budget, queue_tokens
        self.changed = threading.Condition()
        self.jobs: list[Job] = []
        self.queued = self.count = self.tokens_done = self.packs = 0
        self.rate = 1000.0
        self.closed = False
        self.thread = threading.Thread(target=self._work, name="encoder", daemon=True)
        self.thread.start()

    async def encode(self, sequences: Sequences) -> list[Array]:
        """Token vectors of each sequence; raise Overloaded or TooLarge before any work."""
        if not sequences:
            return []
        job = self._enqueue(sequences)
        try:
            return await asyncio.wrap_future(job.done)
        except asyncio.CancelledError:
            self._withdraw(job)
            raise

    def close(self) -> None:
        """Finish the pack at hand and stop."""
        with self.changed:
            self.closed = True
            self.changed.notify()
        self.thread.join()

    def _enqueue(self, sequences: Sequences) -> Job:
        tokens = sum(map(len, sequences))
        with self.changed:
            if tokens > self.queue_tokens:
                raise TooLarge(f"{tokens} tokens are more than {self.queue_tokens} at once")
            if self.queued + tokens > self.queue_tokens:
                raise Overloaded(1 + int(self.queued / self.rate))
            self.count += 1
            job = Job(sequences, self.count)
            self.jobs.append(job)
            self.queued += tokens
            self.changed.notify()
        return job

    def _withdraw(self, job: Job) -> None:
        """Nobody waits for it any more: do not compute what has not begun."""
        with self.changed:
            if job in self.jobs:
                self.jobs.remove(job)
                self.queued -= job.tokens

    def _work(self) -> None:
        while pack := self._next_pack():
            started = time.perf_counter()
            tokens = sum(len(job.sequences[index]) for job, index in pack)
            try:
                found = self.forward([job.sequences[index] for job, index in pack])
            except (RuntimeError, MemoryError) as error:
                self._fail(pack, error)
                continue
            finally:
                with self.changed:
                    self.queued -= tokens
            self._account(tokens, time.perf_counter() - started)
            for (job, index), vectors in zip(pack, found, strict=True):
                if not job.done.cancelled():
                    job.put(index, vectors)

    def _fail(self, pack: list[tuple[Job, int]], error: Exception) -> None:
        for job in {id(job): job for job, _ in pack}.values():
            self._withdraw(job)
            if not job.done.done():
                job.done.set_exception(error)

    def _account(self, tokens: int, seconds: float) -> None:
        self.packs += 1
        self.tokens_done += tokens
        self.rate += 0.2 * (tokens / max(seconds, 1e-6) - self.rate)

    def _next_pack(self) -> list[tuple[Job, int]]:
        """Wait for work; an empty pack means that the batcher is closed."""
        with self.changed:
            self.changed.wait_for(lambda: self.closed or self.jobs)
            if self.closed:
                return []
            pack = self._fill()
            self.jobs = [job for job in self.jobs if job.left]
        return pack

    def _fill(self) -> list[tuple[Job, int]]:
        least = min(self.jobs, key=lambda job: (job.tokens, job.order))
        pack = list(least.take(self.budget // 2 if len(self.jobs) > 1 else self.budget))
        for job in self.jobs:
            room = self.budget - sum(len(owner.sequences[index]) for owner, index in pack)
            pack += job.take(room)
        return pack or [self._longest(least)]

    def _longest(self, job: Job) -> tuple[Job, int]:
        """A sequence beyond the budget goes alone."""
        index = job.left.pop()
        job.tokens -= len(job.sequences[index])
        return job, index
