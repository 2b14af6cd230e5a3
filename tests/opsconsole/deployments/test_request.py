"""Asking for a deployment, and what is refused."""

from datetime import timedelta

import pytest
from django.utils.timezone import now

from opsconsole.deployments import request, rollback
from opsconsole.models import Caller, Deployment, Environment, Event, ExamWindow, Release, Restore
from pmscoring.base.refusals import Busy, Refused
from tests.opsconsole.deployments.conftest import NOBODY

pytestmark = pytest.mark.django_db


def test_a_request_waits_and_is_an_event(staging: Environment) -> None:
    deployment = request.request(staging, caller=NOBODY, version="1.4.0", why="a fault")
    assert deployment.status == "requested"
    assert deployment.source == "engine"
    event = Event.objects.get(deed="deployment.requested")
    assert (event.actor, event.details["version"], event.details["why"]) == (
        "tester", "1.4.0", "a fault",
    )  # fmt: skip


def test_where_the_site_names_a_registry_it_is_asked(
    here: Environment, staging: Environment
) -> None:
    here.variables = {"REGISTRY_URL": "registry.example"}
    here.save()
    assert request.request(staging, caller=NOBODY, version="2").source == "registry"


def test_the_second_of_an_environment_is_told_of_the_first(staging: Environment) -> None:
    request.request(staging, caller=NOBODY, version="2")
    with pytest.raises(Busy, match=r"staging: 2 \(requested\)"):
        request.request(staging, caller=NOBODY, version="3")
    assert staging.deployments.count() == 1


def test_an_operators_request_withdraws_one_that_nobody_has_approved(staging: Environment) -> None:
    asked = request.request(staging, caller=NOBODY, version="9", needs_approval=True)
    request.request(staging, caller=Caller("ann"), version="2")
    asked.refresh_from_db()
    assert (asked.status, asked.reason) == (
        "cancelled", "ann asked for another deployment meanwhile",
    )  # fmt: skip
    event = Event.objects.get(deed="deployment.cancelled")
    assert (event.actor, event.object_id) == ("ann", str(asked.pk))


def test_it_withdraws_none_that_was_approved(staging: Environment) -> None:
    asked = request.request(staging, caller=NOBODY, version="9", needs_approval=True)
    request.approve(asked, caller=NOBODY)
    with pytest.raises(Busy):
        request.request(staging, caller=Caller("ann"), version="2")
    asked.refresh_from_db()
    assert asked.status == "requested"


def test_a_pipeline_withdraws_nothing(staging: Environment) -> None:
    request.request(staging, caller=NOBODY, version="9", needs_approval=True)
    with pytest.raises(Busy):
        request.request(staging, caller=NOBODY, version="10", needs_approval=True)


@pytest.mark.parametrize(
    "version", ["", "../etc", "a b", "x;rm", "host/image:1", "-f", "$(id)", "a" * 129]
)
def test_a_version_is_a_tag_and_nothing_else(staging: Environment, version: str) -> None:
    with pytest.raises(Refused, match="name a version"):
        request.request(staging, caller=NOBODY, version=version)


@pytest.mark.parametrize("bundle", ["../x.tar", "/etc/passwd", "a/b.tar", ".tar", "x.tar.gz"])
def test_a_bundle_is_the_name_of_a_file_in_its_folder(staging: Environment, bundle: str) -> None:
    with pytest.raises(Refused, match="the name of a bundle"):
        request.request(staging, caller=NOBODY, bundle=bundle)


def test_a_bundle_tells_its_version(staging: Environment) -> None:
    deployment = request.request(staging, caller=NOBODY, bundle="pm-scoring-1.4.0.tar")
    assert (deployment.version, deployment.source) == ("1.4.0", "bundle")


def test_the_embedded_installation_is_not_deployed(here: Environment) -> None:
    here.engine = "embedded"
    here.save()
    with pytest.raises(Refused, match="make run"):
        request.request(here, caller=NOBODY, version="2")


def test_a_release_of_another_environment_is_refused(
    here: Environment, staging: Environment
) -> None:
    foreign = Release.objects.create(environment=here, version="1")
    with pytest.raises(Refused, match="another environment's"):
        request.request(staging, caller=NOBODY, release=foreign)


def test_while_the_database_is_restored_nothing_is_deployed_here(here: Environment) -> None:
    Restore.objects.create(backup_name="b", parts=["database"])
    with pytest.raises(Busy, match="a restore is under way"):
        request.request(here, caller=NOBODY, version="2")


def test_in_an_exam_window_a_reason_is_wanted_and_kept(staging: Environment) -> None:
    ExamWindow.objects.create(
        name="finals", starts_at=now() - timedelta(hours=1), ends_at=now() + timedelta(hours=1)
    )
    with pytest.raises(Refused, match="the exam window finals holds until"):
        request.request(staging, caller=NOBODY, version="2")
    deployment = request.request(staging, caller=NOBODY, version="2", why="marks are wrong")
    assert deployment.why == "marks are wrong"


def test_what_a_pipeline_asks_for_waits_for_an_approval(staging: Environment) -> None:
    deployment = request.request(staging, caller=NOBODY, version="2", needs_approval=True)
    assert not Deployment.objects.waiting().exists()
    request.approve(deployment, caller=NOBODY)
    assert Deployment.objects.waiting().get() == deployment
    assert deployment.approved_by == "tester"
    with pytest.raises(Refused, match="does not wait for an approval"):
        request.approve(deployment, caller=NOBODY)


def test_a_rollback_goes_to_what_ran_before(staging: Environment) -> None:
    with pytest.raises(Refused, match="nothing ran before"):
        rollback.rollback(staging, caller=NOBODY)
    old = staging.release
    new = Release.objects.create(environment=staging, version="2")
    Deployment.objects.create(
        environment=staging, version="2", status="live", from_release=old, to_release=new,
        finished_at=now(),
    )  # fmt: skip
    staging.release = new
    staging.save()
    deployment = rollback.rollback(staging, caller=NOBODY)
    assert (deployment.to_release, deployment.source) == (old, "release")
