"""A policy at work on an engine in memory."""

import pytest
from django.utils.timezone import now

from opsconsole.models import Environment, ScalingPolicy
from opsconsole.scaling import looks
from tests.opsconsole.engines.fake import Fake


@pytest.fixture(autouse=True)
def a_look_takes_no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that rates are to the digit, however busy this machine is."""
    monkeypatch.setattr(looks, "monotonic", lambda: 0.0)


@pytest.fixture
def here(db: None) -> Environment:
    """The running installation, on Compose."""
    return Environment.objects.create(
        code="production", kind="production", engine="compose", is_here=True, laid_out_at=now()
    )


@pytest.fixture
def fake() -> Fake:
    """One healthy replica of each service."""
    return Fake()


@pytest.fixture
def policy(here: Environment) -> ScalingPolicy:
    """Of workers: one for each 20 answers that wait."""
    return ScalingPolicy.objects.create(
        environment=here,
        service="worker",
        dry_run=False,
        metrics=[{"kind": "waiting", "target": 20.0, "basis": "total"}],
        up_rates=[{"unit": "replicas", "value": 4, "seconds": 15}],
        down_rates=[{"unit": "percent", "value": 100, "seconds": 15}],
    )
