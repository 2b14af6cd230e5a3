"""Drivers that die, are slow or never come; cancels, deadlines and broken locks."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db.models import F
from django.utils.timezone import now

from opsconsole.deployments import cancel, driver, recovery, releases, request
from opsconsole.deployments.progress import Cancelled, Progress
from opsconsole.models import Deployment, Environment, Event
from pmscoring.base.lifecycle import WrongState
from pmscoring.base.refusals import Refused
from tests.opsconsole.deployments.chaos import lease_over
from tests.opsconsole.deployments.conftest import NOBODY, without_waiting
from tests.opsconsole.engines.fake import OURS, Behaviour, Died, Fake, Migration

pytestmark = pytest.mark.django_db


def asked(environment: Environment, version: str = "2", **options: Any) -> Deployment:
    return request.request(environment, caller=NOBODY, version=version, **options)


def begun(deployment: Deployment, fake: Fake) -> None:
    driver.start(deployment, fake, **without_waiting(fake))
    deployment.refresh_from_db()


def quiet(deployment: Deployment) -> Deployment:
    """Let the lease run out."""
    late = driver.lease() + timedelta(seconds=1)
    Deployment.objects.filter(pk=deployment.pk).update(claimed_at=F("claimed_at") - late)
    return Deployment.objects.get(pk=deployment.pk)


def recovered(deployment: Deployment, fake: Fake) -> Deployment:
    recovery.recover(quiet(deployment), fake, **without_waiting(fake))
    return Deployment.objects.get(pk=deployment.pk)


def at_step(fake: Fake, step: str, action: Callable[[], object]) -> None:
    """Do something when the engine first comes to that step."""

    def before(name: str) -> None:
        if name == step:
            fake.before = lambda name: None
            action()

    fake.before = before


def while_soaking(fake: Fake, deployment: Deployment, action: Callable[[], object]) -> None:
    """Do something at the first look at the lines once the deployment soaks."""

    def before(name: str) -> None:
        if name == "logs" and deployment.status == "soaking":
            fake.before = lambda name: None
            action()

    fake.before = before


def dies() -> None:
    raise Died


@pytest.mark.parametrize(
    ("step", "state", "end"),
    [
        ("image", "preparing", "failed"),
        ("run_once backup", "backing_up", "failed"),
        ("run_once migrate", "migrating", "failed"),
        ("roll: starting a new one", "rolling", "rolled_back"),
        ("roll: waiting for its health", "rolling", "rolled_back"),
        ("roll: stopping an old one", "rolling", "rolled_back"),
        ("inside", "migrating", "failed"),
    ],
)
def test_a_driver_killed_at_any_state_leaves_a_true_end_within_the_lease(
    fake: Fake, staging: Environment, step: str, state: str, end: str
) -> None:
    fake.build("2", Behaviour(migrations=(Migration("0002_more"),)))
    before = {name: fake.digests(name) for name in OURS}
    deployment = asked(staging)
    at_step(fake, step, dies)
    with pytest.raises(Died):
        begun(deployment, fake)
    deployment.refresh_from_db()
    assert deployment.status == state
    with pytest.raises(WrongState):
        recovery.recover(deployment, fake)
    deployment = recovered(deployment, fake)
    assert deployment.status == end
    assert "was not heard of any more" in deployment.reason
    assert {name: fake.digests(name) for name in OURS} == before
    assert [len(fake.running(name)) for name in OURS] == [1] * len(OURS)
    assert Event.objects.filter(deed="deployment.taken_over").count() == 1


def test_a_driver_killed_while_it_soaks_is_rolled_back(fake: Fake, staging: Environment) -> None:
    fake.build("2")
    before = {name: fake.digests(name) for name in OURS}
    deployment = asked(staging)
    while_soaking(fake, deployment, dies)
    with pytest.raises(Died):
        begun(deployment, fake)
    assert recovered(deployment, fake).status == "rolled_back"
    assert {name: fake.digests(name) for name in OURS} == before


def test_it_can_be_cancelled_while_it_soaks(fake: Fake, staging: Environment) -> None:
    fake.build("2")
    deployment = asked(staging)
    while_soaking(fake, deployment, lambda: cancel.cancel(deployment, caller=NOBODY))
    begun(deployment, fake)
    assert deployment.status == "rolled_back"
    assert deployment.reason == "cancelled by tester"


def test_a_driver_killed_while_the_operations_worker_is_rolled_is_finished(
    fake: Fake, staging: Environment
) -> None:
    fake.build("2")
    deployment = asked(staging)

    def dies_for_ops(step: str) -> None:
        if step == "roll: starting a new one" and len(fake.digests("beat") & new) == 1:
            fake.before = lambda name: None
            raise Died

    new = {fake.images["pmscoring.local/pm-scoring-app:2"].digest}
    fake.before = dies_for_ops
    with pytest.raises(Died):
        begun(deployment, fake)
    assert recovered(deployment, fake).status == "live"


def test_a_slow_driver_touches_nothing_once_another_one_has_taken_over(
    fake: Fake, staging: Environment
) -> None:
    fake.build("2")
    before = {name: fake.running(name) for name in OURS}
    deployment = asked(staging)

    def taken_over() -> None:
        with lease_over():
            left = Deployment.objects.get(pk=deployment.pk)
            recovery.recover(left, fake, **without_waiting(fake))

    at_step(fake, "roll: waiting for its health", taken_over)
    with pytest.raises(WrongState):
        begun(deployment, fake)
    deployment.refresh_from_db()
    assert deployment.status == "rolled_back"
    assert {name: fake.running(name) for name in OURS} == before


@pytest.mark.parametrize(
    "step", ["roll: waiting for its health", "roll: stopping an old one", "roll: stopping first"]
)
def test_a_driver_that_was_suspended_longer_than_its_lease_stops_nothing(
    fake: Fake, staging: Environment, step: str
) -> None:
    """Another one has the claim, and has done nothing yet: all that runs is for it to end."""
    fake.build("2")
    deployment = asked(staging)
    there: list[set[str]] = []

    def suspended() -> None:
        quiet(deployment)
        Deployment.objects.filter(pk=deployment.pk).update(driver="another", claimed_at=now())
        there.append(all_that_runs(fake))

    at_step(fake, step, suspended)
    with pytest.raises(WrongState):
        begun(deployment, fake)
    assert all_that_runs(fake) == there[0]


def all_that_runs(fake: Fake) -> set[str]:
    """Ids of replicas."""
    return {replica.id for name in OURS for replica in fake.running(name)}


class TestHere:
    """In the installation that the operations worker belongs to itself."""

    @pytest.fixture
    def environment(self, here: Environment, fake: Fake) -> Environment:
        releases.record_running(here, fake)
        return here

    def test_a_driver_of_the_new_version_takes_over_and_replaces_the_worker_last(
        self, fake: Fake, environment: Environment
    ) -> None:
        fake.build("2")
        deployment = asked(environment)
        begun(deployment, fake)
        assert deployment.status == "migrating"
        ((name, argv, version),) = fake.drivers
        assert argv == ("python", "manage.py", "deploy", "--drive", str(deployment.uid), "--as",
                        name)  # fmt: skip
        assert version.tag == "2"
        assert "roll" not in fake.calls
        driver.take_over(deployment, fake, name, **without_waiting(fake))
        deployment.refresh_from_db()
        assert deployment.status == "live", deployment.reason
        started = [each.service for each in fake.happened if each.what == "started"]
        assert started[-1] == "ops"

    def test_of_two_drivers_of_one_name_the_second_finds_the_name_gone(
        self, fake: Fake, environment: Environment
    ) -> None:
        fake.build("2")
        deployment = asked(environment)
        begun(deployment, fake)
        name = fake.drivers[0][0]
        driver.take_over(deployment, fake, name, **without_waiting(fake))
        with pytest.raises(WrongState):
            driver.take_over(deployment, fake, name, **without_waiting(fake))

    def test_a_driver_that_never_comes_has_touched_nothing(
        self, fake: Fake, environment: Environment
    ) -> None:
        fake.build("2")
        deployment = asked(environment)
        begun(deployment, fake)
        deployment = recovered(deployment, fake)
        assert deployment.status == "failed"
        assert "roll" not in fake.calls
        with pytest.raises(WrongState):
            driver.take_over(deployment, fake, fake.drivers[0][0])

    def test_what_is_judged_is_finished_by_another_driver_and_not_by_the_worker_itself(
        self, fake: Fake, environment: Environment
    ) -> None:
        fake.build("2")
        deployment = asked(environment)
        begun(deployment, fake)
        (old_ops,) = fake.running("ops")

        def dies_before_ops(step: str) -> None:
            deployment.refresh_from_db()
            if deployment.verdict.get("ok") and step == "roll":
                raise Died

        fake.before = dies_before_ops
        with pytest.raises(Died):
            driver.take_over(deployment, fake, fake.drivers[0][0], **without_waiting(fake))
        fake.before = lambda step: None
        deployment = recovered(deployment, fake)
        assert deployment.status == "soaking"
        assert fake.running("ops") == [old_ops]
        driver.take_over(deployment, fake, fake.drivers[1][0], **without_waiting(fake))
        deployment.refresh_from_db()
        assert deployment.status == "live", deployment.reason


@pytest.mark.parametrize(
    ("step", "end"),
    [
        ("image", "cancelled"),
        ("run_once backup", "cancelled"),
        ("run_once migrate", "cancelled"),
        ("roll: waiting for its health", "rolled_back"),
        ("inside", "cancelled"),
    ],
)
def test_it_can_be_cancelled_at_each_step(
    fake: Fake, staging: Environment, step: str, end: str
) -> None:
    fake.build("2", Behaviour(migrations=(Migration("0002_more"),)))
    before = {name: fake.digests(name) for name in OURS}
    deployment = asked(staging)
    at_step(fake, step, lambda: cancel.cancel(deployment, caller=NOBODY))
    begun(deployment, fake)
    assert deployment.status == end
    assert deployment.reason == "cancelled by tester"
    assert {name: fake.digests(name) for name in OURS} == before


def test_a_cancelled_driver_is_heard_of_while_it_undoes(fake: Fake, staging: Environment) -> None:
    deployment = asked(staging)
    deployment.claim(started_at=now(), since=now())
    progress = Progress(deployment, **without_waiting(fake))
    cancel.cancel(deployment, caller=NOBODY)
    before = Deployment.objects.get(pk=deployment.pk).claimed_at
    with pytest.raises(Cancelled):
        progress.surely_alive()
    after = Deployment.objects.get(pk=deployment.pk).claimed_at
    assert before is not None
    assert after is not None
    assert after > before


def test_a_cancelled_driver_learns_that_another_one_drives(
    fake: Fake, staging: Environment
) -> None:
    deployment = asked(staging)
    deployment.claim(started_at=now(), since=now())
    progress = Progress(deployment, **without_waiting(fake))
    cancel.cancel(deployment, caller=NOBODY)
    quiet(deployment)
    with pytest.raises(WrongState):
        progress.surely_alive()


def test_one_that_nobody_has_taken_up_is_cancelled_at_once(staging: Environment) -> None:
    deployment = asked(staging)
    cancel.cancel(deployment, caller=NOBODY)
    assert deployment.status == "cancelled"
    with pytest.raises(Refused, match="has ended"):
        cancel.cancel(deployment, caller=NOBODY)


def test_a_cancel_that_comes_after_the_last_look_is_seen_by_the_last_update(
    fake: Fake, staging: Environment
) -> None:
    fake.build("2")
    deployment = asked(staging)

    def just_before_the_end(step: str) -> None:
        if step == "logs" and fake.digests("ops") == ops:
            fake.before = lambda name: None
            cancel.cancel(deployment, caller=NOBODY)

    ops = {fake.images["pmscoring.local/pm-scoring-ops:2"].digest}
    fake.before = just_before_the_end
    begun(deployment, fake)
    assert deployment.status == "rolled_back"
    assert deployment.reason == "cancelled by tester"


def test_a_state_has_a_deadline(fake: Fake, staging: Environment) -> None:
    fake.build("2")
    deployment = asked(staging)

    def hours_go_by() -> None:
        Deployment.objects.filter(pk=deployment.pk).update(since=now() - timedelta(hours=3))
        deployment.since = now() - timedelta(hours=3)

    at_step(fake, "roll: waiting for its health", hours_go_by)
    begun(deployment, fake)
    assert deployment.status == "rolled_back"
    assert "was in the state “rolling out” for too long" in deployment.reason


def test_a_person_breaks_a_lock_with_a_reason(fake: Fake, staging: Environment) -> None:
    fake.build("2")
    deployment = asked(staging)
    at_step(fake, "roll: starting a new one", dies)
    with pytest.raises(Died):
        begun(deployment, fake)
    with pytest.raises(Refused, match="needs a reason"):
        recovery.break_lock(deployment, caller=NOBODY, reason=" ")
    recovery.break_lock(deployment, caller=NOBODY, reason="its host is gone")
    assert recovery.stalled() == [deployment]
    recovery.recover(deployment, fake, **without_waiting(fake))
    deployment.refresh_from_db()
    assert deployment.status == "rolled_back"
    assert deployment.reason == "its lock was broken in the state “rolling out”"
    event = Event.objects.get(deed="deployment.lock_broken")
    assert (event.actor, event.details["why"]) == ("tester", "its host is gone")


def test_what_nobody_approves_or_takes_up_ends_for_others_wait(staging: Environment) -> None:
    deployment = asked(staging, needs_approval=True)
    Deployment.objects.update(requested_at=now() - timedelta(hours=25))
    request.expire()
    deployment.refresh_from_db()
    assert deployment.status == "cancelled"
    assert deployment.reason == "nobody approved it in time"
