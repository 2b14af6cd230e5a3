"""When exams are held: in and out of definitions, in the admin, and in the published load."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils.timezone import now

from pmscoring.base.faults import Invalid
from scoring.exams import definitions, held
from scoring.models import Exam
from tests.clients import form_data, signed_in
from tests.factories import example_definition

pytestmark = pytest.mark.django_db
BELL = datetime(2027, 4, 1, 0, 30, tzinfo=UTC)
HELD = {"starts_at": "2027-04-01T09:30:00+09:00", "ends_at": "2027-04-01T12:00:00+09:00"}
HOUR = timedelta(hours=1)


def loaded(**more: Any) -> Exam:
    return definitions.load({**example_definition(), **more})[0]


def exam(code: str, starts_at: datetime, hours: float = 1) -> Exam:
    ends_at = starts_at + hours * HOUR
    return Exam.objects.create(code=code, title=f"T-{code}", starts_at=starts_at, ends_at=ends_at)


def test_a_definition_says_when_the_exam_is_held_and_reads_it_again() -> None:
    described = definitions.describe(loaded(held=HELD))
    assert described["held"] == HELD
    exam, created = definitions.load(described)
    assert (exam.starts_at, created) == (BELL, False)
    assert definitions.describe(exam) == described


def test_times_of_other_zones_are_written_in_that_of_the_installation() -> None:
    here = {"starts_at": "2027-04-01T00:30:00Z", "ends_at": "2027-04-01T05:00:00+02:00"}
    assert definitions.describe(loaded(held=here))["held"] == HELD


@pytest.mark.parametrize("without", [{}, {"held": None}])
def test_a_definition_without_dates_takes_them_away(without: dict[str, Any]) -> None:
    loaded(held=HELD)
    exam = loaded(**without)
    exam.refresh_from_db()
    assert (exam.starts_at, exam.ends_at) == (None, None)
    assert definitions.describe(exam)["held"] is None


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"ends_at": HELD["starts_at"]}, "/held/ends_at"),
        ({"ends_at": "2027-04-01T00:00:00Z"}, "/held/ends_at"),
        ({"starts_at": "0001-01-01T00:00:00+14:00"}, "/held/starts_at"),
        ({"ends_at": "9999-12-31T23:59:59-12:00"}, "/held/ends_at"),
    ],
    ids=["at its start", "before its start", "in no zone's years", "beyond them"],
)
def test_dates_that_cannot_be_are_faults_at_their_place(
    change: dict[str, str], pointer: str
) -> None:
    with pytest.raises(Invalid) as refused:
        loaded(held=HELD | change)
    assert [fault["pointer"] for fault in refused.value.faults] == [pointer]
    assert not Exam.objects.exists()


@pytest.mark.parametrize(
    "dates", [{"starts_at": BELL}, {"ends_at": BELL}, {"starts_at": BELL, "ends_at": BELL}]
)
def test_the_database_refuses_half_an_interval_and_one_without_length(
    dates: dict[str, datetime],
) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Exam.objects.create(code="X", title="x", **dates)


def test_the_load_has_the_exams_that_have_not_ended_the_next_one_first() -> None:
    at = now()
    exam("OVER", at - 2 * HOUR)
    exam("LATER", at + 5 * HOUR)
    exam("NOW", at - HOUR, hours=2)
    Exam.objects.create(code="UNKNOWN", title="no dates")
    load = held.coming(at)
    assert [row["code"] for row in load["exams"]] == ["NOW", "LATER"]
    assert load["exams"][0] == {
        "code": "NOW",
        "title": "T-NOW",
        "starts_at": (at - HOUR).isoformat(),
        "ends_at": (at + HOUR).isoformat(),
    }
    assert load["exams_left_out"] == 0


def test_the_load_is_bounded_and_says_how_many_exams_it_leaves_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(held, "MOST_PUBLISHED", 2)
    for number in range(3):
        exam(f"E{number}", BELL + number * HOUR)
    load = held.coming(BELL)
    assert [row["code"] for row in load["exams"]] == ["E0", "E1"]
    assert load["exams_left_out"] == 1


def posted(
    browser: Client, exam: Exam, starts: tuple[str, str], ends: tuple[str, str]
) -> tuple[int, str]:
    address = f"/admin/scoring/exam/{exam.pk}/change/"
    dates = {
        f"{name}_{part}": value
        for name, parts in (("starts_at", starts), ("ends_at", ends))
        for part, value in enumerate(parts)
    }
    response = browser.post(address, {**form_data(browser, address), **dates})
    return response.status_code, response.content.decode()


def test_a_manager_sets_the_dates_in_the_zone_of_the_installation() -> None:
    browser, exam = signed_in("exam manager"), loaded()
    status, page = posted(browser, exam, ("2027-04-01", "09:30"), ("2027-04-01", "12:00"))
    assert status == 302, page
    assert definitions.describe(Exam.objects.get())["held"] == HELD


@pytest.mark.parametrize(
    ("starts", "ends", "says"),
    [
        (("2027-04-01", "09:30"), ("2027-04-01", "09:30"), "end must be later than the start"),
        (("2027-04-01", "09:30"), ("", ""), "start and the end belong together"),
    ],
    ids=["without length", "without an end"],
)
def test_a_manager_is_told_at_the_field_what_is_wrong_with_the_dates(
    starts: tuple[str, str], ends: tuple[str, str], says: str
) -> None:
    browser, exam = signed_in("exam manager"), loaded()
    status, page = posted(browser, exam, starts, ends)
    assert status == 200
    assert says in page
    assert Exam.objects.get().starts_at is None
