"""Who asked for a deed: the user, the door, and the address as our own proxies tell it."""

import pytest
from django.contrib.auth.models import User
from django.test import RequestFactory
from pytest_django import Settings
from rest_framework.request import Request

from opsconsole.callers import caller_of
from opsconsole.models import Caller
from pmscoring.base.addresses import address_of

FORGED = "6.6.6.6, 203.0.113.9, 10.0.0.2"


@pytest.mark.parametrize(
    ("proxies", "forwarded", "expected"),
    [
        (0, FORGED, "127.0.0.1"),
        (1, FORGED, "10.0.0.2"),
        (2, FORGED, "203.0.113.9"),
        (9, FORGED, "6.6.6.6"),
        (1, None, "127.0.0.1"),
    ],
)
def test_the_address_is_what_our_own_proxies_saw(
    settings: Settings, proxies: int, forwarded: str | None, expected: str
) -> None:
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "NUM_PROXIES": proxies}
    headers = {"X-Forwarded-For": forwarded} if forwarded else {}
    assert address_of(RequestFactory().get("/", headers=headers)) == expected


def test_the_caller_has_a_name_a_door_and_an_address() -> None:
    request = RequestFactory().get("/", REMOTE_ADDR="192.0.2.7")
    request.user = User(username="ann")
    assert caller_of(request) == Caller("ann", "admin", "192.0.2.7")
    again = Request(request)
    again.user = request.user
    assert caller_of(again) == Caller("ann", "rest", "192.0.2.7")
