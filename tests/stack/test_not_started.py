"""What has no image here was not started; its files were checked in other ways, named here."""

import re
import subprocess
import sys

import pytest

from tests.paths import ROOT
from tests.stack.conftest import Told
from tests.stack.stack import Stack

FILE = "tests/compose/test_monitoring.py"
INSTEAD = {
    "grafana": [
        "test_what_the_dashboards_ask_prometheus_can_be_parsed",
        "test_dashboards_stand_in_a_grid_and_ask_sources_that_are_provisioned",
    ],
    "loki": ["test_logs_are_kept_for_a_limited_time"],
    "alloy": ["test_alloys_components_forward_to_components_that_are_there"],
    "cadvisor": ["test_a_cgroup_tells_its_service_under_both_of_dockers_drivers"],
}


@pytest.fixture(scope="module")
def outcomes() -> dict[str, str]:
    """Which of those tests pass, run now; none fails, and one that is not told of was skipped."""
    names = [f"{FILE}::{name}" for tests in INSTEAD.values() for name in tests]
    argv = [sys.executable, "-m", "pytest", "-q", "-rA", "-p", "no:cacheprovider", *names]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    passed = re.findall(rf"^PASSED {FILE}::(\w+)", done.stdout, re.MULTILINE)
    return dict.fromkeys(passed, "passed")


@pytest.mark.parametrize("service", INSTEAD)
def test_what_was_not_started_is_checked_otherwise(
    service: str, stack: Stack, outcomes: dict[str, str], told: Told
) -> None:
    if service not in stack.not_started:
        pytest.skip("it was started")
    ended = {name: outcomes.get(name, "skipped") for name in INSTEAD[service]}
    assert "passed" in ended.values()
    told(f"{service} by {', '.join(f'{name} ({word})' for name, word in ended.items())}")


def test_everything_else_was_started(stack: Stack) -> None:
    assert set(stack.not_started) <= set(INSTEAD)
