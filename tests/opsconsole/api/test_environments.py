"""Environments, releases, deployments, operations and windows through REST."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.utils.timezone import now

from opsconsole.models import Environment, Event, ExamWindow, Operation
from tests.clients import JSON, client_for
from tests.opsconsole.environments_made import deployment, environment, operation, release

pytestmark = pytest.mark.django_db
OPS = "/api/v1/ops"
ENGLISH = {"Accept-Language": "en"}
WINDOW = {
    "name": "Spring",
    "starts_at": "2027-04-01T09:00:00+09:00",
    "ends_at": "2027-04-03T18:00:00+09:00",
}


@pytest.fixture
def production(db: None) -> Environment:
    row = environment()
    release(row, "1.0.0", live=True)
    return row


@pytest.fixture
def operator(db: None) -> Client:
    return client_for("operator")


@pytest.fixture
def viewer(db: None) -> Client:
    return client_for("viewer")


def post(client: Client, path: str, **body: Any) -> Any:
    return client.post(f"{OPS}/{path}", body, content_type=JSON, headers=ENGLISH)


def pointers(response: Any) -> list[str]:
    assert response.status_code == 422, response.content
    return [error["pointer"] for error in response.json()["errors"]]


@pytest.mark.parametrize("path", ["environments", "releases", "operations", "windows"])
def test_operators_and_viewers_read_and_nobody_else(path: str) -> None:
    for role in ("operator", "viewer"):
        assert client_for(role).get(f"{OPS}/{path}").status_code == 200
    for role in ("exam manager", "marker", "client"):
        assert client_for(role).get(f"{OPS}/{path}").status_code == 403


def test_an_environment_is_shown_with_what_was_seen(
    viewer: Client, production: Environment
) -> None:
    (listed,) = viewer.get(f"{OPS}/environments").json()["results"]
    assert (listed["code"], listed["state"], listed["version"]) == (
        "production",
        "healthy",
        "1.0.0",
    )
    shown = viewer.get(listed["links"]["self"]).json()
    web = next(service for service in shown["services"] if service["name"] == "web")
    assert [replica["name"] for replica in web["replicas"]] == ["pms-web-1", "pms-web-2"]
    assert shown.items() >= listed.items()
    assert viewer.get(f"{OPS}/environments/moon").status_code == 404


def test_an_engine_that_is_away_is_a_state_with_a_reason(viewer: Client) -> None:
    environment(trouble="Docker does not answer")
    (listed,) = viewer.get(f"{OPS}/environments").json()["results"]
    assert (listed["state"], listed["trouble"]) == ("away", "Docker does not answer")


def test_releases_are_found_by_environment(viewer: Client, production: Environment) -> None:
    staging = environment("staging")
    other = release(staging, "2.0.0")
    listed = viewer.get(f"{OPS}/releases", {"environment": "staging"}).json()["results"]
    assert [(row["id"], row["live"]) for row in listed] == [(str(other.uid), False)]
    assert viewer.get(f"{OPS}/releases/{other.uid}").json() == listed[0]
    assert viewer.get(f"{OPS}/releases/{uuid4()}").status_code == 404


def test_an_operation_is_asked_for_and_followed(operator: Client, production: Environment) -> None:
    response = post(
        operator,
        "operations",
        environment="production",
        kind="scale",
        target="web",
        replicas=4,
        seconds=3600,
        why="many candidates",
    )
    assert response.status_code == 202, response.content
    row = Operation.objects.get()
    assert (row.arguments, row.why) == ({"replicas": 4, "seconds": 3600.0}, "many candidates")
    shown = operator.get(response["Location"]).json()
    assert shown == {**response.json(), "output": ""}
    event = Event.objects.get()
    assert (event.deed, event.actor, event.source) == ("operation.requested", "operator", "rest")


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({"kind": "scale", "target": "web"}, ["/replicas"]),
        ({"kind": "restart"}, ["/target"]),
        ({"kind": "shell", "target": "x"}, ["/kind"]),
        ({"kind": "scale", "target": "web", "replicas": 0}, ["/replicas"]),
        ({"kind": "run", "target": "check", "words": [3]}, ["/words/0"]),
        ({"kind": "logs", "target": "x", "tail": 10**9}, ["/tail"]),
        ({"kind": "logs", "target": "x", "argv": []}, [""]),
    ],
)
def test_a_body_that_is_wrong_says_where(
    operator: Client, production: Environment, body: dict[str, Any], wrong: list[str]
) -> None:
    response = post(operator, "operations", environment="production", **body)
    assert pointers(response) == wrong
    assert not Operation.objects.exists()


def test_an_operation_in_no_environment_says_so(operator: Client) -> None:
    response = post(operator, "operations", environment="moon", kind="run", target="check")
    assert pointers(response) == ["/environment"]


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"kind": "scale", "target": "postgres", "replicas": 2}, "1 to 1 replicas"),
        ({"kind": "run", "target": "shell"}, "may not be run"),
        ({"kind": "run", "target": "check", "words": ["--fail"]}, "no argument"),
    ],
)
def test_what_is_not_allowed_is_a_conflict_with_its_reason(
    operator: Client, production: Environment, body: dict[str, Any], says: str
) -> None:
    response = post(operator, "operations", environment="production", **body)
    assert response.status_code == 409
    assert says in response.json()["detail"]
    assert not Operation.objects.exists()


def test_operations_are_found_by_kind_and_state(viewer: Client, production: Environment) -> None:
    operation(production, "logs", status="done", output="a secret-free line")
    operation(production, "restart")

    def kinds(**query: str) -> list[str]:
        rows = viewer.get(f"{OPS}/operations", query).json()["results"]
        assert all("output" not in row for row in rows)
        return [row["kind"] for row in rows]

    assert kinds() == ["restart", "logs"]
    assert kinds(kind="logs") == kinds(state="done") == ["logs"]
    assert kinds(environment="staging") == []
    assert viewer.get(f"{OPS}/operations", {"kind": "x"}).status_code == 422


def test_an_environment_is_added_and_removed_by_its_code(
    operator: Client, production: Environment
) -> None:
    Environment.objects.update(subnet_prefix="172.29", ports={"HAPROXY_PORT": 8180})
    added = post(operator, "environments", code="trial", kind="staging")
    assert added.status_code == 201, added.content
    assert added.json()["ports"] == {"HAPROXY_PORT": 8181}
    assert operator.get(added["Location"]).json()["state"] == "added"
    assert post(operator, "environments", code="trial", kind="staging").status_code == 409
    assert pointers(post(operator, "environments", code="other")) == ["/kind"]
    body = {"environment": "trial", "kind": "remove"}
    assert post(operator, "operations", **body, target="production").status_code == 409
    assert post(operator, "operations", **body, target="trial").status_code == 202
    assert Operation.objects.get().kind == "remove"
    itself = {"environment": "production", "kind": "remove", "target": "production"}
    assert post(operator, "operations", **itself).status_code == 409


def test_a_secret_is_rotated_and_old_images_are_removed(
    operator: Client, production: Environment
) -> None:
    body = {"environment": "production", "kind": "rotate"}
    assert post(operator, "operations", **body, target="nothing").status_code == 409
    assert post(operator, "operations", **body, target="tls").status_code == 202
    prune = post(operator, "operations", environment="production", kind="prune")
    assert prune.status_code == 202, prune.content


def test_nothing_is_scaled_while_a_deployment_is_under_way(
    operator: Client, production: Environment
) -> None:
    deployment(production, status="rolling")
    body = {"environment": "production", "kind": "scale", "target": "web", "replicas": 3}
    assert post(operator, "operations", **body).status_code == 409


def test_a_window_is_added_changed_and_removed_with_its_events(operator: Client) -> None:
    added = post(operator, "windows", **WINDOW, floors={"web": 3})
    assert added.status_code == 201, added.content
    assert operator.get(added["Location"]).json() == added.json()
    address, changed = added["Location"], {**WINDOW, "name": "Autumn"}
    assert operator.put(address, changed, content_type=JSON).json()["name"] == "Autumn"
    assert ExamWindow.objects.get().floors == {}
    assert operator.delete(address).status_code == 204
    assert not ExamWindow.objects.exists()
    changes = Event.objects.order_by("number").values_list("details__change", flat=True)
    assert list(changes) == ["added", "changed", "removed"]


@pytest.mark.parametrize(
    ("wrong", "pointer"),
    [
        ({"ends_at": WINDOW["starts_at"]}, "/ends_at"),
        ({"starts_at": "2027-04-01T09:00:00"}, "/starts_at"),
        ({"starts_at": "2027-13-01T09:00:00+09:00"}, "/starts_at"),
        ({"floors": {"web": 0}}, "/floors/web"),
        ({"floors": {"inference": 9}}, "/floors/inference"),
        ({"floors": {"beat": 2}}, "/floors/beat"),
        ({"zone": "Mars/Olympus"}, "/zone"),
        ({"follows": True}, "/follows"),
        ({"name": ""}, "/name"),
    ],
)
def test_a_window_that_is_none_says_where(
    operator: Client, wrong: dict[str, Any], pointer: str
) -> None:
    assert pointers(post(operator, "windows", **{**WINDOW, **wrong})) == [pointer]
    assert not ExamWindow.objects.exists()


def test_a_window_has_a_zone(operator: Client) -> None:
    added = post(operator, "windows", **WINDOW, zone="Europe/Berlin").json()
    assert (added["zone"], added["exam"], added["follows"]) == ("Europe/Berlin", "", False)


def test_a_window_that_follows_its_exam_is_moved_by_a_person_who_ends_that(
    operator: Client,
) -> None:
    address = post(operator, "windows", **WINDOW)["Location"]
    ExamWindow.objects.update(exam="PM-2027", follows=True)
    same = operator.put(address, {**WINDOW, "floors": {"web": 4}}, content_type=JSON).json()
    assert (same["follows"], same["floors"]) == (True, {"web": 4})
    moved = {**WINDOW, "ends_at": "2027-04-09T09:00:00+09:00"}
    refused = operator.put(address, {**moved, "follows": True}, content_type=JSON)
    assert pointers(refused) == ["/ends_at"]
    assert operator.put(address, moved, content_type=JSON).json()["follows"] is False


def test_viewers_do_nothing(viewer: Client, production: Environment) -> None:
    at = now()
    window = ExamWindow.objects.create(name="w", starts_at=at, ends_at=at + timedelta(hours=1))
    body = {"environment": "production", "kind": "run", "target": "check"}
    assert post(viewer, "operations", **body).status_code == 403
    assert post(viewer, "windows", **WINDOW).status_code == 403
    assert post(viewer, "environments", code="x", kind="staging").status_code == 403
    assert viewer.delete(f"{OPS}/windows/{window.pk}").status_code == 403
    assert not Operation.objects.exists()
