"""API tokens in the admin."""

import re

import pytest
from django.test import Client
from django.urls import reverse

from scoring.models import ApiToken
from tests.clients import signed_in
from tests.factories import make_user

pytestmark = pytest.mark.django_db
ISSUE = "/admin/scoring/apitoken/issue/"
LIST = reverse("admin:scoring_apitoken_changelist")


def test_the_secret_is_shown_once_and_opens_the_api() -> None:
    client = make_user("client")
    manager = signed_in("exam manager")
    page = manager.post(ISSUE, {"user": client.pk, "name": "cbt", "days": 30}, follow=True)
    secret = re.findall(r"<code>(pms_[^<]+)</code>", page.content.decode())[0]
    api = Client(headers={"Authorization": f"Bearer {secret}"})
    assert api.get("/api/v1/exams").status_code == 200
    again = manager.get(LIST).content.decode()
    assert secret not in again
    assert ApiToken.objects.get().digest not in again


def test_a_manager_issues_no_token_that_can_do_more() -> None:
    chief = make_user("superuser", staff=True)
    operator = make_user("operator")
    manager = signed_in("exam manager")
    for user in (chief, operator):
        page = manager.post(ISSUE, {"user": user.pk, "days": 30})
        assert page.context["form"].errors["user"]
    assert not ApiToken.objects.exists()


def test_a_revoked_token_is_refused_from_then_on() -> None:
    token, secret = ApiToken.issue(make_user("client"))
    asked = {"action": "revoke", "_selected_action": [token.pk]}
    signed_in("exam manager").post(LIST, asked)
    assert (
        Client(headers={"Authorization": f"Bearer {secret}"}).get("/api/v1/exams").status_code
        == 401
    )


@pytest.mark.parametrize("role", ["viewer", "marker", "client"])
def test_only_managers_see_tokens(role: str) -> None:
    browser = signed_in(role)
    assert browser.get(LIST).status_code == 403
    assert browser.get(ISSUE).status_code == 403
