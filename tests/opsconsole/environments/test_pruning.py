"""Which images stay, what is told of those that went, and when none is removed."""

from datetime import timedelta

import pytest
from django.utils.timezone import now
from pytest_django import Settings

from opsconsole.engines.base import EngineAway
from opsconsole.environments import operate, pruning
from opsconsole.models import Caller, Environment, Event, ExamWindow, Release
from pmscoring.base.refusals import Busy, Refused
from tests.opsconsole import environments_made as made
from tests.opsconsole.engines.fake import OURS, Fake, reference

pytestmark = pytest.mark.django_db(transaction=True)
ANN = Caller("ann", "admin", "192.0.2.7")


def a_release(fake: Fake, here: Environment, tag: str, days: int, *, live: bool = False) -> Release:
    """Recorded so many days ago; its images lie on the engine."""
    if tag != "1":
        fake.build(tag)
    for part in set(OURS.values()):
        name = reference(part, tag)
        fake.point(name, fake.images[name].digest)
    images = {
        name: {
            "reference": reference(part, tag),
            "digest": fake.images[reference(part, tag)].digest,
        }
        for name, part in OURS.items()
    }
    at = now() - timedelta(days=days)
    return made.release(here, tag, live, images=images, created_at=at)


def tags(fake: Fake) -> set[str]:
    return {name.rpartition(":")[2] for name in fake.images if name.startswith("pmscoring.local")}


@pytest.fixture
def releases(fake: Fake, here: Environment, settings: Settings) -> list[Release]:
    """Six releases, 1 to 6; the first, which the fake runs, is live, and 6 is the newest."""
    settings.RELEASES_KEPT = 2
    return [a_release(fake, here, str(n), days=10 - n, live=n == 1) for n in range(1, 7)]


def test_the_newest_releases_and_the_live_one_stay(
    fake: Fake, here: Environment, releases: list[Release]
) -> None:
    details = pruning.prune(here, fake)
    assert tags(fake) == {"1", "5", "6"}
    assert details == {
        "before_bytes": 6 * 300 + 400,
        "after_bytes": 3 * 300 + 400,
        "bytes": 3 * 300,
        "releases_kept": 3,
    }


def test_the_one_that_was_live_before_always_stays(
    fake: Fake, here: Environment, releases: list[Release]
) -> None:
    made.deployment(
        here, status="live", from_release=releases[2], to_release=releases[0], finished_at=now()
    )
    pruning.prune(here, fake)
    assert tags(fake) == {"1", "3", "5", "6"}


def test_what_a_deployment_under_way_needs_stays(
    fake: Fake, here: Environment, releases: list[Release]
) -> None:
    made.deployment(here, status="soaking", from_release=releases[0], to_release=releases[1])
    pruning.prune(here, fake)
    assert tags(fake) == {"1", "2", "5", "6"}


def test_nothing_is_removed_while_a_deployment_prepares(
    fake: Fake, here: Environment, releases: list[Release]
) -> None:
    made.deployment(here, status="preparing")
    with pytest.raises(Busy, match="a deployment is under way"):
        pruning.prune(here, fake)
    assert "prune" not in fake.calls


def test_nothing_is_removed_where_it_is_not_known_what_is_live(
    fake: Fake, here: Environment
) -> None:
    with pytest.raises(Refused, match="which release is live"):
        pruning.prune(here, fake)
    assert "prune" not in fake.calls


def test_other_images_are_none_of_its_business(
    fake: Fake, here: Environment, releases: list[Release]
) -> None:
    fake.build("7")  # By a person, who has not deployed it yet.
    pruning.prune(here, fake)
    assert "7" in tags(fake)
    assert {"postgres:17", "redis:8", "haproxy:3"} <= set(fake.images)


def test_in_an_exam_window_a_reason_is_wanted(
    fake: Fake, here: Environment, releases: list[Release]
) -> None:
    hour = timedelta(hours=1)
    ExamWindow.objects.create(name="June", starts_at=now() - hour, ends_at=now() + hour)
    with pytest.raises(Refused, match="the exam window June holds"):
        operate.prune(here, caller=ANN)
    with pytest.raises(Refused, match="the exam window June holds"):
        pruning.prune(here, fake)
    assert "prune" not in fake.calls
    operation = operate.at_once(lambda: operate.prune(here, caller=ANN, why="the disk is full"))
    assert operation.status == "done"
    assert Event.objects.get(deed="images.pruned").details["reason"] == "the disk is full"


def test_a_person_asks_for_it_and_is_told_the_bytes(
    fake: Fake, here: Environment, releases: list[Release]
) -> None:
    operation = operate.at_once(lambda: operate.prune(here, caller=ANN))
    assert (operation.status, operation.reason) == ("done", "")
    assert "the images of 3 releases stay" in operation.output
    event = Event.objects.get(deed="images.pruned")
    assert (event.actor, event.object_name) == ("ann", "production")
    assert event.details["bytes"] == 900
    assert (event.details["before_bytes"], event.details["after_bytes"]) == (2200, 1300)


def test_an_engine_that_is_away_fails_it_with_its_words(
    fake: Fake, here: Environment, releases: list[Release]
) -> None:
    fake.fail("prune", EngineAway("the engine does not answer"))
    operation = operate.at_once(lambda: operate.prune(here, caller=ANN))
    assert (operation.status, operation.reason) == ("failed", "the engine does not answer")


def test_after_a_deployment_old_images_go_by_themselves(
    fake: Fake, here: Environment, releases: list[Release]
) -> None:
    pruning.after_deployment(here, fake)
    assert tags(fake) == {"1", "5", "6"}
    event = Event.objects.get()
    assert (event.deed, event.source, event.details["bytes"]) == ("images.pruned", "system", 900)


def test_a_deployment_stays_live_where_old_images_cannot_be_removed(
    fake: Fake, here: Environment, releases: list[Release]
) -> None:
    fake.fail("prune", EngineAway("the engine does not answer"))
    pruning.after_deployment(here, fake)
    event = Event.objects.get()
    assert (event.result, event.details["reason"]) == ("failed", "the engine does not answer")
