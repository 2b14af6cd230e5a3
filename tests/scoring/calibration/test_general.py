"""The general calibration: fitted to many questions' marks, it marks those without their own."""

import time
from decimal import Decimal
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction
from django.db.models import Q
from django.urls import reverse

from pmscoring.base.lifecycle import WrongState
from scoring import tasks
from scoring.agreement import coverage
from scoring.agreement.figures import question_agreement
from scoring.calibration import fitting, general, promotion, thresholds
from scoring.calibration.fitting import TooFewMarks
from scoring.exams import definitions, retention
from scoring.inference import OtherEncoder
from scoring.machine import batches
from scoring.models import (
    Answer,
    Artefact,
    Calibration,
    Exam,
    Example,
    Mark,
    MarkingPolicy,
    Promotion,
    Question,
)
from tests.clients import signed_in
from tests.scoring.calibrations import (
    EACH,
    definition_of,
    generalised,
    questions_of,
    six_questions,
    with_answers,
    with_marks,
)
from tests.scoring.fake_inference import BETTER, WORSE, FakeGeneralInference, right, sloppy

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("english")]


@pytest.fixture
def service() -> FakeGeneralInference:
    return FakeGeneralInference(right)


@pytest.fixture
def questions() -> list[Question]:
    return six_questions()


def used(question: Question) -> Calibration | None:
    return Question.objects.get(pk=question.pk).calibration


def machine_marks(question: Question, calibration: Calibration | None) -> list[Mark]:
    name = calibration.sha256 if calibration else ""
    marks = Mark.objects.filter(source="machine", answer__question=question, calibration=name)
    return list(marks.order_by("answer_id"))


def test_it_takes_marks_of_enough_questions_and_enough_texts() -> None:
    several = questions_of(5)
    for question in several[:4]:
        with_marks(question, 50)
    with pytest.raises(TooFewMarks, match="200 different texts of 4 questions"):
        general.request()
    with_marks(several[4], 1)
    assert general.request().is_general


def test_one_is_fitted_at_a_time_beside_those_of_questions(questions: list[Question]) -> None:
    general.request()
    with pytest.raises(WrongState, match="under way"):
        general.request()
    assert fitting.request(questions[0]).status == "waiting"


def test_it_is_fitted_to_all_that_people_marked(
    questions: list[Question], service: FakeGeneralInference
) -> None:
    calibration = generalised(service)
    assert [len(one["examples"]) for one in service.asked] == [EACH] * 5
    assert {one["question"]["passage"] for one in service.asked} == {""}
    assert (calibration.question, calibration.model) == (None, service.model)
    assert calibration.metrics == {
        "questions": 5,
        "examples": 5 * EACH,
        "folds": 5,
        "seconds": 1.0,
        **BETTER,
        "uncalibrated": WORSE,
    }
    assert Example.objects.filter(calibration=calibration, confidence=None).count() == 5 * EACH


def test_questions_in_sections_are_neither_learned_from_nor_marked(
    service: FakeGeneralInference,
) -> None:
    several = questions_of(7)
    for question in several[:6]:
        with_marks(question)
    Question.objects.filter(code__in=["Q1", "Q7"]).update(
        sections=[{"label": "A", "limits": {"min": None, "max": None}}]
    )
    calibration = generalised(service)
    assert len(service.asked) == 5
    assert [used(one) for one in several] == [None, *[calibration] * 5, None]


def test_of_very_many_texts_it_takes_the_same_draw(
    questions: list[Question], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fitting, "MOST", 30)
    drawn = [[text.answers[0].answer for text in one.texts] for one in general.marked()]
    assert sum(map(len, drawn)) == 30
    assert drawn == [[t.answers[0].answer for t in one.texts] for one in general.marked()]


def test_it_marks_the_questions_without_their_own(
    questions: list[Question], service: FakeGeneralInference
) -> None:
    new = questions[5]
    batches.score_waiting(new, service.client)
    calibration = generalised(service)
    assert used(new) == calibration
    assert new.answers.filter(status="waiting").count() == EACH
    batches.score_waiting(new, service.client)
    found = machine_marks(new, calibration)
    assert [mark.points for mark in found[:3]] == [4, 2, 0]
    assert {mark.confidence for mark in found} == {None}
    assert len(machine_marks(new, None)) == EACH


