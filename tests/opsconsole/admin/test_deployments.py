"""Deployments and releases are shown in words, with what a person can do about them."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils.timezone import now

from opsconsole.models import Environment
from tests.clients import signed_in
from tests.opsconsole.environments_made import deployment, environment, release

pytestmark = pytest.mark.django_db
CONSOLE = "/admin/opsconsole"


@pytest.fixture
def production(db: None) -> Environment:
    row = environment()
    release(row, "1.0.0", live=True)
    return row


def shown(browser: Client, kind: str, row: Any) -> str:
    """The page's text, without its tags."""
    page = browser.get(f"{CONSOLE}/{kind}/{row.pk}/change/").content.decode()
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


@pytest.mark.parametrize("kind", ["deployment", "release", "operation"])
def test_an_empty_list_says_what_comes_first(operator: Client, kind: str) -> None:
    assert f"No {kind} yet" in operator.get(f"{CONSOLE}/{kind}/").content.decode()


def test_one_under_way_is_live_with_its_steps_and_log(
    operator: Client, production: Environment
) -> None:
    steps = [
        {
            "name": "preparing the images",
            "state": "done",
            "seconds": 12.3,
            "says": "pulled 3 images",
        },
        {"name": "rolling out web", "state": "running", "seconds": None, "says": "web: 1 of 2"},
    ]
    row = deployment(
        production, status="rolling", steps=steps, claimed_at=now(), since=now(), fraction=0.6
    )
    assert (
        "data-live-follow"
        in operator.get(f"{CONSOLE}/deployment/{row.pk}/change/").content.decode()
    )
    page = shown(operator, "deployment", row)
    for text in ("1.0.0 → 1.1.0", "3 images", "12 s", "web: 1 of 2", "60%", "rolling out"):
        assert text in page


def test_the_verdict_is_in_words_and_numbers(operator: Client, production: Environment) -> None:
    callers = {"requests": 400, "failed": 40, "p95_ms": 612.4}
    before = {"callers": {"requests": 900, "failed": 0, "p95_ms": None}, "probes": None}
    row = deployment(
        production,
        status="rolled_back",
        verdict={"ok": False, "says": "40 of 400 failed", "callers": callers, "before": before},
        failed_requests=41,
    )
    page = shown(operator, "deployment", row)
    for text in ("40 of 400 failed", "new callers 400 40 (10.0%) 612 ms", "900 0 (0.0%) –", "41"):
        assert text in page


def test_one_that_waits_for_approval_says_that_nothing_was_touched(
    operator: Client, production: Environment
) -> None:
    row = deployment(production, needs_approval=True, requested_by="pipeline")
    page = shown(operator, "deployment", row)
    assert "It waits for an operator's approval" in page
    assert "waits for approval" in operator.get(f"{CONSOLE}/deployment/").content.decode()


@pytest.mark.parametrize(
    ("status", "sentence"),
    [
        ("failed", "The deployment failed"),
        ("rolled_back", "It was taken back"),
        ("cancelled", "Cancelled by sato"),
    ],
)
def test_one_that_came_to_nothing_says_why(
    operator: Client, production: Environment, status: str, sentence: str
) -> None:
    row = deployment(production, status=status, reason="web: 503", cancelled_by="sato")
    page = shown(operator, "deployment", row)
    assert sentence in page
    assert "web: 503" in page


def test_the_list_shows_from_what_to_what_and_the_reason(
    operator: Client, production: Environment
) -> None:
    deployment(production, status="failed", reason="denied: token expired", seconds=42.0)
    page = operator.get(f"{CONSOLE}/deployment/").content.decode()
    for text in ("1.0.0 →", "1.1.0", "denied: token expired", "42 s"):
        assert text in page


def test_a_release_shows_how_it_differs_from_the_live_one(
    operator: Client, production: Environment
) -> None:
    other = release(
        production,
        "0.9.0",
        variables={"LOG_LEVEL": "DEBUG"},
        secrets={"postgres-password": "c" * 64},
    )
    page = shown(operator, "release", other)
    for text in (
        "compared with the live one, 1.0.0",
        "variable LOG_LEVEL INFO DEBUG",
        "secret postgres-password bbbbbbbbbbbb cccccccccccc",
        "image web app-1.0.0 app-0.9.0",
        "Deploy this again",
    ):
        assert text in page
    page = operator.get(f"{CONSOLE}/release/{other.pk}/change/").content.decode()
    assert f"/environment/{production.pk}/roll-back/?release={other.pk}" in page
    assert "Deploy this again" not in shown(signed_in("viewer"), "release", other)


def test_the_live_release_is_not_offered_again(operator: Client, production: Environment) -> None:
    assert production.release
    page = shown(operator, "release", production.release)
    assert "Deploy this again" not in page
    assert "scoring 1 0001_first_tables" in page


def test_the_overview_says_what_needs_a_person(operator: Client, production: Environment) -> None:
    deployment(production, needs_approval=True, requested_by="pipeline")
    staging = environment("staging")
    deployment(staging, "2.0", status="rolled_back", reason="p95 five times as long")
    page = operator.get("/admin/").content.decode()
    assert "pipeline asks to deploy 1.1.0 into production" in page
    assert "p95 five times as long" in page
    deployment(staging, "2.1", status="live")
    assert "p95 five times as long" not in operator.get("/admin/").content.decode()


def test_the_overview_says_how_each_environment_is(
    operator: Client, production: Environment
) -> None:
    environment("staging", trouble="Docker is away", seen_at=now() - timedelta(hours=1))
    page = operator.get("/admin/").content.decode()
    for text in ("production", "healthy", "1.0.0", "7 of 7", "Docker is away"):
        assert text in page


def test_viewers_see_and_markers_do_not(production: Environment) -> None:
    row = deployment(production)
    assert signed_in("viewer").get(f"{CONSOLE}/deployment/{row.pk}/change/").status_code == 200
    for name in ("environment", "deployment", "release", "operation", "examwindow"):
        assert signed_in("marker").get(f"{CONSOLE}/{name}/").status_code in (302, 403)
