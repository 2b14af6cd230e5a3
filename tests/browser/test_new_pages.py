"""Pages between the deeds, by axe: wide and light in Japanese, narrow and dark in English.

No violation of WCAG 2.2, levels A and AA, and nothing wider than the window.
"""

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.base import File
from playwright.sync_api import Page
from pytest_django import Settings

from scoring.intake import uploads
from scoring.marks import giving
from scoring.models import Answer, Exam, Upload
from scoring.review import assignments, notes, queue
from tests.browser.conftest import Open
from tests.browser.test_accessibility import violations
from tests.clients import named_file
from tests.factories import answers_of, exam_in, fresh, make_user, scored, submitted_answer

pytestmark = pytest.mark.django_db(transaction=True)
PICTURES = os.environ.get("PICTURES", "")
"""A folder for pictures of the pages, for who wants to look at them."""
SIGHTS: dict[str, dict[str, Any]] = {
    "wide": {"locale": "ja-JP", "color_scheme": "light"},
    "narrow": {
        "locale": "en-US",
        "color_scheme": "dark",
        "viewport": {"width": 390, "height": 844},
    },
}
DESK = "/admin/marking/desk/ROOM/"
ROWS = "受験者,設問,解答\nc01,Q1,別の文である\nc01,Q2,合意したから\nc02,Q9,何か\n"
MARKS = "受験者,設問,得点,コメント\nc01,Q1,3,結果もある\nc99,Q1,2,\n"
Script = Callable[[Page], None]


