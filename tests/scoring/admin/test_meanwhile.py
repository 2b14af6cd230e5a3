"""Two managers save one form: the second is told what changed, and loses nothing."""

import html
import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from scoring.exams import definitions
from scoring.models import Criterion, Exam, Question
from tests.clients import browser_of, form_data
from tests.factories import exam_in, example_exam, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def first() -> Client:
    return browser_of(make_user("ichiro", "exam manager"))


@pytest.fixture
def second() -> Client:
    return browser_of(make_user("jiro", "exam manager"))


def opened(browser: Client, address: str) -> dict[str, Any]:
    """What the browser would send of the page as it is now, with what it was shown."""
    page = browser.get(address).content.decode()
    (shown,) = re.findall(r'name="_shown" value="([^"]*)"', page)
    return form_data(browser, address) | {"_shown": html.unescape(shown)}


def again(page: Any) -> dict[str, Any]:
    """What the browser would send of a form that came back."""
    sets = [inline.formset for inline in page.context["inline_admin_formsets"]]
    forms = [page.context["adminform"].form]
    forms += [form for rows in sets for form in (rows.management_form, *rows.forms)]
    data = {
        bound.html_name: bound.value() if isinstance(bound.value(), list) else str(bound.value())
        for form in forms
        for bound in form
        if bound.value() not in (None, False)
    }
    return data | {"_shown": page.context["shown"]}


@pytest.fixture
def question() -> Question:
    return example_exam().questions.get(code="Q1")


def page_of(row: Any) -> str:
    return reverse(f"admin:scoring_{row._meta.model_name}_change", args=[row.pk])


def test_it_names_field_old_new_and_who_and_keeps_what_was_typed(
    first: Client, second: Client, question: Question
) -> None:
    mine, theirs = opened(second, page_of(question)), opened(first, page_of(question))
    assert first.post(page_of(question), theirs | {"label": "設問9"}).status_code == 302
    page = second.post(page_of(question), mine | {"prompt": "なぜ今か。"})
    assert page.status_code == 200
    assert page.context["meanwhile_by"] == "ichiro"
    (change,) = page.context["meanwhile"]
    assert (change["field"], change["old"], change["now"]) == ("Label", question.label, "設問9")
    form = page.context["adminform"].form
    assert (form["label"].value(), form["prompt"].value()) == ("設問9", "なぜ今か。")
    assert Question.objects.get(pk=question.pk).prompt == question.prompt
    assert second.post(page_of(question), again(page)).status_code == 302
    saved = Question.objects.get(pk=question.pk)
    assert (saved.label, saved.prompt) == ("設問9", "なぜ今か。")


def test_of_what_both_changed_it_shows_all_three_and_keeps_the_typed_one(
    first: Client, second: Client, question: Question
) -> None:
    mine, theirs = opened(second, page_of(question)), opened(first, page_of(question))
    first.post(page_of(question), theirs | {"label": "A"})
    page = second.post(page_of(question), mine | {"label": "B"})
    (change,) = page.context["meanwhile"]
    assert (change["old"], change["now"], change["mine"]) == (question.label, "A", "B")
    assert page.context["adminform"].form["label"].value() == "B"
    assert "not touched" not in page.content.decode()


def test_rows_that_others_added_removed_and_changed_are_told_and_kept(
    first: Client, second: Client, question: Question
) -> None:
    mine = opened(second, page_of(question))
    kept = question.criteria.get(pk=mine["criteria-0-id"])
    Criterion.objects.filter(pk=kept.pk).update(label="新しい")
    Criterion.objects.create(question=question, code="NEW", label="追加", points=1, position=9)
    page = second.post(page_of(question), mine | {"criteria-0-points": "2"})
    told = [(change["field"], change["now"]) for change in page.context["meanwhile"]]
    assert ("Label", "新しい") in told
    assert any("NEW" in change["row"] for change in page.context["meanwhile"])
    rows = page.context["inline_admin_formsets"][0].formset
    typed = {form.instance.pk: form for form in rows.initial_forms}
    assert typed[kept.pk]["label"].value() == "新しい"
    assert typed[kept.pk]["points"].value() == "2"
    assert len(typed) == question.criteria.count()


def test_a_row_that_was_typed_into_and_removed_comes_back_as_a_new_one(
    second: Client, question: Question
) -> None:
    Criterion.objects.create(question=question, code="X", label="消える", points=1, position=9)
    mine = opened(second, page_of(question))
    last = int(mine["criteria-INITIAL_FORMS"]) - 1
    Criterion.objects.filter(pk=mine[f"criteria-{last}-id"]).delete()
    page = second.post(page_of(question), mine | {f"criteria-{last}-label": "書きかけ"})
    rows = page.context["inline_admin_formsets"][0].formset
    assert [form["label"].value() for form in rows.extra_forms] == ["書きかけ"]
    assert "removed" in page.content.decode()


def test_a_definition_that_was_loaded_meanwhile_has_its_person(
    second: Client, question: Question
) -> None:
    mine = opened(second, page_of(question))
    definition = definitions.describe(question.exam)
    definition["questions"][0]["label"] = "読み込み"
    definitions.load(definition, by=make_user("saburo", "exam manager"))
    page = second.post(page_of(question), mine | {"prompt": "x"})
    assert page.context["meanwhile_by"] == "saburo"
    assert page.context["adminform"].form["prompt"].value() == "x"


def test_an_exam_and_its_policy_are_told_of_too(first: Client, second: Client) -> None:
    exam = exam_in(audit_rate=0.1)
    mine, theirs = opened(second, page_of(exam)), opened(first, page_of(exam))
    assert first.post(page_of(exam), theirs | {"policy-0-readings": "2"}).status_code == 302
    page = second.post(page_of(exam), mine | {"title": "題"})
    assert page.status_code == 200
    assert page.context["meanwhile"]
    assert page.context["adminform"].form["title"].value() == "題"
    assert Exam.objects.get(pk=exam.pk).title == exam.title


def test_nobody_saved_and_nothing_is_asked(second: Client, question: Question) -> None:
    mine = opened(second, page_of(question))
    assert second.post(page_of(question), mine | {"label": "一人"}).status_code == 302
    assert Question.objects.get(pk=question.pk).label == "一人"
