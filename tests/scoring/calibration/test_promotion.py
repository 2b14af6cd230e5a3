"""Which calibration marks a question: compared on the same answers, promoted, rolled back."""

import pytest
from django.contrib.auth.models import User

from pmscoring.base.lifecycle import WrongState
from scoring.calibration import fitting, promotion, thresholds
from scoring.exams import definitions
from scoring.inference import InferenceUnavailable, OtherEncoder
from scoring.machine import batches
from scoring.models import Answer, Calibration, Exam, Mark, Promotion, Question
from tests.factories import FAIR, hand_in, marked_by_people
from tests.scoring.calibrations import fitted, marked_question
from tests.scoring.fake_inference import FakeInference, right, sloppy

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("english")]


@pytest.fixture
def question() -> Question:
    return marked_question(60)


@pytest.fixture
def service() -> FakeInference:
    return FakeInference(right)


def current(question: Question) -> Calibration | None:
    return Question.objects.get(pk=question.pk).calibration


def machine_marks(calibration: Calibration | None) -> list[float]:
    name = calibration.sha256 if calibration else ""
    marks = Mark.objects.filter(source="machine", calibration=name).order_by("answer_id")
    return [float(mark.points) for mark in marks]


def test_answers_are_marked_under_the_active_calibration(
    question: Question, service: FakeInference
) -> None:
    calibration = fitted(question, service)
    assert batches.score_waiting(question, service.client) == 60
    assert machine_marks(calibration)[:3] == [4, 2, 0]
    mark = Mark.objects.filter(source="machine").earliest("pk")
    assert (mark.confidence, mark.calibration, mark.model) == (
        0.9,
        calibration.sha256,
        service.model,
    )
    assert Answer.objects.filter(final_source="human", status="scored").count() == 60


def test_the_service_is_given_the_artefact_that_it_lacks_and_asked_again(
    question: Question, service: FakeInference
) -> None:
    calibration = fitted(question, service)
    assert service.kept == {}
    batches.score_waiting(question, service.client)
    assert list(service.kept) == [calibration.sha256]
    assert [name for name, _ in service.scored] == [calibration.sha256]


def test_a_service_that_keeps_no_artefact_is_tried_again_later(
    question: Question, service: FakeInference
) -> None:
    fitted(question, service)
    service.forgets = True
    with pytest.raises(InferenceUnavailable):
        batches.score_waiting(question, service.client)
    assert Answer.objects.filter(status="waiting", tries=1).count() == 60


def test_answers_fail_visibly_where_the_artefact_is_gone(
    question: Question, service: FakeInference
) -> None:
    calibration = fitted(question, service)
    calibration.artefact.delete()
    batches.score_waiting(question, service.client)
    answer = Answer.objects.earliest("pk")
    assert answer.status == "failed"
    assert "artefact" in answer.reason


def test_under_other_weights_answers_are_put_off_until_there_is_a_new_calibration(
    question: Question, service: FakeInference
) -> None:
    old = fitted(question, service)
    service.refuses = "other_encoder"
    with pytest.raises(OtherEncoder):
        batches.score_waiting(question, service.client)
    answer = Answer.objects.earliest("pk")
    assert (answer.status, answer.tries) == ("waiting", 1)
    assert "new calibration" in answer.reason
    service.refuses, service.model = "", "b" * 64
    new = fitting.renew(question)
    assert new is not None
    assert fitting.renew(question) is None
    assert fitting.fit(new, service.client)
    assert current(question) == new != old
    assert batches.score_waiting(question, service.client) == 60


def test_one_is_compared_with_uncalibrated_marks_of_the_same_answers(
    question: Question, service: FakeInference
) -> None:
    service.uncalibrated = lambda text: 2
    batches.score_waiting(question, service.client)
    calibration = fitted(question, FakeInference(sloppy))
    comparison = Promotion.objects.get().comparison
    assert comparison["texts"] == 60
    assert comparison["present"]["kappa"] is None
    assert comparison["present"]["exact"] == pytest.approx(1 / 3)
    assert comparison["new"]["exact"] == pytest.approx(2 / 3)
    assert calibration.promotions.get().kind == "automatic"


