"""Containers come and go under steady load, and no request fails."""

from tests.stack import balance, count
from tests.stack.callers import Api, Load
from tests.stack.conftest import Told
from tests.stack.engine import wait_for
from tests.stack.stack import Stack


def take_all(stack: Stack, replicas: int) -> None:
    """Wait until HAProxy gives requests to so many."""
    wait_for(lambda: len(balance.up(stack)) == replicas, 180, f"{replicas} web containers are up")


def test_web_containers_come_and_go_without_a_failed_request(
    stack: Stack, api: Api, told: Told
) -> None:
    stack.scale("web", 1)
    take_all(stack, 1)
    with Load(api, pause=0.03) as load:
        stack.scale("web", 4)
        take_all(stack, 4)
        before = balance.servers(stack)
        seen = load.requests
        wait_for(lambda: load.requests > seen + 200, 180, "the load goes on")
        shares = balance.answered_since(stack, before)
        stack.scale("web", 1)
        take_all(stack, 1)
        seen = load.requests
        wait_for(lambda: load.requests > seen + 100, 180, "the load goes on")
    assert load.failures == []
    assert len(shares) == 4
    assert min(shares.values()) > 0.1 * sum(shares.values()), shares
    told(f"web 1→4→1: {load.requests} requests, {len(load.failures)} failed")
    stack.scale("web", 2)
    take_all(stack, 2)


def test_workers_come_and_go_without_losing_an_answer(stack: Stack, api: Api, told: Told) -> None:
    already = count.total(stack)
    with Load(api) as load:
        stack.scale("worker", 3)
        wait_for(lambda: all(one.is_ready() for one in stack.containers("worker")), 120, "ready")
        stack.scale("worker", 1)
    assert load.failures == []
    count.wait_until_scored(stack)
    assert count.assert_each_was_scored_once(stack) == already + load.accepted
    told(f"workers 1→3→1: {load.accepted} answers, each scored once")
