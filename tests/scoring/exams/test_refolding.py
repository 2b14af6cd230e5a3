"""After the rules of folding have changed: what is folded and scored again, and what stays."""

import hashlib
import re
import sys
from unicodedata import normalize

import pytest

from pmscoring.base import texts
from scoring import tasks
from scoring.calibration import promotion
from scoring.exams import definitions, refolding
from scoring.models import Answer, Calibration, Exam, Question, Submission
from tests.factories import (
    calibrated,
    exam_in,
    fresh,
    hand_in,
    marked_by_people,
    scored,
    state,
)

pytestmark = pytest.mark.django_db
WRITINGS = ("3〜4月を避ける", "3～4月を\n避ける")


def folded_by_former_rules(exam: Exam) -> tuple[Question, list[Answer]]:
    """Q1 and two writings of one answer, as an earlier release stored and scored them."""
    question = calibrated(exam)
    Question.objects.filter(pk=question.pk).update(folding=1)
    question.refresh_from_db()
    question.seal()
    Calibration.objects.update(definition=question.digest)
    answers = hand_in(question, WRITINGS)
    for answer in answers:
        former = " ".join(normalize("NFKC", answer.text).split())
        answer.text_key = hashlib.sha256(f"ok\0{former}".encode()).hexdigest()
        answer.save()
    scored(answers, confidence=0.95, sha256="c" * 64)
    return question, answers


def test_texts_that_look_alike_become_one_and_wait_to_be_scored() -> None:
    question, answers = folded_by_former_rules(exam_in())
    assert len({fresh(answer).text_key for answer in answers}) == 2
    assert list(refolding.outdated()) == [question]
    assert refolding.renew(question)
    assert [fresh(answer).status for answer in answers] == ["waiting", "waiting"]
    assert {fresh(answer).text_key for answer in answers} == {
        texts.text_key(WRITINGS[0], question.wire())
    }
    assert not refolding.outdated()
    assert not refolding.renew(question)


def test_marks_by_the_machine_are_in_force_no_more_and_those_by_people_stay() -> None:
    question, (by_machine, by_people) = folded_by_former_rules(exam_in(machine_final=True))
    marked_by_people([by_people], [4])
    assert state(by_machine)[:2] == (2, "machine")
    refolding.renew(question)
    assert fresh(by_machine).final_points is None
    assert state(by_people)[:2] == (4, "human")
    assert by_machine.marks.by_machine().count() == 1
    assert not by_machine.marks.in_force()


@pytest.mark.usefixtures("english")
def test_calibration_and_threshold_stay_in_force() -> None:
    question, _ = folded_by_former_rules(exam_in())
    refolding.renew(question)
    renewed = Question.objects.get(pk=question.pk)
    assert renewed.digest != question.digest
    assert renewed.calibration is not None
    assert renewed.calibration.definition == renewed.digest
    assert renewed.threshold == question.threshold
    assert "in use already" in promotion.refusal(renewed, renewed.calibration)


@pytest.mark.parametrize("status", ["fixed", "published"])
def test_results_that_are_fixed_stay_as_they_are(status: str) -> None:
    question, answers = folded_by_former_rules(exam_in())
    before = [(fresh(answer).text_key, state(answer)) for answer in answers]
    Exam.objects.update(status=status)
    assert not refolding.outdated()
    assert not refolding.renew(question)
    assert [(fresh(answer).text_key, state(answer)) for answer in answers] == before


def test_a_definition_that_is_loaded_again_before_changes_nothing() -> None:
    """Its digest follows the rules that the question was folded by."""
    question, answers = folded_by_former_rules(exam_in())
    marked_by_people(answers, [4, 4])
    definitions.load(definitions.describe(question.exam))
    assert Question.objects.get(pk=question.pk).digest == question.digest
    assert [fresh(answer).status for answer in answers] == ["scored", "scored"]


def test_the_task_of_the_sweep_folds_a_question_once() -> None:
    question, answers = folded_by_former_rules(exam_in())
    for _ in range(2):
        tasks.refold(question.pk)
    assert Question.objects.get(pk=question.pk).folding == texts.FOLDING
    assert all(fresh(answer).status == "waiting" for answer in answers)


def test_candidates_get_the_one_form_of_ids_that_look_alike() -> None:
    question, answers = folded_by_former_rules(exam_in())
    for answer, former in zip(answers, ("０１２３", "か\u3099-1\u200e"), strict=True):
        Submission.objects.filter(answers=answer).update(candidate=former)
    refolding.renew(question)
    assert [fresh(answer).submission.candidate for answer in answers] == ["0123", "が-1"]


def test_a_candidate_keeps_an_id_whose_one_form_another_has(
    caplog: pytest.LogCaptureFixture,
) -> None:
    question, answers = folded_by_former_rules(exam_in())
    for answer, former in zip(answers, ("０１２３", "0123"), strict=True):
        Submission.objects.filter(answers=answer).update(candidate=former)
    refolding.renew(question)
    assert [fresh(answer).submission.candidate for answer in answers] == ["０１２３", "0123"]
    (warning,) = (record for record in caplog.records if record.name == refolding.__name__)
    assert warning.__dict__["candidates"] == 1
    assert "０１２３" not in caplog.text


def test_every_character_that_identifiers_lose_or_change_is_looked_at() -> None:
    changed = (
        character
        for character in map(chr, range(sys.maxunicode))
        if texts.identifier(character) != character
    )
    assert all(re.search(refolding.NOT_PLAIN, character) for character in changed)
