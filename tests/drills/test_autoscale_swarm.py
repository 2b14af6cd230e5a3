"""The load of test_autoscale on a Swarm of one node."""

from collections.abc import Iterator

import pytest

from tests.drills.swarm_site import SwarmSite
from tests.drills.test_autoscale import (
    SMALL,
    door,
    many,
    test_a_worker_in_the_middle_of_its_batch_is_not_killed_by_the_way_down,
    test_cpu_load_takes_web_to_its_most_and_back_without_a_failed_request,
    test_load_that_is_not_known_holds_the_replicas,
    test_the_calendar_has_them_ready_before_the_bell,
    test_waiting_answers_raise_the_workers_and_drain_once_each,
)
from tests.stack.stack import free_prefix
from tests.stack.swarm import why_not

__all__ = [
    "door",
    "many",
    "test_a_worker_in_the_middle_of_its_batch_is_not_killed_by_the_way_down",
    "test_cpu_load_takes_web_to_its_most_and_back_without_a_failed_request",
    "test_load_that_is_not_known_holds_the_replicas",
    "test_the_calendar_has_them_ready_before_the_bell",
    "test_waiting_answers_raise_the_workers_and_drain_once_each",
]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SwarmSite]:
    """The same small site, where the engine is a Swarm for as long as it runs."""
    if reason := why_not():
        pytest.skip(reason)
    made = SwarmSite(tmp_path_factory.mktemp("autoscale"), free_prefix())
    made.more |= SMALL
    try:
        made.begin()
        yield made
    finally:
        made.down()
