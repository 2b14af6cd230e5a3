"""Each container's main process is killed in turn, under load: nothing is lost, all come back."""

import pytest

from tests.stack import count
from tests.stack.callers import Api, Load
from tests.stack.conftest import Told
from tests.stack.engine import wait_for
from tests.stack.stack import Container, Stack

# Callers notice the death of these: a request under way ends with them.
NOTICED = {"web", "haproxy", "postgres"}
UNNOTICED = {"worker", "beat", "inference", "broker", "cache", "nginx", "ops"}
WATCHING = {"prometheus", "node-exporter"}


def is_back(stack: Stack, killed: Container) -> bool:
    """The engine has started it again, and its own health check passes."""
    now = next(one for one in stack.containers(killed.service) if one.name == killed.name)
    return now.pid not in (0, killed.pid) and now.is_ready()


@pytest.mark.parametrize("service", sorted(UNNOTICED | NOTICED | WATCHING))
def test_it_comes_back_and_every_answer_is_scored_once(
    service: str, stack: Stack, api: Api, told: Told
) -> None:
    already, killed = count.total(stack), stack.container(service)
    with Load(api, again=True) as load:
        wait_for(lambda: load.accepted >= 20, 120, "answers are accepted")
        stack.kill(killed)
        seconds = wait_for(lambda: is_back(stack, killed), 180, f"{service} is back")
        seen = load.accepted
        wait_for(lambda: load.accepted >= seen + 20, 120, "answers are accepted again")
    scored = count.wait_until_scored(stack)
    assert count.assert_each_was_scored_once(stack) == already + load.accepted
    if service not in NOTICED:
        assert load.failures == []
    noticed = f", {len(load.failures)} sent again" if load.failures else ""
    told(f"{service} back after {seconds:.0f} s{noticed}, all scored {scored:.0f} s later")


def test_no_container_is_left_out(stack: Stack) -> None:
    assert {one.service for one in stack.containers()} == NOTICED | UNNOTICED | WATCHING


def test_all_say_again_that_they_are_healthy(stack: Stack, told: Told) -> None:
    seconds = wait_for(stack.all_are_healthy, 240, "all are healthy")
    told(f"all healthy by their own checks {seconds:.0f} s after the last")
