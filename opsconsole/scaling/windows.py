"""Stabilisation: a number of replicas is held to what was recommended of late. Pure.

Upwards to the lowest recommendation of the window upwards, downwards to the highest of the window
downwards, the present one among them. A window of 300 s downwards thus lets the number fall when
for 300 s nothing has wanted more.

Where the recommendations do not reach back over the window downwards, because the policy is new or
the console was away, the present number counts as one: what is not known lowers nothing. Upwards
only what is known counts, so that nobody waits for want of a record.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import takewhile

Recommendations = Sequence[tuple[datetime, int]]
"""When, and how many; the oldest first."""

SLACK = timedelta(seconds=45)
"""Three ticks: the oldest recommendation of a window is a little younger than the window."""


@dataclass(frozen=True)
class Held:
    """The number that the windows allow, and when they allow another, as far as that is known."""

    number: int
    until: datetime | None = None


def stabilised(
    current: int, wanted: int, past: Recommendations, at: datetime, up: int, down: int
) -> Held:
    """The present number within what both windows (in seconds) recommend."""
    rising = _within(past, at, up)
    falling = _within(past, at, down)
    lowest = min([wanted, *(number for _, number in rising)])
    highest = _highest(current, wanted, past, at, down)
    number = min(max(current, lowest), highest)
    if number < wanted:
        return Held(number, _leaves([t for t, low in rising if low <= number], up))
    return Held(number, _falls(number, wanted, past, falling, at, down))


def stabilised_plainly(
    current: int, wanted: int, past: Recommendations, at: datetime, down: int
) -> Held:
    """The highest recommendation of the window (in seconds), also where that is more than now."""
    number = _highest(current, wanted, past, at, down)
    return Held(number, _falls(number, wanted, past, _within(past, at, down), at, down))


def _highest(current: int, wanted: int, past: Recommendations, at: datetime, window: int) -> int:
    known = [number for _, number in _within(past, at, window)]
    if not _reaches_back(past, at, window):
        known.append(current)
    return max([wanted, *known])


def _within(past: Recommendations, at: datetime, window: int) -> list[tuple[datetime, int]]:
    """Those of the window; one from the future was written by a clock that has been set back."""
    start = at - timedelta(seconds=window)
    newest_first = takewhile(lambda each: each[0] > start, reversed(past))
    return [each for each in newest_first if each[0] <= at]


def _reaches_back(past: Recommendations, at: datetime, window: int) -> bool:
    start = at - timedelta(seconds=window) + SLACK
    return start >= at or any(time <= start for time, _ in past)


def _falls(
    number: int,
    wanted: int,
    past: Recommendations,
    falling: Sequence[tuple[datetime, int]],
    at: datetime,
    window: int,
) -> datetime | None:
    """When the window lets the number fall."""
    if number <= wanted:
        return None
    last = _leaves([time for time, high in falling if high >= number], window)
    if _reaches_back(past, at, window):
        return last
    reached = _oldest(past, at) + timedelta(seconds=window) - SLACK
    return max(filter(None, (last, reached)))


def _oldest(past: Recommendations, at: datetime) -> datetime:
    return min(_known(past, at), default=at)


def _known(past: Recommendations, at: datetime) -> Iterator[datetime]:
    return (time for time, _ in past if time <= at)


def _leaves(times: Sequence[datetime], window: int) -> datetime | None:
    """When the last of them is out of the window."""
    return max(times) + timedelta(seconds=window) if times else None
