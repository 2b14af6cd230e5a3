"""Rolling out: a version, the plan that a worker makes, the typed confirmation, the deployment."""

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils.timezone import now
from pytest_django import Settings

from opsconsole import tasks
from opsconsole.engines.base import EngineAway
from opsconsole.environments import engine
from opsconsole.models import Deployment, Environment, Event, ExamWindow, Operation
from tests.clients import signed_in
from tests.opsconsole.engines.fake import Fake
from tests.opsconsole.environments_made import deployment, environment, release

pytestmark = pytest.mark.django_db
CONSOLE = "/admin/opsconsole"


@pytest.fixture
def production(db: None) -> Environment:
    row = environment()
    release(row, "1.0.0", live=True)
    return row


@pytest.fixture(autouse=True)
def fake(monkeypatch: pytest.MonkeyPatch) -> Fake:
    """The engine of every environment: in memory, for the worker's part of these tests."""
    made = Fake("1.0.0")
    reached: dict[str, Callable[[Environment], Any]] = {"compose": lambda environment: made}
    monkeypatch.setattr(engine, "KINDS", reached)
    return made


def post(browser: Client, address: str, **fields: Any) -> Any:
    return browser.post(f"{CONSOLE}/{address}/", fields, follow=True)


def text_of(response: Any) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode()))


def planned(browser: Client, row: Environment, deed: str = "roll-out", **fields: Any) -> str:
    """The address of the plan, once a worker has made it."""
    response = post(browser, f"environment/{row.pk}/{deed}", **fields)
    operation = Operation.objects.latest("pk")
    assert response.redirect_chain == [
        (f"{CONSOLE}/environment/{row.pk}/plan/{operation.pk}/", 302)
    ]
    tasks.perform_operation(operation.pk)
    return f"environment/{row.pk}/plan/{operation.pk}"


def test_the_plan_is_shown_before_anything_can_be_confirmed(
    operator: Client, production: Environment
) -> None:
    waiting = post(operator, f"environment/{production.pk}/roll-out", version="1.1.0")
    assert "A worker looks at what runs" in text_of(waiting)
    assert 'name="typed"' not in waiting.content.decode()
    operation = Operation.objects.get()
    tasks.perform_operation(operation.pk)
    operation.refresh_from_db()
    assert (operation.status, operation.reason) == ("done", "")
    address = f"{CONSOLE}/environment/{production.pk}/plan/{operation.pk}/"
    page = operator.get(address).content.decode()
    for line in operation.output.splitlines():
        assert line.split(" ")[0] in page
    assert "Containers that are replaced" in page
    assert "Type “production” to confirm" in page
    assert not Deployment.objects.exists()


def test_the_typed_code_asks_for_the_deployment(operator: Client, production: Environment) -> None:
    address = planned(operator, production, version="1.1.0", maintenance="on")
    wrong = post(operator, address, typed="prod")
    assert "The name does not match" in text_of(wrong)
    assert not Deployment.objects.exists()
    response = post(operator, address, typed="production", why="the new rubric")
    row = Deployment.objects.get()
    assert response.redirect_chain == [(f"{CONSOLE}/deployment/{row.pk}/change/", 302)]
    assert (row.version, row.maintenance, row.why) == ("1.1.0", True, "the new rubric")
    assert not row.needs_approval
    deeds = Event.objects.order_by("number").values_list("deed", "source")
    assert list(deeds) == [
        ("operation.requested", "admin"),
        ("deployment.planned", "admin"),
        ("deployment.requested", "admin"),
    ]


def test_a_bundle_that_lies_there_is_offered_planned_and_asked_for(
    operator: Client, production: Environment, settings: Settings, tmp_path: Path
) -> None:
    settings.BUNDLES_DIR = tmp_path
    (tmp_path / "pm-scoring-1.2.0.tar").touch()
    page = operator.get(f"{CONSOLE}/environment/{production.pk}/roll-out/").content.decode()
    assert '<option value="pm-scoring-1.2.0.tar"' in page
    address = planned(operator, production, bundle="pm-scoring-1.2.0.tar")
    assert "pm-scoring-1.2.0.tar" in Operation.objects.get().output
    post(operator, address, typed="production")
    row = Deployment.objects.get()
    assert (row.version, row.source, row.bundle) == ("1.2.0", "bundle", "pm-scoring-1.2.0.tar")


