"""API tokens: whose they are, who may issue and who may revoke them."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tests.clients import JSON, client_for
from tests.factories import make_user

pytestmark = pytest.mark.django_db
URL = "/api/v1/tokens"


def issue(client: Client, **body: Any) -> Any:
    return client.post(URL, body, content_type=JSON)


def bearer(secret: str) -> Client:
    return Client(headers={"Authorization": f"Bearer {secret}"})


def test_a_revoked_token_no_longer_opens(manager: Client) -> None:
    told = issue(manager, name="cbt").json()
    second = bearer(told["token"])
    assert second.get("/api/v1/exams").status_code == 200
    assert manager.delete(f"{URL}/{told['id']}").status_code == 204
    assert second.get("/api/v1/exams").status_code == 401
    assert manager.delete(f"{URL}/{told['id']}").status_code == 404


def test_a_manager_issues_a_token_for_a_client_system(manager: Client) -> None:
    make_user("client")
    told = issue(manager, name="CBT", days=1, user="client").json()
    assert told["user"] == "client"
    client = bearer(told["token"])
    assert client.post("/api/v1/submissions", {}, content_type=JSON).status_code == 422
    assert client.put("/api/v1/exams/E1", {}, content_type=JSON).status_code == 403
    assert [one["id"] for one in client.get(URL).json()["results"]] == [told["id"]]
    seen = {one["user"] for one in manager.get(URL).json()["results"]}
    assert seen == {"client", "exam-manager"}
    assert b"pms_" not in manager.get(URL).content
    assert manager.delete(f"{URL}/{told['id']}").status_code == 204


def test_no_token_lends_a_role_that_its_issuer_was_not_given(manager: Client) -> None:
    make_user("operator", "operator", "client")
    make_user("adjudicator")
    staff = make_user("client")
    staff.is_staff = True
    staff.save()
    User.objects.create_superuser("root")
    for name in ("operator", "adjudicator", "client", "root", "nobody", "", 3, "\0"):
        told = issue(manager, user=name)
        assert (told.status_code, told.json()["errors"][0]["pointer"]) == (422, "/user")


def test_only_managers_issue_but_everyone_may_revoke_their_own() -> None:
    viewer, marker = client_for("viewer"), client_for("marker")
    assert issue(viewer).status_code == 403
    [own] = viewer.get(URL).json()["results"]
    assert marker.delete(f"{URL}/{own['id']}").status_code == 404
    assert viewer.delete(f"{URL}/{own['id']}").status_code == 204
    assert viewer.get(URL).status_code == 401


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"days": 0}, "/days"),
        ({"days": 3651}, "/days"),
        ({"days": True}, "/days"),
        ({"days": "1"}, "/days"),
        ({"name": "x" * 101}, "/name"),
        ({"name": "\n"}, "/name"),
    ],
)
def test_it_tells_what_is_wrong_with_a_wanted_token(
    manager: Client, body: dict[str, Any], pointer: str
) -> None:
    told = issue(manager, **body)
    assert (told.status_code, told.json()["errors"][0]["pointer"]) == (422, pointer)
