"""A bound on what runs at once."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from inference_server.encoding.batching import Overloaded
from inference_server.http.slots import Slots


def test_no_more_threads_hold_a_slot_than_there_are() -> None:
    slots, together, threads = Slots(3), Barrier(8), range(8)

    def take(_thread: int) -> bool:
        together.wait(10)
        try:
            slots.take()
        except Overloaded:
            return False
        return True

    with ThreadPoolExecutor(len(threads)) as pool:
        assert sum(pool.map(take, threads)) == 3


def test_a_slot_is_free_again_after_a_failure() -> None:
    slots = Slots(1)
    with pytest.raises(KeyError), slots:
        raise KeyError
    with slots, pytest.raises(Overloaded):
        slots.take()
