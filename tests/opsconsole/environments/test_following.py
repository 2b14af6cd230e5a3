"""Exam windows are made, moved and removed by the dates of exams that scoring publishes."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from opsconsole.environments import following, windows
from opsconsole.models import Caller, Event, ExamWindow

pytestmark = pytest.mark.django_db
BELL = datetime(2027, 4, 1, 0, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
BEFORE, DURING = BELL - 24 * HOUR, BELL + HOUR
BEAT, OPERATOR = Caller(source="beat"), Caller("operator", "admin")


def exam(code: str = "PM-2027", start: datetime = BELL, hours: float = 3) -> dict[str, str]:
    times = {"starts_at": start, "ends_at": start + hours * HOUR}
    return {"code": code, "title": "Spring", **{name: at.isoformat() for name, at in times.items()}}


def follow(*exams: Any, at: datetime = BEFORE, left_out: int = 0) -> list[ExamWindow]:
    """The windows after a turn with a load that has these exams."""
    load = {"exams": list(exams), "exams_left_out": left_out}
    following.follow(load, caller=BEAT, at=at)
    return list(ExamWindow.objects.order_by("pk"))


def changes() -> list[str]:
    return list(Event.objects.order_by("number").values_list("details__change", flat=True))


def test_an_exam_with_dates_gets_a_window_with_floors_once() -> None:
    follow(exam())
    (window,) = follow(exam())
    assert (window.name, window.exam, window.follows) == ("PM-2027 Spring", "PM-2027", True)
    assert (window.starts_at, window.ends_at) == (BELL, BELL + 3 * HOUR)
    assert window.floors == {"web": 2, "worker": 2}
    event = Event.objects.get()
    assert (event.source, event.details["change"], event.details["exam"]) == (
        "beat",
        "added",
        "PM-2027",
    )


def test_the_next_exams_window_has_the_floors_of_the_one_before() -> None:
    (window,) = follow(exam())
    window.floors = {"web": 6}
    windows.save(window, caller=OPERATOR)
    _first, second = follow(exam(), exam("OTHER"))
    assert second.floors == {"web": 6}


@pytest.mark.parametrize("at", [BEFORE, DURING], ids=["before", "while it holds"])
def test_a_window_moves_with_its_exam(at: datetime) -> None:
    follow(exam())
    (window,) = follow(exam(start=BELL + HOUR, hours=4), at=at)
    assert (window.starts_at, window.ends_at) == (BELL + HOUR, BELL + 5 * HOUR)
    assert changes() == ["added", "moved"]


def test_an_exam_that_is_made_longer_after_its_end_holds_again() -> None:
    follow(exam())
    follow(at=BELL + 3 * HOUR)
    (window,) = follow(exam(hours=5), at=BELL + 3 * HOUR)
    assert window.ends_at == BELL + 5 * HOUR


def test_what_a_person_changes_but_the_times_does_not_end_that() -> None:
    (window,) = follow(exam())
    window.name, window.floors = "The big one", {"web": 8}
    windows.save(window, caller=OPERATOR)
    (window,) = follow(exam(start=BELL + HOUR))
    assert (window.name, window.floors, window.starts_at) == (
        "The big one",
        {"web": 8},
        BELL + HOUR,
    )


@pytest.mark.parametrize("at", [BEFORE, BELL + 2 * HOUR], ids=["before", "after it was ended"])
def test_a_window_whose_times_a_person_has_set_is_left_alone(at: datetime) -> None:
    (window,) = follow(exam())
    window.follows, window.ends_at = False, BELL + HOUR
    windows.save(window, caller=OPERATOR)
    (window,) = follow(exam(start=BELL + timedelta(minutes=30)), at=at)
    assert (window.starts_at, window.ends_at) == (BELL, BELL + HOUR)


def test_a_form_that_was_opened_before_the_exam_moved_does_not_take_it_back() -> None:
    (window,) = follow(exam())
    follow(exam(start=BELL + HOUR))
    window.name = "Renamed"
    windows.save(window, caller=OPERATOR)
    window.refresh_from_db()
    assert (window.name, window.starts_at) == ("Renamed", BELL + HOUR)


def test_a_window_goes_with_its_exams_dates_if_it_has_not_begun() -> None:
    follow(exam(), exam("OTHER"))
    (window,) = follow(exam("OTHER"))
    assert window.exam == "OTHER"
    assert changes() == ["added", "added", "removed"]


def test_a_window_that_has_begun_stays_until_its_end() -> None:
    follow(exam())
    assert len(follow(at=DURING)) == 1


@pytest.mark.parametrize(
    "load",
    [
        {},
        {"waiting": 3},
        {"exams": None},
        {"exams": [{"code": "X"}]},
        {"exams": [exam("X") | {"starts_at": "soon"}]},
        {"exams": [exam("X") | {"starts_at": "2027-04-01T09:00:00"}]},
        {"exams": [exam("X", hours=0)]},
        {"exams": "none"},
    ],
    ids=["away", "older", "null", "incomplete", "no time", "no offset", "no length", "no list"],
)
def test_a_load_that_does_not_say_changes_nothing(load: dict[str, Any]) -> None:
    (window,) = follow(exam())
    following.follow(load, caller=BEAT, at=BEFORE)
    assert list(ExamWindow.objects.all()) == [window]


def test_nothing_is_removed_while_the_load_leaves_exams_out() -> None:
    follow(exam())
    assert len(follow(exam("OTHER"), left_out=1)) == 2


def test_a_window_that_a_person_has_removed_is_not_made_again() -> None:
    (window,) = follow(exam())
    windows.remove(window, caller=OPERATOR)
    assert follow(exam()) == []
    assert follow(exam(start=BELL + HOUR)) == []


def test_an_exam_that_moves_far_away_gets_a_window_again() -> None:
    (window,) = follow(exam())
    windows.remove(window, caller=OPERATOR)
    assert len(follow(exam(start=BELL + 24 * HOUR))) == 1


def test_dates_that_are_removed_and_set_again_make_the_window_again() -> None:
    follow(exam())
    assert follow() == []
    assert len(follow(exam())) == 1


def test_the_next_sitting_gets_a_window_of_its_own() -> None:
    follow(exam())
    year = timedelta(days=365)
    first, second = follow(exam(start=BELL + year), at=BELL + 4 * HOUR)
    assert (first.starts_at, second.starts_at) == (BELL, BELL + year)


def test_windows_that_people_add_are_never_touched() -> None:
    mine = ExamWindow.objects.create(name="Mine", starts_at=BELL, ends_at=BELL + HOUR)
    assert follow(exam())[0] == mine
    assert follow() == [mine]
