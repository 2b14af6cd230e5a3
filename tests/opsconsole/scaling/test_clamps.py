"""Each rule that bounds a wish, until when it holds, and which rule wins over which."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from opsconsole.scaling.shapes import (
    Action,
    Behaviour,
    By,
    Clamp,
    Decision,
    Floor,
    History,
    Rate,
    Rule,
    Unit,
)
from tests.opsconsole.scaling.making import (
    NOW,
    SECOND,
    a_policy,
    a_sample,
    changed,
    decided,
    settled,
    with_room,
)

HOUR = timedelta(hours=1)
EXAM = Floor("Midterm", NOW + 600 * SECOND, NOW + 2 * HOUR, 6, prepare_at=NOW - 5 * SECOND)


def the_clamp(decision: Decision, rule: Rule) -> Clamp:
    return next(each for each in decision.clamps if each.rule is rule)


def ends(decision: Decision) -> tuple[int, Action, Rule | None]:
    return decision.desired, decision.action, decision.because


def history(*numbers: tuple[int, int]) -> History:
    """Recommendations by how many seconds ago; an hour ago it was 1."""
    known = [(NOW - ago * SECOND, number) for ago, number in numbers]
    return History(recommendations=[(NOW - HOUR, 1), *known])


def test_fewer_wait_until_the_last_high_recommendation_leaves_the_window() -> None:
    past = history((290, 5), (200, 4), (100, 5), (50, 2))
    decision = decided(a_policy(down_window=300), a_sample(5, waiting=20), past)
    assert ends(decision) == (5, Action.HOLD, Rule.DOWN_WINDOW)
    assert the_clamp(decision, Rule.DOWN_WINDOW).until == NOW + 200 * SECOND


def test_fewer_go_down_to_what_was_wanted_within_the_window() -> None:
    decision = decided(a_policy(down_window=300), a_sample(9, waiting=20), history((100, 4)))
    assert ends(decision) == (4, Action.DOWN, Rule.DOWN_WINDOW)


def test_more_wait_until_the_last_low_recommendation_leaves_the_window() -> None:
    past = history((55, 2), (40, 3), (20, 6))
    decision = decided(a_policy(up_window=60), a_sample(2, waiting=60), past)
    assert ends(decision) == (2, Action.HOLD, Rule.UP_WINDOW)
    assert the_clamp(decision, Rule.UP_WINDOW).until == NOW + 5 * SECOND


def test_a_recommendation_of_the_very_start_of_the_window_has_left_it() -> None:
    decision = decided(a_policy(down_window=300), a_sample(5, waiting=20), history((300, 5)))
    assert decision.desired == 2


def test_a_window_without_a_record_lowers_nothing_and_raises_at_once() -> None:
    policy = a_policy(down_window=300, up_window=60)
    low = decided(policy, a_sample(5, waiting=20))
    assert ends(low) == (5, Action.HOLD, Rule.DOWN_WINDOW)
    assert the_clamp(low, Rule.DOWN_WINDOW).until == NOW + 255 * SECOND
    assert decided(policy, a_sample(5, waiting=80)).desired == 8


def test_a_gap_in_the_record_lowers_nothing() -> None:
    past = History(recommendations=[(NOW - ago * SECOND, 2) for ago in (45, 30, 15)])
    decision = decided(a_policy(down_window=300), a_sample(5, waiting=20), past)
    assert ends(decision) == (5, Action.HOLD, Rule.DOWN_WINDOW)
    assert the_clamp(decision, Rule.DOWN_WINDOW).until == NOW + 210 * SECOND


def test_a_recommendation_from_the_future_counts_for_nothing() -> None:
    past = history((-3600, 9), (100, 2))
    decision = decided(a_policy(down_window=300), a_sample(5, waiting=20), past)
    assert decision.desired == 2


def test_a_rate_upwards_holds_until_the_oldest_change_leaves_its_period() -> None:
    rates = [Rate(Unit.REPLICAS, 4, 60)]
    changes = changed((50, 1, 3), (20, 3, 5))
    decision = decided(a_policy(up_rates=rates), a_sample(5, waiting=200), changes=changes)
    assert ends(decision) == (5, Action.HOLD, Rule.UP_RATE)
    assert the_clamp(decision, Rule.UP_RATE).until == NOW + 10 * SECOND


def test_changes_of_both_directions_count_within_a_period() -> None:
    rates = [Rate(Unit.REPLICAS, 2, 60)]
    changes = changed((50, 4, 6), (20, 6, 3))
    up = decided(a_policy(up_rates=rates), a_sample(3, waiting=200), changes=changes)
    down = decided(
        a_policy(down_window=0, down_rates=rates), a_sample(3, waiting=0), changes=changes
    )
    assert up.desired == 6  # 3, less 2, and 3 again, were 4 at the start of the period
    assert down.desired == 2


def test_of_several_rates_the_larger_change_holds() -> None:
    rates = [Rate(Unit.PERCENT, 10, 15), Rate(Unit.REPLICAS, 3, 15)]
    assert decided(a_policy(up_rates=rates), a_sample(40, waiting=9999)).desired == 44
    assert decided(a_policy(up_rates=rates), a_sample(10, waiting=9999)).desired == 13
    lower = a_policy(down_window=0, down_rates=rates)
    assert decided(lower, a_sample(40, waiting=9)).desired == 36
    assert decided(lower, a_sample(10, waiting=9)).desired == 7


def test_a_percentage_is_rounded_up_upwards_and_down_downwards() -> None:
    rates = [Rate(Unit.PERCENT, 10, 15)]
    assert decided(a_policy(up_rates=rates), a_sample(1, waiting=90)).desired == 2
    policy = a_policy(down_window=0, down_rates=rates)
    assert decided(policy, a_sample(9, waiting=10)).desired == 8


def test_what_a_person_changed_is_where_a_rate_goes_on_from() -> None:
    rates = [Rate(Unit.REPLICAS, 4, 600)]
    changes = changed((300, 1, 4), by=By.PERSON)
    decision = decided(a_policy(up_rates=rates), a_sample(4, waiting=200), changes=changes)
    assert decision.desired == 8


def test_the_plain_form_doubles_at_most() -> None:
    policy = a_policy(behaviour=Behaviour.PLAIN)
    assert decided(policy, a_sample(5, waiting=990)).desired == 10
    assert decided(policy, a_sample(1, waiting=990)).desired == 4


def test_the_calendar_has_its_replicas_before_the_bell_and_at_once() -> None:
    decision = decided(a_policy(), a_sample(1, waiting=0), settled(1), floors=[EXAM])
    assert ends(decision) == (6, Action.UP, Rule.CALENDAR)
    clamp = the_clamp(decision, Rule.CALENDAR)
    assert (clamp.until, clamp.says) == (EXAM.ends_at, "Midterm")


@pytest.mark.parametrize("at", [EXAM.prepare_at - SECOND, EXAM.ends_at])
def test_the_calendar_is_silent_before_and_after(at: datetime) -> None:
    earlier = at - NOW
    floor = Floor("Midterm", NOW, EXAM.ends_at - earlier, 6, prepare_at=EXAM.prepare_at - earlier)
    decision = decided(a_policy(), a_sample(1, waiting=0), settled(1), floors=[floor])
    assert decision.desired == 1


def test_the_calendar_holds_without_data_and_never_lowers() -> None:
    blind = decided(a_policy(), None, changes=changed((3600, 1, 2)), floors=[EXAM])
    busy = decided(a_policy(), a_sample(8, waiting=80), settled(8), floors=[EXAM])
    assert (blind.desired, busy.desired) == (6, 8)


def test_the_calendar_does_not_go_beyond_the_most() -> None:
    decision = decided(a_policy(most=4), a_sample(1, waiting=0), settled(1), floors=[EXAM])
    assert ends(decision) == (4, Action.UP, Rule.MOST)


@pytest.mark.parametrize("waiting", [None, 0, 500])
def test_surge_replicas_of_a_deployment_change_nothing(waiting: float | None) -> None:
    decision = decided(
        a_policy(least=2, most=4), a_sample(8, waiting=waiting), deploying=True, floors=[EXAM]
    )
    assert ends(decision) == (8, Action.HOLD, Rule.DEPLOYING)


def test_what_surge_replicas_seem_to_want_is_not_remembered() -> None:
    known = decided(a_policy(), a_sample(8, waiting=500), settled(4, 3), deploying=True)
    new = decided(a_policy(), a_sample(8, waiting=500), deploying=True)
    assert (known.recommended, new.recommended) == (3, 8)


@pytest.mark.parametrize("waiting", [0, 500])
def test_nothing_changes_for_a_while_after_a_deployment(waiting: float) -> None:
    deployed_at = NOW - 40 * SECOND
    decision = decided(
        a_policy(cooldown=60), a_sample(4, waiting=waiting), settled(1), deployed_at=deployed_at
    )
    assert ends(decision) == (4, Action.HOLD, Rule.COOLDOWN)
    assert the_clamp(decision, Rule.COOLDOWN).until == NOW + 20 * SECOND


def test_nothing_changes_for_a_while_after_a_change_by_hand_and_then_it_does() -> None:
    sample, policy = a_sample(4, waiting=80), a_policy(cooldown=60)
    held = decided(policy, sample, changes=changed((59, 1, 4), by=By.PERSON))
    over = decided(policy, sample, changes=changed((60, 1, 4), by=By.PERSON))
    own = decided(policy, sample, changes=changed((59, 1, 4)))
    assert (held.because, over.desired, own.desired) == (Rule.COOLDOWN, 8, 8)


def test_a_cooldown_holds_back_neither_the_least_nor_the_calendar() -> None:
    recently = changed((5, 4, 1), by=By.PERSON)
    least = decided(a_policy(least=3), a_sample(1, waiting=0), changes=recently)
    exam = decided(a_policy(), a_sample(1, waiting=0), changes=recently, floors=[EXAM])
    assert (least.desired, exam.desired) == (3, 6)


@pytest.mark.parametrize("waiting", [None, 0, 500])
def test_a_number_set_by_hand_for_a_time_stays_also_beyond_the_bounds(
    waiting: float | None,
) -> None:
    until = NOW + HOUR
    decision = decided(a_policy(least=2, most=4), a_sample(6, waiting=waiting), by_hand_until=until)
    assert ends(decision) == (6, Action.HOLD, Rule.BY_HAND)
    assert the_clamp(decision, Rule.BY_HAND).until == until


def test_a_number_set_by_hand_is_the_policys_again_when_its_time_is_over() -> None:
    sample = a_sample(6, waiting=0)
    assert decided(a_policy(most=4), sample, by_hand_until=NOW).desired == 4


def test_the_calendar_raises_what_was_set_by_hand() -> None:
    decision = decided(a_policy(), a_sample(1, waiting=0), by_hand_until=NOW + HOUR, floors=[EXAM])
    assert ends(decision) == (6, Action.UP, Rule.CALENDAR)


GIB = 2**30


@pytest.mark.parametrize(("free", "desired"), [(GIB - 1, 2), (GIB, 3), (3 * GIB, 5), (99 * GIB, 6)])
def test_no_more_replicas_than_the_memory_has_room_for(free: int, desired: int) -> None:
    sample = with_room(a_sample(2, waiting=60), memory_free=free, memory_each=GIB)
    decision = decided(a_policy(), sample)
    assert decision.desired == desired
    assert (decision.because is Rule.MEMORY) == (desired < 6)


def test_no_more_replicas_than_the_database_has_connections_for() -> None:
    sample = with_room(a_sample(2, waiting=60), connections_free=25, connections_each=10)
    assert ends(decided(a_policy(), sample)) == (4, Action.UP, Rule.CONNECTIONS)


@pytest.mark.parametrize(
    "room",
    [
        {"memory_free": None, "memory_each": GIB},
        {"memory_free": 0, "memory_each": None},
        {"connections_free": None, "connections_each": 10},
        {"connections_free": 0, "connections_each": None},
        {"memory_free": 0, "memory_each": 0},
    ],
)
def test_room_that_is_not_known_bounds_nothing(room: dict[str, int | None]) -> None:
    assert decided(a_policy(), with_room(a_sample(2, waiting=60), **room)).desired == 6


def test_room_for_replicas_that_are_coming_is_taken() -> None:
    sample = with_room(a_sample(2, waiting=90), memory_free=3 * GIB, memory_each=GIB)
    assert decided(a_policy(), replace(sample, wanted=4)).desired == 5


def test_a_lack_of_room_lowers_nothing_and_bounds_the_calendar_but_not_the_least() -> None:
    full = {"memory_free": 0, "memory_each": GIB, "connections_free": -5, "connections_each": 10}
    calm = decided(a_policy(), with_room(a_sample(4, waiting=40), **full), settled(4))
    exam = decided(a_policy(), with_room(a_sample(4, waiting=40), **full), floors=[EXAM])
    least = decided(a_policy(least=5), with_room(a_sample(4, waiting=40), **full))
    assert ends(calm) == (4, Action.STAY, None)
    assert ends(exam) == (4, Action.HOLD, Rule.MEMORY)
    assert ends(least) == (5, Action.UP, Rule.LEAST)


def test_more_would_not_help_where_the_service_behind_has_no_room() -> None:
    decision = decided(a_policy(), with_room(a_sample(2, waiting=60), saturated="inference"))
    assert ends(decision) == (2, Action.HOLD, Rule.SATURATED)
    assert the_clamp(decision, Rule.SATURATED).says == "inference"


def test_fewer_are_allowed_where_the_service_behind_has_no_room() -> None:
    sample = with_room(a_sample(6, waiting=20), saturated="inference")
    assert decided(a_policy(), sample, settled(2)).desired == 2


def test_a_saturated_service_behind_holds_back_neither_the_least_nor_the_calendar() -> None:
    sample = with_room(a_sample(2, waiting=60), saturated="inference")
    assert decided(a_policy(least=3), sample).desired == 3
    assert decided(a_policy(), sample, floors=[EXAM]).desired == 6


def test_every_rule_that_changed_the_number_is_recorded_in_order() -> None:
    room = {"memory_free": 2 * GIB, "memory_each": GIB}
    sample = with_room(a_sample(2, waiting=500), **room)
    decision = decided(a_policy(most=20), sample)
    assert [(each.rule, each.before, each.after) for each in decision.clamps] == [
        (Rule.MOST, 50, 20),
        (Rule.UP_RATE, 20, 6),
        (Rule.MEMORY, 6, 4),
    ]


def test_a_number_beyond_the_bounds_is_moved_there_at_once_also_without_data() -> None:
    for waiting in (None, 500):
        decision = decided(a_policy(most=4), a_sample(6, waiting=waiting), settled(6))
        assert ends(decision) == (4, Action.DOWN, Rule.MOST)
