"""One way to wait for something that another process or thread brings about."""

import time
from collections.abc import Callable

import pytest


def wait_until(
    holds: Callable[[], object],
    seconds: float = 240,
    what: str = "the condition holds",
    *,
    every: float = 0.1,
    ignoring: type[Exception] | tuple[type[Exception], ...] = (),
) -> float:
    """Return the seconds that it took; fail the test after `seconds`.

    An error named in `ignoring` counts as "not yet"; the last one stands in the failure's message.
    """
    began, last = time.monotonic(), ""
    while time.monotonic() - began < seconds:
        try:
            if holds():
                return time.monotonic() - began
        except ignoring as error:
            last = str(error)
        time.sleep(every)
    pytest.fail(f"not within {seconds:g} s: {what} {last}".rstrip())
