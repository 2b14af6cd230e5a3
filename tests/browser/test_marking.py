"""A working day at the desk, by keyboard alone, in a real Chromium."""

import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils.timezone import now
from playwright.sync_api import Page, Route, expect

from scoring.marks import giving
from scoring.models import Answer, Exam, Lease, Mark
from tests.browser.conftest import Open, visit
from tests.factories import make_user
from tests.sample_exam import SAID, SAID_AGAIN, grouped, hand_in, load, texts

pytestmark = pytest.mark.django_db(transaction=True)
DESK = "/admin/marking/desk/SAMPLE-PM/"


def shown(page: Page) -> str:
    """The key of the answer on the desk."""
    value = page.locator("#points input[name=answer]").input_value()
    assert value
    return value


def ready(page: Page) -> None:
    """The script has put the focus on the first criterion."""
    expect(page.locator("fieldset input:focus")).to_be_attached()


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def submit(page: Page, *keys: str) -> None:
    """The keys, then Enter; done when the next state is there."""
    press(page, *keys)
    with page.expect_response(lambda one: one.request.method == "POST") as told:
        press(page, "Enter")
    assert told.value.status == 200
    expect(page.locator("#desk[aria-busy]")).to_have_count(0)


def by(user: User) -> list[tuple[int, float]]:
    """Answers and points of the user's marks that stand."""
    marks = Mark.objects.filter(marker=user, mark=None).exclude(source="withdrawal")
    return [(mark.answer_id, float(mark.points)) for mark in marks.order_by("pk")]


def test_a_marker_marks_a_group_and_twenty_answers_by_keyboard(browse: Open) -> None:
    exam = load("Q1")
    hand_in(exam, "Q1", texts("Q1")[:20])
    same = hand_in(exam, "Q1", [SAID, SAID_AGAIN] * 5, 100)
    grouped(same)
    user = make_user("marker", staff=True)
    page = browse(user, "/admin/marking/")
    page.get_by_role("link", name="グループから").focus()
    press(page, "Enter")

    expect(page.get_by_text("同じ内容の解答 10件")).to_be_visible()
    ready(page)
    submit(page, "4", "0")
    assert [points for _, points in by(user)] == [4] * 10

    given = []
    for number in range(20):
        first, second = number % 5, number % 3
        given.append((int(shown(page)), float(first + second)))
        submit(page, str(first), str(second))
    expect(page.get_by_role("heading", name="採点が終わりました")).to_be_visible()
    assert by(user)[10:] == given
    assert not Answer.objects.filter(review__in=["queued", "claimed"]).exists()


def test_every_key_of_the_points_does_what_the_help_says(browse: Open) -> None:
    exam = load("Q1")
    hand_in(exam, "Q1", texts("Q1")[:1])
    exam.questions.update(step=0.5)
    page = browse(make_user("marker", staff=True), DESK)
    total = page.locator("[data-total]")
    press(page, "2", ".", "1")
    expect(total).to_have_text("3.5")
    press(page, "ArrowUp", "ArrowRight")
    expect(total).to_have_text("4")
    press(page, "ArrowLeft", "ArrowLeft", "ArrowDown", "ArrowRight")
    expect(total).to_have_text("3.5")
    press(page, "9")
    expect(total).to_have_text("3.5")
    press(page, "Backspace", "Backspace", "f")
    expect(total).to_have_text("4")
    press(page, "Shift+F")
    expect(total).to_have_text("6")
    press(page, "c")
    page.keyboard.type("u s 3 ? よい")
    press(page, "Escape", "p")
    expect(page.locator("#passage")).to_have_attribute("open", "")
    press(page, "p", "?")
    expect(page.get_by_role("dialog")).to_be_visible()
    press(page, "Escape")
    expect(page.get_by_role("dialog")).not_to_be_visible()
    submit(page)
    assert Mark.objects.get(source="human").comment == "u s 3 ? よい"


def test_points_of_two_digits_are_typed_digit_by_digit(browse: Open) -> None:
    exam = load("Q1")
    hand_in(exam, "Q1", texts("Q1")[:1])
    exam.questions.get().criteria.filter(code="C1").update(points=12)
    exam.questions.update(max_points=14)
    page = browse(make_user("marker", staff=True), DESK)
    press(page, "1", "2", "2")
    expect(page.locator("[data-total]")).to_have_text("14")


