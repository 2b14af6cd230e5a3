"""From which confidence on the machine's marks stand: proposed, applied, carried over, recorded."""

import pytest
from django.contrib.auth.models import User

from pmscoring.base.lifecycle import WrongState
from scoring.agreement import coverage
from scoring.calibration import promotion, thresholds
from scoring.machine import batches
from scoring.models import Answer, Exam, MarkingPolicy, Question
from tests.factories import FAIR, GOOD, NONE, calibrated, hand_in, marked_by_people, scored
from tests.scoring.calibrations import fitted, marked_question
from tests.scoring.fake_inference import FakeInference, right

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("english")]


def sure_of_most(text: str) -> tuple[float, float]:
    """Unsure of the fair ones, and wrong there."""
    return (4, 0.95) if GOOD in text else (0, 0.95 if NONE in text else 0.4)


def surer(text: str) -> tuple[float, float]:
    """Right everywhere, less sure."""
    return right(text)[0], 0.7


@pytest.fixture
def question() -> Question:
    question = marked_question(180)
    MarkingPolicy.objects.update_or_create(
        exam=question.exam, defaults={"machine_final": True, "audit_rate": 0}
    )
    return question


@pytest.fixture
def service() -> FakeInference:
    return FakeInference(sure_of_most)


def now(question: Question) -> Question:
    return Question.objects.select_related("exam", "calibration").get(pk=question.pk)


def finals(question: Question) -> list[tuple[str, float | None]]:
    """Of the answers that people have not marked."""
    rows = Answer.objects.filter(question=question).exclude(final_source="human").order_by("pk")
    return [
        (source, None if points is None else float(points))
        for source, points in rows.values_list("final_source", "final_points")
    ]


def test_it_is_proposed_from_predictions_of_fits_that_had_not_seen_the_answer(
    question: Question, service: FakeInference
) -> None:
    fitted(question, service)
    proposed = thresholds.proposal(now(question), 0.95)
    assert proposed.value == 0.95
    assert proposed.cut is not None
    assert proposed.cut.coverage == pytest.approx(2 / 3)
    assert proposed.cut.agreement == 1
    assert 0.95 <= proposed.cut.bound < 1
    assert thresholds.proposal(now(question)).target == 0.95


def test_texts_that_fold_to_the_same_are_one_observation(
    question: Question, service: FakeInference
) -> None:
    marked_by_people(hand_in(question, [f"{GOOD}。0"] * 50, first=500), [4] * 50)
    calibration = fitted(question, service)
    assert calibration.examples.count() == 230
    assert len(thresholds.pairs(calibration)) == 180


def test_what_a_flag_gives_to_people_anyway_promises_nothing(
    question: Question, service: FakeInference
) -> None:
    texts = len(thresholds.pairs(fitted(question, service)))
    Answer.objects.filter(text__startswith=NONE).update(flags=["copied_passage"])
    suspected = Answer.objects.filter(flags=["copied_passage"]).count()
    Answer.objects.filter(text__startswith=FAIR).update(flags=["blank"])
    assert 0 < suspected < texts
    assert len(thresholds.pairs(now(question).calibration)) == texts - suspected
    MarkingPolicy.objects.update(harmless_flags=["blank", "copied_passage"])
    assert len(thresholds.pairs(now(question).calibration)) == texts


def test_nothing_is_proposed_where_the_marks_do_not_show_it(
    question: Question, service: FakeInference
) -> None:
    assert thresholds.proposal(question).value is None
    fitted(question, service)
    proposed = thresholds.proposal(now(question), 0.99)
    assert proposed.value is None
    assert proposed.fewest > proposed.texts


def test_a_long_curve_is_thinned_but_keeps_its_end(question: Question) -> None:
    calibration = fitted(question, FakeInference(lambda text: (right(text)[0], len(text) / 100)))
    whole = coverage.curve(thresholds.pairs(calibration))
    thinned = thresholds.curve(calibration, most=3)
    assert len(whole) > 3 == len(thinned)
    assert thinned[-1] == whole[-1]


def test_without_a_calibration_there_is_no_confidence_to_set_a_threshold_on(
    question: Question,
) -> None:
    with pytest.raises(WrongState, match="no calibration"):
        thresholds.apply(question, 0.9)


def test_a_fixed_exam_keeps_its_threshold(question: Question, service: FakeInference) -> None:
    fitted(question, service)
    Exam.objects.update(status="fixed")
    with pytest.raises(WrongState, match="fixed"):
        thresholds.apply(now(question), 0.9)


