"""A deployment, from the request to its end, on an engine in memory."""

from contextlib import ExitStack
from datetime import timedelta

import pytest
from django.contrib.auth.models import AnonymousUser
from django.test import RequestFactory
from django.utils.timezone import now

from opsconsole.admin import environments_panel
from opsconsole.deployments import driver, migrations, releases, request, rollback
from opsconsole.engines.base import EngineAway, EngineError
from opsconsole.environments import one_at_a_time
from opsconsole.models import Environment, Event, ExamWindow
from tests.opsconsole.deployments.conftest import NOBODY, Deploy, without_waiting
from tests.opsconsole.engines.fake import OURS, Behaviour, Fake, Migration, reference

pytestmark = pytest.mark.django_db


def images(fake: Fake, tag: str) -> dict[str, str]:
    """The digests of a version that the engine has."""
    return {name: fake.images[reference(part, tag)].digest for name, part in OURS.items()}


def running(fake: Fake) -> dict[str, set[str]]:
    """The digests that run."""
    return {name: fake.digests(name) for name in OURS}


def test_a_good_version_goes_live_at_the_scale_of_the_moment(
    fake: Fake, staging: Environment, deploy: Deploy
) -> None:
    fake.build("2")
    fake.scale("web", 3)
    fake.scale("worker", 2)
    deployment = deploy(staging)
    assert deployment.status == "live", deployment.reason
    assert running(fake) == {name: {digest} for name, digest in images(fake, "2").items()}
    assert [len(fake.running(name)) for name in ("web", "worker", "beat", "ops")] == [3, 2, 1, 1]
    assert deployment.failed_requests == 0
    assert deployment.verdict["ok"]
    assert deployment.verdict["canary"]
    staging.refresh_from_db()
    assert staging.release == deployment.to_release
    assert all(step["state"] in ("done", "skipped") for step in deployment.steps)


def test_the_services_are_replaced_in_order_and_the_operations_worker_last(
    fake: Fake, staging: Environment, deploy: Deploy
) -> None:
    fake.build("2")
    deploy(staging)
    started = [each.service for each in fake.happened if each.what == "started"]
    assert started[-5:] == ["inference", "worker", "web", "beat", "ops"]


def test_what_is_never_healthy_goes_back_and_no_request_fails(
    fake: Fake, staging: Environment, deploy: Deploy
) -> None:
    fake.build("2", Behaviour(healthy=False))
    before = {name: fake.running(name) for name in OURS}
    deployment = deploy(staging)
    assert deployment.status == "rolled_back"
    assert "unhealthy" in deployment.reason
    assert "connection refused" in deployment.reason
    assert {name: fake.running(name) for name in OURS} == before
    assert deployment.failed_requests == 0


def test_a_failing_migration_leaves_everything_as_it_was(
    fake: Fake, staging: Environment, deploy: Deploy
) -> None:
    fake.build("2", Behaviour(migrates=False, migrations=(Migration("0002_more"),)))
    before = {name: fake.running(name) for name in OURS}
    deployment = deploy(staging)
    assert deployment.status == "failed"
    assert 'column "x" does not exist' in deployment.reason
    assert {name: fake.running(name) for name in OURS} == before
    assert "roll" not in fake.calls


def test_a_version_that_fails_a_tenth_of_the_requests_goes_back(
    fake: Fake, staging: Environment, deploy: Deploy
) -> None:
    fake.build("2", Behaviour(errors=0.1))
    deployment = deploy(staging)
    assert deployment.status == "rolled_back"
    assert "requests to the new version failed" in deployment.reason
    assert deployment.failed_requests is not None
    assert 5 <= deployment.failed_requests <= 8
    assert running(fake) == {name: {digest} for name, digest in images(fake, "1").items()}


def test_a_version_that_takes_five_times_as_long_goes_back(
    fake: Fake, staging: Environment, deploy: Deploy
) -> None:
    fake.serve(200)
    fake.build("2", Behaviour(milliseconds=200))
    deployment = deploy(staging)
    assert deployment.status == "rolled_back"
    assert "200 ms, with the old version 40 ms" in deployment.reason
    assert deployment.failed_requests == 0


def test_a_version_that_is_restarted_again_and_again_goes_back(
    fake: Fake, staging: Environment, deploy: Deploy
) -> None:
    fake.build("2", Behaviour(crashes=True))
    deployment = deploy(staging)
    assert deployment.status == "rolled_back"
    assert "was restarted 3 times" in deployment.reason


def test_a_version_whose_canary_is_marked_wrongly_goes_back(
    fake: Fake, staging: Environment, deploy: Deploy
) -> None:
    fake.build("2", Behaviour(canary=False))
    deployment = deploy(staging)
    assert deployment.status == "rolled_back"
    assert "0 of 10 points" in deployment.reason


def test_a_version_without_a_health_check_is_refused(
    fake: Fake, staging: Environment, deploy: Deploy
) -> None:
    fake.build("2", Behaviour(has_check=False))
    assert deploy(staging).status == "rolled_back"


def test_a_registry_that_refuses_is_quoted_and_nothing_is_touched(
    fake: Fake, here: Environment, staging: Environment, deploy: Deploy
) -> None:
    here.variables = {"REGISTRY_URL": "registry.example:5000"}
    here.save()
    fake.fail("pull", EngineError("unauthorized: authentication required, token=abcdef123"))
    deployment = deploy(staging)
    assert deployment.status == "failed"
    assert "unauthorized: authentication required" in deployment.reason
    assert "abcdef123" not in deployment.reason
    assert {"roll", "run_once"}.isdisjoint(fake.calls)


