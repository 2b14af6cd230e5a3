"""Fifty containers are sampled at once, and not one after another."""

import statistics
import time
from collections.abc import Iterator

import pytest

from opsconsole.engines.compose import Compose
from tests.stack.conftest import Told
from tests.stack.fifty import MANY, fifty, seconds_of_each, seconds_of_looks, seen

LOOKS, SOME = 5, 3
"""Looks of which the median counts; containers that are sampled one after another beside them."""
AT_MOST = 1 / 40
"""Of the time that all of them would take one after another, which is 2 s each on a quiet machine:
2.5 s of 100.
"""


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Compose]:
    with fifty(tmp_path_factory.mktemp("fifty")) as engine:
        yield engine


def test_all_of_them_are_seen_with_their_usage(engine: Compose) -> None:
    seen(engine)
    there = seen(engine)
    assert len(there.services["web"].replicas) == len(there.usage) == MANY
    assert all(usage.cpu_cores is not None and usage.memory_bytes for usage in there.usage.values())


def test_fifty_replicas_are_sampled_at_once(engine: Compose, told: Told) -> None:
    seconds = seconds_of_looks(engine, LOOKS)
    each = statistics.mean(seconds_of_each(engine, SOME))
    told(
        f"{MANY} containers in {statistics.median(seconds):.2f} s"
        f" ({min(seconds):.2f} to {max(seconds):.2f}); one after another {MANY * each:.0f} s"
    )
    assert statistics.median(seconds) < AT_MOST * MANY * each


def test_their_cpu_is_bounded_by_their_limit_and_throttling_is_told(engine: Compose) -> None:
    first = seen(engine)
    time.sleep(5)
    second = seen(engine)
    shares = {}
    for key, usage in second.usage.items():
        earlier = first.usage[key].counted
        assert usage.counted is not None
        assert earlier is not None
        cores = usage.counted.cores_since(earlier)
        assert cores is not None
        assert usage.cpu_limit == 0.05
        shares[key] = cores / usage.cpu_limit, usage.counted.throttled_since(earlier)
    busy = {key: share for key, (share, _throttled) in shares.items() if share > 0.5}
    assert all(share < 1.3 for share, _throttled in shares.values())
    assert all((shares[key][1] or 0) > 0.5 for key in busy)
