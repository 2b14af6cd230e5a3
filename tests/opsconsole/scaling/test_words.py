"""A decision in words: a sentence for each rule, and the decision as a whole."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone, translation

from opsconsole.gateways.haproxy import HaproxyError
from opsconsole.gateways.prometheus import PrometheusError
from opsconsole.scaling import troubles, words
from opsconsole.scaling.policies import document_of
from opsconsole.scaling.shapes import Action, By, Floor, Kind, Rule
from opsconsole.scaling.troubles import Trouble
from tests.opsconsole.scaling.making import (
    NOW,
    OLDEST,
    SECOND,
    WAITING,
    a_policy,
    a_sample,
    changed,
    cpu,
    decided,
    settled,
    with_room,
)


@pytest.fixture(autouse=True)
def utc() -> Iterator[None]:
    with timezone.override(ZoneInfo("UTC")):
        yield


def test_the_decision_tells_its_story_in_order() -> None:
    policy = a_policy(WAITING, OLDEST, most=4)
    document = document_of(decided(policy, a_sample(2, waiting=80, oldest=None)))
    assert words.sentences(document) == [
        "waiting answers: 80, target 10 a replica; wants 8.",
        "age of the oldest waiting answer: not known, because away.",
        "The metrics want 8; now: 2.",
        "The most is 4; 8 would be wanted.",
        "From 2 to 4.",
    ]


def test_it_says_which_rule_waits_and_until_when() -> None:
    document = document_of(decided(a_policy(), a_sample(5, waiting=20), settled(5, 2)))
    assert words.sentences(document)[-2:] == [
        "The highest recommendation of the window downwards holds: 5. Until 03:04:30.",
        "Held at 5.",
    ]
    assert words.reason(document) == (
        "The highest recommendation of the window downwards holds: 5. Until 03:04:30."
    )


@pytest.mark.parametrize(
    ("rule", "changes", "sentence"),
    [
        (Rule.TOLERANCE, True, "Within the tolerance: 3, not 5."),
        (Rule.MISSING, True, "While a metric is missing nothing is lowered: 3, not 5."),
        (Rule.MISSING, False, "A metric is missing: stays at 3."),
        (Rule.FALLBACK, True, "For want of data the fallback holds: at least 3."),
        (Rule.LEAST, True, "The least is 3."),
        (Rule.MOST, True, "The most is 3; 5 would be wanted."),
        (Rule.UP_WINDOW, True, "The lowest recommendation of the window upwards holds: 3."),
        (Rule.DOWN_WINDOW, True, "The highest recommendation of the window downwards holds: 3."),
        (Rule.UP_RATE, True, "The rate upwards allows 3 of 5."),
        (Rule.DOWN_RATE, True, "The rate downwards allows 3, not yet 5."),
        (Rule.CALENDAR, True, "The exam window “this” wants at least 3."),
        (Rule.DEPLOYING, True, "A deployment is under way: nothing is changed."),
        (Rule.COOLDOWN, True, "Cooldown after a deployment or a change by hand: stays at 3."),
        (Rule.BY_HAND, True, "Set by hand: stays at 3."),
        (Rule.PAUSED, True, "Paused: stays at 3."),
        (Rule.MEMORY, True, "The free memory suffices for 3, not for 5."),
        (
            Rule.CONNECTIONS,
            True,
            "The free connections of the database suffice for 3, not for 5.",
        ),
        (Rule.SATURATED, True, "this has no room, so more would not help: 3."),
    ],
)
def test_each_rule_has_its_sentence(rule: Rule, changes: bool, sentence: str) -> None:
    clamp = {"rule": str(rule), "before": 5 if changes else 3, "after": 3, "says": "this"}
    assert words.of_clamp(clamp, NOW) == sentence
    until = {**clamp, "until": (NOW + 90 * SECOND).isoformat()}
    assert words.of_clamp(until, NOW) == f"{sentence} Until 03:01:30."


def test_every_rule_action_and_kind_has_a_name_and_every_trouble_its_words() -> None:
    assert all("_" not in words.rule_name(rule) for rule in Rule)
    assert all(words.action_name(action) != str(action) for action in Action)
    assert all(words.kind_name(kind) != str(kind) for kind in Kind)
    assert all(troubles.in_words(trouble) != str(trouble) for trouble in Trouble)


def test_a_trouble_is_kept_in_no_language() -> None:
    seen = {"key": "requests", "value": None, "target": 20.0, "basis": "total", "wants": None}
    for error in (
        PrometheusError("prometheus_refuses", "100 % wrong: at char 3"),
        HaproxyError("haproxy_refuses", 503),
    ):
        with translation.override("ja"):
            kept = error.recorded
        seen["trouble"] = kept
        english = words.of_input(seen)
        with translation.override("ja"):
            japanese = words.of_input(seen)
        assert english.isascii()
        assert error.about in english
        assert not japanese.isascii()
        assert error.about in japanese


def test_what_an_engine_said_is_shown_as_it_is() -> None:
    said = "error while reading: 100 % full"
    assert troubles.in_words(said) == said


def test_what_a_later_version_recorded_is_shown_as_it_is() -> None:
    clamp = {"rule": "100%_new", "before": 5, "after": 3, "until": None}
    assert words.of_clamp(clamp, NOW) == "100%_new: 5 → 3."
    assert words.rule_name("100%_new") == "100%_new"


def test_what_is_said_of_a_window_may_have_percent_signs() -> None:
    exam = Floor("100% %(after)d", NOW, NOW + timedelta(days=1), 4, NOW)
    document = document_of(decided(a_policy(), a_sample(1, waiting=0), floors=[exam]))
    assert words.reason(document) == (
        "The exam window “100% %(after)d” wants at least 4. Until 2026-06-02 03:00."
    )


def test_times_are_in_the_zone_of_who_reads() -> None:
    document = document_of(decided(a_policy(), a_sample(5, waiting=20), settled(5, 2)))
    with timezone.override(ZoneInfo("Asia/Tokyo")):
        assert words.reason(document).endswith("Until 12:04:30.")


def test_it_is_read_alike_from_json() -> None:
    at = datetime(2026, 6, 1, 3, tzinfo=UTC)
    assert words.clock("2026-06-01T03:04:30+00:00", at) == "03:04:30"
    assert words.clock(at, "2026-05-31T03:00:00Z") == "2026-06-01 03:00"


def test_the_reason_of_a_change_without_a_rule_is_the_metric_that_wants_most() -> None:
    document = document_of(decided(a_policy(WAITING, OLDEST), a_sample(4, waiting=50, oldest=90)))
    assert words.reason(document) == "age of the oldest waiting answer: 90 s, target 60 s; wants 6."


def test_the_reason_without_a_look_is_what_the_engine_said() -> None:
    blind = document_of(decided(a_policy(), None, changes=changed((60, 1, 4))))
    assert words.sentences(blind)[0] == (
        "waiting answers: not known, because the service could not be looked at."
    )
    assert words.reason(blind) == "A metric is missing: stays at 4."
    undecided = {**blind, "inputs": [], "clamps": [], "because": "", "says": "metrics: none"}
    assert words.reason(undecided) == "metrics: none"


def test_a_share_of_the_limit_is_in_percent() -> None:
    seen = {"key": "cpu", "value": 0.84, "target": 0.6, "basis": "average"}
    seen |= {"wants": 3, "trouble": ""}
    assert words.of_input(seen) == "CPU: 84%, target 60%; wants 3."


@pytest.mark.parametrize(
    ("key", "value", "text"),
    [
        ("cpu", 0.835, "83.5%"),
        ("waiting", 5000, "5,000"),
        ("oldest", 61.04, "61 s"),
        ("requests", 2.5, "2.5/s"),
        ("latency", 1234.5, "1,234 ms"),
        ("query:up", 0.0123, "0.0123"),
        ("cpu", None, "–"),
    ],
)
def test_values_have_their_units(key: str, value: float | None, text: str) -> None:
    assert words.amount(key, value) == text


@pytest.mark.parametrize(
    ("outcome", "came", "sentence"),
    [
        ("", None, "From 2 to 6."),
        ("dry_run", None, "Not done, because of the dry run: from 2 to 6."),
        ("paused", None, "Not done, because the policy is paused: from 2 to 6."),
        ("busy", None, "Not done, because the last change is still under way."),
        ("changed", None, "Not done, because somebody changed the number meanwhile."),
        ("changed", 2, "From 2 to 6, and changed by somebody before that was seen to be done."),
        ("late", None, "Not done, because nobody took it up in time."),
        ("doing", None, "Being done: from 2 to 6."),
        ("done", 6, "Done: from 2 to 6."),
        ("short", 4, "Asked for 6, but only 4 became ready."),
        ("short", None, "Asked for 6, but fewer became ready."),
        ("failed", None, "From 2 to 6 failed: no such image"),
    ],
)
def test_it_says_what_became_of_it(outcome: str, came: int | None, sentence: str) -> None:
    document = document_of(decided(a_policy(), a_sample(2, waiting=60)))
    row = {**document, "outcome": outcome, "came": came, "says": "no such image"}
    assert words.sentences(row)[-1] == sentence


def test_nothing_to_change_is_said_so() -> None:
    document = document_of(decided(a_policy(cpu(0.5), WAITING), a_sample(3, waiting=30)))
    calm = document_of(decided(a_policy(), a_sample(3, waiting=30), settled(3)))
    assert words.sentences(calm)[-1] == "Nothing is to be changed: 3."
    assert words.sentences(document)[-1] == "Held at 3."


def test_more_workers_would_not_help() -> None:
    sample = with_room(a_sample(2, waiting=60), saturated="inference")
    document = document_of(decided(a_policy(), sample))
    assert words.reason(document) == "inference has no room, so more would not help: 2."


def test_a_cooldown_says_until_when() -> None:
    recently = changed((20, 1, 4), by=By.PERSON)
    document = document_of(decided(a_policy(), a_sample(4, waiting=80), changes=recently))
    assert words.reason(document) == (
        "Cooldown after a deployment or a change by hand: stays at 4. Until 03:00:40."
    )
