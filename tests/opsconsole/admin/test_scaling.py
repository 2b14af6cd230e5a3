"""The pages of scaling say what is seen, what was decided, and why."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils.timezone import now

from opsconsole.models import Operation, ScalingPolicy
from tests.clients import signed_in
from tests.opsconsole.environments_made import environment, operation
from tests.opsconsole.scaling.factories import REQUESTS, a_day, decision, input_of, policy

pytestmark = pytest.mark.django_db
CONSOLE = "/admin/opsconsole"
LIST = f"{CONSOLE}/scalingpolicy/"
DECISIONS = f"{CONSOLE}/scalingdecision/"


def text(page: str) -> str:
    """A page's text, without its tags."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


def shown(browser: Client, row: ScalingPolicy, span: str = "") -> str:
    """The text of the policy's page."""
    return text(browser.get(f"{LIST}{row.pk}/change/", {"span": span}).content.decode())


def test_an_empty_list_says_what_comes_first(operator: Client) -> None:
    assert "No scaling policy yet" in operator.get(LIST).content.decode()
    assert "No scaling decision yet" in operator.get(DECISIONS).content.decode()


def test_the_list_shows_state_replicas_and_age(operator: Client) -> None:
    row = policy(dry_run=True)
    decision(row, action="up", desired=3, outcome="dry_run")
    page = text(operator.get(LIST).content.decode())
    for word in ("web", "production", "dry run", "2 → 3", "just now"):
        assert word in page


def test_the_page_shows_load_target_and_replicas(operator: Client) -> None:
    row = policy()
    decision(row, inputs=[input_of(REQUESTS, 24.0, 3)], desired=3, action="up", outcome="done")
    page = shown(operator, row)
    for word in ("24/s", "10/s for each replica", "of 1 to 4", "at work", "2 → 3"):
        assert word in page


@pytest.mark.parametrize("span", ["hour", "day", "fortnight"])
def test_the_chart_marks_each_change_and_is_a_table_too(operator: Client, span: str) -> None:
    row = policy()
    dense: dict[str, Any] = {"span": timedelta(minutes=55), "every": timedelta(seconds=30)}
    a_day(row, **dense if span == "hour" else {})
    page = operator.get(f"{LIST}{row.pk}/change/", {"span": span}).content.decode()
    last = {"hour": timedelta(hours=1), "day": timedelta(days=1), "fortnight": timedelta(days=14)}
    changes = row.decisions.changing().filter(at__gt=now() - last[span])
    assert page.count('class="pms-mark pms-mark-done"') == changes.count() > 0
    for change in changes:
        assert f'<a href="{DECISIONS}{change.pk}/change/" aria-label=' in page
    assert page.count("pms-line-ready") == page.count("pms-line-load") == 1
    assert "requests a second (highest)" in text(page)


def test_a_line_is_broken_where_nothing_was_decided(operator: Client) -> None:
    row = policy()
    for minutes in (50, 49, 48, 10, 9, 8):
        decision(row, now() - timedelta(minutes=minutes))
    page = operator.get(f"{LIST}{row.pk}/change/").content.decode()
    assert page.count("pms-line pms-line-load") == 2


def test_a_metric_that_failed_is_no_zero(operator: Client) -> None:
    row = policy(held_since=now() - timedelta(minutes=7))
    decision(row, action="hold", because="missing", inputs=[input_of(REQUESTS, None)])
    page = shown(operator, row)
    assert "HAProxy does not answer" in page
    assert "It has held for want of data for 7 minutes" in page
    assert "requests a second – 10/s for each replica" in page


def test_changes_that_fail_are_not_taken_for_want_of_data(operator: Client) -> None:
    row = policy(held_since=now() - timedelta(minutes=7))
    decision(row, action="up", desired=4, outcome="failed", says="no space left on device")
    page = shown(operator, row)
    assert "Its changes have come to nothing for 7 minutes" in page
    assert "no space left on device" in page
    assert "want of data" not in page
    page = text(operator.get("/admin/").content.decode())
    assert "has not been scaled as it needs for 7 minutes" in page


def test_a_decision_that_is_too_old_says_that_nobody_scales(operator: Client) -> None:
    row = policy(decided_at=now() - timedelta(minutes=3))
    decision(row, now() - timedelta(minutes=3))
    assert "Nobody scales this service now" in shown(operator, row)


def test_an_environment_that_is_not_laid_out_is_not_called_stale(operator: Client) -> None:
    row = policy(of=environment("staging", laid_out_at=None, seen={}), decided_at=None)
    page = shown(operator, row)
    assert "not laid out" in page
    assert "Nobody scales this service" not in page


def test_a_number_by_hand_says_until_when(operator: Client) -> None:
    row = policy()
    later = (now() + timedelta(hours=1)).isoformat()
    operation(
        row.environment, Operation.Kind.SCALE, target="web",
        arguments={"replicas": 2, "not_before": later},
    )  # fmt: skip
    page = shown(operator, row)
    assert "Set by hand by operator until" in page
    assert "then 2 again" in page


def test_the_list_of_decisions_shows_changes_unless_more_is_asked_for(operator: Client) -> None:
    row = policy()
    stayed = decision(row)
    held = decision(row, action="hold", because="missing")
    changed = decision(row, action="up", desired=3, outcome="done")

    def listed(**query: str) -> set[int]:
        page = operator.get(DECISIONS, query).content.decode()
        return {int(key) for key in re.findall(rf"{DECISIONS}(\d+)/change/", page)}

    assert listed() == {changed.pk}
    assert listed(shown="held") == {held.pk}
    assert listed(shown="all") == {stayed.pk, held.pk, changed.pk}


def test_a_decision_shows_inputs_rules_and_what_came(operator: Client) -> None:
    row = policy()
    clamps = [{"rule": "up_rate", "before": 6, "after": 4, "until": None, "says": ""}]
    made = decision(
        row, inputs=[input_of(REQUESTS, 58.0, 6)], recommended=6, desired=4, action="up",
        because="up_rate", clamps=clamps, outcome="short", came=3, came_at=now(),
    )  # fmt: skip
    page = text(operator.get(f"{DECISIONS}{made.pk}/change/").content.decode())
    for word in ("58/s", "rate upwards", "3 replicas were ready", "fewer became ready"):
        assert word in page


def test_the_overview_and_the_environment_lead_to_it(operator: Client) -> None:
    row = policy(held_since=now() - timedelta(minutes=9))
    decision(row)
    for address in ("/admin/", f"{CONSOLE}/environment/{row.environment_id}/change/"):
        page = operator.get(address).content.decode()
        assert f'href="{LIST}{row.pk}/change/"' in page
        assert "20/s" in page
    assert "has held for want of data for 9 minutes" in text(
        operator.get("/admin/").content.decode()
    )


def test_viewers_see_and_others_do_not() -> None:
    row = policy()
    assert "Scaling of web" in shown(signed_in("viewer"), row)
    for role in ("marker", "exam manager"):
        assert signed_in(role).get(f"{LIST}{row.pk}/change/").status_code in (302, 403, 404)
