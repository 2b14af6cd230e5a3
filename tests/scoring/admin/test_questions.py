"""Changing a question by hand means what loading the changed definition means."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from scoring.admin.questions import QuestionAdmin
from scoring.exams import definitions
from scoring.marks import giving
from scoring.models import Answer, Calibration, Exam, Question
from tests.clients import form_data, signed_in
from tests.factories import (
    example_definition,
    example_exam,
    make_user,
    marked_with_evidence,
    submitted_answer,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def manager() -> Client:
    return signed_in("exam manager")


@pytest.fixture
def question() -> Question:
    definition = example_definition()
    definition["questions"][0] |= {
        "prompt": "　遅れの原因を\n述べよ。 ",
        "passage": "\n　一行目。\n二行目。\n",
        "model_answers": ["要件が変わり、\n合意がなかった "],
        "sections": [{"label": "設問ア", "limits": {"min": 1}}, {"label": "設問イ"}],
        "ranks": ["論理性"],
    }
    definition["questions"][0]["criteria"][0]["references"].append("一つ\n二つ")
    return definitions.load(definition)[0].questions.get(code="Q1")


def address(question: Question) -> str:
    return reverse("admin:scoring_question_change", args=[question.pk])


def saved(browser: Client, question: Question, **changes: Any) -> Any:
    data = form_data(browser, address(question))
    return browser.post(address(question), data | changes, follow=True)


def test_saving_what_is_shown_changes_nothing(manager: Client, question: Question) -> None:
    marked_with_evidence(submitted_answer(question.exam, "要件"), ("C1", 0, 2))
    before = definitions.describe(question.exam)
    assert saved(manager, question).redirect_chain
    assert definitions.describe(question.exam) == before
    assert Question.objects.get(pk=question.pk).digest == question.digest
    assert Answer.objects.get().status == "scored"


def test_a_changed_criterion_is_sealed_and_its_answers_wait(
    manager: Client, question: Question
) -> None:
    marked_with_evidence(submitted_answer(question.exam, "要件"), ("C1", 0, 2))
    page = saved(manager, question, **{"criteria-1-references": "合意がない\r\n相談していない"})
    assert page.redirect_chain
    changed = Question.objects.get(pk=question.pk)
    assert changed.criteria.get(code="C2").references == ["合意がない", "相談していない"]
    assert changed.digest != question.digest
    assert Answer.objects.get().status == "waiting"


def test_what_people_marked_is_kept_unless_forced_and_the_page_keeps_what_was_typed(
    manager: Client, question: Question
) -> None:
    answer = submitted_answer(question.exam, "要件")
    marked_with_evidence(answer, ("C1", 0, 2))
    giving.give(answer, make_user("marker", staff=True), {"points": 1})
    page = saved(manager, question, max_count="40")
    assert "people have marked" in page.content.decode()
    assert page.context["adminform"].form["max_count"].value() == "40"
    assert Question.objects.get(pk=question.pk).max_count is None
    saved(manager, question, max_count="40", force="on")
    assert Question.objects.get(pk=question.pk).max_count == 40
    assert Answer.objects.get().status == "waiting"


def test_saving_keeps_a_calibration_that_was_promoted_after_the_form_was_read(
    manager: Client, question: Question, monkeypatch: pytest.MonkeyPatch
) -> None:
    calibration = Calibration.objects.create(question=question, status="ready", sha256="c" * 64)

    def promote_then_save(_admin: QuestionAdmin, _request: Any, form: Any, change: bool) -> Any:
        Question.objects.update(calibration=calibration, threshold=0.9)
        return form.save(commit=False)

    monkeypatch.setattr(QuestionAdmin, "save_form", promote_then_save)
    assert saved(manager, question, label="別").redirect_chain
    changed = Question.objects.get(pk=question.pk)
    assert (changed.label, changed.calibration, changed.threshold) == ("別", calibration, 0.9)


def test_a_rule_that_is_broken_is_told_and_nothing_is_saved(
    manager: Client, question: Question
) -> None:
    page = saved(manager, question, max_points="50", label="別")
    assert "/criteria: the criteria give 6 points, fewer than 50" in page.content.decode()
    assert Question.objects.get(pk=question.pk).label == question.label


def test_a_section_line_that_is_no_such_line_is_told(manager: Client, question: Question) -> None:
    page = saved(manager, question, sections="設問ア | x | 800")
    assert "設問ア | x | 800" in page.context["adminform"].form.errors["sections"][0]


def test_a_question_is_added_with_its_criteria(manager: Client) -> None:
    exam = example_exam()
    answer = {
        "exam": exam.pk,
        "code": "Q9",
        "label": "設問9",
        "position": 2,
        "language": "ja",
        "prompt": "なぜか",
        "max_points": "2",
        "step": "0.5",
        "count": "cells",
        "over_limit": "zero",
        "max_count": "40",
        "criteria-TOTAL_FORMS": 1,
        "criteria-INITIAL_FORMS": 0,
        "criteria-0-position": 0,
        "criteria-0-code": "C1",
        "criteria-0-label": "理由",
        "criteria-0-points": "2",
        "criteria-0-references": "変わったから",
        "model_answers-TOTAL_FORMS": 0,
        "model_answers-INITIAL_FORMS": 0,
    }
    manager.post(reverse("admin:scoring_question_add"), answer)
    made = exam.questions.get(code="Q9")
    assert made.digest
    assert made.wire()["criteria"][0]["references"] == ["変わったから"]
    described = definitions.describe(Exam.objects.get())
    definitions.load(described)
    assert exam.questions.get(code="Q9").digest == made.digest


def test_a_question_that_was_answered_is_not_deleted(manager: Client, question: Question) -> None:
    submitted_answer(question.exam, "要件")
    delete = reverse("admin:scoring_question_delete", args=[question.pk])
    assert manager.post(delete, {"post": "yes"}).status_code == 403


def test_a_question_is_not_deleted_if_an_answer_arrives_after_the_check(
    manager: Client, question: Question, monkeypatch: pytest.MonkeyPatch
) -> None:

    def submit(*_args: Any) -> None:
        submitted_answer(question.exam, "要件")

    monkeypatch.setattr(QuestionAdmin, "log_deletions", submit)
    delete = reverse("admin:scoring_question_delete", args=[question.pk])
    assert manager.post(delete, {"post": "yes"}).status_code == 403
    assert Question.objects.filter(pk=question.pk).exists()
