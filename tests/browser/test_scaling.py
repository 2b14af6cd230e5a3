"""An operator's day with scaling: reading why, pausing, setting by hand, changing by a preview.

The operations worker is a thread before an engine in memory, see fake_worker.py. Samples and
decisions are rows, as the turns of scaling leave them.
"""

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils.timezone import now
from playwright.sync_api import Page, expect
from pytest_django import Settings

from opsconsole.environments import engine
from opsconsole.models import Environment, Event, Operation, ScalingPolicy
from tests.browser.conftest import Open
from tests.browser.fake_worker import Worker, working
from tests.factories import make_user
from tests.opsconsole.engines.fake import Fake
from tests.opsconsole.environments_made import environment
from tests.opsconsole.scaling.factories import REQUESTS, a_day, clamp, decision, input_of, policy

pytestmark = pytest.mark.django_db(transaction=True)
ADMIN = "/admin/opsconsole"
SITE = "COMPOSE_PROJECT_NAME=pms\nINSTALL_DIR=/opt/pm\nSECRETS_DIR=/opt/pm/compose/secrets\n"
LANGUAGES = pytest.mark.parametrize("locale", ["en-US", "ja-JP"])
SUBMIT = "form.pms-card button[type=submit]"


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> Fake:
    """The engine of every environment."""
    made = Fake("1.0.0")
    monkeypatch.setattr(engine, "KINDS", {"compose": lambda environment: made})
    settings.ENGINE, settings.SITE = "compose", SITE
    return made


@pytest.fixture
def production(transactional_db: None, fake: Fake) -> Environment:
    return environment()


@pytest.fixture
def worker(production: Environment, fake: Fake) -> Iterator[Worker]:
    with working(fake) as made:
        yield made


@pytest.fixture
def web(production: Environment) -> ScalingPolicy:
    """A policy with a day behind it."""
    made = policy(of=production)
    a_day(made)
    return made


@pytest.fixture
def operator(transactional_db: None) -> User:
    return make_user("operator", staff=True)


def address(row: ScalingPolicy, place: str = "change") -> str:
    return f"{ADMIN}/scalingpolicy/{row.pk}/{place}/"


def press(page: Page, place: str) -> None:
    """The link that leads to that address."""
    page.locator(f"a[href*='{place}']").first.click()


def arrive(page: Page, row: ScalingPolicy) -> None:
    page.wait_for_url(re.compile(re.escape(address(row))))


@LANGUAGES
def test_the_chart_leads_to_each_change_and_the_change_says_why(
    browse: Open, operator: User, web: ScalingPolicy, locale: str
) -> None:
    bound = [clamp("up_rate", 6, 4), clamp("most", 7, 6)]
    last = decision(
        web, current=2, recommended=7, desired=4, action="up", because="up_rate", clamps=bound,
        inputs=[input_of(REQUESTS, 68.0, 7)], outcome="done", came=4, came_at=now(),
    )  # fmt: skip
    page = browse(operator, f"{address(web)}?span=day", locale=locale)
    marks = page.locator("svg a")
    expect(marks).to_have_count(web.decisions.changing().count())
    expect(page.locator(".pms-words li")).to_have_count(5)
    expect(page.locator(".pms-words")).to_contain_text("68/")
    page.locator("details summary").click()
    expect(page.locator("details tbody tr").nth(20)).to_be_visible()
    marks.last.click()
    page.wait_for_url(re.compile(rf"/scalingdecision/{last.pk}/change/"))
    expect(page.locator("h2.pms-title")).to_contain_text("2 → 4")
    expect(page.locator("table").last.locator("tbody tr")).to_have_count(4)
    press(page, address(web))
    arrive(page, web)


def test_the_page_follows_what_is_decided(browse: Open, operator: User, web: ScalingPolicy) -> None:
    page = browse(operator, address(web), locale="en-US")
    expect(page.locator("#policy-live")).to_be_visible()
    held = [clamp("missing", 2, 2, says="requests")]
    decision(web, action="hold", because="missing", clamps=held, inputs=[input_of(REQUESTS, None)])
    ScalingPolicy.objects.update(held_since=now() - timedelta(minutes=6), decided_at=now())
    expect(page.get_by_role("alert")).to_contain_text("It has held for want of data")
    expect(page.locator("#policy-live")).to_contain_text("HAProxy does not answer")


