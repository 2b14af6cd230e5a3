"""A restore in an operator's browser, on a running installation whose database is exchanged."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.fresh.installed import Installation, installed, looking

SECONDS = 120_000


@pytest.fixture(scope="module")
def installation() -> Iterator[Installation]:
    with installed() as made:
        yield made


def signed_in(chromium: Browser, installation: Installation) -> Page:
    """A browser of its own, before the overview."""
    context = chromium.new_context(base_url=installation.address, locale="en-US")
    page = context.new_page()
    page.set_default_timeout(SECONDS)
    page.goto("/admin/login/")
    sign_in(page, installation)
    page.wait_for_url(re.compile(r"/admin/$"))
    return page


def sign_in(page: Page, installation: Installation) -> None:
    page.fill("[name=username]", "admin")
    page.fill("[name=password]", installation.password())
    page.press("[name=password]", "Enter")


def test_an_operator_restores_and_signs_in_again(
    chromium: Browser, installation: Installation
) -> None:
    first = signed_in(chromium, installation)
    first.goto("/admin/opsconsole/backup/now/")
    first.get_by_role("button", name="Back up now").click()
    first.wait_for_url(re.compile(r"/backup/\d+/change/"))
    expect(first.locator(".pms-done")).to_have_count(5, timeout=SECONDS)
    (backup,) = installation.manage("backups")
    # Whoever signs in now is not signed in any more in the data of before.
    page = signed_in(chromium, installation)
    page.goto(first.url)

    page.get_by_role("link", name="Restore…").click()
    page.fill("[name=typed]", backup["name"])
    with looking(installation.address) as answers:
        page.get_by_role("button", name="Restore", exact=True).click()
        page.wait_for_url(re.compile(r"/restore/\d+/change/"))
        expect(page.locator(".pms-steps [aria-current=step]")).to_be_visible(timeout=SECONDS)
        page.wait_for_url(re.compile(r"/admin/login/\?next=.*restore"), timeout=SECONDS)

    held = [answer for answer in answers if answer.status_code == 503]
    assert held
    assert all("Retry-After" in answer.headers for answer in held)
    assert {answer.status_code for answer in answers} == {200, 503}
    sign_in(page, installation)
    page.wait_for_url(re.compile(r"/restore/\d+/change/"))
    expect(page.locator(".pms-head")).to_contain_text("done")
    first.reload()
    expect(first.locator(".pms-title")).to_contain_text(backup["name"])
