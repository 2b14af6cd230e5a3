"""How long replicas take to become ready."""

from datetime import timedelta

import pytest

from opsconsole.engines.base import Health
from opsconsole.models import Environment, ScalingPolicy
from opsconsole.scaling import startup
from tests.opsconsole.environments_made import environment as an_environment
from tests.opsconsole.scaling.machine import Machine, take

pytestmark = pytest.mark.django_db


@pytest.fixture
def environment() -> Environment:
    return an_environment(seen={})


@pytest.fixture
def policy(environment: Environment) -> ScalingPolicy:
    return ScalingPolicy.objects.create(environment=environment, service="web")


@pytest.fixture
def machine() -> Machine:
    engine = Machine()
    engine.tick(timedelta(hours=1))
    return engine


def seconds(policy: ScalingPolicy) -> float | None:
    return ScalingPolicy.objects.get(pk=policy.pk).startup_seconds


def look(policy: ScalingPolicy, machine: Machine) -> None:
    """As a turn does it: learn, and the row is kept."""
    startup.learn(policy, take(policy.environment, machine))


def begin(machine: Machine) -> str:
    """One more replica, which is not ready."""
    machine.scale("web", 2)
    machine.change(machine.web(2), health=Health.STARTING)
    return machine.web(2)


def test_it_is_the_time_from_the_start_until_the_first_sample_that_is_ready(
    policy: ScalingPolicy, machine: Machine
) -> None:
    look(policy, machine)
    new = begin(machine)
    for _ in range(2):
        machine.tick()
        look(policy, machine)
    assert seconds(policy) is None
    machine.tick()
    machine.change(new, health=Health.HEALTHY)
    look(policy, machine)
    assert seconds(policy) == 45.0


def test_one_that_began_and_became_ready_between_two_samples_counts(
    policy: ScalingPolicy, machine: Machine
) -> None:
    look(policy, machine)
    machine.tick(timedelta(seconds=7))
    machine.scale("web", 2)
    machine.tick(timedelta(seconds=8))
    look(policy, machine)
    assert seconds(policy) == 8.0


def test_a_recovery_soon_after_the_start_is_none(policy: ScalingPolicy, machine: Machine) -> None:
    look(policy, machine)
    new = begin(machine)
    for health in (Health.STARTING, Health.HEALTHY, Health.UNHEALTHY, Health.HEALTHY):
        machine.tick()
        machine.change(new, health=health)
        look(policy, machine)
    assert seconds(policy) == 30.0


def test_a_restart_counts(policy: ScalingPolicy, machine: Machine) -> None:
    look(policy, machine)
    machine.tick()
    machine.change(machine.web(1), started_at=machine.now - timedelta(seconds=9))
    look(policy, machine)
    assert seconds(policy) == 9.0


def test_those_that_run_already_do_not_count(policy: ScalingPolicy, machine: Machine) -> None:
    for _ in range(3):
        look(policy, machine)
        machine.tick()
    assert seconds(policy) is None


def test_a_recovery_is_no_start(policy: ScalingPolicy, machine: Machine) -> None:
    machine.sicken(machine.web(1))
    look(policy, machine)
    machine.tick()
    machine.change(machine.web(1), health=Health.HEALTHY)
    look(policy, machine)
    assert seconds(policy) is None


def test_the_slowest_of_the_last_ten_counts(policy: ScalingPolicy, machine: Machine) -> None:
    times = [14, *range(1, 10), 3]
    highest = []
    look(policy, machine)
    for each in times:
        machine.tick()
        machine.change(machine.web(1), started_at=machine.now - timedelta(seconds=each))
        look(policy, machine)
        highest.append(seconds(policy))
    assert highest == [14.0] * 10 + [9.0]
