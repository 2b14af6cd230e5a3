"""What the gate makes of a machine that has other work too."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from opsconsole.deployments import driver, releases, request
from opsconsole.engines.base import Finished, Replica
from opsconsole.models import Deployment, Environment
from tests.opsconsole.deployments.conftest import NOBODY, without_waiting
from tests.opsconsole.engines.fake import Behaviour, Fake

pytestmark = pytest.mark.django_db


class Busy(Fake):
    """Whose machine is slow while the new version is asked for the first time."""

    probed = 0

    def inside(self, replica: str, argv: Sequence[str], *, timeout: timedelta) -> Finished:
        finished = super().inside(replica, argv, timeout=timeout)
        if "requests" not in argv:
            return finished
        self.probed += 1
        answer = json.loads(finished.output)
        # The ten of before are not among them.
        if 10 < self.probed <= 20:
            answer["p95_ms"] += 300
        return replace(finished, output=json.dumps(answer))


def test_other_work_of_the_machine_is_not_taken_for_a_slow_version(staging: Environment) -> None:
    engine = Busy()
    engine.build("2")
    releases.record_running(staging, engine)
    deployment = request.request(staging, caller=NOBODY, version="2")
    driver.start(deployment, engine, **without_waiting(engine, rate=0))
    deployment.refresh_from_db()
    assert deployment.status == "live", deployment.reason


class BusyWhileRolling(Fake):
    """Whose machine is slow for as long as containers start."""

    def _behaviour(self, replica: Replica) -> Behaviour:
        behaviour = super()._behaviour(replica)
        rolls = Deployment.objects.filter(status="rolling").exists()
        return replace(behaviour, milliseconds=400) if rolls else behaviour


def test_what_starting_containers_takes_is_not_taken_for_a_slow_version(
    staging: Environment,
) -> None:
    engine = BusyWhileRolling()
    engine.serve(200)
    engine.build("2")
    releases.record_running(staging, engine)
    deployment = request.request(staging, caller=NOBODY, version="2")
    driver.start(deployment, engine, **without_waiting(engine))
    deployment.refresh_from_db()
    assert deployment.status == "live", deployment.reason
    assert deployment.verdict["callers"]["p95_ms"] == 40
    assert deployment.verdict["callers"]["requests"] > 200
