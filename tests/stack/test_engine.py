"""The engine itself ends and starts again: everything comes back by itself."""

import os
import subprocess
import time
from pathlib import Path

import pytest

from tests.paths import ROOT
from tests.stack import count
from tests.stack.callers import Api
from tests.stack.conftest import Told
from tests.stack.engine import docker, wait_for
from tests.stack.kept import kept
from tests.stack.stack import Stack


def why_not(stack: Stack) -> str:
    """Why this machine's engine must be left alone; empty where the test may restart it."""
    if Path("/run/systemd/system").exists():
        return "the engine is the init system's"
    if os.getuid() != 0 or os.environ.get("DOCKER_HOST"):
        return "the engine is not this user's to restart"
    names = docker("ps", "--format", "{{.Names}}").split()
    if others := set(names) - {one.told["Name"].lstrip("/") for one in stack.containers()}:
        return f"others use the engine: {', '.join(sorted(others))}"
    return ""


def test_everything_comes_back_after_the_engine_restarts(
    stack: Stack, api: Api, told: Told
) -> None:
    if reason := why_not(stack):
        pytest.skip(reason)
    assert docker("info", "--format", "{{.LiveRestoreEnabled}}").strip() == "false"
    api.hand_in_all(20)
    count.wait_until_scored(stack)
    before, pids = kept(stack), {one.name: one.pid for one in stack.containers()}
    began = time.monotonic()
    subprocess.run([str(ROOT / ".ci" / "engine"), "restart"], check=True, timeout=180)
    down = time.monotonic() - began
    wait_for(stack.all_are_healthy, 300, "all are healthy")
    told(
        f"engine back after {down:.0f} s, all healthy {time.monotonic() - began - down:.0f} s later"
    )
    after = {one.name: one.pid for one in stack.containers()}
    assert after.keys() == pids.keys()
    assert all(after[name] != pid for name, pid in pids.items())
    assert kept(stack) == before


def test_answers_are_scored_afterwards(stack: Stack, api: Api) -> None:
    api.hand_in_all(20)
    count.wait_until_scored(stack)
    count.assert_each_was_scored_once(stack)