def test_a_version_that_is_nowhere_is_named(
    fake: Fake, staging: Environment, deploy: Deploy
) -> None:
    deployment = deploy(staging, "9")
    assert deployment.status == "failed"
    assert "not here: pmscoring.local/pm-scoring-app:9" in deployment.reason


def test_a_rollback_runs_the_recorded_digests_though_the_tag_was_built_anew(
    fake: Fake, staging: Environment, deploy: Deploy
) -> None:
    first = images(fake, "1")
    fake.build("2")
    deploy(staging)
    fake.build("1", Behaviour(healthy=False))
    staging.refresh_from_db()
    deployment = rollback.rollback(staging, caller=NOBODY)
    driver.start(deployment, fake, **without_waiting(fake))
    deployment.refresh_from_db()
    assert deployment.status == "live", deployment.reason
    assert running(fake) == {name: {digest} for name, digest in first.items()}


def test_each_ending_is_an_event_with_its_reason(
    fake: Fake, staging: Environment, deploy: Deploy
) -> None:
    fake.build("2", Behaviour(canary=False))
    deployment = deploy(staging)
    event = Event.objects.get(deed="deployment.rolled_back")
    assert event.details["reason"] == deployment.reason
    assert event.details["failed_requests"] == 0


def test_what_runs_is_recorded_once(fake: Fake, staging: Environment) -> None:
    release = staging.release
    assert release
    assert releases.record_running(staging, fake) == release
    assert release.version == "1"
    assert staging.releases.count() == 1


def test_what_fell_sick_after_it_was_rolled_does_not_go_live(
    fake: Fake, staging: Environment, deploy: Deploy
) -> None:
    fake.build("2")
    ops = images(fake, "2")["ops"]

    def sicken_a_worker(step: str) -> None:
        if ops in fake.digests("ops"):
            fake.before = lambda step: None
            fake.sicken(fake.running("worker")[0].id, "no answer to a ping")

    fake.before = sicken_a_worker
    deployment = deploy(staging)
    assert deployment.status == "rolled_back"
    assert "no answer to a ping" in deployment.reason
    assert running(fake) == {name: {digest} for name, digest in images(fake, "1").items()}


def test_going_back_is_tried_again_while_the_engine_is_away(
    fake: Fake, staging: Environment, deploy: Deploy
) -> None:
    fake.build("2", Behaviour(canary=False))
    faults = [EngineAway("it does not answer")] * 9 + [EngineError("it refuses")] * 4

    def on_the_way_back(step: str) -> None:
        is_back = staging.deployments.filter(status="rolling_back").exists()
        if is_back and step in ("roll", "point", "services") and faults:
            raise faults.pop()

    fake.before = on_the_way_back
    deployment = deploy(staging)
    assert deployment.status == "rolled_back", deployment.reason
    assert faults == []
    assert running(fake) == {name: {digest} for name, digest in images(fake, "1").items()}


def test_another_environment_keeps_the_compose_files_of_this_console(
    fake: Fake, staging: Environment, deploy: Deploy
) -> None:
    fake.build("2")
    release = deploy(staging).to_release
    assert release is not None
    assert release.files == migrations.files() != {}


def test_a_service_that_is_being_scaled_is_rolled_when_that_is_done(
    fake: Fake, staging: Environment
) -> None:
    fake.build("2")
    deployment = request.request(staging, caller=NOBODY, version="2")
    steps: list[str] = []
    fake.before = steps.append
    had_rolled: list[bool] = []
    with ExitStack() as scaling:
        scaling.enter_context(one_at_a_time.scaling(staging, "inference"))

        def wait(_seconds: float) -> None:
            fake.serve(50)
            if deployment.status == "rolling" and not had_rolled:
                had_rolled.append("roll" in steps)
                scaling.close()

        driver.start(deployment, fake, wait=wait, every=0.0)
    deployment.refresh_from_db()
    assert (deployment.status, had_rolled) == ("live", [False])


def test_the_overview_names_a_failed_one_until_a_later_one_is_live(
    fake: Fake, staging: Environment, deploy: Deploy, rf: RequestFactory
) -> None:
    look = rf.get("/admin/")
    look.user = AnonymousUser()
    fake.build("2", Behaviour(healthy=False))
    fake.build("3")
    failed = deploy(staging)
    request.request(staging, caller=NOBODY, version="3", needs_approval=True)
    assert environments_panel.read(look)["failed"] == [failed]
    deploy(staging, "3")
    assert environments_panel.read(look)["failed"] == []


def test_old_images_go_once_and_not_in_an_exam_window_that_began_meanwhile(
    fake: Fake, staging: Environment, deploy: Deploy
) -> None:
    fake.build("2")
    deploy(staging)
    assert fake.calls.count("prune") == 1
    fake.build("3")
    hour = timedelta(hours=1)

    def begin(step: str) -> None:
        if step.startswith("roll") and not ExamWindow.objects.exists():
            ExamWindow.objects.create(name="June", starts_at=now() - hour, ends_at=now() + hour)

    fake.before = begin
    assert deploy(staging, "3").status == "live"
    assert ExamWindow.objects.exists()
    assert fake.calls.count("prune") == 1
