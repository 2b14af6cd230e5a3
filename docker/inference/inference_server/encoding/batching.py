"""One torch thread that packs the sequences of all waiting requests by token budget.

Small requests go before large ones, so that a person's single answer waits for one pack at most;
every fourth pack begins with the oldest, so that none waits for ever. A vector does not depend on
its pack, so the order is free.
"""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import Any, TypeVar

from inference_server.arrays import Floats

T = TypeVar("T")
OLDEST_FIRST = 4
Forward = Callable[[Sequence[Sequence[int]]], list[Floats]]
Each = Callable[[int, Floats], Any]


class Overloaded(Exception):
    """The queue is full, or closing; come back in a second."""


class TooLarge(Exception):
    """One request has more tokens than may be held at once."""


class EncoderThread:
    """The thread in which the encoder is loaded and run; it does not outlive the process.

    OpenMP keeps a team for each thread that computes. With more teams than cores its idle threads
    sleep instead of spinning, and waking them for every product makes one pass three times slower.
    """

    def __init__(self) -> None:
        self.work: SimpleQueue[tuple[Callable[[], Any], Future[Any]]] = SimpleQueue()
        threading.Thread(target=self._run, name="encoder", daemon=True).start()

    def submit(self, call: Callable[[], T]) -> "Future[T]":
        """Call it there, after what was submitted before."""
        future: Future[T] = Future()
        self.work.put((call, future))
        return future

    def _run(self) -> None:
        while True:
            call, future = self.work.get()
            try:
                future.set_result(call())
            except Exception as error:  # noqa: BLE001  # it is the caller's, who waits for it
                future.set_exception(error)


@dataclass(eq=False)
class Job:
    """One request's sequences, and what came of them; the longest of `order` is last."""

    sequences: list[list[int]]
    order: list[int]
    each: Each
    found: dict[int, Any] = field(default_factory=dict)
    future: "Future[list[Any]]" = field(default_factory=Future)

    def take(self, index: int, vectors: Floats) -> None:
        """What came of one sequence; with the last one the job is done."""
        self.found[index] = self.each(index, vectors)
        if len(self.found) == len(self.sequences):
            self.future.set_result([self.found[i] for i in range(len(self.sequences))])


class Batcher:
    """Takes lists of sequences from any thread and gives futures of their token vectors."""

    def __init__(
        self,
        forward: Forward,
        pack_tokens: int,
        queue_sequences: int,
        thread: EncoderThread | None = None,
    ) -> None:
        """`thread` is the one in which the encoder was loaded."""
        self.forward = forward
        self.pack_tokens, self.queue_sequences = pack_tokens, queue_sequences
        self.jobs: list[Job] = []
        self.waiting = 0
        self.packs = 0
        self.closed = False
        self.wake = threading.Condition()
        self.running = (thread or EncoderThread()).submit(self._run)

    def submit(
        self, sequences: list[list[int]], each: Each = lambda _index, vectors: vectors
    ) -> "Future[list[Any]]":
        """What `each` makes of (index, token vectors), in order; raise Overloaded when full.

        It is called in the encoder's thread after each pack: beside the next one it would take a
        core from it, and the other cores would wait.
        """
        order = sorted(range(len(sequences)), key=lambda index: len(sequences[index]))
        job = Job(sequences, order, each)
        if not sequences:
            job.future.set_result([])
            return job.future
        with self.wake:
            if self.closed:
                raise Overloaded("the service is stopping")
            if self.waiting and self.waiting + len(sequences) > self.queue_sequences:
                raise Overloaded(f"{self.waiting} sequences are waiting")
            self.waiting += len(sequences)
            self.jobs.append(job)
            self.wake.notify()
        return job.future

    def close(self) -> None:
        """Finish what is queued and end the thread."""
        with self.wake:
            self.closed = True
            self.wake.notify()
        self.running.result()

    def _run(self) -> None:
        while pack := self._next_pack():
            try:
                found = self.forward([job.sequences[index] for job, index in pack])
            except Exception as error:  # noqa: BLE001  # without this thread nobody is ever served
                self._fail(pack, error)
                continue
            for (job, index), vectors in zip(pack, found, strict=True):
                if job.future.done():
                    continue
                try:
                    job.take(index, vectors)
                except Exception as error:  # noqa: BLE001  # it fails this job and no other
                    self._fail([(job, index)], error)

    def _next_pack(self) -> list[tuple[Job, int]]:
        with self.wake:
            while not self.jobs:
                if self.closed:
                    return []
                self.wake.wait()
            pack: list[tuple[Job, int]] = []
            room = self.pack_tokens
            for job in self._turns():
                while job.order and (not pack or len(job.sequences[job.order[-1]]) <= room):
                    index = job.order.pop()
                    pack.append((job, index))
                    room -= len(job.sequences[index])
                if job.order:
                    break
                self.jobs.remove(job)
            self.waiting -= len(pack)
            return pack

    def _turns(self) -> list[Job]:
        self.packs += 1
        turns = sorted(self.jobs, key=lambda job: len(job.order))
        if self.packs % OLDEST_FIRST == 0:
            turns.insert(0, self.jobs[0])
        return list(dict.fromkeys(turns))

    def _fail(self, pack: list[tuple[Job, int]], error: Exception) -> None:
        with self.wake:
            for job in {id(job): job for job, _ in pack}.values():
                self.waiting -= len(job.order)
                if job in self.jobs:
                    self.jobs.remove(job)
                if not job.future.done():
                    job.future.set_exception(error)