@pytest.fixture(autouse=True)
def media(settings: Settings, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path / "uploads"


@pytest.fixture(params=SIGHTS)
def see(request: pytest.FixtureRequest, browse: Open) -> Callable[..., None]:
    """`see(user, {name: address}, {name: script})` looks at pages, each after its script."""

    def seen(user: User, pages: dict[str, str], scripts: dict[str, Script]) -> None:
        page = browse(user, "/admin/", **SIGHTS[request.param])
        found = {name: _looked_at(page, *what) for name, what in _steps(pages, scripts, request)}
        assert {name: faults for name, faults in found.items() if faults} == {}

    return seen


def _steps(pages: dict[str, str], scripts: dict[str, Script], request: Any) -> list[Any]:
    return [
        (name, (address, scripts.get(name), f"{name}-{request.param}"))
        for name, address in pages.items()
    ]


def _looked_at(page: Page, address: str, script: Script | None, picture: str) -> list[str]:
    page.goto(address)
    if script:
        script(page)
    page.wait_for_timeout(300)  # The theme shows itself when its script has begun.
    if PICTURES:
        page.screenshot(path=Path(PICTURES) / f"{picture}.png", full_page=True)
        (Path(PICTURES) / f"{picture}.txt").write_text(page.inner_text("body"), "utf-8")
    widths = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    too_wide = [f"{widths[0]} pixels wide"] if widths[0] > widths[1] else []
    return [*too_wide, *violations(page)]


def previewed(exam: Exam, name: str, rows: str, kind: str = Upload.Kind.ANSWERS) -> Upload:
    wanted = uploads.Wanted(is_preview=True, kind=kind)
    upload = uploads.receive(exam, name, File(named_file(name, rows.encode())), wanted)
    uploads.read(upload)
    return upload


def press(name: str) -> Script:
    def pressed(page: Page) -> None:
        page.locator(name).first.click()
        page.wait_for_load_state()

    return pressed


def test_what_a_manager_meets(see: Callable[..., None]) -> None:
    exam, manager = exam_in(readings=2), make_user("exam manager", staff=True)
    scored([submitted_answer(exam, "要件が変わったから", "c01")])
    (disputed,) = answers_of(exam, "合意したから")
    for name, points in (("m1", 6), ("m2", 0)):
        giving.give(fresh(disputed), make_user(name, staff=True), {"points": points})
    answers = previewed(exam, "解答.csv", ROWS)
    marks = previewed(exam, "採点.csv", MARKS, Upload.Kind.MARKS)
    taken = previewed(exam, "別の組.csv", "受験者,設問,解答\nc09,Q1,要件\n")
    uploads.take(taken, "skip")
    uploads.read(taken)
    scored(list(Answer.objects.filter(status="waiting")))
    sato = make_user("sato", "marker")
    note = notes.write(exam.questions.get(code="Q1"), sato, "「仕様変更」も認めるか", "C1")
    page_of, state = "/admin/scoring", f"/admin/scoring/exam/{exam.pk}/state"

    def overtaken(page: Page) -> None:
        assignments.replace(exam, manager, {"sato": ["Q1"]})
        page.get_by_role("button").filter(has_text=re.compile("保存|Save")).first.click()
        page.wait_for_load_state()
        assignments.replace(exam, manager, {})

    def changed(page: Page) -> None:
        User.objects.filter(pk=sato.pk).update(last_name="佐藤")
        page.locator("form.pms-card button[type=submit]").first.click()
        page.wait_for_load_state()
        User.objects.filter(pk=sato.pk).update(last_name="")

    def replied(page: Page) -> None:
        notes.reply(note, manager, "認める", is_done=False)
        page.locator("textarea").first.fill("認めない")
        page.locator("[name=command]").first.click()
        page.wait_for_load_state()
        type(note).objects.update(reply="")

    see(
        manager,
        {
            "overview": "/admin/",
            "uploads": f"{page_of}/upload/",
            "preview": f"{page_of}/upload/{answers.pk}/change/",
            "conflicts": f"{page_of}/upload/{answers.pk}/take/",
            "discard": f"{page_of}/upload/{answers.pk}/discard/",
            "marks": f"{page_of}/upload/{marks.pk}/change/",
            "take-marks": f"{page_of}/upload/{marks.pk}/take/",
            "upload": f"{page_of}/exam/{exam.pk}/upload/",
            "upload-marks": f"{page_of}/exam/{exam.pk}/upload-marks/",
            "taken": f"{page_of}/upload/{taken.pk}/change/",
            "withdraw": f"{page_of}/upload/{taken.pk}/withdraw/",
            "withdrawals": f"{page_of}/withdrawal/",
            "fixing": f"{state}/fixed/",
            "not-fixed": f"{state}/fixed/",
            "sample": f"{page_of}/exam/sample/",
            "overtaken": "/admin/people/exams/ROOM/",
            "account": f"/admin/people/{sato.pk}/",
            "note": "/admin/marking/notes/",
            "history": f"{page_of}/exam/{exam.pk}/history/",
            "missing": "/nowhere",
        },
        {
            "not-fixed": press("form.pms-card button[type=submit]"),
            "overtaken": overtaken,
            "account": changed,
            "note": replied,
        },
    )


def test_what_a_marker_meets(see: Callable[..., None]) -> None:
    exam, manager = exam_in(), make_user("exam manager", staff=True)
    sato = make_user("sato", "marker", staff=True)
    answers_of(exam, "要件が変わったから", "合意したから", "納期が近いから")
    lease = queue.next_answer(exam, sato)
    assert lease is not None
    queue.submit(fresh(lease.answer), sato, {"points": 1})

    def twice(page: Page) -> None:
        """Send another mark from a second tab."""
        second = page.context.new_page()
        second.goto(DESK)
        for tab, points in ((second, "0"), (page, "2")):
            for name in ("criterion-C1", "criterion-C2"):
                tab.locator(f"[name={name}][value='{points}']").check(force=True)
            tab.locator("#points button").first.click()
            tab.wait_for_timeout(1000)
        second.close()

    def taken_away(page: Page) -> None:
        assignments.replace(exam, manager, {"sato": ["Q2"]})
        for name in ("criterion-C1", "criterion-C2"):
            page.locator(f"[name={name}][value='1']").check(force=True)
        page.locator("#points button").first.click()
        page.wait_for_timeout(1000)

    see(
        sato,
        {
            "entry": "/admin/marking/",
            "desk": DESK,
            "mine": f"{DESK}mine/",
            "twice": DESK,
            "taken-away": DESK,
            "nothing-left": f"{DESK}?question=Q2",
            "forbidden": "/admin/people/",
        },
        {"twice": twice, "taken-away": taken_away},
    )