def test_letters_are_keys_only_where_one_wants_them(browse: Open) -> None:
    exam = load("Q1")
    hand_in(exam, "Q1", texts("Q1")[:2])
    page = browse(make_user("marker", staff=True), DESK)
    page.get_by_role("button", name="キー操作").click()
    page.get_by_role("checkbox", name="英字").uncheck()
    press(page, "Escape", "f")
    expect(page.locator("[data-total]")).to_have_text("–")
    press(page, "3", "1")
    expect(page.locator("[data-total]")).to_have_text("4")


def test_nothing_is_submitted_while_a_criterion_is_empty(browse: Open) -> None:
    exam = load("Q1")
    hand_in(exam, "Q1", texts("Q1")[:1])
    page = browse(make_user("marker", staff=True), DESK)
    press(page, "3", "Enter")
    expect(page.get_by_role("alert")).to_contain_text("点が入っていない")
    assert not Mark.objects.filter(source="human").exists()


def test_undo_brings_the_last_answer_back_as_it_was(browse: Open) -> None:
    exam = load("Q1")
    hand_in(exam, "Q1", texts("Q1")[:2])
    user = make_user("marker", staff=True)
    page = browse(user, DESK)
    first = shown(page)
    submit(page, "3", "1")
    assert shown(page) != first
    with page.expect_response(lambda one: one.request.method == "POST"):
        press(page, "u")
    expect(page.locator("#points input[name=answer]")).to_have_value(first)
    expect(page.locator("[data-total]")).to_have_text("4")
    press(page, "ArrowUp")
    submit(page, "2")
    assert by(user) == [(int(first), 3.0)]


def test_an_interrupted_marker_loses_the_answer_but_nothing_typed(browse: Open) -> None:
    exam = load("Q1")
    hand_in(exam, "Q1", texts("Q1")[:3])
    first, second = make_user("marker", staff=True), make_user("adjudicator", staff=True)
    page = browse(first, DESK)
    answer = shown(page)
    press(page, "3", "1", "c")
    page.keyboard.type("途中まで書いた")
    Lease.objects.update(expires_at=now() - timedelta(seconds=1))

    other = browse(second, DESK)
    assert shown(other) == answer

    press(page, "Control+Enter")
    expect(page.get_by_role("alert").first).to_contain_text("ほかの採点者")
    expect(page.locator("[data-total]")).to_have_text("4")
    expect(page.locator("textarea[name=comment]")).to_have_value("途中まで書いた")
    assert by(first) == []
    submit(other, "4", "2")
    assert by(second) == [(int(answer), 6.0)]
    page.get_by_role("link", name="次の解答").click()
    assert shown(page) != answer


def test_the_clock_warns_when_the_time_is_over(browse: Open) -> None:
    exam = load("Q1")
    hand_in(exam, "Q1", texts("Q1")[:1])
    user = make_user("marker", staff=True)
    browse(user, DESK).close()
    page = browse(user, "/admin/marking/")
    page.clock.install()
    visit(page, DESK)
    press(page, "3")
    page.clock.run_for(61_000)  # Work renews the lease, idleness does not.
    expect(page.locator("[data-left]")).to_have_text(re.compile(r"^(15:00|14:5\d)$"))
    page.clock.run_for(15 * 60_000)
    expect(page.get_by_role("alert")).to_contain_text("持ち時間が終わりました")
    expect(page.locator("[data-total]")).to_have_text("3")


def test_a_renewal_that_is_answered_late_does_not_warn_at_the_next_answer(browse: Open) -> None:
    exam = load("Q1")
    hand_in(exam, "Q1", texts("Q1")[:2])
    user = make_user("marker", staff=True)
    browse(user, DESK).close()
    page = browse(user, "/admin/marking/")
    page.clock.install()
    visit(page, DESK)
    first, renewals = shown(page), list[Route]()

    def hold_renewals(route: Route) -> None:
        if "renew" in (route.request.post_data or ""):
            renewals.append(route)
        else:
            route.continue_()

    page.route("**/desk/**", hold_renewals)
    press(page, "3")
    page.clock.run_for(61_000)
    submit(page, "1")
    assert shown(page) != first
    with page.expect_response(lambda response: response.status == 409):
        renewals[0].continue_()
    page.wait_for_timeout(500)  # for the script, which must do nothing now
    expect(page.locator("[data-alert]")).to_be_hidden()


