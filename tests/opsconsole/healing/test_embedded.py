"""Healing without Docker: a real supervisord, with a program that stops answering."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from django.utils.timezone import now

from opsconsole.engines.base import Health, Replica, State
from opsconsole.healing import heal as healing
from opsconsole.healing.decide import PATIENCE
from opsconsole.models import Caller, Environment, Event, Heal
from pmscoring.embedded.parts import Part
from tests.opsconsole.engines.contract import WEB
from tests.opsconsole.engines.test_embedded import EmbeddedLab
from tests.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)
BEAT = Caller(source="beat")


class Lab(EmbeddedLab):
    """One whose programs are ended after a second where they do not end by themselves."""

    def _web(self, name: str) -> Part:
        return replace(super()._web(name), stop_seconds=1)


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    made = Lab(tmp_path_factory.mktemp("healing"))
    try:
        made.start()
        yield made
    finally:
        made.supervisor.shut_down()


@pytest.fixture
def look(lab: Lab) -> Callable[[], list[healing.Done]]:
    """One look of the healer at programs that are healthy at first."""
    wait_until(lambda: {web.health for web in webs(lab)} == {Health.HEALTHY}, 30)
    environment = Environment.objects.create(
        code="here", kind="development", engine="embedded", is_here=True, laid_out_at=now()
    )
    return lambda: healing.heal(environment, lab.engine, caller=BEAT)


def webs(lab: Lab) -> tuple[Replica, ...]:
    return next(service.replicas for service in lab.engine.services() if service.name == WEB)


def stops_answering(lab: Lab, replica: Replica) -> None:
    os.kill(lab.supervisor.info()[replica.id]["pid"], signal.SIGSTOP)


def test_a_program_that_stops_answering_is_restarted(
    lab: Lab, look: Callable[[], list[healing.Done]]
) -> None:
    sick, other = webs(lab)
    stops_answering(lab, sick)
    look()
    time.sleep(PATIENCE.total_seconds())  # Beat asks every 15 seconds; that is the time under test.
    (done,) = look()
    assert (done.replica, done.did) == (sick.name, "restarted")
    wait_until(lambda: {web.health for web in webs(lab)} == {Health.HEALTHY}, 30)
    healed, untouched = webs(lab)
    assert healed.started_at != sick.started_at
    assert untouched.started_at == other.started_at
    assert [event.deed for event in Event.objects.all()] == ["heal.restarted"]


def test_a_program_that_was_stopped_by_hand_stays_stopped(
    lab: Lab, look: Callable[[], list[healing.Done]]
) -> None:
    sick = webs(lab)[0]
    stops_answering(lab, sick)
    look()
    lab.supervisor.stop(sick.id)
    assert look() == []
    assert webs(lab)[0].state is State.STOPPED
    assert Heal.objects.get().outcome == "gone"