def test_its_marks_never_become_final(
    questions: list[Question], service: FakeGeneralInference
) -> None:
    new = questions[5]
    MarkingPolicy.objects.update_or_create(exam=new.exam, defaults={"machine_final": True})
    generalised(service)
    Question.objects.filter(pk=new.pk).update(threshold=0.0)
    batches.score_waiting(new, service.client)
    states = set(new.answers.values_list("final_source", "review"))
    assert states == {("", "queued")}


def test_no_threshold_goes_with_it(
    questions: list[Question], service: FakeGeneralInference
) -> None:
    calibration = generalised(service)
    question = Question.objects.select_related("exam").get(pk=questions[0].pk)
    with pytest.raises(WrongState, match="no calibration of its own"):
        thresholds.apply(question, 0.5)
    assert thresholds.pairs(calibration) == []
    assert thresholds.proposal(question).value is None
    assert coverage.curve(thresholds.pairs(question.calibration)) == []


def test_agreement_counts_what_it_said_before_it_had_seen_the_question(
    questions: list[Question], service: FakeGeneralInference
) -> None:
    calibration = generalised(service)
    question = Question.objects.select_related("calibration", "exam").get(pk=questions[0].pk)
    batches.score_waiting(question, service.client)
    Example.objects.filter(calibration=calibration, answer__question=question).update(predicted=1)
    of_one, of_other = (
        question_agreement(question),
        question_agreement(Question.objects.get(code="Q2")),
    )
    assert of_one["out_of_fold"] == EACH
    assert of_one["machine"]
    assert of_other["machine"]
    assert of_one["machine"]["exact"] == 0
    assert of_other["machine"]["exact"] != 0


@pytest.mark.parametrize("measured", [{"rmse": WORSE["rmse"]}, {"r": 0.4}, {"r": None}])
def test_what_is_no_better_is_kept_and_not_promoted(
    questions: list[Question], service: FakeGeneralInference, measured: dict[str, float | None]
) -> None:
    """Neither what is no nearer to people, nor what orders the answers worse."""
    service.measured = BETTER | measured
    calibration = generalised(service)
    assert calibration.status == "ready"
    assert promotion.general() is None
    assert used(questions[5]) is None
    assert not Promotion.objects.exists()


def test_a_question_of_its_own_calibration_keeps_it(
    questions: list[Question], service: FakeGeneralInference
) -> None:
    own = fitting.request(questions[0])
    fitting.fit(own, service.client)
    made = generalised(service)
    assert (used(questions[0]), used(questions[1])) == (own, made)


def test_its_own_calibration_takes_its_place_and_rolling_back_returns_to_it(
    questions: list[Question], service: FakeGeneralInference
) -> None:
    made = generalised(service)
    question = questions[0]
    batches.score_waiting(question, service.client)
    Example.objects.filter(calibration=made).update(predicted=Decimal(0))
    own = fitting.request(question)
    assert fitting.fit(own, service.client)
    assert used(question) == own
    batches.score_waiting(question, service.client)
    assert {mark.confidence for mark in machine_marks(question, own)} == {0.9}
    thresholds.apply(Question.objects.get(pk=question.pk), 0.5)
    fresh = Question.objects.get(pk=question.pk)
    assert promotion.before(fresh) == made
    promotion.roll_back(fresh)
    fresh.refresh_from_db()
    assert (fresh.calibration, fresh.threshold) == (made, None)
    assert batches.score_waiting(question, service.client) == EACH
    assert len(machine_marks(question, made)) == EACH


def test_its_own_is_compared_with_what_the_general_one_said_without_the_question(
    questions: list[Question], service: FakeGeneralInference
) -> None:
    made = generalised(service)
    others = Example.objects.filter(calibration=made).exclude(answer__question=questions[4])
    others.update(predicted=1)
    service.says = sloppy
    own = fitting.request(questions[4])
    assert not fitting.fit(own, service.client)
    fresh = Question.objects.get(pk=questions[4].pk)
    found = promotion.compare(fresh, own)
    assert found.texts == EACH
    assert found.present is not None
    assert found.present.exact == 1


def test_a_question_may_be_taken_from_it(
    questions: list[Question], service: FakeGeneralInference
) -> None:
    generalised(service)
    fresh = Question.objects.get(pk=questions[5].pk)
    promotion.roll_back(fresh)
    assert used(fresh) is None
    assert used(questions[4]) is not None


