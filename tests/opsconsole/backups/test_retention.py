"""Retention: what it never does, whatever the history, and what it keeps of an ordinary one."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from opsconsole.backups.retention import SAFETY_DAYS, Decision, Entry, Keep, decide

TOKYO = ZoneInfo("Asia/Tokyo")
START = datetime(2026, 1, 1, 17, tzinfo=UTC)  # 02:00 of the next day in Tokyo
KEEP = Keep(last=3, daily=7, weekly=4, monthly=6, zone=TOKYO)
PLAN = "daily"
always = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@st.composite
def histories(draw: st.DrawFn) -> list[Entry]:
    """Backups of a plan and of none; the clock jumps to and fro between them."""
    entries, at = [], START
    for number in range(1, draw(st.integers(0, 40)) + 1):
        jump = draw(st.sampled_from([24, 24, 24, 1, 0, -1, -500, 9000]))
        at += timedelta(hours=jump, minutes=draw(st.integers(0, 59)))
        state = draw(st.sampled_from(["verified"] * 4 + ["unverified", "failed", "under way"]))
        entries.append(
            Entry(
                number,
                snapshot_at=None if state in ("failed", "under way") else at,
                plan=draw(st.sampled_from([PLAN, PLAN, PLAN, None])),
                finished=state != "under way",
                verified=state == "verified",
                held=draw(st.integers(0, 9)) == 0,
                safety=draw(st.integers(0, 9)) == 0,
            )
        )
    return draw(st.permutations(entries))


keeps = st.builds(
    Keep,
    last=st.integers(1, 5),
    daily=st.integers(0, 9),
    weekly=st.integers(0, 5),
    monthly=st.integers(0, 5),
    zone=st.sampled_from([TOKYO, ZoneInfo("UTC"), ZoneInfo("America/New_York")]),
)
times = st.integers(-2000, 2000).map(lambda days: START + timedelta(days=days))


def staying(entries: Iterable[Entry], decisions: Iterable[Decision]) -> list[Entry]:
    numbers = {decision.number for decision in decisions if decision.stays}
    return [entry for entry in entries if entry.number in numbers]


def good(entries: Iterable[Entry]) -> list[Entry]:
    """The verified ones of the plan."""
    return [entry for entry in entries if entry.verified and entry.plan == PLAN]


def snapshot(entry: Entry) -> datetime:
    assert entry.snapshot_at
    return entry.snapshot_at


@always
@given(histories(), keeps, times)
def test_the_newest_verified_backup_is_never_removed(
    entries: list[Entry], keep: Keep, at: datetime
) -> None:
    kept = staying(entries, decide(entries, {PLAN: keep}, at))
    for verified in (good(entries), [entry for entry in entries if entry.verified]):
        if verified:
            assert max(verified, key=lambda entry: (snapshot(entry), entry.number)) in kept
            assert max(verified, key=lambda entry: entry.number) in kept


@always
@given(histories(), keeps, times)
def test_never_fewer_verified_ones_stay_than_asked(
    entries: list[Entry], keep: Keep, at: datetime
) -> None:
    kept = good(staying(entries, decide(entries, {PLAN: keep}, at)))
    verified = good(entries)
    assert len(kept) >= min(keep.last, len(verified))
    for count, form in ((keep.daily, "%Y-%m-%d"), (keep.weekly, "%G-%V"), (keep.monthly, "%Y-%m")):

        def periods(chosen: list[Entry], form: str = form) -> list[str]:
            days = {snapshot(entry).astimezone(keep.zone) for entry in chosen}
            return sorted({day.strftime(form) for day in days}, reverse=True)

        assert periods(kept)[:count] == periods(verified)[:count]


@always
@given(histories(), keeps, times)
def test_held_ones_and_those_under_way_stay(entries: list[Entry], keep: Keep, at: datetime) -> None:
    kept = staying(entries, decide(entries, {PLAN: keep}, at))
    assert {entry for entry in entries if entry.held or not entry.finished} <= set(kept)


@always
@given(histories(), keeps, times)
def test_nothing_goes_while_the_newest_is_not_verified(
    entries: list[Entry], keep: Keep, at: datetime
) -> None:
    ours = [entry for entry in entries if entry.plan == PLAN]
    finished = [entry for entry in ours if entry.finished]
    if finished and not max(finished, key=lambda entry: entry.number).verified:
        assert set(ours) <= set(staying(entries, decide(entries, {PLAN: keep}, at)))


@always
@given(histories(), keeps, times)
def test_one_decision_for_each_and_a_reason_for_each_that_stays(
    entries: list[Entry], keep: Keep, at: datetime
) -> None:
    decisions = decide(entries, {PLAN: keep}, at)
    assert [decision.number for decision in decisions] == [entry.number for entry in entries]
    assert all(bool(decision.because) == decision.stays for decision in decisions)


@always
@given(histories(), keeps, times)
def test_what_has_been_pruned_is_not_pruned_further(
    entries: list[Entry], keep: Keep, at: datetime
) -> None:
    kept = staying(entries, decide(entries, {PLAN: keep}, at))
    assert staying(kept, decide(kept, {PLAN: keep}, at)) == kept


def after_days(days: int, *, step: timedelta = timedelta(days=1)) -> list[Entry]:
    """A backup each `step`, pruned after each, as beat does it."""
    entries: list[Entry] = []
    for number in range(1, days + 1):
        at = START + number * step
        entries.append(Entry(number, at, PLAN))
        entries = staying(entries, decide(entries, {PLAN: KEEP}, at))
    return entries


def test_a_year_of_daily_backups_leaves_the_last_days_weeks_and_months() -> None:
    days = [f"{snapshot(entry).astimezone(TOKYO):%Y-%m-%d}" for entry in after_days(365)]
    assert days == [
        *("2026-08-31", "2026-09-30", "2026-10-31", "2026-11-30"),
        *("2026-12-13", "2026-12-20", "2026-12-27", "2026-12-28", "2026-12-29", "2026-12-30"),
        *("2026-12-31", "2027-01-01", "2027-01-02"),
    ]


def test_hourly_backups_leave_one_of_each_day() -> None:
    entries = after_days(24 * 40, step=timedelta(hours=1))
    days = [f"{snapshot(entry).astimezone(TOKYO):%m-%d}" for entry in entries]
    assert days[-9:] == ["02-05", "02-06", "02-07", "02-08", "02-09", "02-10", *["02-11"] * 3]


def test_days_are_those_of_the_plans_zone() -> None:
    before, after = datetime(2026, 5, 1, 14, 59, tzinfo=UTC), datetime(2026, 5, 1, 15, tzinfo=UTC)
    entries = [Entry(1, before, PLAN), Entry(2, after, PLAN)]
    keep = Keep(last=1, daily=2, weekly=0, monthly=0, zone=TOKYO)
    assert [decision.because for decision in decide(entries, {PLAN: keep}, after)] == [
        "the newest of 2026-05-01",
        "the newest verified one, one of the last 1, the newest of 2026-05-02",
    ]
    utc = Keep(last=1, daily=2, weekly=0, monthly=0, zone=ZoneInfo("UTC"))
    assert [decision.stays for decision in decide(entries, {PLAN: utc}, after)] == [False, True]


@pytest.mark.parametrize("newest", [{"verified": False}, {"verified": False, "snapshot_at": None}])
def test_a_failed_newest_says_why_all_stay(newest: dict[str, None]) -> None:
    old = [Entry(number, START + timedelta(days=number), PLAN) for number in range(1, 60)]
    at = START + timedelta(days=60)
    entry = Entry(**{"number": 60, "snapshot_at": at, "plan": PLAN, **newest})  # type: ignore[arg-type]
    reasons = {decision.because for decision in decide([*old, entry], {PLAN: KEEP}, at)}
    assert reasons == {"the newest backup of the plan is not verified"}


def test_an_unverified_one_goes_once_a_newer_one_is_verified() -> None:
    entries = [Entry(1, START, PLAN, verified=False), Entry(2, START + timedelta(1), PLAN)]
    decisions = decide(entries, {PLAN: KEEP}, START + timedelta(2))
    assert [decision.stays for decision in decisions] == [False, True]


def test_a_clock_set_back_does_not_make_the_last_backup_the_oldest() -> None:
    keep = Keep(last=1, daily=0, weekly=0, monthly=0, zone=TOKYO)
    entries = [
        Entry(1, START + timedelta(days=9000), PLAN),
        Entry(2, START, PLAN),
        Entry(3, START + timedelta(days=1), PLAN),
    ]
    decisions = decide(entries, {PLAN: keep}, START + timedelta(days=2))
    assert [decision.stays for decision in decisions] == [True, False, True]


def test_a_safety_backup_stays_two_weeks_and_longer_while_nothing_later_is_verified() -> None:
    safety = Entry(1, START, safety=True)
    later = Entry(2, START + timedelta(days=1), PLAN)
    soon, late = START + timedelta(days=SAFETY_DAYS - 1), START + timedelta(days=SAFETY_DAYS)

    def first(entries: list[Entry], at: datetime) -> str:
        return decide(entries, {PLAN: KEEP}, at)[0].because

    assert first([safety, later], soon) == "made before a restore, kept for 14 days"
    assert first([safety], late) == "no later backup is verified"
    assert first([safety, later], late) == ""


def test_a_backup_of_no_plan_stays_until_a_person_removes_it() -> None:
    entries = [Entry(1, START), Entry(2, START, plan="dropped since")]
    decisions = decide(entries, {PLAN: KEEP}, START + timedelta(days=4000))
    assert {decision.because for decision in decisions} == {"it belongs to no plan"}
