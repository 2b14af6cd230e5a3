"""Stabilisation: a number of replicas is held to what was recommended of late. Pure.

Upwards to the lowest recommendation of the window upwards, downwards to the highest of the window
downwards, the present one among them. A window of 300 s downwards thus lets the number fall when
for 300 s nothing has wanted more.

Where the recommendations do not reach back over the window downwards, because the policy is new or
the console was away, the present number counts as one: what is not known lowers nothing. Upwards
only what is known counts, so that nobody waits for want of a record.
"""

from collections.abc import Iterable, Sequence
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


@dataclass(frozen=True)
class _Window:
    """What was recommended within it, and when the record reaches back to its start."""

    length: timedelta
    inside: Recommendations
    whole_at: datetime

    def highest(self, current: int, wanted: int, at: datetime) -> int:
        unknown = [current] if at < self.whole_at else []
        return max([wanted, *unknown, *(number for _, number in self.inside)])

    def lowest(self, wanted: int) -> int:
        return min([wanted, *(number for _, number in self.inside)])

    def left_by(self, times: Iterable[datetime]) -> datetime | None:
        """When the last of them is out of the window."""
        last = max(times, default=None)
        return last + self.length if last else None

    def falls(self, number: int, wanted: int, at: datetime) -> datetime | None:
        """When it lets the number fall; None where it holds nothing."""
        if number <= wanted:
            return None
        left = self.left_by(time for time, high in self.inside if high >= number)
        return max(filter(None, (left, self.whole_at if at < self.whole_at else None)))


def stabilised(
    current: int, wanted: int, past: Recommendations, at: datetime, up: int, down: int
) -> Held:
    """The present number within what both windows (in seconds) recommend."""
    rising, falling = _window(past, at, up), _window(past, at, down)
    highest = falling.highest(current, wanted, at)
    number = min(max(current, rising.lowest(wanted)), highest)
    if number < wanted:
        return Held(number, rising.left_by(t for t, low in rising.inside if low <= number))
    return Held(number, falling.falls(number, wanted, at))


def stabilised_plainly(
    current: int, wanted: int, past: Recommendations, at: datetime, down: int
) -> Held:
    """The highest recommendation of the window (in seconds), also where that is more than now."""
    falling = _window(past, at, down)
    number = falling.highest(current, wanted, at)
    return Held(number, falling.falls(number, wanted, at))


def _window(past: Recommendations, at: datetime, seconds: int) -> _Window:
    """One from the future was written by a clock that has been set back, and is left out."""
    length = timedelta(seconds=seconds)
    newest_first = takewhile(lambda each: each[0] > at - length, reversed(past))
    inside = [each for each in newest_first if each[0] <= at]
    oldest = next((time for time, _ in past if time <= at), at)
    return _Window(length, inside, whole_at=oldest + length - SLACK)