@pytest.mark.parametrize(
    "fields", [{}, {"version": "1.1.0", "bundle": "pm-scoring-1.2.0.tar"}, {"bundle": "x.tar"}]
)
def test_it_is_a_version_or_a_bundle_that_lies_there(
    operator: Client,
    production: Environment,
    settings: Settings,
    tmp_path: Path,
    fields: dict[str, str],
) -> None:
    settings.BUNDLES_DIR = tmp_path
    (tmp_path / "pm-scoring-1.2.0.tar").touch()
    post(operator, f"environment/{production.pk}/roll-out", **fields)
    assert not Operation.objects.exists()


def test_an_earlier_release_is_offered_first_and_deployed_by_its_id(
    operator: Client, production: Environment
) -> None:
    earlier = release(production, "0.9.0", created_at=now() - timedelta(days=2))
    page = operator.get(f"{CONSOLE}/environment/{production.pk}/roll-back/").content.decode()
    assert re.search(rf'<option value="{earlier.pk}"\s+selected', page)
    address = planned(operator, production, "roll-back", release=earlier.pk)
    post(operator, address, typed="production")
    row = Deployment.objects.get()
    assert (row.to_release, row.source, row.version) == (earlier, "release", "0.9.0")


def test_an_old_plan_is_not_confirmed(operator: Client, production: Environment) -> None:
    address = planned(operator, production, version="1.1.0")
    Operation.objects.update(requested_at=now() - timedelta(minutes=20))
    assert "This plan is old" in text_of(post(operator, address, typed="production"))
    assert not Deployment.objects.exists()


def test_a_plan_that_cannot_be_made_says_why(
    operator: Client, production: Environment, fake: Fake
) -> None:
    fake.fail("services", EngineAway("Docker does not answer"))
    address = planned(operator, production, version="1.1.0")
    page = operator.get(f"{CONSOLE}/{address}/")
    assert "Docker does not answer" in text_of(page)
    assert 'name="typed"' not in page.content.decode()


def test_a_version_that_is_none_is_refused_on_the_form(
    operator: Client, production: Environment
) -> None:
    response = post(operator, f"environment/{production.pk}/roll-out", version="not a tag")
    assert "name a version" in text_of(response)
    assert not Operation.objects.exists()


def test_an_exam_window_wants_a_reason(operator: Client, production: Environment) -> None:
    at = now()
    ExamWindow.objects.create(name="Spring", starts_at=at, ends_at=at + timedelta(hours=1))
    address = planned(operator, production, version="1.1.0")
    assert "the exam window “Spring” holds" in text_of(post(operator, address, typed="production"))
    assert not Deployment.objects.exists()
    post(operator, address, typed="production", why="nobody can sign in")
    assert Deployment.objects.get().why == "nobody can sign in"


def test_a_second_one_is_refused_with_the_first_ones_name(
    operator: Client, production: Environment
) -> None:
    address = planned(operator, production, version="1.1.0")
    deployment(production, "1.0.5", status="rolling", claimed_at=now())
    assert "another deployment is under way" in text_of(post(operator, address, typed="production"))


def test_one_that_is_not_laid_out_needs_a_version_and_its_typed_code(operator: Client) -> None:
    row = environment("staging", laid_out_at=None, seen={}, subnet_prefix="172.30")
    response = operator.get(f"{CONSOLE}/environment/{row.pk}/roll-out/")
    for text in ("Lay out staging?", "172.30", "created from nothing"):
        assert text in text_of(response)
    # Nothing runs that a plan could compare with.
    assert 'id="plan-live"' not in response.content.decode()
    post(operator, f"environment/{row.pk}/roll-out", version="1.1.0", typed="staging")
    assert Deployment.objects.get().environment == row


def test_what_a_pipeline_asked_for_is_approved_by_typing_the_code(
    operator: Client, production: Environment
) -> None:
    row = deployment(production, needs_approval=True, requested_by="pipeline")
    page = text_of(operator.get(f"{CONSOLE}/deployment/{row.pk}/approve/"))
    assert "pipeline asks to deploy 1.1.0 into production" in page
    post(operator, f"deployment/{row.pk}/approve", typed="staging")
    assert not Deployment.objects.waiting().exists()
    post(operator, f"deployment/{row.pk}/approve", typed="production")
    row.refresh_from_db()
    assert row.approved_by == "operator"
    assert Deployment.objects.waiting().get() == row


