"""What no honest caller sends, to every list of the admin: refused, and never a crash."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.db import models
from django.test import Client, RequestFactory
from django.urls import get_resolver, reverse

from pmscoring.base.admin.lookups import OfferedLookups
from tests.clients import browser_of, client_of

LISTS = [
    (reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist"), owner)
    for model, owner in admin.site._registry.items()
]
VALUES = ("%00", "%5B(", "-1", "9" * 30, "9" * 5000, "0001-01-01", "x" * 300)
PARAMETERS = ("question", "span", "replica", "next", "s", "page", "value", "lang", "follow")


@pytest.fixture
def browser(db: None) -> Client:
    """A superuser's, in which a crash is a 500 as for anybody."""
    root = browser_of(User.objects.create_superuser("root"))
    root.raise_request_exception = False
    return root


def concrete(model: Any) -> "list[models.Field[Any, Any]]":
    return [field for field in model._meta.get_fields() if field.concrete]


@pytest.mark.parametrize(("address", "owner"), LISTS)
def test_a_list_takes_no_lookup_that_it_does_not_offer(
    browser: Client, address: str, owner: Any
) -> None:
    assert OfferedLookups in type(owner).__mro__
    request: Any = RequestFactory().get(address)
    request.user = User(is_active=True, is_superuser=True)
    for field in concrete(owner.model):
        for lookup in ("regex", "startswith", "range", "year"):
            assert not owner.lookup_allowed(f"{field.name}__{lookup}", "[(", request)
    query = f"{address}?{concrete(owner.model)[-1].name}__regex=%5B("
    assert browser.get(query).status_code == 400


@pytest.mark.parametrize(
    "query",
    [
        *(f"scoring/answer/?question={value}" for value in VALUES),
        *(f"scoring/answer/?flag={value}" for value in VALUES),
        *(f"opsconsole/event/?at__year={value}" for value in VALUES),
        *(f"opsconsole/event/?at__gte={value}" for value in VALUES),
        *(f"scoring/exam/?status__exact={value}" for value in VALUES),
        "opsconsole/event/?at__year=9999&at__month=12&at__day=31",
        f"scoring/exam/?p={'9' * 5000}",
    ],
)
def test_a_list_survives_any_value_of_what_it_offers(browser: Client, query: str) -> None:
    assert browser.get(f"/admin/{query}").status_code in (200, 302, 400)


def pages() -> list[str]:
    """Every address of the product, with a key that no row has in place of each part."""

    def walk(patterns: Any, prefix: str = "") -> Iterator[str]:
        for pattern in patterns:
            path = prefix + str(pattern.pattern)
            if hasattr(pattern, "url_patterns"):
                yield from walk(pattern.url_patterns, path)
            else:
                yield path

    found = [path for path in walk(get_resolver().url_patterns) if "(?P" not in path]
    same = re.compile(r"logout|/(?:add|delete|history)/$")  # Django's own, of every model alike
    return ["/" + re.sub(r"<[^>]*>", "1", path) for path in found if not same.search(path)]


def test_no_page_crashes_at_hostile_parameters(browser: Client) -> None:
    query = "&".join(f"{name}={'9' * 5000}" for name in PARAMETERS)
    crashed = [page for page in pages() if browser.get(f"{page}?{query}").status_code == 500]
    assert crashed == []


def test_u_0000_is_refused_in_path_query_and_cookie(browser: Client) -> None:
    assert browser.get("/admin/scoring/exam/%00/change/").status_code == 400
    assert browser.get("/admin/?x=%00").status_code == 400
    cookie = {"Cookie": 'sessionid="' + "\\000" * 32 + '"'}
    stranger = Client(raise_request_exception=False)
    assert stranger.get("/admin/", headers=cookie).status_code == 302


def test_u_0000_in_a_parameter_of_the_api_is_named(db: None) -> None:
    root = client_of(User.objects.create_superuser("root"))
    refused = root.get("/api/v1/answers?flag=%00")
    assert refused.status_code == 422
    assert refused["Content-Type"] == "application/problem+json"
    assert refused.json()["errors"] == [{"pointer": "/flag", "detail": "U+0000 is refused"}]
