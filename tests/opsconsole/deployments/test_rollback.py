"""What a rollback goes to: a release that ran, and never one that only was to run."""

import pytest

from opsconsole.admin.roll_out_forms import ReleaseForm
from opsconsole.deployments import releases, rollback
from opsconsole.models import Deployment, Environment, Release
from pmscoring.base.refusals import Refused
from tests.opsconsole.deployments.conftest import NOBODY, Deploy
from tests.opsconsole.engines.fake import OURS, Behaviour, Fake

pytestmark = pytest.mark.django_db


def by_hand(fake: Fake, tag: str) -> None:
    """Somebody runs another version by Compose itself."""
    for name in OURS:
        service = fake.services_[name]
        service.replicas.clear()
        fake._run(service, fake._image_for(name, tag), healthy=True)


@pytest.fixture
def taken_back(fake: Fake, staging: Environment, deploy: Deploy) -> Deployment:
    """A deployment of version 2 that its soak has refused."""
    fake.build("2", Behaviour(canary=False))
    deployment = deploy(staging, "2")
    assert deployment.status == "rolled_back"
    return deployment


@pytest.fixture
def upgraded(fake: Fake, staging: Environment, taken_back: Deployment) -> Environment:
    """Then version 3 was run by hand."""
    fake.build("3")
    by_hand(fake, "3")
    releases.record_running(staging, fake)
    staging.refresh_from_db()
    return staging


def test_it_goes_to_what_ran_and_not_to_what_was_taken_back(upgraded: Environment) -> None:
    assert rollback.earlier(upgraded).version == "1"


def test_what_was_taken_back_is_refused_and_not_offered(
    upgraded: Environment, taken_back: Deployment
) -> None:
    with pytest.raises(Refused, match="never ran there"):
        rollback.rollback(upgraded, caller=NOBODY, to=taken_back.to_release)
    offered = ReleaseForm(upgraded).fields["release"].queryset  # type: ignore[attr-defined]
    assert [release.version for release in offered] == ["1"]


def test_what_ran_until_it_was_replaced_is_offered(
    fake: Fake, staging: Environment, deploy: Deploy
) -> None:
    for tag in ("2", "3"):
        fake.build(tag)
        assert deploy(staging, tag).status == "live"
    assert {release.version for release in staging.releases.ran()} == {"1", "2", "3"}


def test_it_goes_to_what_was_deployed_before_somebody_put_back_an_older_one_by_hand(
    fake: Fake, staging: Environment, deploy: Deploy
) -> None:
    fake.build("2")
    assert deploy(staging, "2").status == "live"
    by_hand(fake, "1")
    releases.record_running(staging, fake)
    staging.refresh_from_db()
    assert rollback.earlier(staging).version == "2"


def test_run_by_hand_after_all_it_is_recorded_as_what_ran(
    fake: Fake, upgraded: Environment, taken_back: Deployment
) -> None:
    by_hand(fake, "2")
    found = releases.record_running(upgraded, fake)
    assert found
    assert (found.version, found == taken_back.to_release) == ("2", False)
    by_hand(fake, "1")
    releases.record_running(upgraded, fake)
    upgraded.refresh_from_db()
    assert found in upgraded.releases.ran()


def test_a_release_is_its_deployments_from_the_first_moment(
    fake: Fake, staging: Environment, deploy: Deploy, monkeypatch: pytest.MonkeyPatch
) -> None:
    def beat(self: Deployment, **changes: object) -> None:
        if "to_release" in changes:
            raise OSError("the process ends here")
        real(self, **changes)

    fake.build("2")
    real = Deployment.beat
    monkeypatch.setattr(Deployment, "beat", beat)
    assert deploy(staging, "2").status == "failed"
    assert not Release.objects.filter(version="2").exists()