@LANGUAGES
def test_it_is_paused_with_a_reason_and_resumed(
    browse: Open, operator: User, web: ScalingPolicy, locale: str
) -> None:
    page = browse(operator, address(web), locale=locale)
    press(page, "/pause/")
    page.locator(SUBMIT).click()
    expect(page.locator("form .errorlist, form .text-red-600").first).to_be_visible()
    page.select_option("[name=lasting]", "30")
    page.fill("[name=why]", "the spring exam")
    page.locator(SUBMIT).click()
    arrive(page, web)
    expect(page.get_by_role("status")).to_contain_text("the spring exam")
    web.refresh_from_db()
    assert web.is_paused(now() + timedelta(minutes=29))
    assert not web.is_paused(now() + timedelta(minutes=31))
    page.locator("form[action$='/resume/'] button").click()
    expect(page.get_by_role("status")).to_have_count(0)
    web.refresh_from_db()
    assert not web.is_paused()
    assert Event.objects.filter(deed__startswith="policy.").count() == 2


@LANGUAGES
def test_a_number_is_set_by_hand_for_a_time_and_put_back(
    browse: Open, operator: User, fake: Fake, worker: Worker, web: ScalingPolicy, locale: str
) -> None:
    before = len(fake.running("web"))
    page = browse(operator, address(web), locale=locale)
    press(page, "/by-hand/")
    page.fill("[name=replicas]", str(before + 2))
    page.select_option("[name=lasting]", "60")
    page.locator(SUBMIT).click()
    arrive(page, web)
    back = page.locator("form[action$='/give-back/'] button")
    expect(back).to_be_visible()
    assert len(fake.running("web")) == before + 2
    back.click()
    expect(back).to_have_count(0)
    expect(page.locator("#policy-live")).to_be_visible()
    done = Operation.objects.filter(kind="scale", status="done")
    while done.count() < 2:
        page.wait_for_timeout(100)
    assert len(fake.running("web")) == before


@LANGUAGES
def test_a_policy_is_previewed_over_the_last_day_and_saved_only_then(
    browse: Open, operator: User, web: ScalingPolicy, locale: str
) -> None:
    page = browse(operator, address(web), locale=locale)
    press(page, "/edit/")
    page.fill("[name=metric-0-target]", "5")
    page.locator("[name=_preview]").click()
    expect(page.locator("#preview .pms-chart").first).to_be_visible()
    expect(page.locator("#preview tbody tr")).to_have_count(5)
    web.refresh_from_db()
    assert web.metrics[0]["target"] == 10
    page.fill("[name=most]", "6")
    page.locator("[name=_save]").click()
    expect(page.locator("#preview .pms-bad")).to_be_visible()
    web.refresh_from_db()
    assert web.most == 4
    page.locator("[name=_save]").click()
    arrive(page, web)
    web.refresh_from_db()
    assert (web.metrics[0]["target"], web.most) == (5, 6)
    assert Event.objects.get(deed="policy.changed").actor == operator.username


def test_what_is_wrong_is_said_at_its_field_and_nothing_is_saved(
    browse: Open, operator: User, web: ScalingPolicy
) -> None:
    page = browse(operator, address(web, "edit"), locale="en-US")
    page.fill("[name=least]", "9")
    page.fill("[name=metric-0-target]", "")
    page.locator("[name=_preview]").click()
    expect(page.get_by_text("Enter the target of this metric.")).to_be_visible()
    page.fill("[name=metric-0-target]", "10")
    page.locator("[name=_preview]").click()
    expect(page.get_by_text("The most must not be less than the least.")).to_be_visible()
    expect(page.locator("[name=_save]")).to_have_count(0)


@LANGUAGES
def test_one_in_dry_run_says_what_it_would_do_before_it_is_let_act(
    browse: Open, operator: User, production: Environment, locale: str
) -> None:
    row = policy(of=production, dry_run=True)
    decision(row, current=2, desired=3, recommended=3, action="up", outcome="dry_run")
    page = browse(operator, address(row), locale=locale)
    press(page, "/dry-run/")
    expect(page.locator("form.pms-card li").last).to_contain_text("3")
    page.locator(SUBMIT).click()
    arrive(page, row)
    row.refresh_from_db()
    assert not row.dry_run
    press(page, "/dry-run/")
    page.locator(SUBMIT).click()
    arrive(page, row)
    row.refresh_from_db()
    assert row.dry_run
