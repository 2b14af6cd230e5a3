"""Deployments, heals, crash loops and engines that are away reach the operators, in words."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils.timezone import now
from pytest_django import Settings

from opsconsole.deployments import driver, releases, request
from opsconsole.engines.base import EngineAway, EngineError, State
from opsconsole.environments import look
from opsconsole.healing import heal as healing
from opsconsole.models import Caller, Channel, Environment, Event
from opsconsole.notices import telling
from tests.opsconsole.deployments.conftest import SITE, a_staging, without_waiting
from tests.opsconsole.engines.fake import Behaviour, Fake, Migration
from tests.opsconsole.receivers import Mail, channel_file

pytestmark = pytest.mark.django_db(transaction=True)
ANN = Caller("ann", "admin", "192.0.2.7")
BEAT = Caller(source="beat")


@pytest.fixture(autouse=True)
def channel(channels_dir: Path, mail: Mail, settings: Settings) -> Channel:
    """One that asks for no successes, on a site with an address."""
    settings.ENGINE, settings.SITE, settings.SOAK_SECONDS = "compose", SITE, 10
    settings.CSRF_TRUSTED_ORIGINS = ["https://*.example", "https://scoring.example"]
    channel_file(channels_dir, "night", mail.url())
    return Channel.objects.create(name="night", language="en")


@pytest.fixture
def fake() -> Fake:
    """An engine that has run version 1 for an hour."""
    engine = Fake()
    engine.now += timedelta(hours=1)
    return engine


@pytest.fixture
def here(fake: Fake) -> Environment:
    """The running installation, and the release that it runs."""
    environment = Environment.objects.create(
        code="production", kind="production", engine="compose", is_here=True, laid_out_at=now()
    )
    releases.record_running(environment, fake)
    return environment


def letters(mail: Mail) -> list[tuple[str, str]]:
    """Subject and text of each letter, once all channels were told."""
    telling.tell_all()
    found = []
    for letter in mail.letters:
        payload: Any = letter.get_payload(decode=True)
        found.append((" ".join(str(letter["Subject"]).split()), payload.decode()))
    return found


@pytest.mark.parametrize(
    ("behaviour", "subject", "reason"),
    [
        (Behaviour(), "deployment live: staging: 2 (live)", "failed requests: 0"),
        (
            Behaviour(healthy=False),
            "deployment rolled back: staging: 2 (rolled back)",
            "connection refused",
        ),
        (Behaviour(errors=0.5), "deployment rolled back: staging: 2 (rolled back)", "%"),
        (
            Behaviour(migrates=False, migrations=(Migration("0002_more"),)),
            "deployment failed: staging: 2 (failed)",
            'column "x" does not exist',
        ),
    ],
)
def test_a_deployment_is_told_with_its_reason_and_its_page(
    fake: Fake, mail: Mail, behaviour: Behaviour, subject: str, reason: str
) -> None:
    environment = a_staging()
    releases.record_running(environment, fake)
    fake.build("2", behaviour)
    deployment = request.request(environment, caller=ANN, version="2")
    driver.start(deployment, fake, **without_waiting(fake))
    ((title, text),) = letters(mail)
    assert title == f"PM Scoring: {subject}"
    assert reason in text
    assert "version: 2" in text
    assert "environment: staging" in text
    page = f"https://scoring.example/admin/opsconsole/deployment/{deployment.pk}/change/"
    assert page in text


@pytest.fixture
def heal(here: Environment, fake: Fake) -> Callable[[int], None]:
    """So many looks of the healer, 15 seconds apart."""

    def looks(times: int) -> None:
        for _ in range(times):
            fake.now += timedelta(seconds=15)
            healing.heal(here, fake, caller=BEAT, at=fake.now)

    return looks


def test_a_heal_is_told_with_what_was_seen(
    here: Environment, fake: Fake, mail: Mail, heal: Callable[[int], None]
) -> None:
    fake.sicken(fake.running("web")[0].id, "GET /health: connection refused")
    heal(2)
    ((subject, text),) = letters(mail)
    assert subject == "PM Scoring: unhealthy replica restarted: production"
    assert "service: web" in text
    assert "what was seen: unhealthy: GET /health: connection refused" in text
    assert "what was done: restarted" in text
    assert f"https://scoring.example/admin/opsconsole/environment/{here.pk}/change/" in text


def test_a_heal_that_fails_is_told_with_the_engine_s_words(
    fake: Fake, mail: Mail, heal: Callable[[int], None]
) -> None:
    fake.sicken(fake.running("web")[0].id)
    fake.fail("restart", EngineError("cannot restart: no space left on device"))
    heal(2)
    ((subject, text),) = letters(mail)
    assert subject == "PM Scoring: healing failed: production"
    assert "reason: cannot restart: no space left on device" in text


def test_a_crash_loop_is_told_once(fake: Fake, mail: Mail, heal: Callable[[int], None]) -> None:
    replica = fake.running("web")[0].id
    for count in range(1, 9):
        fake.change(replica, state=State.RESTARTING, restarts=count, exit_code=137)
        heal(1)
    ((subject, text),) = letters(mail)
    assert subject == "PM Scoring: healing given up: production"
    assert "what was seen: restarted 4 times by the engine; exit status 137" in text
    assert "reason: the engine has restarted it 4 times, and it does not keep running" in text


def test_an_engine_that_is_away_is_told_once(
    here: Environment, fake: Fake, mail: Mail, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(look, "engine_of", lambda environment: fake)
    fake.fail("services", *[EngineAway("the engine does not answer")] * 3)
    for _ in range(4):
        look.look(here)
    ((subject, text),) = letters(mail)
    assert subject == "PM Scoring: engine does not answer: production"
    assert "reason: the engine does not answer" in text


def test_without_an_address_the_page_is_named_all_the_same(
    here: Environment, mail: Mail, settings: Settings
) -> None:
    settings.CSRF_TRUSTED_ORIGINS = []
    Environment.objects.update(base_url="https://evil.example")
    Event.objects.record("environment.away", here, reason="gone")
    ((_subject, text),) = letters(mail)
    assert f"\n/admin/opsconsole/environment/{here.pk}/change/" in text
    assert "evil" not in text
