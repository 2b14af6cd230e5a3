"""The calendar of exam windows: one is added with a floor, corrected, changed and removed."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import translation
from django.utils.timezone import localtime, now
from django.utils.translation import gettext
from playwright.sync_api import Page, expect

from opsconsole.models import Event, ExamWindow, ScalingPolicy
from tests.browser.conftest import Open, visit
from tests.browser.test_accessibility import violations
from tests.factories import make_user
from tests.opsconsole.environments_made import environment

pytestmark = pytest.mark.django_db(transaction=True)
LIST = "/admin/opsconsole/examwindow/"
TYPED = "%Y-%m-%dT%H:%M"
BELL = localtime(now()).replace(hour=9, minute=0, second=0, microsecond=0) + timedelta(days=3)


@pytest.fixture
def operator(transactional_db: None) -> User:
    """Before an environment whose web servers are scaled, and take 100 s to start."""
    ScalingPolicy.objects.create(
        environment=environment(), service="web", dry_run=False, startup_seconds=100.0
    )
    return make_user("operator", staff=True)


def fill(page: Page, ends_after_hours: int) -> None:
    page.fill("[name=name]", "Spring")
    page.fill("[name=starts_at]", BELL.strftime(TYPED))
    page.fill("[name=ends_at]", (BELL + timedelta(hours=ends_after_hours)).strftime(TYPED))
    page.fill("[name=floor_web]", "3")
    page.click("[name=_save]")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("language", ["ja", "en"])
def test_a_window_is_added_corrected_changed_and_removed(
    browse: Open, operator: User, language: str, scheme: str
) -> None:
    with translation.override(language):
        refusal, lead = gettext("The end must be later than the start."), gettext("at least")
    page = browse(operator, f"{LIST}add/", locale=language, color_scheme=scheme)
    fill(page, ends_after_hours=0)
    expect(page.locator(".field-ends_at")).to_contain_text(refusal)
    assert not ExamWindow.objects.exists()
    assert violations(page) == []

    fill(page, ends_after_hours=3)
    page.wait_for_url(f"**{LIST}")
    window = ExamWindow.objects.get()
    expect(page.locator(".pms-calendar .pms-window")).to_have_text("09:00–12:00 Spring")
    card = page.locator(f"section[aria-labelledby=window-{window.pk}]")
    expect(card.locator("thead")).to_contain_text(lead)
    expect(card.locator("tbody tr")).to_have_count(1)
    expect(card.locator("tbody time")).to_have_attribute(
        "datetime", (BELL - timedelta(seconds=165)).isoformat()
    )
    assert violations(page) == []

    page.locator(".pms-calendar .pms-window").click()
    page.fill("[name=name]", "Autumn")
    page.select_option("[name=zone]", "Europe/Berlin")
    page.click("[name=_save]")
    page.wait_for_url(f"**{LIST}")
    expect(page.locator(".pms-calendar .pms-window")).to_have_text("09:00–12:00 Autumn")
    window.refresh_from_db()
    assert window.starts_at > BELL + timedelta(hours=6)

    visit(page, f"{LIST}{window.pk}/delete/")
    page.locator("form[method=post] [type=submit]").last.click()
    page.wait_for_url(f"**{LIST}")
    expect(page.locator(".pms-first")).to_be_visible()
    changes = Event.objects.order_by("number").values_list("details__change", flat=True)
    assert list(changes) == ["added", "changed", "removed"]


def test_the_calendar_is_read_without_a_script(browse: Open, operator: User) -> None:
    ExamWindow.objects.create(
        name="Spring", starts_at=BELL, ends_at=BELL + timedelta(hours=3), floors={"web": 3}
    )
    page = browse(operator, LIST, locale="en", java_script_enabled=False)
    expect(page.locator(".pms-calendar")).to_contain_text("09:00–12:00 Spring")
    expect(page.locator("main, body").first).to_contain_text("Refused without a reason")
