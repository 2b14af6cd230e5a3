"""The first quarter of an hour, and people: managers assign, markers see and mark their part."""

import re

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from scoring.models import Exam, RubricNote, SavedComment
from scoring.review import assignments, comments, notes, queue
from tests.browser.conftest import Open, visit
from tests.browser.test_accessibility import violations
from tests.factories import fresh, make_user
from tests.sample_exam import hand_in, load, texts

pytestmark = pytest.mark.django_db(transaction=True)
DESK = "/admin/marking/desk/SAMPLE-PM/"


@pytest.fixture
def manager() -> User:
    return make_user("exam manager", staff=True)


@pytest.fixture
def exam() -> Exam:
    """Answers to Q1 and Q2 wait for people."""
    found = load("Q1", "Q2")
    hand_in(found, "Q1", texts("Q1")[:3])
    hand_in(found, "Q2", texts("Q2")[:3], 10)
    return found


def settled(page: Page) -> Page:
    """The page when the theme has shown itself."""
    page.wait_for_timeout(300)
    return page


def test_a_newcomer_comes_from_the_root_to_an_exam_and_its_first_question(
    browse: Open, manager: User
) -> None:
    page = settled(browse(manager, "/"))
    assert page.url.endswith("/admin/")
    assert violations(page) == []
    page.get_by_role("link", name="試験を作成する").click()
    page.locator("[name=code]").fill("NEW-1")
    page.locator("[name=title]").fill("新しい試験")
    page.locator("[name=_save]").click()
    page.wait_for_url("**/question/add/?exam=*")
    expect(page.locator("[name=exam]")).to_have_value(str(Exam.objects.get().pk))


def test_a_newcomer_loads_the_sample(browse: Open, manager: User) -> None:
    page = browse(manager, "/admin/")
    page.get_by_role("button", name="見本の試験を読み込む").click()
    page.wait_for_url("**/exam/*/change/")
    expect(page.locator("body")).to_contain_text("読み込みました")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_page_of_an_error_leads_back(browse: Open, manager: User, scheme: str) -> None:
    page = browse(manager, "/nowhere", color_scheme=scheme)
    assert violations(page) == []
    page.get_by_role("link", name="概況へ").click()
    assert page.url.endswith("/admin/")


def test_a_manager_makes_a_marker_and_assigns_a_question(
    browse: Open, manager: User, exam: Exam
) -> None:
    page = settled(browse(manager, "/admin/people/"))
    page.get_by_role("link", name="採点者を追加").click()
    page.locator("[name=username]").fill("sato")
    page.keyboard.press("Enter")
    password = page.locator("code").inner_text()
    assert re.fullmatch(r"\w{16}", password)
    page.get_by_role("link", name=f"{exam.title}の担当を決める").click()
    page.get_by_label("sato: Q2").check()
    page.get_by_role("button", name="保存").click()
    page.wait_for_url("**/people/")
    assert assignments.describe(exam) == {"sato": ["Q2"]}
    marker = settled(browse(User.objects.get(username="sato"), "/admin/marking/"))
    expect(marker.locator("tbody tr")).to_have_count(1)
    marker.get_by_role("link", name="採点を始める").click()
    assert marker.url.endswith("?question=Q2")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_pages_of_people_have_no_violations(
    browse: Open, manager: User, exam: Exam, scheme: str
) -> None:
    sato = make_user("sato", "marker")
    assignments.replace(exam, manager, {"sato": ["Q2"]})
    note = notes.write(exam.questions.get(code="Q2"), sato, "認めるか")
    notes.reply(note, manager, "認める", is_done=False)
    page = browse(manager, "/admin/people/", color_scheme=scheme)
    for place in ("people/", "people/new/", f"people/{sato.pk}/", "people/exams/SAMPLE-PM/"):
        visit(page, f"/admin/{place}")
        assert (place, violations(settled(page))) == (place, [])
    visit(page, "/admin/marking/notes/")
    assert violations(settled(page)) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_markers_look_through_their_marks_by_keys(browse: Open, exam: Exam, scheme: str) -> None:
    sato = make_user("sato", "marker", staff=True)
    for _time in range(2):
        lease = queue.next_answer(exam, sato)
        assert lease is not None
        queue.submit(fresh(lease.answer), sato, {"criteria": {"C1": 1, "C2": 1}})
    page = browse(sato, DESK, color_scheme=scheme)
    page.keyboard.press("h")
    page.wait_for_url("**/mine/")
    expect(page.locator("tbody tr")).to_have_count(2)
    assert violations(page) == []
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator("fieldset")).to_have_count(2)
    expect(page.locator("[name=criterion-C1]:checked")).to_have_value("1")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_comments_and_notes_are_a_key_away(browse: Open, exam: Exam, scheme: str) -> None:
    sato, tanaka = make_user("sato", "marker", staff=True), make_user("tanaka", "marker")
    comments.save(exam, tanaka, "結果に触れていない", is_shared=True)
    page = browse(sato, f"{DESK}?question=Q1", color_scheme=scheme)
    page.keyboard.press("k")
    assert violations(page) == []
    page.keyboard.press("Enter")
    comment = page.locator("[name=comment]")
    expect(comment).to_have_value("結果に触れていない")
    expect(comment).to_be_focused()
    page.keyboard.type("。字数も不足")
    page.keyboard.press("Escape")
    page.keyboard.press("k")
    page.locator("#desk-comments [name=shared]").check()
    page.locator("#desk-comments textarea").press("Control+Enter")
    expect(page.locator("#desk-comments [data-insert]")).to_have_count(2)
    assert SavedComment.objects.get(author=sato).is_shared
    page.keyboard.press("Escape")
    page.keyboard.press("n")
    page.locator("#desk-notes textarea").fill("「仕様変更」も認めるか")
    page.locator("#desk-notes [name=criterion]").select_option("C1")
    page.keyboard.press("Tab")
    page.locator("#desk-notes textarea").press("Control+Enter")
    expect(page.locator("#desk-notes")).to_contain_text("送信しました")
    assert violations(page) == []
    assert RubricNote.objects.get().answer is not None
    page.keyboard.press("Escape")
    expect(page.locator("fieldset").first).to_be_visible()
    page.keyboard.press("Shift+F")
    page.keyboard.press("Enter")
    expect(page.locator("[name=comment]")).to_have_value("")


def test_the_page_of_a_user_is_no_wider_than_the_window(browse: Open) -> None:
    sato = make_user("sato", "marker")
    address = f"/admin/auth/user/{sato.pk}/change/"
    page = settled(browse(make_user("superuser", staff=True), address))
    expect(page.locator("#id_roles")).to_contain_text("割り当てられた解答を採点します")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
