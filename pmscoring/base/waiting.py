"""Waiting for something that another process does."""

import time
from collections.abc import Callable

EVERY_SECONDS = 0.1


def wait_until(
    condition: Callable[[], bool], seconds: float, give_up: Callable[[], bool] = lambda: False
) -> bool:
    """Whether the condition came true before `seconds` had passed or `give_up` was true."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and not give_up():
        if condition():
            return True
        time.sleep(EVERY_SECONDS)
    return False
