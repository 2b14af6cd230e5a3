"""Exam windows give floors, which are prepared ahead by the measured start-up time."""

from datetime import UTC, datetime, timedelta

import pytest

from opsconsole.environments.windows import floor_of
from opsconsole.models import Environment, ExamWindow
from opsconsole.scaling import calendar
from opsconsole.scaling.shapes import Floor

pytestmark = pytest.mark.django_db
BELL = datetime(2027, 4, 1, 0, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)


def window(name: str = "Spring", start: datetime = BELL, **more: object) -> ExamWindow:
    wanted: dict[str, object] = {"ends_at": start + 3 * HOUR, "floors": {"web": 3}, **more}
    return ExamWindow.objects.create(name=name, starts_at=start, **wanted)


def test_a_window_is_prepared_by_its_start_up_a_margin_and_a_tick() -> None:
    window()
    assert calendar.floors("web", BELL - 5 * MINUTE, startup_seconds=100.0) == [
        Floor("Spring", BELL, BELL + 3 * HOUR, 3, BELL - timedelta(seconds=100 + 50 + 15))
    ]


def test_the_margin_of_a_fast_service_is_half_a_minute() -> None:
    window()
    (floor,) = calendar.floors("web", BELL, startup_seconds=4.0)
    assert floor.prepare_at == BELL - timedelta(seconds=4 + 30 + 15)


def test_what_has_not_been_measured_is_taken_for_slow() -> None:
    window()
    (floor,) = calendar.floors("web", BELL, startup_seconds=None)
    assert floor.prepare_at == BELL - timedelta(seconds=120 + 60 + 15)


@pytest.mark.parametrize(
    ("at", "there"),
    [
        (BELL - 2 * HOUR, False),
        (BELL - HOUR, True),
        (BELL, True),
        (BELL + 3 * HOUR - timedelta(seconds=1), True),
        (BELL + 3 * HOUR, False),
    ],
    ids=["long before", "within an hour", "its start", "its last second", "its end"],
)
def test_it_is_a_floor_from_an_hour_before_until_before_its_end(at: datetime, there: bool) -> None:
    window()
    assert bool(calendar.floors("web", at, startup_seconds=60.0)) is there


def test_no_floor_is_above_what_runs_without_docker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    window(floors={"worker": 5})
    (floor,) = calendar.floors("worker", BELL, 60.0, Environment.Engine.EMBEDDED)
    assert floor.replicas == 2
    at = BELL + MINUTE
    floors = [floor_of("worker", at, engine=engine) for engine in ("embedded", "compose")]
    assert floors == [2, 5]


def test_a_slow_service_is_never_told_too_late() -> None:
    window()
    slow = 2 * 3600.0
    (floor,) = calendar.floors("web", BELL - 4 * HOUR, startup_seconds=slow)
    assert floor.prepare_at < BELL - 3 * HOUR


def test_windows_that_overlap_give_a_floor_each_the_earliest_first() -> None:
    window("Later", BELL + HOUR, floors={"web": 2})
    window("First", floors={"web": 4, "worker": 2})
    names = [floor.name for floor in calendar.floors("web", BELL, startup_seconds=60.0)]
    assert names == ["First", "Later"]
    (floor,) = calendar.floors("worker", BELL, startup_seconds=60.0)
    assert floor.replicas == 2


def test_a_service_that_no_window_names_has_no_floor() -> None:
    window()
    assert calendar.floors("worker", BELL, startup_seconds=60.0) == []


@pytest.mark.parametrize("wrong", [0, -1, "3", True, None, 2.5])
def test_what_is_no_number_of_replicas_is_no_floor(wrong: object) -> None:
    window(floors={"web": wrong})
    assert calendar.floors("web", BELL, startup_seconds=60.0) == []


@pytest.mark.parametrize(("service", "most"), [("web", 20), ("inference", 8), ("beat", 1)])
def test_no_floor_is_above_what_the_service_may_have(service: str, most: int) -> None:
    window(floors={service: 99})
    (floor,) = calendar.floors(service, BELL, startup_seconds=60.0)
    assert floor.replicas == most
