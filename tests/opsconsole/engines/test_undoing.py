"""What is undone takes as long as a service grants it; the driver is heard of meanwhile."""

from collections.abc import Callable, Sequence
from typing import Any, cast

import pytest

from opsconsole.engines.base import Version
from opsconsole.engines.compose_project import ComposeProject
from opsconsole.engines.compose_roll import Roll
from opsconsole.engines.meanwhile import undeterred
from opsconsole.engines.swarm_roll import SwarmRoll
from pmscoring.base.lifecycle import WrongState
from tests.waiting import wait_until

NEW, OLD = "new", "old"
VERSION = Version("2", {})


class Heartbeats:
    """Counts signs of life, each of which is answered by the next refusal, if there is one."""

    def __init__(self, *refusals: Exception) -> None:
        self.count, self.refusals = 0, list(refusals)

    def __call__(self) -> None:
        self.count += 1
        if self.refusals:
            raise self.refusals.pop(0)


class Slow:
    """Containers that end once the driver was heard of twice, and are never removed before."""

    def __init__(self, alive: Heartbeats) -> None:
        self.containers, self.alive = self, alive
        self.removed: list[str] = []
        self.started: list[str] = []

    def stop(self, _ids: Sequence[str]) -> None:
        wanted = self.alive.count + 2
        wait_until(lambda: self.alive.count >= wanted, 20, "two heartbeats")

    def remove(self, ids: Sequence[str]) -> None:
        self.removed += ids

    def start(self, ids: Sequence[str]) -> None:
        self.started += ids

    def create(self, *_words: object) -> list[str]:
        return [NEW]


def a_roll(alive: Heartbeats) -> tuple[Roll, Slow]:
    project = Slow(alive)
    roll = Roll(cast("ComposeProject", project), "worker", VERSION, lambda _new, _old: None, alive)
    return roll, project


def test_new_containers_end_while_the_driver_is_heard_of() -> None:
    roll, project = a_roll(Heartbeats())
    roll._undo([NEW])
    assert project.removed == [NEW]


def test_old_ones_that_end_first_do_so_too(monkeypatch: pytest.MonkeyPatch) -> None:
    roll, project = a_roll(Heartbeats())
    monkeypatch.setattr(roll, "_await", lambda _ids: None)
    monkeypatch.setattr(roll, "_replicas", lambda _ids: [])
    roll._stop_first(1, [], [OLD])
    assert (project.started, project.removed) == ([NEW], [OLD])


def test_nothing_but_another_driver_keeps_them_from_going() -> None:
    roll, project = a_roll(Heartbeats(ArithmeticError("cancelled"), OSError("no database")))
    roll._undo([NEW])
    assert project.removed == [NEW]

    roll, project = a_roll(Heartbeats(ArithmeticError("cancelled"), WrongState("another one")))
    with pytest.raises(WrongState):
        roll._undo([NEW])
    assert project.removed == []


def test_swarms_earlier_tasks_come_back_while_the_driver_is_heard_of(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    alive = Heartbeats(ArithmeticError("cancelled"), ArithmeticError("cancelled"))
    nothing: Any = None
    roll = SwarmRoll(nothing, nothing, "worker", VERSION, nothing, alive, nothing)
    monkeypatch.setattr(roll, "_bring_back", lambda _before: None)

    def await_all(_before: object, *, patient: bool) -> None:
        for _look in range(3):
            roll.alive()

    monkeypatch.setattr(roll, "_await_all", await_all)
    roll._undo({})
    assert alive.count == 4


@pytest.mark.parametrize(("error", "raised"), [(ValueError, False), (WrongState, True)])
def test_of_what_a_sign_of_life_raises_one_thing_stops_the_undoing(
    error: Callable[[str], Exception], raised: bool
) -> None:
    beat = undeterred(Heartbeats(error("no")))
    if raised:
        with pytest.raises(WrongState):
            beat()
    else:
        beat()
