"""While an exam window holds, nothing is deployed, restored or pruned without a reason."""

from datetime import datetime, timedelta

import pytest
from django.utils.timezone import now

from opsconsole.environments.windows import holding, refuse_in_window
from opsconsole.models import ExamWindow
from pmscoring.base.refusals import Refused

pytestmark = pytest.mark.django_db
AT = datetime.fromisoformat("2026-11-29T09:30:00+09:00")
HOUR = timedelta(hours=1)


def a_window(name: str = "autumn", start: datetime = AT, end: datetime = AT + HOUR) -> ExamWindow:
    return ExamWindow.objects.create(name=name, starts_at=start, ends_at=end)


@pytest.mark.parametrize(
    ("after", "holds"),
    [(-1, False), (0, True), (3599, True), (3600, False)],
    ids=["before", "first second", "last second", "its end"],
)
def test_it_holds_from_its_start_until_before_its_end(after: int, holds: bool) -> None:
    window = a_window()
    assert holding(AT + timedelta(seconds=after)) == (window if holds else None)


def test_of_two_the_one_that_ends_last_is_named() -> None:
    a_window("short")
    long = a_window("long", end=AT + 2 * HOUR)
    assert holding(AT) == long


def test_the_refusal_names_the_window_and_what_overrides_it() -> None:
    a_window()
    with pytest.raises(Refused, match=r"autumn holds until 2026-11-29 10:30 JST; a reason"):
        refuse_in_window("", at=AT)
    with pytest.raises(Refused):
        refuse_in_window("  ", at=AT)


def test_a_reason_overrides_it() -> None:
    a_window()
    refuse_in_window("the exam is cancelled", at=AT)


def test_without_a_window_nothing_is_refused() -> None:
    a_window(start=now() + HOUR, end=now() + 2 * HOUR)
    refuse_in_window("")
