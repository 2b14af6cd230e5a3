"""A real Chromium before the real pages, served from the test database."""

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, Error, Page, expect, sync_playwright

CHROMIUM = Path(os.environ.get("CHROMIUM", "/usr/bin/chromium"))
WIDE = {"width": 1280, "height": 720}
CHANGED = "ERR_NETWORK_CHANGED"
LEFT = "interrupted by another navigation"
Open = Callable[..., Page]
heard: list[str] = []
"""What pages complained of since the test began."""

# As long as it waits for a page to load.
expect.set_options(timeout=30_000)
# Playwright's loop runs in the thread of the test, where Django would refuse to ask the database.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"


def visit(page: Page, address: str) -> None:
    """Go there; again where a container that came or went on this machine broke the connections.

    A page that loads itself anew at this moment goes there instead: so again then, too.
    """
    failures: list[str] = []
    page.on("requestfailed", lambda one: failures.append(one.failure or ""))
    before = len(heard)
    for _ in range(5):
        failures.clear()
        del heard[before:]
        try:
            page.goto(address)
        except Error as error:
            if CHANGED not in str(error) and LEFT not in str(error):
                raise
            failures.append(str(error))
        if not any(CHANGED in failure or LEFT in failure for failure in failures):
            return
    pytest.fail(f"{address}: {failures}")


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """One browser for the whole run; without one these tests are skipped, or fail where asked."""
    if not CHROMIUM.exists():
        refuse = pytest.fail if "BROWSER_REQUIRED" in os.environ else pytest.skip
        refuse(f"no Chromium at {CHROMIUM}: Debian's package chromium, or its place in CHROMIUM")
    flags = ["--no-sandbox", "--disable-background-networking", "--disable-dev-shm-usage"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=flags)
        yield browser
        browser.close()


@pytest.fixture
def browse(chromium: Browser, live_server: Any) -> Iterator[Open]:
    """`browse(user, address, locale="ja-JP", viewport=…)`: a page as that user sees it.

    What the page complains of in its console fails the test: a broken script, a refused style.
    """
    contexts: list[BrowserContext] = []
    heard.clear()

    def opened(user: User, address: str, locale: str = "ja-JP", **options: Any) -> Page:
        context = chromium.new_context(
            base_url=live_server.url, locale=locale, **{"viewport": WIDE, **options}
        )
        contexts.append(context)
        client = Client()
        client.force_login(user)
        cookie = client.cookies["sessionid"].value
        context.add_cookies([{"name": "sessionid", "value": cookie, "url": live_server.url}])
        page = context.new_page()
        page.on("pageerror", lambda error: heard.append(str(error)))
        page.on("console", lambda m: heard.append(m.text) if m.type == "error" else None)
        visit(page, address)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert [one for one in heard if not re.search(f"status of 4|{CHANGED}", one)] == []