def test_cancelling_says_what_becomes_of_it(operator: Client, production: Environment) -> None:
    row = deployment(production)
    page = text_of(operator.get(f"{CONSOLE}/deployment/{row.pk}/cancel/"))
    assert "Nothing that serves was touched so far" in page
    post(operator, f"deployment/{row.pk}/cancel")
    row.refresh_from_db()
    assert (row.status, row.cancelled_by) == ("cancelled", "operator")
    rolling = deployment(production, status="rolling", claimed_at=now())
    page = text_of(operator.get(f"{CONSOLE}/deployment/{rolling.pk}/cancel/"))
    assert "it goes back to the version before" in page
    assert "to be cancelled" in text_of(post(operator, f"deployment/{rolling.pk}/cancel"))


def test_a_lock_is_broken_with_a_reason_only(operator: Client, production: Environment) -> None:
    row = deployment(production, status="rolling", claimed_at=now())
    post(operator, f"deployment/{row.pk}/break-lock")
    assert not Event.objects.exists()
    post(operator, f"deployment/{row.pk}/break-lock", why="it stands still")
    event = Event.objects.get()
    assert (event.deed, event.details["why"]) == ("deployment.lock_broken", "it stands still")


def test_an_environment_is_added_and_its_page_says_what_comes_next(
    operator: Client, production: Environment
) -> None:
    Environment.objects.update(subnet_prefix="172.29", ports={"HAPROXY_PORT": 8180})
    response = post(operator, "environment/new", code="staging", kind="staging")
    row = Environment.objects.get(code="staging")
    assert response.redirect_chain == [(f"{CONSOLE}/environment/{row.pk}/change/", 302)]
    assert (row.subnet_prefix, row.ports) == ("172.30", {"HAPROXY_PORT": 8181})
    assert "Its first deployment creates all of that" in text_of(response)
    again = post(operator, "environment/new", code="staging", kind="staging")
    assert "there is an environment staging already" in text_of(again)


def test_removing_wants_the_typed_code_and_a_reason_without_a_backup(
    operator: Client, production: Environment
) -> None:
    row = environment("staging")
    address = f"environment/{row.pk}/remove"
    assert "A last backup is made" in text_of(operator.get(f"{CONSOLE}/{address}/"))
    post(operator, address, typed="production")
    post(operator, address, typed="staging", without_backup="on")
    assert not Operation.objects.exists()
    post(operator, address, typed="staging")
    asked = Operation.objects.get()
    assert (asked.kind, asked.arguments) == ("remove", {"without_backup": False})


def test_one_that_is_protected_is_not_removed(operator: Client, production: Environment) -> None:
    row = environment("staging", protected=True)
    assert "Remove…" not in text_of(operator.get(f"{CONSOLE}/environment/{row.pk}/change/"))
    refused = post(operator, f"environment/{row.pk}/remove", typed="staging")
    assert "is protected" in text_of(refused)
    post(operator, f"environment/{row.pk}/protect")
    row.refresh_from_db()
    assert not row.protected


@pytest.mark.parametrize("role", ["viewer", "marker", "exam manager"])
def test_only_operators_deploy(production: Environment, role: str) -> None:
    row = deployment(production, needs_approval=True)
    staging = environment("staging")
    browser = signed_in(role)
    for address in (
        f"environment/{production.pk}/roll-out",
        f"environment/{production.pk}/roll-back",
        f"environment/{staging.pk}/remove",
        f"environment/{staging.pk}/protect",
        "environment/new",
        f"deployment/{row.pk}/approve",
        f"deployment/{row.pk}/cancel",
        f"deployment/{row.pk}/break-lock",
    ):
        wanted = {"version": "9", "typed": "production", "why": "x", "code": "x", "kind": "staging"}
        assert browser.post(f"{CONSOLE}/{address}/", wanted).status_code in (302, 403), address
    row.refresh_from_db()
    assert (row.status, row.approved_at, Operation.objects.count()) == ("requested", None, 0)
    assert Environment.objects.count() == 2
