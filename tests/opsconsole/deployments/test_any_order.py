"""Deployments with faults, deaths, cancels and lapses at any step: 60 here, 300 in `make drills`.

Each run of this test draws others.
"""

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test
from pytest_django import Settings

from tests.opsconsole.deployments.chaos import ENDED, Chaos

LEAST = 60
RUNS, STEPS = 10, 20
MOST_TURNS = 40


@pytest.mark.django_db
def test_whatever_happens_one_at_a_time_never_live_without_health_always_back(
    settings: Settings,
) -> None:
    settings.SOAK_SECONDS = 2
    deploy_in_any_order(LEAST)


def deploy_in_any_order(least: int) -> None:
    """So many deployments at least, of which some ended in each way."""
    ENDED.clear()
    for _turn in range(MOST_TURNS):
        run_state_machine_as_test(Chaos, settings=PROFILE)
        if sum(ENDED.values()) >= least:
            break

    assert sum(ENDED.values()) >= least
    assert {"live", "rolled_back", "failed", "cancelled"} <= set(ENDED)


PROFILE = settings(
    max_examples=RUNS,
    stateful_step_count=STEPS,
    deadline=None,
    database=None,
    derandomize=False,
    # Shrinking would take an hour; what failed is printed, step by step.
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