def test_marks_from_there_on_stand_and_no_answer_is_scored_again(
    question: Question, service: FakeInference
) -> None:
    fitted(question, service)
    hand_in(question, [f"{GOOD}！", f"{FAIR}！"], first=500)
    batches.score_waiting(question, service.client)
    assert finals(question) == [("", None), ("", None)]
    service.scored.clear()
    proposed = thresholds.proposal(now(question))
    made = thresholds.apply(now(question), proposed.value, None, proposed)
    assert Answer.objects.filter(status="waiting").count() == 1
    batches.score_waiting(question, service.client)
    assert service.scored == []
    assert finals(question) == [("machine", 4), ("", None)]
    assert (made.value, made.target, made.calibration) == (0.95, 0.95, now(question).calibration)
    assert made.bound is not None


def test_what_stood_no_longer_stands_when_the_threshold_is_taken_away(
    question: Question, service: FakeInference
) -> None:
    fitted(question, service)
    hand_in(question, [f"{GOOD}！"], first=500)
    thresholds.apply(now(question), 0.9)
    batches.score_waiting(question, service.client)
    assert finals(question) == [("machine", 4)]
    user = User.objects.create_user("manager")
    made = thresholds.apply(now(question), None, user)
    batches.score_waiting(question, service.client)
    assert finals(question) == [("", None)]
    assert (made.value, made.set_by) == (None, user)


def test_what_would_stand_is_counted_beforehand(question: Question, service: FakeInference) -> None:
    fitted(question, service)
    batches.score_waiting(question, service.client)
    assert thresholds.standing(now(question), 0.9) == (120, 180)
    assert thresholds.standing(now(question), None) == (0, 180)


def test_a_flag_that_asks_for_a_person_keeps_a_mark_from_standing(question: Question) -> None:
    question = calibrated(question.exam)
    answers = hand_in(question, [f"{GOOD}！{number}" for number in range(5)], first=500)
    for answer, flags in zip(
        answers, ([], ["too_long"], ["off_topic"], ["too_long", "off_topic"], []), strict=True
    ):
        scored([answer], confidence=0.95, sha256=question.active_sha256, flags=flags)
    assert thresholds.standing(question, 0.9) == (2, 5)
    MarkingPolicy.objects.update(harmless_flags=["too_long"])
    assert thresholds.standing(now(question), 0.9) == (3, 5)


def test_after_a_promotion_the_same_target_is_sought_and_never_less_strictly(
    question: Question, service: FakeInference
) -> None:
    fitted(question, service)
    proposed = thresholds.proposal(now(question), 0.9)
    thresholds.apply(now(question), proposed.value, None, proposed)
    second = fitted(question, FakeInference(surer))
    assert thresholds.proposal(now(question), 0.9).value == 0.7
    made = question.thresholds.latest("pk")
    assert (made.calibration, made.value, made.target) == (second, 0.95, 0.9)
    assert now(question).threshold == 0.95


def test_after_a_promotion_nothing_stands_where_the_new_curve_does_not_show_the_target(
    question: Question, service: FakeInference
) -> None:
    fitted(question, service)
    proposed = thresholds.proposal(now(question), 0.95)
    thresholds.apply(now(question), proposed.value, None, proposed)
    second = fitted(question, FakeInference(lambda text: (0, 0.99)))
    promotion.promote(second)
    assert now(question).threshold is None
    made = question.thresholds.latest("pk")
    assert (made.value, made.target, made.bound) == (None, 0.95, None)


def test_without_a_threshold_a_promotion_makes_none(
    question: Question, service: FakeInference
) -> None:
    fitted(question, service)
    fitted(question, FakeInference(surer))
    assert now(question).threshold is None
    assert not question.thresholds.exists()


def test_rolling_back_brings_back_the_threshold_that_held(
    question: Question, service: FakeInference
) -> None:
    first = fitted(question, service)
    thresholds.apply(now(question), 0.9)
    fitted(question, FakeInference(surer))
    thresholds.apply(now(question), 0.6)
    promotion.roll_back(question)
    assert (now(question).calibration, now(question).threshold) == (first, 0.9)
    promotion.roll_back(question)
    assert (now(question).calibration, now(question).threshold) == (None, None)


def test_rolling_back_brings_it_back_after_a_promotion_that_let_nothing_stand(
    question: Question, service: FakeInference
) -> None:
    first = fitted(question, service)
    thresholds.apply(now(question), 0.9)
    promotion.promote(fitted(question, FakeInference(lambda text: (0, 0.99))))
    assert now(question).threshold is None
    assert promotion.threshold_under(now(question), first, "rollback") == (0.9, None)
    promotion.roll_back(question)
    assert (now(question).calibration, now(question).threshold) == (first, 0.9)
    assert question.thresholds.latest("pk").value == 0.9


def test_rolling_back_brings_back_none_where_none_held(
    question: Question, service: FakeInference
) -> None:
    first = fitted(question, service)
    thresholds.apply(now(question), 0.9)
    thresholds.apply(now(question), None)
    fitted(question, FakeInference(surer))
    promotion.roll_back(question)
    assert (now(question).calibration, now(question).threshold) == (first, None)
    assert question.thresholds.count() == 2
