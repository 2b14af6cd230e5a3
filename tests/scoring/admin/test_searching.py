"""Searches find what looks alike, in whatever width and form it was typed."""

import pytest
from django.urls import reverse

from tests.clients import signed_in
from tests.factories import answers_of, exam_in

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("text", "term", "found"),
    [
        ("ＰＭの役割", "pm", True),
        ("PMの役割", "ＰＭ", True),
        ("プロジェクトの計画", "ﾌﾟﾛｼﾞｪｸﾄ", True),
        ("月曜〜金曜", "月曜～金曜", True),
        ("月曜−金曜", "月曜-金曜", True),
        ("⻑期の契約", "長期", True),
        ("１００％の達成", "100%", True),
        ("100の達成", "100%", False),
        ("a_b", "a_b", True),
        ("axb", "a_b", False),
        ("費用と要員の計画", "要員 費用", True),
        ("費用の計画", "要員 費用", False),
        ("the scope grew", '"ｓｃｏｐｅ grew"', True),
        ("the scope grew", '"grew scope"', False),
        ("計画", "契約", False),
    ],
)
def test_a_search_of_answers_folds_width_and_form(text: str, term: str, found: bool) -> None:
    (answer,) = answers_of(exam_in(), text)
    page = signed_in("exam manager").get(reverse("admin:scoring_answer_changelist"), {"q": term})
    assert [row.pk for row in page.context["cl"].result_list] == [answer.pk] * found


def test_candidates_and_exams_are_found_so_too() -> None:
    exam = exam_in()
    answers_of(exam, "一")
    browser = signed_in("exam manager")
    for page, term in (("submission", "Ｃ１"), ("exam", "ｒｏｏｍ"), ("question", "理由は｡")):
        response = browser.get(reverse(f"admin:scoring_{page}_changelist"), {"q": term})
        assert response.context["cl"].result_count == 1, page
