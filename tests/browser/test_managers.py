"""What a manager sees before a deed that cannot be undone, in a real Chromium."""

import os
from pathlib import Path

import pytest
from django.contrib.admin.models import LogEntry
from playwright.sync_api import Page, expect

from scoring.marks import giving
from scoring.models import Exam
from tests.browser.conftest import Open, visit
from tests.factories import answers_of, exam_in, fresh, make_user

pytestmark = pytest.mark.django_db(transaction=True)
PICTURES = os.environ.get("PICTURES", "")
"""A folder for pictures of the pages, for who wants to look at them."""


def picture(page: Page, name: str) -> None:
    if PICTURES:
        page.screenshot(path=Path(PICTURES) / f"{name}.png", full_page=True)


def disputed_exam() -> Exam:
    exam = exam_in(readings=2)
    (answer,) = answers_of(exam, "要件が変わったから")
    for name, points in (("m1", 6), ("m2", 0)):
        giving.give(fresh(answer), make_user(name, staff=True), {"points": points})
    answers_of(exam, "合意したから")
    return exam


def test_an_exam_with_open_disputes_is_fixed_only_by_its_code(browse: Open) -> None:
    exam = disputed_exam()
    page = browse(make_user("exam manager", staff=True), "/admin/")
    picture(page, "overview")
    visit(page, f"/admin/scoring/exam/{exam.pk}/change/")
    picture(page, "exam")
    page.get_by_role("link", name="「確定」に進める").click()
    expect(page.get_by_role("row", name="裁定待ちの解答 1")).to_be_visible()
    expect(page.get_by_role("row", name="合計点のない受験者 2")).to_be_visible()
    picture(page, "fixing")
    page.get_by_role("button", name="はい").click()
    expect(page.get_by_role("alert")).to_contain_text("裁定待ちの解答が1件あります")
    picture(page, "refused")
    page.get_by_label("試験コード").fill(exam.code)
    page.get_by_role("button", name="はい").click()
    expect(page.get_by_text("確定").first).to_be_visible()
    page.wait_for_url("**/change/")
    exam.refresh_from_db()
    assert exam.status == "fixed"
    assert LogEntry.objects.get().user.username == "exam-manager"
    visit(page, f"/admin/scoring/exam/{exam.pk}/history/")
    expect(page.get_by_text("状態を「採点」から「確定」に変更しました。")).to_be_visible()
    picture(page, "history")


def test_the_second_of_two_who_save_sees_what_the_first_changed(browse: Open) -> None:
    exam = exam_in()
    question = exam.questions.get(code="Q1")
    address = f"/admin/scoring/question/{question.pk}/change/"
    second = browse(make_user("jiro", "exam manager", staff=True), address)
    first = browse(make_user("ichiro", "exam manager", staff=True), address)
    first.locator("#id_label").fill("設問9")
    first.locator("[name=_save]").click()
    first.wait_for_url("**/exam/**")
    second.locator("#id_prompt").fill("なぜ今か。")
    second.locator("[name=_save]").click()
    expect(second.get_by_role("alert").first).to_contain_text("ichiro")
    expect(second.locator("#id_prompt")).to_have_value("なぜ今か。")
    expect(second.locator("#id_label")).to_have_value("設問9")
    picture(second, "meanwhile")
    second.locator("[name=_save]").click()
    second.wait_for_url("**/exam/**")
    question.refresh_from_db()
    assert (question.label, question.prompt) == ("設問9", "なぜ今か。")


def test_the_desk_says_why_an_answer_is_there(browse: Open) -> None:
    answers_of(exam_in(), "要件が変わったから")
    page = browse(make_user("marker", staff=True), "/admin/marking/desk/ROOM/")
    expect(page.get_by_text("採点に回った理由")).to_be_visible()
    picture(page, "desk")
