"""A token with a scope can do what that scope names, and nothing beside it."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from pmscoring.base.api.views import View
from pmscoring.base.roles import REQUEST
from scoring.models import ApiToken
from tests.clients import JSON
from tests.factories import make_user

pytestmark = pytest.mark.django_db
TOKENS = "/api/v1/tokens"


def client_with(scope: str, user: User) -> Client:
    return Client(headers={"Authorization": f"Bearer {ApiToken.issue(user, scope=scope)[1]}"})


def views_of_the_api() -> dict[str, Any]:
    """Each view below /api/v1/, by its route."""
    views = {}

    def walk(resolver: URLResolver, before: str) -> None:
        for entry in resolver.url_patterns:
            route = before + str(entry.pattern)
            if isinstance(entry, URLResolver):
                walk(entry, route)
            elif isinstance(entry, URLPattern):
                views[route] = getattr(entry.callback, "view_class", None)

    walk(get_resolver(), "")
    return {route: view for route, view in views.items() if route.startswith("api/v1/") and view}


def test_a_request_token_reaches_no_other_view_than_the_one_of_deployments() -> None:
    views = views_of_the_api()
    assert len(views) > 40
    assert all(issubclass(view, View) for view in views.values())
    reached = {
        (route, roles)
        for route, view in views.items()
        for roles in ("readers", "writers")
        if REQUEST in getattr(view, roles)
    }
    assert reached <= {("api/v1/ops/deployments", "writers")}


@pytest.mark.parametrize("owner", ["operator", "superuser"])
def test_a_request_token_neither_reads_nor_writes(owner: str) -> None:
    client = client_with(REQUEST, make_user(owner))
    for path in ("exams", "answers", "ops/backups", "ops/events", "ops/restores", "tokens"):
        assert client.get(f"/api/v1/{path}").status_code == 403, path
    for path in ("ops/backups", "ops/restores", "submissions", "tokens"):
        assert client.post(f"/api/v1/{path}", {}, content_type=JSON).status_code == 403, path


def test_a_token_has_no_more_of_its_user_than_its_scope() -> None:
    user = make_user("both", "operator", "exam manager")
    client = client_with("operator", user)
    assert client.get("/api/v1/ops/backups").status_code == 200
    assert client.put("/api/v1/exams/E1", {}, content_type=JSON).status_code == 403
    narrow = client_with("viewer", User.objects.create_superuser("root"))
    assert narrow.get("/api/v1/ops/backups").status_code == 200
    assert narrow.post("/api/v1/ops/backups", {}, content_type=JSON).status_code == 403


def test_a_scope_adds_nothing_that_its_user_lacks() -> None:
    user = make_user("marker")
    for scope in ("operator", REQUEST, "exam manager", "nonsense"):
        assert client_with(scope, user).get("/api/v1/ops/backups").status_code == 403


def test_a_token_whose_user_has_lost_the_role_opens_nothing() -> None:
    user = make_user("operator")
    client = client_with("operator", user)
    user.groups.clear()
    assert client.get("/api/v1/ops/backups").status_code == 403


def test_a_token_with_a_scope_issues_and_revokes_none() -> None:
    user = make_user("exam manager", "exam manager", "operator")
    client = client_with("exam manager", user)
    token = ApiToken.objects.get()
    assert client.get(TOKENS).status_code == 403
    assert client.post(TOKENS, {"name": "wide"}, content_type=JSON).status_code == 403
    assert client.delete(f"{TOKENS}/{token.pk}").status_code == 403
    assert ApiToken.objects.valid().count() == 1


def test_it_is_issued_with_a_scope_that_its_user_reaches() -> None:
    issuer = client_with("", User.objects.create_superuser("root"))
    make_user("operator")
    make_user("client")

    def issued(**body: Any) -> Any:
        return issuer.post(TOKENS, body, content_type=JSON)

    shown = issued(user="operator", scope=REQUEST).json()
    assert (shown["user"], shown["scope"]) == ("operator", REQUEST)
    for body in ({"user": "client", "scope": REQUEST}, {"scope": "root"}, {"scope": 3}):
        response = issued(**body)
        assert response.status_code == 422, body
        assert response.json()["errors"][0]["pointer"] == "/scope"
    assert issued().json()["scope"] == ""


def test_it_is_issued_in_the_admin_too() -> None:
    root = make_user("superuser", staff=True)
    owner = make_user("operator")
    browser = Client()
    browser.force_login(root)
    wanted = {"user": owner.pk, "name": "pipeline", "days": 30, "scope": REQUEST}
    browser.post("/admin/scoring/apitoken/issue/", wanted)
    assert ApiToken.objects.get().scope == REQUEST