def test_a_new_question_is_marked_by_it(
    questions: list[Question], service: FakeGeneralInference
) -> None:
    calibration = generalised(service)
    (new,) = questions_of(1, "PM-2027")
    assert used(new) == calibration
    with_answers(new, 3)
    assert batches.score_waiting(new, service.client) == 3
    assert len(machine_marks(new, calibration)) == 3


def test_a_question_that_is_added_by_hand_is_marked_by_it_too(
    questions: list[Question], service: FakeGeneralInference
) -> None:
    calibration = generalised(service)
    one = questions[0]
    added = Question.objects.create(exam=one.exam, code="Q9", prompt="なぜか", max_points=2)
    added.criteria.create(code="C1", label="理由", points=2, references=["変わったから"])
    with transaction.atomic():
        assert not definitions.apply_edit(added)
    assert used(added) == calibration
    assert added.promotions.get().kind == "general"


def test_a_changed_question_goes_from_its_own_calibration_to_the_general_one(
    questions: list[Question], service: FakeGeneralInference
) -> None:
    own = fitting.request(questions[0])
    fitting.fit(own, service.client)
    made = generalised(service)
    changed = definition_of(6)
    for one in changed["questions"][:2]:
        one["prompt"] += "理由も述べよ。"
    definitions.load(changed, force=True)
    assert used(questions[0]) == used(questions[1]) == made
    set_aside = Promotion.objects.filter(kind="definition")
    assert [one.question for one in set_aside] == [questions[0]]
    fresh = Question.objects.get(pk=questions[0].pk)
    promotion.roll_back(fresh)
    assert used(fresh) is None


def test_rolling_it_back_goes_one_step_at_a_time(
    questions: list[Question], service: FakeGeneralInference
) -> None:
    first = generalised(service)
    batches.score_waiting(questions[5], service.client)
    service.measured = BETTER | {"rmse": 0.05}
    second = generalised(service)
    assert used(questions[5]) == second
    assert questions[5].pk in general.roll_back()
    assert (promotion.general(), used(questions[5])) == (first, first)
    scored = len(service.scored)
    batches.score_waiting(questions[5], service.client)
    assert len(service.scored) == scored
    general.roll_back()
    assert (promotion.general(), used(questions[5])) == (None, None)
    with pytest.raises(WrongState, match="no general calibration"):
        general.roll_back()


def test_a_fixed_exam_stays_as_it_is(service: FakeGeneralInference) -> None:
    for question in questions_of(5):
        with_marks(question)
    (fixed,) = questions_of(1, "PM-2025")
    Exam.objects.filter(code="PM-2025").update(status="fixed")
    calibration = generalised(service)
    assert (promotion.general(), used(fixed)) == (calibration, None)


@pytest.mark.parametrize("wrong", ["own", "waiting", "in use"])
def test_only_a_fitted_general_one_that_is_not_in_use_is_promoted(
    questions: list[Question], service: FakeGeneralInference, wrong: str
) -> None:
    if wrong == "in use":
        chosen = generalised(service)
    elif wrong == "waiting":
        chosen = general.request()
    else:
        chosen = fitting.request(questions[0])
        fitting.fit(chosen, service.client)
    with pytest.raises(WrongState):
        general.promote(chosen)
    if chosen.is_general:
        with pytest.raises(WrongState):
            promotion.promote(chosen)


