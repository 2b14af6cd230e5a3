"""How many tasks score the answers of one question side by side.

A task scores one batch after another. For a further worker to be of use on a long queue there must
be a task for it: each that finds more answers waiting than it has scored asks for a task on each
lane that the queue is worth, and on which none waits already. Which lanes those are is shared in
the cache; without one there is a single lane, and the sweep.
"""

import logging
from math import ceil

import redis
from django.core.cache import cache

log = logging.getLogger(__name__)
MOST = 8
SECONDS = 60
"""For so long a message counts as waiting that nobody has taken up; one may be lost."""


def open_for(question_id: int, batches: float) -> list[int]:
    """The lanes for so many batches on which no task waits; from now on one does.

    Two tasks that end at once: `add` lets one of them have the lane.
    """
    lanes = range(min(ceil(batches), MOST))
    try:
        return [lane for lane in lanes if cache.add(_key(question_id, lane), True, SECONDS)]
    except (redis.RedisError, OSError) as error:
        log.warning("a question is scored on one lane: %s", type(error).__name__)
        return [0] if lanes else []


def take_up(question_id: int, lane: int) -> None:
    """A task on the lane has begun, and what waits from now on wants another one."""
    try:
        cache.delete(_key(question_id, lane))
    except (redis.RedisError, OSError) as error:
        log.warning("a lane stays taken for a minute: %s", type(error).__name__)


def _key(question_id: int, lane: int) -> str:
    return f"scoring:{question_id}:{lane}"
