"""What is seen of an environment is written into its row; an engine that is away is a state."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils.timezone import now

from opsconsole.engines.base import EngineAway, EngineError, Health, State
from opsconsole.environments import look
from opsconsole.gateways.postgres.server import MAINTENANCE, Server
from opsconsole.models import Environment, Event
from tests.opsconsole.engines.fake import Fake

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def nothing_kept() -> None:
    """No engine of an earlier test."""
    look._kept.clear()


def service(environment: Environment, name: str) -> dict[str, Any]:
    environment.refresh_from_db()
    services: list[dict[str, Any]] = environment.seen["services"]
    return next(service for service in services if service["name"] == name)


def deeds() -> list[str]:
    rows = Event.objects.filter(deed__startswith="environment.").order_by("number")
    return list(rows.values_list("deed", flat=True))


def test_it_writes_services_replicas_and_usage_as_the_command_prints_them(
    here: Environment, fake: Fake
) -> None:
    look.look(here)
    web = service(here, "web")
    assert (web["name"], web["wanted"]) == ("web", 1)
    [replica] = web["replicas"]
    assert replica.keys() >= {
        "id", "state", "health", "image", "digest", "cpu_cores", "memory_bytes", "restarts",
        "started_at",
    }  # fmt: skip
    assert (replica["state"], replica["health"]) == ("running", "healthy")
    assert replica["memory_bytes"] > 0
    assert here.is_known()
    assert look.state_of(here) == "healthy"


def test_what_happened_is_kept_once_and_the_newest_stay(here: Environment, fake: Fake) -> None:
    fake.now = now() - timedelta(seconds=1)
    fake.restart(fake.running("web")[0].id)
    look.look(here)
    Environment.objects.update(seen_at=now() - timedelta(minutes=1))
    here.refresh_from_db()
    look.look(here)
    restarts = [row for row in here.seen["happenings"] if row["what"] == "restarted"]
    assert [row["service"] for row in restarts] == ["web"]


def test_what_happened_names_its_replica_also_when_that_has_gone(
    here: Environment, fake: Fake
) -> None:
    fake.now = now() - timedelta(seconds=1)
    fake.scale("web", 2)
    look.look(here)
    replica = fake.running("web")[-1]
    fake.restart(replica.id)
    fake.scale("web", 1)
    Environment.objects.update(seen_at=now() - timedelta(minutes=1))
    here.refresh_from_db()
    look.look(here)
    assert replica.id not in [one.id for one in fake.running("web")]
    restarts = [row for row in here.seen["happenings"] if row["what"] == "restarted"]
    assert [row["name"] for row in restarts] == [replica.name]


def test_no_more_than_the_bound_of_what_happened_is_kept(here: Environment, fake: Fake) -> None:
    fake.happened.clear()
    for number in range(80):
        fake.now = now() - timedelta(seconds=90 - number)
        fake._happen("web", f"web-{number}", "started")
    look.look(here)
    assert len(here.seen["happenings"]) == look.MOST_HAPPENINGS
    assert here.seen["happenings"][-1]["replica"] == "web-79"


def test_an_engine_that_is_away_leaves_what_was_seen_and_says_why_once(
    here: Environment, fake: Fake
) -> None:
    look.look(here)
    before = here.seen_at
    fake.fail("services", EngineAway("the socket is gone"), EngineAway("the socket is gone"))
    look.look(here)
    look.look(here)
    here.refresh_from_db()
    assert here.trouble == "the socket is gone"
    assert here.seen_at == before
    assert service(here, "web")
    assert look.state_of(here) == "away"
    assert deeds() == ["environment.away"]
    away = Event.objects.get(deed="environment.away")
    assert (away.result, away.details["reason"]) == ("failed", "the socket is gone")


def test_its_return_is_told_once(here: Environment, fake: Fake) -> None:
    fake.fail("services", EngineAway("gone"))
    for _turn in range(3):
        look.look(here)
    assert here.trouble == ""
    assert deeds() == ["environment.away", "environment.back"]


def test_a_password_in_the_engines_words_is_not_written(here: Environment, fake: Fake) -> None:
    fake.fail("usage", EngineError("denied: password=geheim-4711"))
    look.look(here)
    assert "geheim" not in here.trouble
    assert here.trouble.startswith("denied")


def test_what_was_seen_a_minute_ago_is_not_known(here: Environment, fake: Fake) -> None:
    look.look(here)
    assert look.state_of(here, at=now() + timedelta(seconds=61)) == "unknown"


@pytest.mark.parametrize(
    "change",
    [{"health": Health.UNHEALTHY}, {"health": Health.UNKNOWN}, {"state": State.RESTARTING}],
)
def test_one_sick_replica_makes_it_sick(
    here: Environment, fake: Fake, change: dict[str, object]
) -> None:
    fake.change(fake.running("web")[0].id, **change)
    look.look(here)
    assert look.state_of(here) == "sick"


def test_one_that_is_away_does_not_hide_the_others(here: Environment, fake: Fake) -> None:
    staging = Environment.objects.create(
        code="staging", kind="staging", engine="compose", project="s", laid_out_at=now()
    )
    fake.fail("services", EngineAway("gone"))
    look.look_at_all()
    here.refresh_from_db()
    staging.refresh_from_db()
    assert (here.trouble, staging.trouble) == ("gone", "")
    assert staging.seen_at


def test_one_that_fails_in_an_unforeseen_way_does_not_either(here: Environment, fake: Fake) -> None:
    staging = Environment.objects.create(
        code="staging", kind="staging", engine="compose", project="s", laid_out_at=now()
    )
    fake.fail("services", KeyError("Networks"))
    look.look_at_all()
    staging.refresh_from_db()
    assert staging.seen_at


@pytest.mark.parametrize("column", ["laid_out_at", "removed_at"])
def test_what_does_not_run_is_not_looked_at(here: Environment, fake: Fake, column: str) -> None:
    Environment.objects.update(**{column: None if column == "laid_out_at" else now()})
    look.look_at_all()
    assert fake.calls == []


def test_of_two_that_look_at_once_the_second_passes_over(here: Environment, fake: Fake) -> None:
    with Server.from_settings().named(MAINTENANCE).lock(f"pmscoring look {here.uid}"):
        look.look_at_all()
    assert fake.calls == []


def test_the_same_object_looks_again_until_the_row_changes(
    here: Environment, fake: Fake, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Environment] = []

    def engine_of(environment: Environment) -> Fake:
        made.append(environment)
        return fake

    monkeypatch.setattr(look, "engine_of", engine_of)
    look.look(here)
    look.look(here)
    assert len(made) == 1
    here.overlays = ["production"]
    look.look(here)
    assert len(made) == 2
