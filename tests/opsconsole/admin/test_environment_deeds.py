"""What an operator does to an environment is an operation for the worker, with its event."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils.timezone import now

from opsconsole.models import Environment, Event, ExamWindow, Operation
from tests.clients import signed_in
from tests.opsconsole.environments_made import (
    deployment,
    environment,
    operation,
    replica,
    seen,
)

pytestmark = pytest.mark.django_db
CONSOLE = "/admin/opsconsole"
WEB = "web1" + "0" * 8


@pytest.fixture
def production(db: None) -> Environment:
    return environment()


def post(browser: Client, row: Environment, deed: str, query: str = "", **fields: Any) -> Any:
    return browser.post(f"{CONSOLE}/environment/{row.pk}/{deed}/{query}", fields, follow=True)


def test_a_restart_leads_to_the_page_of_its_operation(
    operator: Client, production: Environment
) -> None:
    address = f"{CONSOLE}/environment/{production.pk}/restart/?replica={WEB}"
    assert "Restart pms-web-1?" in operator.get(address).content.decode()
    response = post(operator, production, "restart", f"?replica={WEB}", why="it hangs")
    row = Operation.objects.get()
    assert response.redirect_chain == [(f"{CONSOLE}/operation/{row.pk}/change/", 302)]
    assert 'id="operation-live" data-live' in response.content.decode()
    assert (row.kind, row.target, row.why, row.requested_by) == (
        "restart",
        WEB,
        "it hangs",
        "operator",
    )
    event = Event.objects.get()
    assert (event.deed, event.actor, event.source) == ("operation.requested", "operator", "admin")


def test_a_replica_that_has_gone_is_not_restarted(
    operator: Client, production: Environment
) -> None:
    response = post(operator, production, "restart", "?replica=gone")
    assert "There is no such replica any more" in response.content.decode()
    assert not Operation.objects.exists()


@pytest.mark.parametrize("service", ["ops", "postgres"])
def test_no_restart_is_offered_that_the_worker_refuses(
    operator: Client, production: Environment, service: str
) -> None:
    replica = f"{service}1" + "0" * 8
    page = operator.get(f"{CONSOLE}/environment/{production.pk}/change/").content.decode()
    assert f"/restart/?replica={WEB}" in page
    assert f"/restart/?replica={replica}" not in page
    response = post(operator, production, "restart", f"?replica={replica}", rests="on")
    assert "restart it on the host" in response.content.decode()
    assert not Operation.objects.exists()


def test_beside_the_console_all_are_restarted(operator: Client) -> None:
    staging = environment("staging")
    post(operator, staging, "restart", "?replica=postgres1" + "0" * 8, rests="on")
    assert Operation.objects.get().kind == "restart"


def test_a_restart_that_interrupts_something_says_what_and_is_confirmed(
    operator: Client, production: Environment
) -> None:
    query = "?replica=worker1" + "0" * 8
    page = operator.get(f"{CONSOLE}/environment/{production.pk}/restart/{query}").content.decode()
    assert "answers wait and nothing is scored" in page
    post(operator, production, "restart", query, why="it hangs")
    assert not Operation.objects.exists()
    post(operator, production, "restart", query, why="it hangs", rests="on")
    assert Operation.objects.get().target == query.removeprefix("?replica=")


def test_the_last_good_replica_of_several_interrupts_too(operator: Client) -> None:
    web = [replica("web", 1), replica("web", 2, health="unhealthy")]
    row = environment(seen=seen(web=web))
    page = operator.get(f"{CONSOLE}/environment/{row.pk}/restart/?replica={WEB}").content.decode()
    assert "all pages and all of REST answer 503" in page
    sick = operator.get(f"{CONSOLE}/environment/{row.pk}/restart/?replica=web2{'0' * 8}")
    assert "nobody notices" in sick.content.decode()


def test_a_service_is_scaled_within_its_bounds(operator: Client, production: Environment) -> None:
    page = operator.get(f"{CONSOLE}/environment/{production.pk}/scale/").content.decode()
    assert "web (pages and REST): now 2, at most 20" in page
    assert "postgres" not in page.split("<form")[-1]
    post(operator, production, "scale", service="web", replicas="4", hours="3")
    row = Operation.objects.get()
    wanted = {"replicas": 4, "seconds": timedelta(hours=3).total_seconds()}
    assert (row.target, row.arguments) == ("web", wanted)
    refused = post(operator, production, "scale", service="web", replicas="21")
    assert "1 to 20 replicas" in refused.content.decode()
    assert Operation.objects.count() == 1


def test_no_service_is_scaled_below_the_floor_of_an_exam_window_without_a_reason(
    operator: Client, production: Environment
) -> None:
    at = now()
    ExamWindow.objects.create(
        name="Spring", starts_at=at, ends_at=at + timedelta(hours=1), floors={"web": 3}
    )
    refused = post(operator, production, "scale", service="web", replicas="2")
    assert "an exam window wants at least 3 of web" in refused.content.decode()
    post(operator, production, "scale", service="web", replicas="3")
    post(operator, production, "scale", service="web", replicas="1", why="the host is full")
    assert Operation.objects.count() == 2


def test_nothing_is_scaled_while_a_deployment_is_under_way(
    operator: Client, production: Environment
) -> None:
    deployment(production, status="rolling")
    refused = post(operator, production, "scale", service="web", replicas="4")
    assert "a deployment is under way" in refused.content.decode()
    assert not Operation.objects.exists()


def test_an_allowed_command_is_run_with_its_words(
    operator: Client, production: Environment
) -> None:
    post(operator, production, "run", command="backup", words="--note 'before the exam'")
    row = Operation.objects.get()
    assert (row.target, row.arguments) == ("backup", {"words": ["--note", "before the exam"]})


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"command": "shell", "words": ""}, "not one of the available choices"),
        ({"command": "migrate", "words": ""}, "may be run with --check only"),
        ({"command": "check", "words": "; rm -rf /"}, "no argument that is allowed"),
        ({"command": "check", "words": "'"}, "A quote is not closed"),
    ],
)
def test_what_is_not_allowed_is_not_run(
    operator: Client, production: Environment, fields: dict[str, str], sentence: str
) -> None:
    assert sentence in post(operator, production, "run", **fields).content.decode()
    assert not Operation.objects.exists()


def test_a_secret_is_rotated_and_old_images_are_removed(
    operator: Client, production: Environment
) -> None:
    page = operator.get(f"{CONSOLE}/environment/{production.pk}/rotate/").content.decode()
    assert "the old one is dropped only then" in page
    post(operator, production, "rotate", secret="tls", why="it was shown to somebody")
    post(operator, production, "prune")
    asked = Operation.objects.order_by("pk").values_list("kind", "target")
    assert list(asked) == [("rotate", "tls"), ("prune", "")]


def test_logs_are_read_on_from_where_they_ended(operator: Client, production: Environment) -> None:
    fields = {"replica": WEB, "tail": "50", "search": " error ", "follow": "on"}
    since = "2026-11-29T02:00:00.123+00:00"
    response = post(operator, production, "logs", **fields, since=since)
    row = Operation.objects.get()
    assert response.redirect_chain[0][0].endswith("?follow=1")
    assert row.arguments["search"] == "error"
    assert row.arguments["since"] == "2026-11-29T02:00:00.123000+00:00"


def test_following_a_log_leaves_one_event_and_not_one_for_each_look(
    operator: Client, production: Environment
) -> None:
    fields = {"replica": WEB, "tail": "50", "follow": "on"}
    post(operator, production, "logs", **fields)
    for second in range(3):
        post(operator, production, "logs", **fields, since=f"2026-11-29T02:00:0{second}+00:00")
    assert Operation.objects.count() == 4
    assert Event.objects.count() == 1
    Operation.objects.update(requested_at=now() - timedelta(minutes=5))
    post(operator, production, "logs", **fields, since="2026-11-29T02:00:09+00:00")
    assert Event.objects.count() == 2


def test_a_log_is_read_on_from_its_last_line(operator: Client, production: Environment) -> None:
    row = operation(
        production,
        "logs",
        target=WEB,
        status="done",
        output="2026-11-29T02:00:00.123+00:00 one\n2026-11-29T02:00:01.456+00:00 two",
    )
    page = operator.get(f"{CONSOLE}/operation/{row.pk}/change/?follow=1").content.decode()
    assert 'name="since" value="2026-11-29T02:00:01.456+00:00"' in page
    assert 'data-follow="1"' in page
    assert (
        "Read on"
        not in signed_in("viewer").get(f"{CONSOLE}/operation/{row.pk}/change/").content.decode()
    )


def test_the_output_is_shown_and_downloaded(operator: Client, production: Environment) -> None:
    row = operation(production, "logs", status="done", output="<script>\nline two", exit_code=0)
    page = operator.get(f"{CONSOLE}/operation/{row.pk}/change/").content.decode()
    assert "&lt;script&gt;" in page
    file = operator.get(f"{CONSOLE}/operation/{row.pk}/output/")
    assert file.content.decode() == "<script>\nline two"
    assert file["Content-Type"] == "text/plain; charset=utf-8"
    assert "attachment" in file["Content-Disposition"]


@pytest.mark.parametrize("deed", ["restart", "scale", "run", "logs", "rotate", "prune"])
def test_only_operators_do_anything(production: Environment, deed: str) -> None:
    fields = {"service": "web", "replicas": "3", "command": "check", "replica": WEB, "tail": "9"}
    fields |= {"secret": "tls"}
    for role in ("viewer", "marker", "exam manager"):
        address = f"{CONSOLE}/environment/{production.pk}/{deed}/?replica={WEB}"
        browser = signed_in(role)
        assert browser.get(address).status_code in (302, 403)
        assert browser.post(address, fields).status_code in (302, 403)
    assert not Operation.objects.exists()
