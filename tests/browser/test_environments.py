"""An operator's day with environments: looking, rolling out, cancelling, going back, adding one.

The operations worker is a thread before an engine in memory, see fake_worker.py.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils.timezone import now
from playwright.sync_api import Page, expect
from pytest_django import Settings

from opsconsole.deployments import releases
from opsconsole.environments import engine
from opsconsole.models import Deployment, Environment, Event, ExamWindow, Operation
from tests.browser.conftest import Open, visit
from tests.browser.fake_worker import Worker, working
from tests.factories import make_user
from tests.opsconsole.engines.fake import Behaviour, Fake

pytestmark = pytest.mark.django_db(transaction=True)
ADMIN = "/admin/opsconsole"
STEP = ".pms-steps [aria-current=step]"
SITE = "COMPOSE_PROJECT_NAME=pms\nINSTALL_DIR=/opt/pm\nSECRETS_DIR=/opt/pm/compose/secrets\n"


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch, settings: Settings, tmp_path: Path) -> Fake:
    """The engine of every environment."""
    made = Fake("1.0.0")
    monkeypatch.setattr(engine, "KINDS", {"compose": lambda environment: made})
    settings.ENGINE, settings.SITE, settings.SOAK_SECONDS = "compose", SITE, 10
    settings.BACKUP_DIR, settings.BUNDLES_DIR = tmp_path / "backups", tmp_path / "bundles"
    return made


@pytest.fixture
def staging(transactional_db: None, fake: Fake) -> Environment:
    """An environment beside the running installation; its release is known."""
    Environment.objects.create(
        code="production", kind="production", engine="compose", project="pms",
        is_here=True, protected=True, laid_out_at=now(), ports={"HAPROXY_PORT": 8180},
        subnet_prefix="172.29",
    )  # fmt: skip
    made = Environment.objects.create(
        code="staging", kind="staging", engine="compose", project="pms-staging",
        overlays=["staging"], ports={"HAPROXY_PORT": 8191}, subnet_prefix="172.31",
        laid_out_at=now(),
    )  # fmt: skip
    releases.record_running(made, fake)
    return made


@pytest.fixture
def worker(staging: Environment, fake: Fake) -> Iterator[Worker]:
    with working(fake) as made:
        yield made


@pytest.fixture
def operator(transactional_db: None) -> User:
    return make_user("operator", staff=True)


def arrive(page: Page, pattern: str) -> int:
    """The number in the address to which the page goes."""
    page.wait_for_url(re.compile(pattern))
    match = re.search(pattern, page.url)
    assert match
    return int(match[1])


def press(page: Page, place: str) -> None:
    """The button or link that leads to that address."""
    page.locator(f"a[href*='{place}']").first.click()


def rolled_out(page: Page, version: str) -> Deployment:
    """Ask for the version by the pages, plan and confirmation included."""
    press(page, "/roll-out/")
    page.fill("[name=version]", version)
    page.locator("form.pms-card button[type=submit]").click()
    expect(page.locator(".pms-plan li").first).to_be_visible()
    expect(page.locator(".pms-plan")).to_contain_text(f"pm-scoring-app:{version}")
    assert not Deployment.objects.filter(version=version).exists()
    page.fill("[name=typed]", "production")
    page.locator("form.pms-card button[type=submit]").click()
    expect(page.locator("form .errorlist, form .text-red-600").first).to_be_visible()
    page.fill("[name=typed]", "staging")
    page.locator("form.pms-card button[type=submit]").click()
    return Deployment.objects.get(pk=arrive(page, r"/deployment/(\d+)/change/"))


@pytest.mark.parametrize(
    ("locale", "words"),
    [("en-US", ("rolling out", "live")), ("ja-JP", ("", ""))],
)
def test_a_version_is_rolled_out_and_watched(
    browse: Open,
    operator: User,
    staging: Environment,
    fake: Fake,
    worker: Worker,
    locale: str,
    words: tuple[str, str],
) -> None:
    fake.build("1.1.0")
    worker.stop_before = "roll"
    page = browse(operator, f"{ADMIN}/environment/{staging.pk}/change/", locale=locale)
    expect(page.locator(".pms-services")).to_contain_text("pm-scoring-app:1.0.0")
    deployment = rolled_out(page, "1.1.0")
    expect(page.locator(STEP)).to_contain_text(words[0])
    expect(page.locator(".pms-log-table tbody tr").nth(1)).to_be_visible()
    worker.go_on.set()
    expect(page.locator("[data-live]")).to_have_count(0)
    expect(page.locator(".pms-done")).to_have_count(7)
    expect(page.locator("#deployment-live .pms-states")).to_contain_text(words[1])
    expect(page.locator(".pms-good")).to_be_visible()
    deployment.refresh_from_db()
    assert (deployment.status, deployment.failed_requests) == ("live", 0)
    visit(page, f"{ADMIN}/environment/{staging.pk}/change/")
    expect(page.locator("#environment-live .pms-services")).to_contain_text("pm-scoring-app:1.1.0")


def test_one_that_answers_errors_is_taken_back_and_says_why(
    browse: Open, operator: User, staging: Environment, fake: Fake, worker: Worker
) -> None:
    fake.build("1.1.0", Behaviour(errors=0.5))
    page = browse(operator, f"{ADMIN}/environment/{staging.pk}/change/", locale="en-US")
    rolled_out(page, "1.1.0")
    expect(page.get_by_role("alert")).to_contain_text("It was taken back")
    expect(page.get_by_role("alert")).to_contain_text("requests to the new version failed")
    visit(page, "/admin/")
    expect(page.locator("#environments-live")).to_contain_text("requests to the new version failed")


def test_one_under_way_is_cancelled_and_goes_back(
    browse: Open, operator: User, staging: Environment, fake: Fake, worker: Worker
) -> None:
    fake.build("1.1.0")
    worker.stop_before = "roll: waiting for its health"
    page = browse(operator, f"{ADMIN}/environment/{staging.pk}/change/", locale="en-US")
    deployment = rolled_out(page, "1.1.0")
    expect(page.locator(STEP)).to_have_text("rolling out")
    press(page, "/cancel/")
    expect(page.locator("form.pms-card")).to_contain_text("goes back to the version before")
    page.get_by_role("button", name="Yes").click()
    expect(page.locator("#deployment-live")).to_contain_text("to be cancelled")
    worker.stop_before = ""
    worker.go_on.set()
    expect(page.locator("[data-live]")).to_have_count(0)
    deployment.refresh_from_db()
    assert deployment.status in ("rolled_back", "cancelled")
    assert fake.digests("web") == {fake.images["pmscoring.local/pm-scoring-app:1.0.0"].digest}


@pytest.mark.parametrize("locale", ["en-US", "ja-JP"])
def test_an_earlier_release_is_deployed_again(
    browse: Open, operator: User, staging: Environment, fake: Fake, worker: Worker, locale: str
) -> None:
    fake.build("1.1.0")
    page = browse(operator, f"{ADMIN}/environment/{staging.pk}/change/", locale=locale)
    rolled_out(page, "1.1.0")
    expect(page.locator(".pms-done")).to_have_count(7)
    staging.refresh_from_db()
    earlier = staging.releases.get(version="1.0.0")
    visit(page, f"{ADMIN}/release/{earlier.pk}/change/")
    expect(page.locator(".pms-table").first).to_contain_text("web")
    press(page, "/roll-back/")
    expect(page.locator("[name=release]")).to_have_value(str(earlier.pk))
    page.locator("form.pms-card button[type=submit]").click()
    page.fill("[name=typed]", "staging")
    page.locator("form.pms-card button[type=submit]").click()
    arrive(page, r"/deployment/(\d+)/change/")
    expect(page.locator(".pms-done")).to_have_count(7)
    staging.refresh_from_db()
    assert staging.release == earlier


def test_a_log_is_followed_searched_and_downloaded(
    browse: Open, operator: User, staging: Environment, fake: Fake, worker: Worker
) -> None:
    web = fake.running("web")[0]
    fake.said[web.id] = [(fake.now, "started"), (fake.now, "password=hunter2-secret")]
    page = browse(operator, f"{ADMIN}/environment/{staging.pk}/change/", locale="en-US")
    page.locator(f"a[href*='/logs/?replica={web.id}']").click()
    page.check("[name=follow]")
    page.locator("form.pms-card button[type=submit]").click()
    expect(page.locator("pre.pms-log")).to_contain_text("started")
    expect(page.locator("pre.pms-log")).not_to_contain_text("hunter2")
    expect(page.locator("[data-following]")).to_be_visible()
    fake.said[web.id].append((now(), "a new line"))
    expect(page.locator("pre.pms-log")).to_contain_text("a new line")
    page.locator("[data-stop]").click()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()
    assert "started" in Path(download.value.path()).read_text()
    page.get_by_role("link", name="Other lines…").click()
    page.select_option("[name=replica]", web.id)
    page.fill("[name=search]", "NEW")
    page.locator("form.pms-card button[type=submit]").click()
    expect(page.locator("pre.pms-log")).to_contain_text("a new line")
    expect(page.locator("pre.pms-log")).not_to_contain_text("started")


def test_a_service_is_scaled_and_a_replica_restarted(
    browse: Open, operator: User, staging: Environment, fake: Fake, worker: Worker
) -> None:
    page = browse(operator, f"{ADMIN}/environment/{staging.pk}/change/", locale="en-US")
    before = len(fake.running("web"))
    press(page, "/scale/")
    page.select_option("[name=service]", "web")
    page.fill("[name=replicas]", str(before + 2))
    page.locator("form.pms-card button[type=submit]").click()
    arrive(page, r"/operation/(\d+)/change/")
    expect(page.locator("#operation-live")).to_contain_text(f"web: {before} → {before + 2}")
    assert len(fake.running("web")) == before + 2
    visit(page, f"{ADMIN}/environment/{staging.pk}/change/")
    press(page, "/restart/?replica=web-")
    page.locator("form.pms-card button[type=submit]").click()
    expect(page.locator("#operation-live")).to_contain_text("was restarted")


def test_the_page_follows_what_is_seen_and_keeps_the_focus(
    browse: Open, operator: User, staging: Environment, fake: Fake
) -> None:
    with working(fake) as worker:
        page = browse(operator, f"{ADMIN}/environment/{staging.pk}/change/", locale="en-US")
        link = page.locator(".pms-services a[href*='/logs/']").first
        expect(link).to_be_visible()
        link.focus()
        fake.scale("web", 4)
        expect(page.locator(".pms-services")).to_contain_text("4 / 4")
        assert page.evaluate("document.activeElement.getAttribute('href')").count("/logs/")
        worker.ended.set()
    Environment.objects.update(trouble="Docker does not answer within 5 s")
    expect(page.get_by_role("alert")).to_contain_text("Docker does not answer within 5 s")
    expect(page.locator("#environment-live .pms-states")).to_contain_text("unknown")


@pytest.mark.parametrize("locale", ["en-US", "ja-JP"])
def test_an_environment_is_added_and_removed(
    browse: Open, operator: User, staging: Environment, fake: Fake, locale: str
) -> None:
    page = browse(operator, f"{ADMIN}/environment/", locale=locale)
    press(page, "/environment/new")
    page.fill("[name=code]", "trial")
    page.locator("form.pms-card button[type=submit]").click()
    key = arrive(page, r"/environment/(\d+)/change/")
    made = Environment.objects.get(pk=key)
    assert (made.code, made.kind, made.laid_out_at) == ("trial", "staging", None)
    press(page, "/remove/")
    page.fill("[name=typed]", "trial")
    page.locator("form.pms-card button[type=submit]").click()
    arrive(page, r"/operation/(\d+)/change/")
    with working(fake):
        expect(page.locator("[data-live]")).to_have_count(0)
    made.refresh_from_db()
    assert made.removed_at, Operation.objects.get().reason


@pytest.mark.parametrize("locale", ["en-US", "ja-JP"])
def test_an_exam_window_is_set_and_deployments_need_a_reason(
    browse: Open, operator: User, staging: Environment, locale: str
) -> None:
    page = browse(operator, f"{ADMIN}/examwindow/add/", locale=locale)
    expect(page.locator("form").last).to_contain_text("Asia/Tokyo")
    page.fill("[name=name]", "Spring")
    page.fill("[name=starts_at]", "2020-04-01T09:00")
    page.fill("[name=ends_at]", "2099-04-01T09:00")
    page.click("[name=_save]")
    page.wait_for_url(re.compile(r"/examwindow/$"))
    assert ExamWindow.objects.get().starts_at.hour == 0
    assert Event.objects.get(deed="window.changed")
    visit(page, "/admin/")
    expect(page.locator("#environments-live")).to_contain_text("Spring")


def test_times_are_those_of_the_browser_and_the_titles_those_of_the_installation(
    browse: Open, operator: User, staging: Environment
) -> None:
    release = staging.releases.get()
    address = f"{ADMIN}/release/{release.pk}/change/"
    page = browse(operator, address, locale="en-US", timezone_id="America/New_York")
    time: Any = page.locator("time").first
    expect(time).to_contain_text(re.compile("E[SD]T"))
    assert "JST" in time.get_attribute("title")
    tokyo = browse(operator, address, locale="en-US", timezone_id="Asia/Tokyo")
    expect(tokyo.locator("time").first).not_to_contain_text("GMT")
