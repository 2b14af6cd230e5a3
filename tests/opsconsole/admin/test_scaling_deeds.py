"""What operators do with policies: each leaves an event, and nobody else may."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils.timezone import now

from opsconsole.environments import operate, put_backs
from opsconsole.models import Caller, Event, ExamWindow, Operation, ScalingPolicy
from opsconsole.scaling import policies
from tests.clients import signed_in
from tests.opsconsole.environments_made import environment, operation
from tests.opsconsole.scaling.factories import LATENCY, REQUESTS, WAITING, a_day, decision, policy

pytestmark = pytest.mark.django_db
LIST = "/admin/opsconsole/scalingpolicy/"
RULES = {
    "least": "1",
    "most": "4",
    "tolerance": "10",
    "up_window": "0",
    "down_window": "300",
    "warm_up": "30",
    "cooldown": "60",
    "behaviour": "behavior",
}


def page_of(browser: Client, row: ScalingPolicy, place: str) -> str:
    return browser.get(f"{LIST}{row.pk}/{place}/").content.decode()


def post(browser: Client, row: ScalingPolicy, place: str, **fields: Any) -> Any:
    return browser.post(f"{LIST}{row.pk}/{place}/", fields, follow=True)


def form(*metrics: dict[str, Any], **changes: str) -> dict[str, str]:
    """What a browser sends of the form of a policy, with these rows of metrics and no rates."""
    fields = {**RULES, **changes}
    for prefix in ("metric", "up", "down"):
        fields[f"{prefix}-INITIAL_FORMS"] = "0"
        fields[f"{prefix}-TOTAL_FORMS"] = str(len(metrics) if prefix == "metric" else 0)
    for number, metric in enumerate(metrics):
        fields |= {f"metric-{number}-{name}": str(value) for name, value in metric.items()}
    return fields


def previewed(browser: Client, row: ScalingPolicy, fields: dict[str, str]) -> str:
    """The mark of the preview, which is sent on with Save."""
    page = browser.post(f"{LIST}{row.pk}/edit/", {**fields, "_preview": ""})
    assert "Save" in page.content.decode()
    mark: str = page.context["form"].fingerprint()
    return mark


def test_a_pause_needs_a_reason_and_ends_by_itself(operator: Client) -> None:
    row = policy()
    post(operator, row, "pause", lasting="60", why="")
    assert not ScalingPolicy.objects.paused().exists()
    post(operator, row, "pause", lasting="60", why="the exam")
    assert ScalingPolicy.objects.paused(now() + timedelta(minutes=59)).exists()
    assert not ScalingPolicy.objects.paused(now() + timedelta(minutes=61)).exists()
    page = page_of(operator, row, "change")
    assert "Paused by operator" in page
    assert "the exam" in page
    post(operator, row, "resume")
    assert "Paused by" not in page_of(operator, row, "change")
    deeds = Event.objects.order_by("number").values_list("deed", "actor")
    assert list(deeds) == [("policy.paused", "operator"), ("policy.resumed", "operator")]


def test_a_resume_without_a_pause_says_so(operator: Client) -> None:
    assert "is not paused" in post(operator, policy(), "resume").content.decode()


def test_a_number_by_hand_is_an_operation_that_is_put_back(operator: Client) -> None:
    row = policy()
    decision(row)
    post(operator, row, "by-hand", replicas="3", lasting="120", why="a rehearsal")
    asked = Operation.objects.get()
    assert (asked.kind, asked.target, asked.why) == ("scale", "web", "a rehearsal")
    assert asked.arguments == {"replicas": 3, "seconds": 7200.0}


def test_a_number_beyond_what_the_service_may_have_is_refused(operator: Client) -> None:
    page = post(operator, policy(), "by-hand", replicas="99", lasting="60", why="")
    assert "web may have 1 to 20 replicas" in page.content.decode()
    assert not Operation.objects.exists()


def test_what_was_set_by_hand_is_put_back_before_its_time(operator: Client) -> None:
    row = policy()
    later = (now() + timedelta(hours=1)).isoformat()
    waiting = operation(
        row.environment, "scale", target="web", arguments={"replicas": 2, "not_before": later}
    )
    post(operator, row, "give-back")
    asked = Operation.objects.exclude(pk=waiting.pk).get()
    assert asked.arguments["replicas"] == 2
    assert asked in operate.due(), "and not only in an hour"
    assert put_backs.is_put_back(asked), "no reason of a person's: exam windows bound it"


def test_it_is_let_act_only_after_it_said_what_it_would_do(operator: Client) -> None:
    row = policy(dry_run=True)
    decision(row, desired=3, action="up", outcome="dry_run")
    page = page_of(operator, row, "dry-run")
    assert "Not done, because of the dry run: from 2 to 3." in page
    assert ScalingPolicy.objects.filter(dry_run=True).exists()
    assert 'name="acts" value="yes"' in page
    post(operator, row, "dry-run", acts="yes")
    assert not ScalingPolicy.objects.filter(dry_run=True).exists()
    assert Event.objects.get().deed == "policy.changed"


def test_a_second_click_does_not_undo_the_first(operator: Client) -> None:
    row = policy(dry_run=True)
    for _click in range(2):
        post(operator, row, "dry-run", acts="yes")
    assert not ScalingPolicy.objects.filter(dry_run=True).exists()
    post(operator, row, "dry-run", acts="no")
    assert ScalingPolicy.objects.filter(dry_run=True).exists()


def test_the_form_has_units_that_people_use(operator: Client) -> None:
    row = policy()
    fields = form({"kind": "cpu", "target": "70"}, REQUESTS, {"kind": ""}, tolerance="15")
    mark = previewed(operator, row, fields)
    post(operator, row, "edit", **fields, previewed=mark, _save="")
    row.refresh_from_db()
    assert row.tolerance == 0.15
    assert row.metrics == [{"kind": "cpu", "target": 0.7, "basis": "average"}, REQUESTS]
    assert 'value="70"' in page_of(operator, row, "edit")


def test_nothing_is_saved_but_what_was_previewed(operator: Client) -> None:
    row = policy()
    a_day(row)
    fields = form(REQUESTS)
    mark = previewed(operator, row, fields)
    page = post(operator, row, "edit", **fields | {"most": "9"}, previewed=mark, _save="")
    assert "You changed it after the preview" in page.content.decode()
    row.refresh_from_db()
    assert row.most == 4


def opened(browser: Client, row: ScalingPolicy) -> dict[str, Any]:
    """What a browser sends of the form as it is now."""
    return sent_by(browser.get(f"{LIST}{row.pk}/edit/"))


def sent_by(page: Any) -> dict[str, Any]:
    form = page.context["form"]
    fields = {bound.html_name: bound.value() for bound in form._fields()}
    return {"read": form.read} | {name: "" if v is None else v for name, v in fields.items()}


def test_a_form_that_others_have_overtaken_shows_what_they_changed_and_what_was_typed(
    operator: Client,
) -> None:
    row = policy()
    fields = opened(operator, row) | {"cooldown": "90", "metric-0-target": "7"}
    other = ScalingPolicy.objects.get()
    other.most = 8
    policies.save(other, caller=Caller("hanako"))
    page = post(operator, row, "edit", **fields, _preview="")
    (change,) = page.context["form"].overtaken.changes
    assert (change["old"], change["now"], change["mine"]) == ("4", "8", "")
    assert "Changed meanwhile by hanako" in page.content.decode()
    again = sent_by(page)
    assert (again["most"], again["cooldown"], again["metric-0-target"]) == ("8", "90", "7")
    mark = previewed(operator, row, again)
    post(operator, row, "edit", **again, previewed=mark, _save="")
    row.refresh_from_db()
    assert (row.most, row.cooldown, row.metrics[0]["target"]) == (8, 90, 7)


def test_a_list_that_both_changed_is_told_and_kept_as_typed(operator: Client) -> None:
    row = policy()
    fields = opened(operator, row) | {"metric-0-target": "7"}
    ScalingPolicy.objects.update(metrics=[{"kind": "cpu", "target": 0.5, "basis": "average"}])
    page = post(operator, row, "edit", **fields, _preview="")
    (change,) = page.context["form"].overtaken.changes
    assert "cpu" in change["now"]
    assert "7" in change["mine"]
    assert page.context["form"].metrics[0]["target"].value() == "7"


def test_every_policy_that_may_be_saved_can_be_edited(operator: Client) -> None:
    expression = "sum(x)" + " " * 1_900 + "/ 2"
    metric = {"kind": "query", "target": 3.0, "basis": "total", "query": expression}
    row = policy(metrics=[metric])
    fields = form(metric, most="5")
    post(operator, row, "edit", **fields, previewed=previewed(operator, row, fields), _save="")
    row.refresh_from_db()
    assert (row.most, row.metrics) == (5, [metric])


def test_the_preview_says_what_both_would_have_done(operator: Client) -> None:
    row = policy()
    a_day(row, span=timedelta(hours=2), every=timedelta(seconds=15))
    fields = form({"kind": "requests", "target": "5"}, most="6")
    page = operator.post(f"{LIST}{row.pk}/edit/", {**fields, "_preview": ""})
    preview = page.context["preview"]
    rows = {each["name"]: each["values"] for each in preview["rows"]}
    assert preview["names"] == ["as it was", "present policy", "changed policy"]
    assert rows["highest number of replicas"] == ["4", "4", "6"]
    as_it_was, present, changed = (float(hours) for hours in rows["replica hours"])
    assert as_it_was == pytest.approx(present, abs=0.5)
    assert changed > present + 1
    assert not Event.objects.exists()


def test_the_preview_knows_the_exam_windows_of_that_time(operator: Client) -> None:
    row = policy(most=8)
    a_day(row, loads=(8, 8), span=timedelta(hours=2), every=timedelta(seconds=15))
    starts = now() - timedelta(hours=1)
    ExamWindow.objects.create(name="w", starts_at=starts, ends_at=now(), floors={"web": 6})
    page = operator.post(f"{LIST}{row.pk}/edit/", {**form(REQUESTS, most="8"), "_preview": ""})
    rows = {each["name"]: each["values"] for each in page.context["preview"]["rows"]}
    assert rows["highest number of replicas"] == ["1", "6", "6"]


def test_without_samples_the_preview_says_what_to_do_first(operator: Client) -> None:
    row = policy()
    page = operator.post(f"{LIST}{row.pk}/edit/", {**form(REQUESTS), "_preview": ""})
    assert "No sample of this service was recorded" in page.content.decode()


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        (form({"kind": "requests", "target": ""}), "Enter the target of this metric."),
        (form(), "Choose at least one metric."),
        (form(REQUESTS, REQUESTS), "A metric is there twice."),
        (form(REQUESTS, least="5"), "The most must not be less than the least."),
        (form(REQUESTS, most="99"), "Enter a whole number from 1 to 20."),
        (form({"kind": "query", "target": "3", "query": " "}), "Enter the expression."),
        (form({**LATENCY, "after": "3"}), "Enter both numbers, or neither."),
    ],
)
def test_what_is_wrong_is_said_and_not_saved(
    operator: Client, fields: dict[str, str], says: str
) -> None:
    row = policy(metrics=[WAITING])
    page = operator.post(f"{LIST}{row.pk}/edit/", {**fields, "_save": ""}).content.decode()
    assert says in page.replace("&#x27;", "'")
    row.refresh_from_db()
    assert row.metrics == [WAITING]


def test_a_new_policy_begins_in_dry_run(operator: Client) -> None:
    row = environment()
    fields = {"environment": row.pk, "service": "inference"}
    page = operator.post(f"{LIST}add/", fields, follow=True)
    made = ScalingPolicy.objects.get()
    assert (made.service, made.dry_run) == ("inference", True)
    assert page.redirect_chain[0][0] == f"{LIST}{made.pk}/edit/"
    again = operator.post(f"{LIST}add/", fields)
    assert "This service has a policy already." in again.content.decode()


def test_without_docker_nobody_adds_a_policy_of_what_runs_once(operator: Client) -> None:
    row = environment("here", engine="embedded", project="")
    page = operator.post(f"{LIST}add/", {"environment": row.pk, "service": "web"})
    assert "web runs once: there is nothing to scale." in page.content.decode()
    operator.post(f"{LIST}add/", {"environment": row.pk, "service": "worker"})
    assert [made.service for made in ScalingPolicy.objects.all()] == ["worker"]


@pytest.mark.parametrize(
    "place", ["pause", "resume", "by-hand", "give-back", "dry-run", "edit", "remove"]
)
def test_only_operators_do_anything(place: str) -> None:
    row = policy(dry_run=True)
    fields = {"lasting": "60", "why": "x", "replicas": "3", **form(REQUESTS), "_save": ""}
    for role in ("viewer", "marker", "exam manager"):
        browser = signed_in(role)
        assert browser.get(f"{LIST}{row.pk}/{place}/").status_code in (302, 403, 404)
        assert browser.post(f"{LIST}{row.pk}/{place}/", fields).status_code in (302, 403, 404)
        assert browser.post(f"{LIST}add/", {}).status_code in (302, 403)
    assert not Event.objects.exists()
    assert "Pause" not in page_of(signed_in("viewer"), row, "change")


def test_a_policy_is_removed_once_that_is_confirmed(operator: Client) -> None:
    row = policy()
    decision(row, outcome="done")
    assert f"{LIST}{row.pk}/remove/" in page_of(operator, row, "change")
    assert "replicas stay as they are" in page_of(operator, row, "remove")
    assert ScalingPolicy.objects.exists()
    page = post(operator, row, "remove")
    assert page.redirect_chain == [(LIST, 302)]
    assert not ScalingPolicy.objects.exists()
    event = Event.objects.get()
    assert (event.deed, event.details["change"]) == ("policy.changed", "removed")


def test_a_policy_whose_change_is_being_done_is_not_removed(operator: Client) -> None:
    row = policy()
    decision(row, outcome="doing")
    assert "wait for its end" in post(operator, row, "remove").content.decode()
    assert ScalingPolicy.objects.exists()
