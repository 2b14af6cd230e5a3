"""Marks by people become a calibration: asked for, fitted by a worker, kept with its metrics."""

from datetime import timedelta
from typing import Any

import httpx
import pytest
from django.contrib.auth.models import User
from django.utils.timezone import now

from pmscoring.base.lifecycle import WrongState
from scoring.calibration import fitting, promotion
from scoring.exams import definitions, retention
from scoring.inference import InferenceUnavailable
from scoring.marks import settlement
from scoring.models import Answer, Artefact, Calibration, Exam, Mark, Question
from tests.factories import GOOD, exam_in, example_question, hand_in, marked_by_people
from tests.scoring.calibrations import fitted, marked_question, with_marks
from tests.scoring.fake_inference import FakeInference, right, sloppy

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("english")]


@pytest.fixture
def question() -> Question:
    return marked_question()


@pytest.fixture
def service() -> FakeInference:
    return FakeInference(right)


def test_it_is_refused_while_people_have_marked_too_few_texts() -> None:
    question = marked_question(29)
    with pytest.raises(fitting.TooFewMarks, match="29"):
        fitting.request(question)


def test_texts_that_fold_to_the_same_count_once() -> None:
    question = marked_question(29)
    marked_by_people(hand_in(question, [f"　{GOOD}。0"], first=100), [4])
    with pytest.raises(fitting.TooFewMarks):
        fitting.request(question)


def test_it_is_refused_where_all_marks_are_alike() -> None:
    question = example_question()
    marked_by_people(hand_in(question, [f"{GOOD}{n}" for n in range(30)]), [4] * 30)
    with pytest.raises(fitting.TooFewMarks, match="same points"):
        fitting.request(question)


def test_a_machines_mark_is_no_example(question: Question) -> None:
    answer = hand_in(question, ["別の答え"], first=100)[0]
    Answer.objects.filter(pk=answer.pk).update(final_points=4, final_source="machine")
    assert len(fitting.texts_of(question)) == 30


def test_a_text_from_before_the_question_had_its_limit_is_no_example(question: Question) -> None:
    answer = Answer.objects.filter(question=question).earliest("pk")
    Answer.objects.filter(pk=answer.pk).update(text="\ufdfa" * 3000)
    assert len(fitting.texts_of(question)) == 29


def test_one_fit_at_a_time(question: Question) -> None:
    fitting.request(question)
    with pytest.raises(WrongState, match="under way"):
        fitting.request(question)


def test_a_fixed_exam_is_calibrated_no_more(question: Question) -> None:
    Exam.objects.update(status="fixed")
    question.exam.refresh_from_db()
    with pytest.raises(WrongState, match="fixed"):
        fitting.request(question)


def test_it_keeps_artefact_metrics_and_what_was_predicted_out_of_fold(
    question: Question, service: FakeInference
) -> None:
    user = User.objects.create_user("manager")
    calibration = fitting.request(question, user)
    heard: list[tuple[str, float]] = []
    fitting.fit(calibration, service.client, lambda *told: heard.append(told))
    calibration.refresh_from_db()
    assert heard == [("embedding", 0.25), ("fitting", 0.75)]
    assert (calibration.status, calibration.fraction, calibration.stage) == ("ready", 1.0, "")
    assert calibration.model == service.model
    assert calibration.metrics["kappa"] == 0.8
    assert "out_of_fold" not in calibration.metrics
    assert calibration.requested_by == user
    assert len(bytes(Artefact.objects.get(calibration=calibration).content)) > 100
    examples = list(calibration.examples.order_by("answer_id"))
    assert [float(one.predicted) for one in examples[:3]] == [4, 2, 0]
    assert {one.confidence for one in examples} == {0.9}


def test_each_text_is_sent_once_with_the_points_it_was_given_most_often(
    question: Question, service: FakeInference
) -> None:
    marked_by_people(hand_in(question, [f"{GOOD}。0 "] * 3, first=100), [3, 3, 3])
    calibration = fitted(question, service)
    assert len(service.examples) == 30
    assert service.examples[0] == {"text": f"{GOOD}。0", "points": 3}
    of_text = calibration.examples.filter(answer__text__startswith=f"{GOOD}。0").order_by("pk")
    assert [float(one.points) for one in of_text] == [4, 3, 3, 3]


