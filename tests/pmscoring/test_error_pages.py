"""The way in, and the pages of errors: ours, in both languages, with a way back."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client, override_settings
from django.urls import path

from pmscoring import urls
from tests.clients import browser_of

PROBLEM = "application/problem+json"


def crash(request: Any) -> Any:
    raise RuntimeError("a bug")


class Crashing:
    """The addresses of the product, and pages that crash."""

    urlpatterns = [path("crash", crash), path("api/v1/crash", crash), *urls.urlpatterns]
    handler500 = urls.handler500


@pytest.fixture
def visitor() -> Client:
    return Client(raise_request_exception=False, headers={"Accept-Language": "en"})


def assert_ours(response: Any, status: int, japanese: str, english: str) -> None:
    """It has the status, says so in both languages, and leads back."""
    page = response.content.decode()
    assert response.status_code == status
    assert f"<h1>{english}</h1>" in page
    assert f"<h2>{japanese}</h2>" in page
    assert '<a href="/">概況へ</a>' in page
    assert "style-src 'unsafe-inline'" in response["Content-Security-Policy"]


@pytest.mark.django_db
def test_the_root_leads_to_sign_in_and_then_to_the_overview(visitor: Client) -> None:
    assert visitor.get("/", follow=True).redirect_chain[-1][0] == "/admin/login/?next=/admin/"
    browser = browser_of(User.objects.create_superuser("root"))
    response = browser.get("/", follow=True)
    assert (response.status_code, response.redirect_chain) == (200, [("/admin/", 302)])


def test_an_unknown_address_has_a_page(visitor: Client) -> None:
    response = visitor.get("/nowhere")
    assert_ours(response, 404, "このページはありません", "This page does not exist")


def test_the_visitors_language_comes_first(visitor: Client) -> None:
    page = visitor.get("/nowhere", headers={"Accept-Language": "ja"}).content.decode()
    assert page.index("このページはありません") < page.index("This page does not exist")
    assert '<html lang="ja">' in page


@pytest.mark.django_db
def test_a_page_that_one_may_not_open_has_a_page() -> None:
    browser = browser_of(User.objects.create_user("nobody"))
    response = browser.get("/admin/marking/")
    assert_ours(response, 403, "このページは開けません", "You may not open this page")


def test_a_form_without_its_token_says_what_to_do() -> None:
    browser = Client(enforce_csrf_checks=True, headers={"Accept-Language": "en"})
    response = browser.post("/i18n/setlang/", {"language": "ja"})
    assert_ours(response, 403, "フォームを受け付けられませんでした", "The form was not accepted")


def test_a_refused_value_has_a_page(visitor: Client) -> None:
    response = visitor.get("/?x=%00")
    assert_ours(response, 400, "リクエストを解釈できませんでした", "The request was not understood")


@override_settings(DATA_UPLOAD_MAX_MEMORY_SIZE=10)
def test_a_body_that_is_too_large_has_a_page(visitor: Client) -> None:
    form = "application/x-www-form-urlencoded"
    response = visitor.post("/i18n/setlang/", "language=" + "x" * 20, form)
    assert_ours(response, 413, "送信されたものが大きすぎます", "This is too large")


@override_settings(ROOT_URLCONF=Crashing)
def test_a_crash_has_a_page_with_its_number_and_asks_no_database(visitor: Client) -> None:
    # Without the mark django_db, a query would fail the test.
    response = visitor.get("/crash", headers={"X-Request-ID": "the-number"})
    assert_ours(response, 500, "サーバーで問題が発生しました", "Something went wrong on our side")
    assert "<code>the-number</code>" in response.content.decode()


@override_settings(ROOT_URLCONF=Crashing)
def test_a_crash_below_the_api_is_a_problem(visitor: Client) -> None:
    response = visitor.get("/api/v1/crash")
    assert (response.status_code, response["Content-Type"]) == (500, PROBLEM)
    assert response.json()["status"] == 500


def test_an_unknown_address_below_the_api_is_a_problem(visitor: Client) -> None:
    response = visitor.get("/api/nowhere")
    assert (response.status_code, response["Content-Type"]) == (404, PROBLEM)


def test_it_leads_back_to_the_page_of_this_site_and_to_no_other(visitor: Client) -> None:
    host = {"Host": "testserver"}
    own = {**host, "Referer": "http://testserver/admin/?page=2"}
    assert '<a href="/admin/?page=2">' in visitor.get("/nowhere", headers=own).content.decode()
    for other in ("http://elsewhere/admin/", "http://testserver//elsewhere/", "javascript:x"):
        page = visitor.get("/nowhere", headers={**host, "Referer": other}).content.decode()
        assert page.count("<a ") == 2
