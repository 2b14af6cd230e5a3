"""Scaling policies and their decisions through REST."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils.timezone import now

from opsconsole.models import Event, ScalingDecision, ScalingPolicy
from tests.clients import JSON, client_for
from tests.opsconsole.environments_made import environment

pytestmark = pytest.mark.django_db
OPS = "/api/v1/ops"
ENGLISH = {"Accept-Language": "en"}
WAITING = {"kind": "waiting", "target": 20.0, "basis": "total"}


@pytest.fixture
def policy(db: None) -> ScalingPolicy:
    return ScalingPolicy.objects.create(
        environment=environment(), service="worker", metrics=[WAITING]
    )


@pytest.fixture
def operator(db: None) -> Client:
    return client_for("operator")


@pytest.fixture
def viewer(db: None) -> Client:
    return client_for("viewer")


def decided(policy: ScalingPolicy, **columns: Any) -> ScalingDecision:
    seen = {"key": "waiting", "target": 20.0, "basis": "total", "value": 75.0, "wants": 4}
    row = {
        "current": 1,
        "recommended": 4,
        "desired": 3,
        "action": "up",
        "because": "most",
        "inputs": [{**seen, "trouble": ""}],
        "clamps": [{"rule": "most", "before": 4, "after": 3, "until": None, "says": ""}],
        "outcome": "done",
        "came": 3,
    }
    return ScalingDecision.objects.create(policy=policy, **row | columns)


def send(client: Client, method: str, path: str, **body: Any) -> Any:
    return client.generic(method, f"{OPS}/{path}", _json(body), JSON, headers=ENGLISH)


def _json(body: dict[str, Any]) -> str:
    return json.dumps(body, default=str)


def pointers(response: Any) -> list[str]:
    assert response.status_code == 422, response.content
    return [error["pointer"] for error in response.json()["errors"]]


@pytest.mark.parametrize("path", ["policies", "decisions"])
def test_operators_and_viewers_read_and_nobody_else(path: str) -> None:
    for role in ("operator", "viewer"):
        assert client_for(role).get(f"{OPS}/{path}").status_code == 200
    for role in ("exam manager", "marker", "client"):
        assert client_for(role).get(f"{OPS}/{path}").status_code == 403


def test_only_an_operator_changes_pauses_and_resumes(viewer: Client, policy: ScalingPolicy) -> None:
    path = f"policies/{policy.pk}"
    assert send(viewer, "PATCH", path, most=6).status_code == 403
    assert send(viewer, "POST", f"{path}/pause", until=now(), why="x").status_code == 403
    assert send(viewer, "POST", f"{path}/resume").status_code == 403
    assert send(viewer, "POST", "policies", environment="x", service="web").status_code == 403
    assert send(viewer, "DELETE", path).status_code == 403


def test_a_policy_is_shown(viewer: Client, policy: ScalingPolicy) -> None:
    (listed,) = viewer.get(f"{OPS}/policies?environment=production&service=worker").json()[
        "results"
    ]
    assert (listed["environment"], listed["service"]) == ("production", "worker")
    assert (listed["dry_run"], listed["metrics"]) == (True, [WAITING])
    assert viewer.get(listed["links"]["self"]).json() == listed
    for query in ("environment=moon", "service=web"):
        assert viewer.get(f"{OPS}/policies?{query}").json()["results"] == []
    assert viewer.get(f"{OPS}/policies/999").status_code == 404


def test_an_operator_changes_what_is_named_and_the_event_says_what(
    operator: Client, policy: ScalingPolicy
) -> None:
    response = send(operator, "PATCH", f"policies/{policy.pk}", most=6, dry_run=False)
    assert response.status_code == 200, response.content
    assert (response.json()["most"], response.json()["least"]) == (6, 1)
    policy.refresh_from_db()
    assert (policy.most, policy.dry_run, policy.metrics) == (6, False, [WAITING])
    event = Event.objects.get()
    assert (event.deed, event.source) == ("policy.changed", "rest")
    assert event.details["to"] == {"dry_run": False, "most": 6}


def test_a_rate_may_last_as_long_as_a_policy_may_have_it(
    operator: Client, policy: ScalingPolicy
) -> None:
    rates = [{"unit": "replicas", "value": 1, "seconds": 86_400}]
    response = send(operator, "PATCH", f"policies/{policy.pk}", down_rates=rates)
    assert (response.status_code, response.json().get("down_rates")) == (200, rates)


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"most": 21}, "/most"),
        ({"least": 0}, "/least"),
        ({"most": True}, "/most"),
        ({"metrics": []}, "/metrics"),
        ({"metrics": [{"kind": "moon", "target": 1, "basis": "total"}]}, "/metrics/0/kind"),
        ({"metrics": [{**WAITING, "target": 0}]}, "/metrics/0/target"),
        ({"tolerance": 2}, "/tolerance"),
        ({"up_rates": [{"unit": "replicas", "value": 1, "seconds": 0}]}, "/up_rates/0/seconds"),
        ({"service": "postgres"}, ""),
        ({"paused_until": "2030-01-01T00:00:00Z"}, ""),
    ],
)
def test_what_is_no_policy_is_refused_where_it_is_wrong(
    operator: Client, policy: ScalingPolicy, body: dict[str, Any], pointer: str
) -> None:
    assert pointers(send(operator, "PATCH", f"policies/{policy.pk}", **body))[0] == pointer
    assert not Event.objects.exists()


def test_a_policy_is_added_as_usual_but_for_what_is_named(operator: Client) -> None:
    environment()
    added = send(operator, "POST", "policies", environment="production", service="web", most=6)
    assert added.status_code == 201, added.content
    shown = added.json()
    assert (shown["service"], shown["most"], shown["dry_run"]) == ("web", 6, True)
    assert [metric["kind"] for metric in shown["metrics"]] == ["requests", "latency", "cpu"]
    assert operator.get(added["Location"]).json() == shown
    event = Event.objects.get()
    assert (event.deed, event.details["change"]) == ("policy.changed", "added")


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"service": "worker"}, ""),
        ({"service": "postgres"}, "/service"),
        ({"environment": "moon"}, "/environment"),
        ({"most": 21}, "/most"),
        ({"metrics": []}, "/metrics"),
        ({"paused_until": "2030-01-01T00:00:00Z"}, ""),
    ],
)
def test_what_is_no_new_policy_is_refused_where_it_is_wrong(
    operator: Client, policy: ScalingPolicy, body: dict[str, Any], pointer: str
) -> None:
    wanted = {"environment": "production", "service": "web"} | body
    assert pointers(send(operator, "POST", "policies", **wanted))[0] == pointer
    assert not Event.objects.exists()


def test_a_new_policy_names_its_environment_and_its_service(operator: Client) -> None:
    assert pointers(send(operator, "POST", "policies")) == ["", ""]


def test_a_policy_is_removed_unless_its_change_is_being_done(
    operator: Client, policy: ScalingPolicy
) -> None:
    path = f"policies/{policy.pk}"
    change = decided(policy, outcome="doing", came=None)
    assert send(operator, "DELETE", path).status_code == 409
    ScalingDecision.objects.filter(pk=change.pk).update(outcome="done")
    assert send(operator, "DELETE", path).status_code == 204
    assert not ScalingPolicy.objects.exists()
    assert Event.objects.get().details["change"] == "removed"
    assert send(operator, "DELETE", path).status_code == 404


def test_the_least_is_not_more_than_the_most(operator: Client, policy: ScalingPolicy) -> None:
    assert pointers(send(operator, "PATCH", f"policies/{policy.pk}", least=5, most=4))


def test_a_policy_is_paused_until_a_time_and_resumed(
    operator: Client, policy: ScalingPolicy
) -> None:
    until = (now() + timedelta(hours=2)).isoformat()
    path = f"policies/{policy.pk}"
    paused = send(operator, "POST", f"{path}/pause", until=until, why="repairs")
    assert paused.status_code == 200, paused.content
    assert (paused.json()["paused_until"], paused.json()["paused_why"]) == (until, "repairs")
    resumed = send(operator, "POST", f"{path}/resume")
    assert (resumed.status_code, resumed.json()["paused_until"]) == (200, None)
    deeds = list(Event.objects.order_by("number").values_list("deed", flat=True))
    assert deeds == ["policy.paused", "policy.resumed"]
    assert send(operator, "POST", f"{path}/resume").status_code == 409


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"until": "soon", "why": "x"}, 422),
        ({"until": "2030-01-01T00:00:00", "why": "x"}, 422),
        ({"until": "2000-01-01T00:00:00Z", "why": "x"}, 409),
        ({"why": "x"}, 422),
        ({"until": "2030-01-01T00:00:00Z"}, 422),
    ],
)
def test_a_pause_without_an_end_or_a_reason_is_refused(
    operator: Client, policy: ScalingPolicy, body: dict[str, Any], status: int
) -> None:
    response = send(operator, "POST", f"policies/{policy.pk}/pause", **body)
    assert response.status_code == status
    assert not Event.objects.exists()


def test_decisions_are_shown_with_their_reason(viewer: Client, policy: ScalingPolicy) -> None:
    made = decided(policy)
    decided(policy, action="stay", because="", clamps=[], outcome="")
    listed = viewer.get(f"{OPS}/decisions", headers=ENGLISH).json()["results"]
    assert [each["action"] for each in listed] == ["stay", "up"]
    (up,) = viewer.get(f"{OPS}/decisions?action=up&environment=production", headers=ENGLISH).json()[
        "results"
    ]
    assert (up["id"], up["current"], up["desired"], up["came"]) == (made.pk, 1, 3, 3)
    assert up["inputs"][0]["value"] == 75.0
    assert "3" in up["reason"]
    assert viewer.get(up["links"]["self"], headers=ENGLISH).json() == up
    assert viewer.get(f"{OPS}/decisions?service=web").json()["results"] == []
    assert pointers(viewer.get(f"{OPS}/decisions?action=moon")) == ["/action"]
