"""Deployments through REST: an operator asks and decides, a pipeline asks and waits."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils.timezone import now

from opsconsole.models import Deployment, Environment, Event, ExamWindow
from pmscoring.base.roles import REQUEST
from scoring.models import ApiToken
from tests.clients import JSON, client_for
from tests.factories import make_user
from tests.opsconsole.environments_made import deployment, environment, release

pytestmark = pytest.mark.django_db
DEPLOYMENTS = "/api/v1/ops/deployments"


@pytest.fixture
def production(db: None) -> Environment:
    row = environment()
    release(row, "1.0.0", live=True)
    return row


@pytest.fixture
def operator(db: None) -> Client:
    return client_for("operator")


@pytest.fixture
def pipeline(db: None) -> Client:
    """A client with an operator's token of the scope `request`."""
    user = make_user("ci", "operator")
    secret = ApiToken.issue(user, "pipeline", scope=REQUEST)[1]
    return Client(headers={"Authorization": f"Bearer {secret}"})


def post(client: Client, path: str = "", **body: Any) -> Any:
    headers = {"Accept-Language": "en"}
    return client.post(f"{DEPLOYMENTS}{path}", body, content_type=JSON, headers=headers)


def test_an_operator_asks_for_a_version(operator: Client, production: Environment) -> None:
    response = post(operator, environment="production", version="1.1.0", maintenance=True)
    assert response.status_code == 202, response.content
    row = Deployment.objects.get()
    assert (row.version, row.maintenance, row.needs_approval) == ("1.1.0", True, False)
    assert production.release
    assert response.json()["from"] == str(production.release.uid)
    assert operator.get(response["Location"]).json() == response.json()
    event = Event.objects.get()
    assert (event.deed, event.actor, event.source) == ("deployment.requested", "operator", "rest")


def test_an_earlier_release_is_deployed_again(operator: Client, production: Environment) -> None:
    earlier = release(production, "0.9.0")
    response = post(operator, environment="production", release=str(earlier.uid))
    assert response.json()["to"] == str(earlier.uid)
    assert response.json()["source"] == "release"


def test_what_a_pipeline_asks_for_waits_until_an_operator_approves(
    pipeline: Client, operator: Client, production: Environment
) -> None:
    response = post(pipeline, environment="production", version="1.1.0")
    assert response.status_code == 202, response.content
    row = Deployment.objects.get()
    assert (row.needs_approval, row.approved_at, row.requested_by) == (True, None, "ci")
    assert not Deployment.objects.waiting().exists()
    assert post(operator, f"/{row.uid}/approve", why="looked at it").status_code == 202
    assert Deployment.objects.waiting().get() == row
    row.refresh_from_db()
    assert (row.approved_by, row.why) == ("operator", "looked at it")


def test_a_pipeline_can_do_nothing_but_ask(pipeline: Client, production: Environment) -> None:
    row = deployment(production)
    assert pipeline.get(DEPLOYMENTS).status_code == 403
    assert pipeline.get(f"{DEPLOYMENTS}/{row.uid}").status_code == 403
    for deed in ("approve", "cancel", "break-lock"):
        assert post(pipeline, f"/{row.uid}/{deed}", why="x").status_code == 403
    row.refresh_from_db()
    assert (row.status, row.approved_at) == ("requested", None)


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"environment": "moon", "version": "1"}, "/environment"),
        ({"version": "1"}, "/environment"),
        ({"environment": "production"}, "/version"),
        ({"environment": "production", "version": 1}, "/version"),
        ({"environment": "production", "version": "1", "needs_approval": False}, ""),
        ({"environment": "production", "release": "5"}, "/release"),
    ],
)
def test_a_body_that_is_wrong_says_where(
    operator: Client, production: Environment, body: dict[str, Any], pointer: str
) -> None:
    response = post(operator, **body)
    assert response.status_code == 422
    assert pointer in [error["pointer"] for error in response.json()["errors"]]
    assert not Deployment.objects.exists()


def test_a_release_of_another_environment_is_none_of_this_one(
    operator: Client, production: Environment
) -> None:
    other = release(environment("staging"), "2.0.0")
    response = post(operator, environment="production", release=str(other.uid))
    assert response.json()["errors"][0]["pointer"] == "/release"


@pytest.mark.parametrize("version", ["-x", "a b", "1;ls"])
def test_a_version_that_is_no_tag_is_a_conflict(
    operator: Client, production: Environment, version: str
) -> None:
    assert post(operator, environment="production", version=version).status_code == 409
    assert not Deployment.objects.exists()


def test_two_at_once_are_a_conflict(operator: Client, production: Environment) -> None:
    deployment(production, status="rolling", claimed_at=now())
    response = post(operator, environment="production", version="1.2.0")
    assert response.status_code == 409
    assert "under way" in response.json()["detail"]


def test_an_exam_window_wants_a_reason(operator: Client, production: Environment) -> None:
    at = now()
    ExamWindow.objects.create(name="Spring", starts_at=at, ends_at=at + timedelta(hours=1))
    wanted = {"environment": "production", "version": "1.1.0"}
    assert post(operator, **wanted).status_code == 409
    assert post(operator, **wanted, why="it is down anyway").status_code == 202


def test_one_under_way_is_cancelled_and_its_lock_broken(
    operator: Client, production: Environment
) -> None:
    row = deployment(production, status="rolling", claimed_at=now())
    assert post(operator, f"/{row.uid}/break-lock").status_code == 422
    assert post(operator, f"/{row.uid}/break-lock", why="it hangs").status_code == 202
    shown = post(operator, f"/{row.uid}/cancel")
    assert shown.status_code == 202
    assert shown.json()["cancel_at"]
    deeds = Event.objects.order_by("number").values_list("deed", flat=True)
    assert list(deeds) == ["deployment.lock_broken", "deployment.cancel_requested"]
    over = deployment(environment("staging"), status="live")
    assert post(operator, f"/{over.uid}/cancel").status_code == 409


def test_deployments_are_found_by_environment_and_state(
    operator: Client, production: Environment
) -> None:
    live = deployment(production, status="live", verdict={"ok": True, "says": "good"})
    deployment(environment("staging"))

    def found(**query: str) -> list[str]:
        rows = operator.get(DEPLOYMENTS, query).json()["results"]
        return [row["environment"] for row in rows]

    assert found() == ["staging", "production"]
    assert found(state="live") == found(environment="production") == ["production"]
    shown = operator.get(f"{DEPLOYMENTS}/{live.uid}").json()
    assert shown["verdict"] == {"ok": True, "says": "good"}


def test_viewers_read_and_decide_nothing(production: Environment) -> None:
    viewer, row = client_for("viewer"), deployment(production)
    assert viewer.get(f"{DEPLOYMENTS}/{row.uid}").status_code == 200
    assert post(viewer, environment="production", version="1").status_code == 403
    for deed in ("approve", "cancel", "break-lock"):
        assert post(viewer, f"/{row.uid}/{deed}", why="x").status_code == 403
    for role in ("exam manager", "marker", "client"):
        assert client_for(role).get(DEPLOYMENTS).status_code == 403