def test_under_other_weights_a_new_one_is_asked_for(
    questions: list[Question], service: FakeGeneralInference, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = generalised(service)
    monkeypatch.setattr(tasks, "inference", lambda: service.client)
    service.refuses = "other_encoder"
    with pytest.raises(OtherEncoder):
        batches.score_waiting(questions[5], service.client)
    Answer.objects.update(not_before="2020-01-01T00:00Z")
    tasks.score_waiting(questions[5].pk)
    asked = Calibration.objects.waiting().get()
    assert asked.is_general
    service.refuses, service.model = "", "b" * 64
    service.measured = WORSE | {"rmse": 0.9}
    tasks.fit_calibration(asked.pk)
    assert first != promotion.general()
    assert used(questions[5]) is None


def test_a_refused_one_fails_with_its_reason(
    questions: list[Question], service: FakeGeneralInference
) -> None:
    calibration = general.request()
    service.refuses = "invalid"
    assert general.fit(calibration, service.client) == []
    calibration.refresh_from_db()
    assert calibration.status == "failed"
    assert "422" in calibration.reason


def test_one_that_cannot_be_kept_waits_and_the_try_counts(
    questions: list[Question], service: FakeGeneralInference, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(general, "promote_if_better")
    calibration = general.request()
    with pytest.raises(NameError):
        general.fit(calibration, service.client)
    calibration.refresh_from_db()
    assert (calibration.status, calibration.tries) == ("waiting", 1)


def test_it_fails_where_the_marks_have_gone(
    questions: list[Question], service: FakeGeneralInference
) -> None:
    calibration = general.request()
    Answer.objects.filter(question=questions[0]).update(final_source="", final_points=None)
    general.fit(calibration, service.client)
    calibration.refresh_from_db()
    assert (calibration.status, service.asked) == ("failed", [])


def test_the_worker_fits_it_and_answers_are_scored_anew(
    questions: list[Question], service: FakeGeneralInference, monkeypatch: pytest.MonkeyPatch
) -> None:
    nudged: list[int] = []
    monkeypatch.setattr(tasks, "inference", lambda: service.client)
    monkeypatch.setattr(tasks, "nudge", nudged.extend)
    tasks.fit_calibration(general.request().pk)
    assert sorted(nudged) == sorted(one.pk for one in questions)


def test_it_stays_when_answers_are_deleted(
    questions: list[Question], service: FakeGeneralInference
) -> None:
    """It holds weights, and nothing of any answer."""
    calibration = generalised(service)
    retention.delete_answers(questions[0].exam)
    assert Artefact.objects.filter(calibration=calibration).exists()
    assert not Example.objects.exists()


def run(*words: str) -> str:
    out = StringIO()
    call_command("calibrate", *words, stdout=out, stderr=out)
    return out.getvalue()


def worked_by(service: FakeGeneralInference, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whenever the command looks again, a worker has fitted what waited."""

    def work(_seconds: float) -> None:
        for calibration in Calibration.objects.waiting():
            general.fit(calibration, service.client)

    monkeypatch.setattr(time, "sleep", work)


def test_the_command_follows_it(
    questions: list[Question], service: FakeGeneralInference, monkeypatch: pytest.MonkeyPatch
) -> None:
    worked_by(service, monkeypatch)
    told = run("--general", "--wait")
    assert "200 texts of 5 questions; r 0.800, RMSE 0.100 of the points, exact 90.0%" in told
    assert "uncalibrated r 0.500" in told
    assert "now marks the questions without their own" in told


@pytest.mark.parametrize(("more", "is_used"), [([], False), (["--promote"], True)])
def test_the_command_puts_what_is_no_better_to_use_only_where_it_is_asked_to(
    questions: list[Question],
    service: FakeGeneralInference,
    monkeypatch: pytest.MonkeyPatch,
    more: list[str],
    is_used: bool,
) -> None:
    service.measured = WORSE | {"accuracy": 0.7, "r": None}
    worked_by(service, monkeypatch)
    told = run("--general", "--wait", *more)
    assert "r -, RMSE 0.300 of the points, exact 50.0%, accuracy 70.0%" in told
    assert ("no better" in told) is not is_used
    assert (used(questions[5]) is not None) is is_used


def test_the_command_rolls_back(questions: list[Question], service: FakeGeneralInference) -> None:
    generalised(service)
    assert "the uncalibrated method now marks" in run("--general", "--roll-back")
    assert not Question.objects.filter(~Q(calibration=None)).exists()
    with pytest.raises(CommandError, match="no general calibration"):
        run("--general", "--roll-back")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([], "name an exam, or give --general"),
        (["PM-2026", "--general"], "name an exam, or give --general"),
        (["PM-2026", "--roll-back"], "in the admin or by REST"),
        (["--general"], "0 different texts of 0 questions"),
    ],
)
def test_what_cannot_be_asked_is_an_error(words: list[str], told: str) -> None:
    questions_of(1)
    with pytest.raises(CommandError, match=told):
        run(*words)


def test_the_admin_lists_it(questions: list[Question], service: FakeGeneralInference) -> None:
    calibration = generalised(service)
    browser = signed_in("exam manager")
    html = browser.get(reverse("admin:scoring_calibration_changelist")).content.decode()
    assert "general" in html
    detail = reverse("admin:scoring_calibration_change", args=[calibration.pk])
    html = browser.get(detail).content.decode()
    assert "0.800" in html
    assert "30.0%" in html
    own = reverse("admin:scoring_question_calibration", args=[questions[0].pk])
    assert browser.get(own).status_code == 200
