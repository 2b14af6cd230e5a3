"""An added environment is created from nothing by its first deployment, or leaves nothing."""

import pytest

from opsconsole.deployments import laying_out, prepare, request
from opsconsole.engines.base import EngineError
from opsconsole.models import Deployment, Environment, Event
from tests.opsconsole.deployments.conftest import Deploy, a_staging
from tests.opsconsole.engines.fake import Behaviour, Died, Fake

pytestmark = pytest.mark.django_db


@pytest.fixture
def added(fake: Fake) -> Environment:
    """An environment of which nothing is there yet."""
    environment = a_staging()
    environment.laid_out_at = None
    environment.save()
    for service in fake.services_.values():
        service.replicas = []
    return environment


def test_its_first_deployment_lays_it_out(fake: Fake, added: Environment, deploy: Deploy) -> None:
    fake.build("2")
    deployment = deploy(added)
    assert deployment.status == "live", deployment.reason
    added.refresh_from_db()
    assert added.laid_out_at
    assert added.seen == {}
    assert added.release == deployment.to_release
    assert added.release
    assert added.release.version == "2"
    assert len(fake.running("web")) == 1
    deeds = list(Event.objects.order_by("number").values_list("deed", flat=True))
    assert deeds == ["deployment.requested", "environment.laid_out", "deployment.live"]
    assert Event.objects.get(deed="environment.laid_out").actor == "tester"


def test_its_second_one_rolls(fake: Fake, added: Environment, deploy: Deploy) -> None:
    fake.build("2")
    fake.build("3")
    deploy(added)
    added.refresh_from_db()
    second = deploy(added, "3")
    assert second.status == "live", second.reason
    assert fake.calls.count("lay_out") == 1
    assert "roll" in fake.calls


def test_images_that_are_missing_leave_everything_as_it_was(
    fake: Fake, added: Environment, deploy: Deploy
) -> None:
    deployment = deploy(added, "9")
    assert deployment.status == "failed"
    assert {"lay_out", "remove"}.isdisjoint(fake.calls)


def test_what_is_there_already_is_neither_used_nor_removed(
    fake: Fake, added: Environment, deploy: Deploy
) -> None:
    fake.build("2")
    fake._run(fake.services_["postgres"], fake._image_for("postgres", "1"), healthy=True)
    [other] = fake.running("postgres")
    deployment = deploy(added)
    assert deployment.status == "failed"
    assert other.name in deployment.reason
    assert fake.running("postgres") == [other]
    assert {"lay_out", "remove"}.isdisjoint(fake.calls)


def test_a_version_that_does_not_become_healthy_leaves_nothing(
    fake: Fake, added: Environment, deploy: Deploy
) -> None:
    fake.build("2", Behaviour(healthy=False))
    deployment = deploy(added)
    assert deployment.status == "failed"
    assert "unhealthy" in deployment.reason
    assert fake.remains() == []
    added.refresh_from_db()
    assert (added.laid_out_at, added.seen) == (None, {})


def test_what_a_killed_driver_has_left_is_removed_by_the_next_try(
    fake: Fake, added: Environment, deploy: Deploy
) -> None:
    fake.build("2")

    def die(step: str) -> None:
        if step == "run_once release_facts":
            raise Died

    fake.before = die
    with pytest.raises(Died):
        deploy(added)
    fake.before = lambda step: None
    assert fake.remains()
    Deployment.objects.update(status="failed")
    added.refresh_from_db()
    assert laying_out.BEGUN in added.seen
    assert deploy(added).status == "live"
    assert fake.calls.count("remove") == 1


def test_what_cannot_be_removed_at_once_is_removed_by_the_next_try(
    fake: Fake, added: Environment, deploy: Deploy
) -> None:
    fake.build("2")
    fake.fail("run_once release_facts", EngineError("no space left on device"))
    fake.fail("remove", EngineError("device or resource busy"))
    deployment = deploy(added)
    assert (deployment.status, deployment.reason) == ("failed", "no space left on device")
    added.refresh_from_db()
    assert deploy(added).status == "live"


def test_it_can_be_cancelled_meanwhile(fake: Fake, added: Environment, deploy: Deploy) -> None:
    fake.build("2")

    def cancel(step: str) -> None:
        if step == "lay_out":
            Deployment.objects.update(cancel_at="2026-11-29T00:00:00Z", cancelled_by="sato")

    fake.before = cancel
    deployment = deploy(added)
    assert (deployment.status, deployment.reason) == ("cancelled", "cancelled by sato")
    assert fake.remains() == []


def test_its_dry_run_says_that_it_is_created_and_creates_nothing(
    fake: Fake, added: Environment
) -> None:
    fake.build("2")
    deeds, recreated = prepare.dry_run(request.draft(added, version="2"), fake)
    assert [deed.what for deed in deeds] == ["take", "take", "take", "lay out"]
    assert "pms-staging" in deeds[-1].lines[0]
    assert recreated == []
    assert {"lay_out", "roll", "point"}.isdisjoint(fake.calls)
