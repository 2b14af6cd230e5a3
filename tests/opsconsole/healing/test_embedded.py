"""Healing without Docker: a real supervisord, with a program that stops answering."""

import os
import signal
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from django.utils.timezone import now

from opsconsole.engines.base import Health, Replica, State
from opsconsole.healing import carry_out, decide
from opsconsole.healing import heal as healing
from opsconsole.models import Caller, Environment, Event, Heal
from tests.opsconsole.engines.contract import WEB
from tests.opsconsole.engines.test_embedded import EmbeddedLab
from tests.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)
BEAT = Caller(source="beat")


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedLab]:
    made = EmbeddedLab(tmp_path_factory.mktemp("healing"))
    try:
        made.start()
        yield made
    finally:
        made.supervisor.shut_down()


@pytest.fixture
def look(lab: EmbeddedLab) -> Callable[[], list[healing.Done]]:
    """One look of the healer at programs that are healthy at first."""
    wait_until(lambda: {web.health for web in webs(lab)} == {Health.HEALTHY}, 30)
    environment = Environment.objects.create(
        code="here", kind="development", engine="embedded", is_here=True, laid_out_at=now()
    )
    return lambda: healing.heal(environment, lab.engine, caller=BEAT)


def webs(lab: EmbeddedLab) -> tuple[Replica, ...]:
    return next(service.replicas for service in lab.engine.services() if service.name == WEB)


def wait_until_done(look: Callable[[], list[healing.Done]]) -> healing.Done:
    """Look again until something was done about what is sick."""
    done: list[healing.Done] = []

    def is_done() -> bool:
        done[:] = look()
        return not Heal.objects.filter(did="watched").exists()

    wait_until(is_done, 30, every=1.0)
    return done[0]


def stops_answering(lab: EmbeddedLab, replica: Replica) -> None:
    os.kill(lab.supervisor.info()[replica.id]["pid"], signal.SIGSTOP)


def test_a_program_that_stops_answering_is_restarted(
    lab: EmbeddedLab, look: Callable[[], list[healing.Done]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decide, "PATIENCE", timedelta(seconds=1))
    monkeypatch.setattr(carry_out, "GRACE", timedelta(seconds=1))  # It has half a minute to end.
    sick, other = webs(lab)
    stops_answering(lab, sick)
    look()
    done = wait_until_done(look)
    assert (done.replica, done.did) == (sick.name, "restarted")
    wait_until(lambda: {web.health for web in webs(lab)} == {Health.HEALTHY}, 30)
    healed, untouched = webs(lab)
    assert healed.started_at
    assert sick.started_at
    assert timedelta(0) < healed.started_at - sick.started_at < timedelta(seconds=60)
    assert untouched.started_at == other.started_at
    assert [event.deed for event in Event.objects.all()] == ["heal.restarted"]


def test_a_program_that_was_stopped_by_hand_stays_stopped(
    lab: EmbeddedLab, look: Callable[[], list[healing.Done]]
) -> None:
    sick = webs(lab)[0]
    stops_answering(lab, sick)
    look()
    pid = lab.supervisor.info()[sick.id]["pid"]
    lab.supervisor.remote.supervisor.stopProcess(sick.id, False)
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: webs(lab)[0].state is State.STOPPED, 10)
    assert look() == []
    assert webs(lab)[0].state is State.STOPPED
    assert Heal.objects.get().outcome == "gone"