def test_one_that_agrees_no_better_than_uncalibrated_marks_is_not_promoted(
    question: Question, service: FakeInference
) -> None:
    service.uncalibrated = lambda text: right(text)[0]
    batches.score_waiting(question, service.client)
    fitted(question, FakeInference(sloppy))
    assert current(question) is None
    assert not Promotion.objects.exists()


def test_both_are_compared_out_of_fold_and_new_answers_by_the_mark_that_was_not_fitted_to_them(
    question: Question,
) -> None:
    present = FakeInference(sloppy)
    first = fitted(question, present)
    # The present one's marks of its own examples are all right, and do not count.
    present.says = right
    batches.score_waiting(question, present.client)
    present.says = sloppy
    answers = hand_in(question, [f"{FAIR}、{n}" for n in range(6)], first=100)
    batches.score_waiting(question, present.client)
    marked_by_people(answers, [2] * 6)
    second = fitted(question, FakeInference(right))
    comparison = promotion.compare(Question.objects.get(pk=question.pk), second)
    told = second.promotions.get().comparison
    assert told["texts"] == 66
    # Out of fold the first one had the twenty fair ones wrong, and its marks have the six wrong.
    assert told["present"]["exact"] == pytest.approx(40 / 66)
    assert told["new"]["exact"] == 1
    assert current(question) == second != first
    assert comparison.present is not None


def test_people_may_promote_what_is_no_better(question: Question, service: FakeInference) -> None:
    fitted(question, service)
    worse, user = fitted(question, FakeInference(sloppy)), User.objects.create_user("manager")
    made = promotion.promote(worse, user)
    assert (made.kind, made.promoted_by) == ("manual", user)
    assert made.comparison["new"]["exact"] < made.comparison["present"]["exact"]
    assert current(question) == worse
    with pytest.raises(WrongState, match="in use"):
        promotion.promote(worse)


def test_a_fixed_exam_keeps_its_calibration(question: Question, service: FakeInference) -> None:
    first = fitted(question, service)
    second = fitted(question, FakeInference(sloppy))
    Exam.objects.update(status="fixed")
    with pytest.raises(WrongState, match="fixed"):
        promotion.promote(second)
    with pytest.raises(WrongState, match="fixed"):
        promotion.roll_back(question)
    assert promotion.promote_if_better(second) is None
    assert current(question) == first


def test_rolling_back_takes_known_marks_over_without_a_call(
    question: Question, service: FakeInference
) -> None:
    first = fitted(question, service)
    batches.score_waiting(question, service.client)
    second = fitted(question, FakeInference(sloppy))
    promotion.promote(second)
    other = FakeInference(sloppy)
    batches.score_waiting(question, other.client)
    before = list(Mark.objects.order_by("pk").values_list("pk", flat=True))
    service.scored.clear()
    promotion.roll_back(question)
    assert current(question) == first
    assert batches.score_waiting(question, service.client) == 60
    assert service.scored == []
    assert list(Mark.objects.order_by("pk").values_list("pk", flat=True)) == before
    assert len(machine_marks(first)) == len(machine_marks(second)) == 60


def test_each_step_back_goes_further_until_there_is_no_calibration(
    question: Question, service: FakeInference
) -> None:
    first = fitted(question, service)
    second = fitted(question, FakeInference(sloppy))
    promotion.promote(second)
    promotion.roll_back(question)
    assert current(question) == first
    promotion.roll_back(question)
    assert current(question) is None
    with pytest.raises(WrongState):
        promotion.roll_back(question)
    promotion.promote(second)
    assert promotion.before(Question.objects.get(pk=question.pk)) is None


def test_a_changed_question_sets_its_calibration_aside(
    question: Question, service: FakeInference
) -> None:
    calibration = fitted(question, service)
    thresholds.apply(question, 0.9)
    definition = definitions.describe(question.exam)
    definition["questions"][0]["prompt"] = "別の問い"
    definitions.load(definition, force=True)
    question.refresh_from_db()
    assert (question.calibration, question.threshold) == (None, None)
    assert question.promotions.latest("pk").kind == "definition"
    with pytest.raises(WrongState, match="before the question was changed"):
        promotion.promote(calibration)
    batches.score_waiting(question, service.client)
    assert service.scored[-1][0] is None
    assert promotion.before(question) is None
