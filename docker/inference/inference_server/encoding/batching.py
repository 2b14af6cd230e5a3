"""One torch thread that packs the sequences of all waiting requests by token budget.

Requests with few tokens go before those with many, so that a person's single answer waits for one
pack at most, and a text that takes a minute holds up nobody else's; every fourth pack begins with
the oldest request, so that none waits for ever. A vector does not depend on its pack, so the order
is free.
"""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import Any, TypeVar

from inference_server.arrays import Floats

T = TypeVar("T")
OLDEST_FIRST = 4
"""Every so many packs the oldest request goes first."""
Forward = Callable[[Sequence[Sequence[int]]], list[Floats]]
"""Token vectors [tokens, width] of each sequence of token ids."""
Transform = Callable[[int, Floats], Any]


class Overloaded(Exception):
    """The queue is full or closing; the caller may come back in a second."""


class TooLarge(Exception):
    """A request has more tokens than may be held at once."""


class EncoderThread:
    """The thread in which the encoder is loaded and run; it does not outlive the process.

    OpenMP keeps a team for each thread that computes. With more teams than cores its idle threads
    sleep instead of spinning, and waking them for every product makes one pass three times slower.
    """

    def __init__(self) -> None:
        self.calls: SimpleQueue[tuple[Callable[[], Any], Future[Any]]] = SimpleQueue()
        threading.Thread(target=self._run, name="encoder", daemon=True).start()

    def submit(self, call: Callable[[], T]) -> "Future[T]":
        """The result of `call`, which runs in the thread after the calls submitted before it."""
        future: Future[T] = Future()
        self.calls.put((call, future))
        return future

    def _run(self) -> None:
        while True:
            call, future = self.calls.get()
            try:
                future.set_result(call())
            except Exception as error:  # noqa: BLE001  # the caller gets it from the future
                future.set_exception(error)


@dataclass(eq=False)
class Job:
    """The sequences of a request, and what became of them.

    `order` has the indices of the sequences that wait, the longest last, and `tokens` is how many
    tokens these have.
    """

    sequences: list[list[int]]
    order: list[int]
    tokens: int
    transform: Transform
    results: dict[int, Any] = field(default_factory=dict)
    future: "Future[list[Any]]" = field(default_factory=Future)

    def take(self, index: int, vectors: Floats) -> None:
        """Transform the vectors of one sequence; the last one completes the job."""
        self.results[index] = self.transform(index, vectors)
        if len(self.results) == len(self.sequences):
            with suppress(InvalidStateError):  # The caller cancelled it at this moment.
                self.future.set_result([self.results[i] for i in range(len(self.sequences))])


class Batcher:
    """Takes lists of sequences from any thread and gives futures of their token vectors.

    Callers and the encoder's thread share `jobs`, each job's `order`, `waiting` and `closed`, and
    touch them only while they hold `changed`. A job's `results` are the encoder's thread's alone,
    and it alone completes futures, so that no job is completed twice; `packs` is its own count.
    Callers may cancel a future at any moment: what waits of its job leaves the queue at once, and
    what the encoder has in hand then is dropped after the pass.
    """

    def __init__(
        self,
        forward: Forward,
        pack_tokens: int,
        queue_sequences: int,
        thread: EncoderThread | None = None,
    ) -> None:
        """`pack_tokens` and `queue_sequences` bound a pass of the encoder and what may wait for it.

        `thread` is the one in which the encoder was loaded; without it the batcher starts its own.
        """
        self.forward = forward
        self.pack_tokens, self.queue_sequences = pack_tokens, queue_sequences
        self.jobs: list[Job] = []
        self.waiting = 0
        self.packs = 0
        self.closed = False
        self.changed = threading.Condition()
        self.running = (thread or EncoderThread()).submit(self._run)

    def submit(
        self, sequences: list[list[int]], transform: Transform = lambda _index, vectors: vectors
    ) -> "Future[list[Any]]":
        """What `transform` makes of (index, token vectors), in order; raise Overloaded when full.

        It is called in the encoder's thread after each pack: beside the next one it would take a
        core from it, and the other cores would wait.
        """
        order = sorted(range(len(sequences)), key=lambda index: len(sequences[index]))
        job = Job(sequences, order, sum(map(len, sequences)), transform)
        if not sequences:
            job.future.set_result([])
            return job.future
        job.future.add_done_callback(lambda future: self._drop(job) if future.cancelled() else None)
        # The bound is checked and the job queued under one hold of the lock, so that of two
        # requests that race for the last room one is refused. A request larger than the queue is
        # let in while nothing waits: else it could never be served.
        with self.changed:
            if self.closed:
                raise Overloaded("the service is stopping")
            if self.waiting and self.waiting + len(sequences) > self.queue_sequences:
                raise Overloaded(f"{self.waiting} sequences are waiting")
            self.waiting += len(sequences)
            self.jobs.append(job)
            self.changed.notify()
        return job.future

    def close(self) -> None:
        """Finish what is queued and end the thread's work.

        A job is either queued before `closed` is set, and then served, or refused.
        """
        with self.changed:
            self.closed = True
            self.changed.notify()
        self.running.result()

    def _drop(self, job: Job) -> None:
        """Take what waits of a job that its caller has cancelled out of the queue."""
        with self.changed:
            self.waiting -= len(job.order)
            job.order.clear()
            if job in self.jobs:
                self.jobs.remove(job)

    def _run(self) -> None:
        while pack := self._next_pack():
            try:
                outputs = self.forward([job.sequences[index] for job, index in pack])
            except Exception as error:  # noqa: BLE001  # without this thread nobody is ever served
                self._fail(pack, error)
                continue
            for (job, index), vectors in zip(pack, outputs, strict=True):
                if job.future.done():  # It failed earlier in this pack, or was cancelled.
                    continue
                try:
                    job.take(index, vectors)
                except Exception as error:  # noqa: BLE001  # it fails this job and no other
                    self._fail([(job, index)], error)

    def _next_pack(self) -> list[tuple[Job, int]]:
        """The sequences of the next pass, waiting for some; none once all is done and closed."""
        with self.changed:
            while not self.jobs:
                if self.closed:
                    return []
                self.changed.wait()
            pack: list[tuple[Job, int]] = []
            room = self.pack_tokens
            for job in self._turns():
                while job.order and (not pack or len(job.sequences[job.order[-1]]) <= room):
                    index = job.order.pop()
                    pack.append((job, index))
                    room -= len(job.sequences[index])
                    job.tokens -= len(job.sequences[index])
                if job.order:
                    break
                self.jobs.remove(job)
            self.waiting -= len(pack)
            return pack

    def _turns(self) -> list[Job]:
        """The jobs in the order in which they are packed."""
        self.packs += 1
        turns = sorted(self.jobs, key=lambda job: job.tokens)
        if self.packs % OLDEST_FIRST == 0:
            turns.insert(0, self.jobs[0])
        return list(dict.fromkeys(turns))

    def _fail(self, pack: list[tuple[Job, int]], error: Exception) -> None:
        """Fail the jobs of a pack, also their sequences that wait for a later one."""
        with self.changed:
            for job in {id(job): job for job, _ in pack}.values():
                self.waiting -= len(job.order)
                job.order.clear()
                if job in self.jobs:
                    self.jobs.remove(job)
                with suppress(InvalidStateError):  # It has failed before, or was cancelled.
                    job.future.set_exception(error)