def test_of_more_texts_than_the_service_takes_a_draw_is_learnt_that_stays_the_same(
    question: Question, service: FakeInference, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fitting, "MOST", 20)
    drawn = [one.answers[0].answer for one in fitting.texts_of(question)]
    assert len(drawn) == 20
    assert drawn == sorted(drawn)
    assert {0, 1, 2} == {
        n % 3 for n, one in enumerate(Answer.objects.order_by("pk")) if one.pk in drawn
    }
    monkeypatch.setattr(fitting, "MOST_BYTES", 300)
    fewer = [one.answers[0] for one in fitting.texts_of(question)]
    assert sum(len(one.text.encode()) for one in fewer) <= 300
    assert {one.answer for one in fewer} < set(drawn)


@pytest.mark.parametrize(
    ("given", "points"), [([1, 2], 1), ([0, 4, 4], 4), ([0, 3, 4], 3), ([0, 0, 4, 4, 3], 4)]
)
def test_of_points_given_equally_often_the_nearest_to_the_mean_counts(
    given: list[float], points: float
) -> None:
    answers = [fitting.Marked(n, "k", "t", one, {}) for n, one in enumerate(given)]
    assert fitting.Text(answers).points == points


def test_criteria_go_along_where_people_gave_them_for_those_points(
    question: Question, service: FakeInference
) -> None:
    codes = [one.code for one in question.criteria.all()]
    criteria = [{"code": code, "points": 1, "evidence": []} for code in codes]
    answers = hand_in(question, ["甲", "乙"], first=100)
    marked_by_people(answers[:1], [len(codes)], criteria=criteria)
    marked_by_people(answers[1:], [0], criteria=criteria)
    fitted(question, service)
    told = {one["text"]: one.get("criteria") for one in service.examples}
    assert told["甲"] == dict.fromkeys(codes, 1)
    assert told["乙"] is None


def test_right_answers_to_the_exams_other_questions_go_along(service: FakeInference) -> None:
    first, second = exam_in("trial").questions.order_by("code")
    second.model_answers.create(text="scope " * 1000)
    with_marks(first, 30)
    fitted(first, service)
    assert [text[:14] for text in service.foreign] == ["scope scope sc", "the scope grew"]
    assert len(service.foreign[0]) == fitting.LONGEST_FOREIGN
    assert "合意する" in fitting.foreign_texts(second)
    assert not set(fitting.foreign_texts(second)) & {"the scope grew"}


def test_a_withdrawn_mark_teaches_nothing(question: Question) -> None:
    mark = Mark.objects.filter(source="human").earliest("pk")
    Mark.objects.create(
        answer=mark.answer, source="withdrawal", marker=mark.marker, points=0, withdraws=mark
    )
    settlement.settle([mark.answer_id])
    assert len(fitting.texts_of(question)) == 29


def test_the_row_tells_how_far_the_fit_is(question: Question, service: FakeInference) -> None:
    calibration = fitting.request(question)
    seen: list[Any] = []

    def look(*_: Any) -> None:
        seen.append(Calibration.objects.values_list("stage", "fraction").get(pk=calibration.pk))

    fitting.fit(calibration, service.client, look)
    assert seen == [("embedding", 0.25), ("fitting", 0.75)]


def test_an_artefact_that_is_not_what_its_hash_says_is_refused(
    question: Question, service: FakeInference
) -> None:
    service.last_line = {"sha256": "0" * 64, "metrics": {}, "artefact_base64": "AAAA"}
    calibration = fitting.request(question)
    assert not fitting.fit(calibration, service.client)
    calibration.refresh_from_db()
    assert (calibration.status, calibration.sha256) == ("failed", "")
    assert "SHA-256" in calibration.reason
    assert not Artefact.objects.exists()
    assert fitting.request(question).status == "waiting"


def test_a_refusal_of_the_service_is_told(question: Question, service: FakeInference) -> None:
    service.refuses = "invalid"
    calibration = fitting.request(question)
    fitting.fit(calibration, service.client)
    calibration.refresh_from_db()
    assert calibration.status == "failed"
    assert "422" in calibration.reason


