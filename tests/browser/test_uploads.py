"""A file looked at before it is taken, and what was taken brought back, in a real Chromium."""

import os
from pathlib import Path

import pytest
from django.core.files.base import File
from playwright.sync_api import Page, expect
from pytest_django import Settings

from scoring.intake import uploads
from scoring.models import Answer, Exam, Upload
from tests.browser.conftest import Open, visit
from tests.clients import named_file
from tests.factories import exam_in, make_user, submitted_answer

pytestmark = pytest.mark.django_db(transaction=True)
PICTURES = os.environ.get("PICTURES", "")
"""A folder for pictures of the pages, for who wants to look at them."""
ROWS = "受験者,設問,解答\nc01,Q1,別の文である\nc01,Q2,合意したから\nc02,Q9,何か\n"


@pytest.fixture(autouse=True)
def media(settings: Settings, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path / "uploads"


def picture(page: Page, name: str) -> None:
    if PICTURES:
        page.screenshot(path=Path(PICTURES) / f"{name}.png", full_page=True)


def previewed(exam: Exam) -> Upload:
    """A file with a new answer, another text for a stored one, and a row that is refused."""
    submitted_answer(exam, "要件が変わったから", "c01")
    file = File(named_file("解答.csv", ROWS.encode()))
    upload = uploads.receive(exam, "解答.csv", file, uploads.Wanted(is_preview=True))
    uploads.read(upload)
    return upload


def test_a_file_is_looked_at_and_taken_with_its_conflicts(browse: Open) -> None:
    upload = previewed(exam_in())
    address = f"/admin/scoring/upload/{upload.pk}/change/"
    page = browse(make_user("exam manager", staff=True), address)
    expect(page.get_by_role("row", name="新しい解答 1")).to_be_visible()
    expect(page.get_by_text("UTF-8").first).to_be_visible()
    expect(page.get_by_text("Q9").first).to_be_visible()
    picture(page, "preview")
    page.locator(f"a[href$='/upload/{upload.pk}/take/']").click()
    page.locator("#id_conflicts").select_option("replace")
    picture(page, "conflicts")
    page.get_by_role("button").filter(has_text="取り込").click()
    page.wait_for_url(f"**{address}")
    upload.refresh_from_db()
    assert (upload.status, upload.conflicts) == ("waiting", "replace")
    uploads.read(upload)
    counting = Answer.objects.filter(submission__candidate="c01").order_by("question__code")
    assert sorted(counting.values_list("text", flat=True)) == ["別の文である", "合意したから"]


@pytest.mark.parametrize("locale", ["ja-JP", "en-US"])
def test_an_upload_is_taken_back_and_brought_back(browse: Open, locale: str) -> None:
    upload = previewed(exam_in())
    uploads.take(upload, "skip")
    uploads.read(upload)
    address = f"/admin/scoring/upload/{upload.pk}/"
    page = browse(make_user("exam manager", staff=True), f"{address}change/", locale=locale)
    picture(page, f"taken-{locale}")
    page.locator(f"a[href$='{address}withdraw/']").click()
    page.locator("#id_reason").fill("別の組の答案だった。")
    picture(page, f"withdraw-{locale}")
    page.locator("form.pms-card button[type=submit]").click()
    page.wait_for_url("**/withdrawal/*/change/")
    words = {"ja-JP": "元に戻す…", "en-US": "Bring back…"}
    link = page.get_by_role("link", name=words[locale])
    expect(link).to_be_visible()
    expect(page.get_by_text("リストア")).to_have_count(0)
    picture(page, f"withdrawn-{locale}")
    assert not Answer.objects.filter(question__code="Q2").exists()
    link.click()
    picture(page, f"bring-back-{locale}")
    page.locator("main form button[type=submit], form.pms-card button[type=submit]").first.click()
    page.wait_for_url("**/withdrawal/*/change/")
    assert Answer.objects.filter(question__code="Q2").exists()
    visit(page, f"{address}change/")
