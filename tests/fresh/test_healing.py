"""`make run`: a web server that hangs is restarted by the installation itself."""

import json
import os
import signal
from typing import Any

import httpx
import psutil
import pytest

from opsconsole.gateways.supervisor import Supervisor
from tests.fresh.installed import Installation
from tests.waiting import wait_until

pytestmark = pytest.mark.xdist_group("machine")


def test_a_web_server_that_hangs_is_restarted_within_a_minute(installation: Installation) -> None:
    supervisor = Supervisor(installation.var / "run")
    wait_until(lambda: seen(installation), 60, "the installation has entered itself")
    before = pid_of(supervisor)
    leader = psutil.Process(before)
    for process in (leader, *leader.children(recursive=True)):
        os.kill(process.pid, signal.SIGSTOP)
    wait_until(lambda: pid_of(supervisor) not in (0, before), 60, "it is another process")
    wait_until(lambda: answers(installation), 60, "it answers again")
    wait_until(lambda: "heal.restarted" in deeds(installation), 30, "the event is there")


def pid_of(supervisor: Supervisor) -> int:
    return next(program.pid for program in supervisor.programs() if program.name == "web")


def answers(installation: Installation) -> bool:
    try:
        url = f"{installation.address}/health/live"
        return httpx.get(url, timeout=2, trust_env=False).is_success
    except httpx.TransportError:
        return False


def seen(installation: Installation) -> Any:
    environments = installation.manage("environments")
    return [each for each in environments if each["state"] == "healthy"]


def deeds(installation: Installation) -> list[str]:
    exported = installation.var / "events.jsonl"
    installation.manage("audit", "--export", str(exported))
    lines = exported.read_text().splitlines()
    exported.unlink()
    return [json.loads(line).get("deed", "") for line in lines]