def test_a_member_that_does_not_belong_is_removed_by_keyboard(browse: Open) -> None:
    exam = load("Q1")
    same = hand_in(exam, "Q1", [SAID, SAID_AGAIN, SAID], 100)
    grouped(same)
    user = make_user("marker", staff=True)
    page = browse(user, f"{DESK}groups/")
    press(page, "g", "ArrowDown", "Space")
    page.locator("fieldset input").first.focus()
    submit(page, "4", "1")
    assert [answer for answer, _ in by(user)] == [same[0].pk, same[2].pk]
    assert int(shown(page)) == same[1].pk
    assert page.url.endswith(DESK)


def differing(exam: Exam) -> None:
    """Two markers who do not agree about every answer."""
    for number, role in enumerate(("marker", "exam manager")):
        user = make_user(role, staff=True)
        for answer in Answer.objects.filter(question__exam=exam):
            give(answer, user, 4 - 3 * number)


def give(answer: Answer, user: User, points: int) -> None:
    giving.give(answer, user, {"criteria": {"C1": points, "C2": 1}, "comment": f"理由 {points}"})


def test_an_adjudicator_settles_a_dispute_by_keyboard(browse: Open) -> None:
    exam = load("Q1", readings=2)
    hand_in(exam, "Q1", texts("Q1")[:2])
    differing(exam)
    adjudicator = make_user("adjudicator", staff=True)
    page = browse(adjudicator, "/admin/marking/")
    page.get_by_role("link", name="裁定する").focus()
    press(page, "Enter")
    expect(page.get_by_role("columnheader", name="採点者A")).to_be_visible()
    ready(page)
    answer = shown(page)
    submit(page, "a")
    submit(page, "b")
    assert by(adjudicator)[0] == (int(answer), 5.0)
    assert [points for _, points in by(adjudicator)] == [5.0, 2.0]
    expect(page.get_by_role("heading", name="裁定待ちの解答はありません")).to_be_visible()
    assert not Answer.objects.filter(review="disputed").exists()


def test_being_signed_out_loses_nothing(browse: Open) -> None:
    exam = load("Q1")
    hand_in(exam, "Q1", texts("Q1")[:2])
    user = make_user("marker", staff=True)
    page = browse(user, DESK)
    cookies = page.context.cookies()
    press(page, "3", "1")
    page.context.clear_cookies(name="sessionid")
    press(page, "Enter")
    expect(page.get_by_role("alert")).to_contain_text("サインアウト")
    page.context.add_cookies([one for one in cookies if one["name"] == "sessionid"])  # type: ignore[misc]
    submit(page)
    assert [points for _, points in by(user)] == [4.0]


@pytest.mark.parametrize(("width", "height"), [(1280, 720), (1180, 820), (820, 1180), (768, 1024)])
def test_it_fits_the_screen_without_scrolling_sideways(
    browse: Open, width: int, height: int
) -> None:
    exam = load("Q1")
    grouped(hand_in(exam, "Q1", [SAID, SAID_AGAIN, SAID], 100))
    screen = {"viewport": {"width": width, "height": height}, "has_touch": width < 1280}
    page = browse(make_user("marker", staff=True), DESK, **screen)
    for address in (DESK, f"{DESK}groups/", "/admin/marking/"):
        visit(page, address)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    visit(page, DESK)
    if width == 1280:
        expect(page.get_by_role("button", name="登録して次へ")).to_be_in_viewport(ratio=1)
    for box in page.locator(".desk-choice").all():
        size = box.bounding_box()
        assert size
        assert min(size["width"], size["height"]) >= (40 if width == 1280 else 44)


def test_a_tap_is_enough(browse: Open) -> None:
    exam = load("Q1")
    hand_in(exam, "Q1", texts("Q1")[:1])
    user = make_user("marker", staff=True)
    tablet = {"viewport": {"width": 820, "height": 1180}, "has_touch": True}
    page = browse(user, DESK, **tablet)
    page.locator(".desk-choice", has_text="3").first.tap()
    page.locator(".desk-choice", has_text="1").last.tap()
    page.get_by_role("button", name="登録して次へ").tap()
    expect(page.get_by_role("heading", name="採点が終わりました")).to_be_visible()
    assert [points for _, points in by(user)] == [4.0]
