"""API tokens: the admin and REST keep one rule, and both write to the audit log."""

import logging
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from django.urls import reverse

from scoring.models import ApiToken
from tests.clients import JSON

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("english")]
LIST = reverse("admin:scoring_apitoken_changelist")
Issue = Callable[..., bool]
Revoke = Callable[[User, ApiToken], bool]


def a_user(name: str, *groups: str, **more: Any) -> User:
    user = User.objects.create_user(name, **more)
    user.groups.set([Group.objects.get_or_create(name=group)[0] for group in groups])
    return user


def browser_of(user: User) -> Client:
    browser = Client()
    browser.force_login(user)
    return browser


def bearer_of(user: User) -> Client:
    return Client(headers={"Authorization": f"Bearer {ApiToken.issue(user, 'caller')[1]}"})


def issued_in_the_admin(issuer: User, owner: User, name: str = "new", days: int = 30) -> bool:
    wanted = {"user": owner.pk, "name": name, "days": days}
    browser_of(issuer).post("/admin/scoring/apitoken/issue/", wanted)
    return ApiToken.objects.filter(user=owner, name="new").exists()


def issued_by_rest(issuer: User, owner: User, name: str = "new", days: int = 30) -> bool:
    wanted = {"user": owner.username, "name": name, "days": days}
    bearer_of(issuer).post("/api/v1/tokens", wanted, content_type=JSON)
    return ApiToken.objects.filter(user=owner, name="new").exists()


def revoked_in_the_admin(caller: User, token: ApiToken) -> bool:
    browser_of(caller).post(LIST, {"action": "revoke", "_selected_action": [token.pk]})
    return not ApiToken.objects.valid().filter(pk=token.pk).exists()


def revoked_by_rest(caller: User, token: ApiToken) -> bool:
    bearer_of(caller).delete(f"/api/v1/tokens/{token.pk}")
    return not ApiToken.objects.valid().filter(pk=token.pk).exists()


both_issue = pytest.mark.parametrize("issued", [issued_in_the_admin, issued_by_rest])
both_revoke = pytest.mark.parametrize("revoked", [revoked_in_the_admin, revoked_by_rest])


@pytest.fixture
def manager() -> User:
    return a_user("chief", "exam manager", is_staff=True)


@pytest.fixture
def superuser() -> User:
    return User.objects.create_superuser("root")


@pytest.fixture
def owners() -> dict[str, User]:
    return {
        "client": a_user("cbt", "client"),
        "marker": a_user("sato", "marker"),
        "client and marker": a_user("both", "client", "marker"),
        "client of another group": a_user("other", "client", "auditors"),
        "client of the staff": a_user("staff", "client", is_staff=True),
        "client that is gone": a_user("gone", "client", is_active=False),
    }


@both_issue
def test_a_manager_issues_for_themselves_and_for_what_is_a_client_and_nothing_more(
    manager: User, owners: dict[str, User], issued: Issue
) -> None:
    may = {name for name, owner in owners.items() if issued(manager, owner)}
    assert may == {"client"}
    assert issued(manager, manager)


@both_issue
def test_a_superuser_issues_for_whoever_is_active(
    superuser: User, owners: dict[str, User], issued: Issue
) -> None:
    may = {name for name, owner in owners.items() if issued(superuser, owner)}
    assert may == owners.keys() - {"client that is gone"}


@both_issue
@pytest.mark.parametrize("role", ["viewer", "marker", "adjudicator", "operator", "client"])
def test_nobody_else_issues_any(owners: dict[str, User], issued: Issue, role: str) -> None:
    issuer = a_user("somebody", role, is_staff=True)
    assert not issued(issuer, issuer)
    assert not issued(issuer, owners["client"])


@both_issue
@pytest.mark.parametrize(
    ("name", "days"), [("new\x07", 30), ("n" * 101, 30), ("new", 0), ("new", 3651)]
)
def test_name_and_days_are_held_to_the_same(
    manager: User, issued: Issue, name: str, days: int
) -> None:
    assert not issued(manager, manager, name, days)
    assert not ApiToken.objects.exclude(name="caller").exists()


@both_revoke
def test_a_manager_revokes_their_own_and_those_of_clients(
    manager: User, owners: dict[str, User], revoked: Revoke
) -> None:
    tokens = {name: ApiToken.issue(owner)[0] for name, owner in owners.items()}
    may = {name for name, token in tokens.items() if revoked(manager, token)}
    assert may == {"client"}
    assert revoked(manager, ApiToken.issue(manager)[0])


@both_revoke
def test_a_superuser_revokes_any(superuser: User, owners: dict[str, User], revoked: Revoke) -> None:
    for owner in owners.values():
        assert revoked(superuser, ApiToken.issue(owner)[0])


@both_issue
@both_revoke
def test_issuing_and_revoking_leave_a_line_in_the_audit_log(
    manager: User,
    owners: dict[str, User],
    issued: Issue,
    revoked: Revoke,
    caplog: pytest.LogCaptureFixture,
) -> None:
    owner = owners["client"]
    with caplog.at_level(logging.INFO, "audit"):
        assert issued(manager, owner)
        token = ApiToken.objects.get(user=owner)
        assert revoked(manager, token)
        revoked(manager, token)
    lines = [vars(record) for record in caplog.records if record.name == "audit"]
    told = [(one["msg"], one["user"], one.get("token"), one.get("tokens")) for one in lines]
    assert told == [
        ("token issued", manager.pk, token.pk, None),
        ("tokens revoked", manager.pk, None, [token.pk]),
    ]
    assert lines[0]["owner"] == owner.pk
