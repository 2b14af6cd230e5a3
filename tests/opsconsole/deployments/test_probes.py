"""Requests of the gate's own, on a machine that has other work too."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from opsconsole.deployments import driver, releases, request
from opsconsole.engines.base import Finished
from opsconsole.models import Environment
from tests.opsconsole.deployments.conftest import NOBODY, without_waiting
from tests.opsconsole.engines.fake import Fake

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
