"""The long form of tests/opsconsole/deployments/test_any_order.py, which needs no engine."""

import pytest
from pytest_django import Settings

from tests.opsconsole.deployments.test_any_order import deploy_in_any_order

LEAST = 300


@pytest.mark.django_db
def test_300_deployments_with_faults_at_any_step(settings: Settings) -> None:
    settings.SOAK_SECONDS = 2
    deploy_in_any_order(LEAST)
