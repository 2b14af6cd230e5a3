"""The first policies of an environment: made once, in dry run."""

import pytest
from django.utils.timezone import now

from opsconsole.models import Environment, Event, ScalingPolicy
from opsconsole.scaling import defaults
from tests.concurrency import run_concurrently

pytestmark = pytest.mark.django_db(transaction=True)


def services(environment: Environment) -> list[str]:
    rows = ScalingPolicy.objects.filter(environment=environment, dry_run=True)
    return list(rows.values_list("service", flat=True))


def test_web_and_worker_have_one_from_the_first_minutes_on(here: Environment) -> None:
    defaults.make_missing()
    defaults.make_missing()
    assert services(here) == ["web", "worker"]
    event = Event.objects.get()
    assert (event.deed, event.object_name) == ("policy.changed", "production")
    assert event.details["services"] == ["web", "worker"]


def test_each_environment_has_its_own_once_it_is_laid_out(here: Environment) -> None:
    staging = Environment.objects.create(code="staging", kind="staging", engine="swarm")
    defaults.make_missing()
    assert services(staging) == []
    Environment.objects.update(laid_out_at=now())
    defaults.make_missing()
    assert services(staging) == ["web", "worker"]


def test_one_that_was_deleted_is_not_made_again(here: Environment) -> None:
    defaults.make_missing()
    ScalingPolicy.objects.filter(service="web").delete()
    defaults.make_missing()
    assert services(here) == ["worker"]


def test_one_that_somebody_made_before_stays_as_it_is(here: Environment) -> None:
    own = ScalingPolicy.objects.create(environment=here, service="web", least=2, dry_run=False)
    defaults.make_missing()
    own.refresh_from_db()
    assert (own.least, own.dry_run) == (2, False)
    assert services(here) == ["worker"]


def test_the_embedded_installation_has_one_for_its_workers_alone() -> None:
    embedded = Environment.objects.create(
        code="here", kind="development", engine="embedded", is_here=True, laid_out_at=now()
    )
    defaults.make_missing()
    assert services(embedded) == ["worker"]


def test_two_workers_make_them_once(here: Environment) -> None:
    assert run_concurrently([defaults.make_missing] * 4) == [None] * 4
    assert services(here) == ["web", "worker"]
    assert Event.objects.count() == 1