def test_a_service_that_is_away_costs_no_try(question: Question, service: FakeInference) -> None:
    calibration, service.is_away = fitting.request(question), True
    for _ in range(5):
        with pytest.raises(InferenceUnavailable):
            fitting.fit(calibration, service.client)
        calibration.refresh_from_db()
        assert (calibration.status, calibration.tries) == ("waiting", 0)
    service.is_away = False
    assert fitting.fit(calibration, service.client)


def test_a_service_that_refuses_the_token_costs_no_try(
    question: Question, service: FakeInference
) -> None:
    calibration, client = fitting.request(question), service.client
    refusal = httpx.MockTransport(lambda _: httpx.Response(401))
    client.http = httpx.Client(base_url="http://service", transport=refusal)
    with pytest.raises(InferenceUnavailable, match="401"):
        fitting.fit(calibration, client)
    calibration.refresh_from_db()
    assert (calibration.status, calibration.tries) == ("waiting", 0)


def test_a_fit_that_breaks_off_is_tried_three_times(
    question: Question, service: FakeInference
) -> None:
    calibration, service.breaks_off = fitting.request(question), True
    states = []
    for _ in range(3):
        with pytest.raises(InferenceUnavailable, match="broke off"):
            fitting.fit(calibration, service.client)
        calibration.refresh_from_db()
        states.append(calibration.status)
    assert states == ["waiting", "waiting", "failed"]
    assert "broke off" in calibration.reason


def test_a_fit_that_cannot_be_kept_is_tried_three_times(
    question: Question, service: FakeInference, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise RuntimeError

    monkeypatch.setattr(promotion, "promote_if_better", fail)
    calibration, states = fitting.request(question), []
    for _ in range(3):
        with pytest.raises(RuntimeError):
            fitting.fit(calibration, service.client)
        calibration.refresh_from_db()
        states.append((calibration.status, calibration.tries))
    assert states == [("waiting", 1), ("waiting", 2), ("failed", 3)]
    assert "RuntimeError" in calibration.reason
    assert not Artefact.objects.exists()


def test_what_a_dead_worker_held_is_taken_up_again(
    question: Question, service: FakeInference
) -> None:
    calibration = fitting.request(question)
    calibration.become("fitting", claimed_at=now() - timedelta(hours=1), tries=1)
    assert fitting.release_stalled() == 1
    calibration.refresh_from_db()
    assert calibration.status == "waiting"
    assert fitting.fit(calibration, service.client)


def test_a_worker_that_lost_the_fit_writes_nothing(
    question: Question, service: FakeInference
) -> None:
    calibration = fitting.request(question)

    def lose(*_: Any) -> None:
        Calibration.objects.update(claimed_at=now() + timedelta(seconds=5))

    with pytest.raises(WrongState):
        fitting.fit(calibration, service.client, lose)
    calibration.refresh_from_db()
    assert calibration.status == "fitting"
    assert not Artefact.objects.exists()


def test_a_fit_to_a_question_that_has_changed_fails(
    question: Question, service: FakeInference
) -> None:
    calibration = fitting.request(question)
    definition = definitions.describe(question.exam)
    definition["questions"][0]["prompt"] = "別の問い"
    definitions.load(definition, force=True)
    fitting.fit(calibration, service.client)
    calibration.refresh_from_db()
    assert calibration.status == "failed"
    assert calibration.reason


def test_a_first_calibration_is_promoted_and_every_answer_waits_for_its_mark(
    question: Question, service: FakeInference
) -> None:
    Answer.objects.update(status="scored")
    calibration = fitted(question, service)
    question.refresh_from_db()
    assert question.calibration == calibration
    assert not Answer.objects.exclude(status="waiting").exists()
    assert set(Answer.objects.values_list("final_source", flat=True)) == {"human"}


def test_one_that_is_no_better_is_kept_but_not_promoted(
    question: Question, service: FakeInference
) -> None:
    first = fitted(question, service)
    worse = fitted(question, FakeInference(sloppy))
    question.refresh_from_db()
    assert question.calibration == first
    assert worse.metrics["examples"] == 30


def test_what_is_made_of_answers_is_deleted_with_them(
    question: Question, service: FakeInference
) -> None:
    calibration = fitted(question, service)
    deleted = retention.delete_answers(question.exam)
    assert (deleted.answers, deleted.artefacts) == (30, 1)
    assert not Artefact.objects.exists()
    assert not calibration.examples.exists()
    calibration.refresh_from_db()
    assert calibration.metrics["kappa"] == 0.8
