"""The page of an environment says what runs in it, how it is, and how old that knowledge is."""

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils.timezone import now

from opsconsole.models import Environment, Heal
from tests.clients import signed_in
from tests.opsconsole.environments_made import (
    deployment,
    environment,
    operation,
    release,
    replica,
    seen,
)

pytestmark = pytest.mark.django_db
LIST = "/admin/opsconsole/environment/"


def shown(browser: Client, row: Environment) -> str:
    """The page's text, without its tags."""
    page = browser.get(f"{LIST}{row.pk}/change/").content.decode()
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


def test_an_empty_list_says_what_comes_first(operator: Client) -> None:
    page = operator.get(LIST).content.decode()
    assert "No environment yet" in page
    assert "the worker of the queue “ops” is not running" in page


def test_the_list_shows_state_version_replicas_and_load(operator: Client) -> None:
    row = environment()
    release(row, "1.0.0", live=True)
    page = operator.get(LIST).content.decode()
    for text in ("production", "healthy", "1.0.0", "7 of 7", "2.32 cores"):
        assert text in page


def test_one_that_was_removed_is_listed_only_where_one_asks(operator: Client) -> None:
    environment("trial", removed_at=now())
    assert ">trial<" not in operator.get(LIST).content.decode()
    assert ">trial<" in operator.get(LIST, {"removed": "too"}).content.decode()


def test_the_page_shows_each_replica_with_its_use_of_its_limits(operator: Client) -> None:
    row = environment()
    release(row, "1.0.0", live=True)
    page = shown(operator, row)
    for text in (
        "pms-web-2",
        "2 / 2",
        "pm-scoring-app:1.0.0",
        "222222222222",
        "0.12 cores of 2 cores",
        "295.6 MB of 1.0 GB",
        "pms-web-1 started",
    ):
        assert text in page


def test_what_is_sick_is_said_in_the_words_of_its_check(operator: Client) -> None:
    sick = replica("web", 1, health="unhealthy", health_says="GET /ready: 503", restarts=4)
    row = environment(seen=seen(web=[sick, replica("web", 2)]))
    page = shown(operator, row)
    for text in ("1 service sick", "unhealthy", "GET /ready: 503", "1 / 2"):
        assert text in page


def test_a_replica_near_its_limit_is_marked(operator: Client) -> None:
    full = replica("web", 1, memory_bytes=1_060_000_000)
    row = environment(seen=seen(web=[full, replica("web", 2)]))
    page = operator.get(f"{LIST}{row.pk}/change/").content.decode()
    assert page.count('<span class="pms-bad">') == 1


def test_trouble_is_a_reason_and_what_was_seen_keeps_its_age(operator: Client) -> None:
    row = environment(
        trouble="Docker does not answer within 5 s", seen_at=now() - timedelta(minutes=7)
    )
    page = shown(operator, row)
    for text in ("unknown", "Docker does not answer within 5 s", "7 minutes ago", "pms-web-1"):
        assert text in page


def test_what_nobody_looked_at_of_late_is_not_called_healthy(operator: Client) -> None:
    row = environment(seen_at=now() - timedelta(minutes=2))
    page = shown(operator, row)
    assert "Nobody has looked for more than a minute" in page
    assert "unknown" in page


def test_one_that_is_not_laid_out_says_that_its_first_deployment_does_it(
    operator: Client,
) -> None:
    row = environment("staging", laid_out_at=None, seen={}, seen_at=None)
    assert "Its first deployment creates all of that" in shown(operator, row)


def test_deployments_and_operations_are_listed_and_lead_on(operator: Client) -> None:
    row = environment()
    going = deployment(row, "1.1.0", status="rolling", claimed_at=now())
    done = operation(row, target="pms-web-1", status="done")
    page = operator.get(f"{LIST}{row.pk}/change/").content.decode()
    assert f"/admin/opsconsole/deployment/{going.pk}/change/" in page
    assert f"/admin/opsconsole/operation/{done.pk}/change/" in page
    assert "rolling out" in page


def test_what_was_healed_and_what_was_given_up_is_shown(operator: Client) -> None:
    row = environment()
    seen_of_it = {"service": "web", "sickness": "unhealthy", "seen": "GET /ready: 503"}
    Heal.objects.create(
        environment=row,
        replica="1",
        name="pms-web-1",
        did="restarted",
        outcome="recovered",
        ended_at=now(),
        **seen_of_it,
    )
    Heal.objects.create(environment=row, replica="2", name="pms-web-2", did="gave_up", **seen_of_it)
    page = shown(operator, row)
    assert "healthy again" in page
    assert "given up" in page
    assert "pms-web-2 is sick, and was given up: GET /ready: 503" in re.sub(
        r"\s+", " ", re.sub(r"<[^>]+>", " ", operator.get("/admin/").content.decode())
    )


def test_the_embedded_engine_says_that_it_deploys_nothing(operator: Client) -> None:
    page = shown(operator, environment(engine="embedded", project=""))
    assert "The embedded engine deploys nothing" in page
    assert "Roll out" not in page


def test_a_word_of_a_later_version_is_shown_as_it_is(operator: Client) -> None:
    later = replica("web", 1, health="sleepy")
    assert "sleepy" in shown(operator, environment(seen=seen(web=[later, replica("web", 2)])))


def test_viewers_see_and_others_do_not(operator: Client) -> None:
    row = environment()
    assert "Roll out" in shown(operator, row)
    assert "Roll out" not in shown(signed_in("viewer"), row)
    for role in ("exam manager", "marker"):
        assert signed_in(role).get(f"{LIST}{row.pk}/change/").status_code in (302, 403, 404)
