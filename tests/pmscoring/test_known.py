"""Whom the product knows: what nginx asks before it lets a large body in."""

import pytest
from django.contrib.auth.models import User
from django.test import Client

from scoring.models import ApiToken

pytestmark = pytest.mark.django_db


def test_a_stranger_and_a_forged_session_or_token_are_not_known() -> None:
    assert Client().get("/known").status_code == 401
    assert Client(headers={"Authorization": "Bearer forged"}).get("/known").status_code == 401
    forger = Client()
    forger.cookies["sessionid"] = "forged"
    assert forger.get("/known").status_code == 401


def test_a_session_and_a_token_are_known_until_the_user_is_none() -> None:
    user = User.objects.create_user("marker")
    _, secret = ApiToken.issue(user)
    signed_in, by_token = Client(), Client(headers={"Authorization": f"Bearer {secret}"})
    signed_in.force_login(user)
    assert [client.get("/known").status_code for client in (signed_in, by_token)] == [204, 204]
    User.objects.update(is_active=False)
    assert [client.get("/known").status_code for client in (signed_in, by_token)] == [401, 401]
