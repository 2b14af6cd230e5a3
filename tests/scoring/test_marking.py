"""From definition to marks, with the real inference service; our client against our server."""

import json
from pathlib import Path
from typing import Any

import pytest
from django.utils.timezone import now

from scoring import definitions, intake, marking
from scoring.inference import Inference, InferenceError, InferenceUnavailable
from scoring.models import Answer, Mark, Question

pytestmark = pytest.mark.django_db
EXAMPLES = Path(__file__).parents[2] / "pmscoring" / "contract" / "examples"


@pytest.fixture
def question() -> Question:
    valid = json.loads((EXAMPLES / "exam.json").read_text("utf-8"))["valid"]
    exam, _ = definitions.load(valid[0]["value"])
    return exam.questions.get(code="Q1")


@pytest.fixture
def inference(inference_url: str) -> Inference:
    return Inference(inference_url, "a-token-for-tests", 60)


def hand_in(*answers: str) -> intake.Outcome:
    return intake.take_all(
        (line, record(f"c{line}", text)) for line, text in enumerate(answers, start=1)
    )


def record(candidate: str, text: str) -> dict[str, Any]:
    answers = [{"question": "Q1", "text": text}]
    return {"exam": "PM-2026", "candidate": candidate, "answers": answers}


def test_it_marks_each_answer_once_with_evidence(question: Question, inference: Inference) -> None:
    hand_in("要件が途中で変わったから", "天気がよかった", "")
    assert marking.score_waiting(question, inference) == 3
    first, second, third = Mark.objects.order_by("answer_id")
    assert first.points >= 4 > second.points
    assert first.criteria[0]["evidence"] == [{"start": 0, "end": 12}]
    assert first.confidence is None
    assert second.points == third.points == 0
    assert third.flags == ["blank"]
    assert not Answer.objects.exclude(status="scored").exists()


def test_it_maps_evidence_back_to_each_text_as_submitted(
    question: Question, inference: Inference
) -> None:
    hand_in("要件が途中で変わったから", "　要件が途中で変わったから  ")
    marking.score_waiting(question, inference)
    spans = [mark.criteria[0]["evidence"][0] for mark in Mark.objects.order_by("answer_id")]
    assert spans == [{"start": 0, "end": 12}, {"start": 1, "end": 13}]


def test_it_leaves_the_answer_waiting_when_inference_is_away(question: Question) -> None:
    hand_in("要件が途中で変わったから")
    with pytest.raises(InferenceUnavailable):
        marking.score_waiting(question, Inference("http://127.0.0.1:1", "x", 1))
    answer = Answer.objects.get()
    assert (answer.status, answer.tries) == ("waiting", 1)
    assert answer.not_before > now()
    assert answer.reason


def test_it_fails_visibly_when_the_service_refuses(question: Question, inference_url: str) -> None:
    hand_in("要件が途中で変わったから")
    marking.score_waiting(question, Inference(inference_url, "wrong", 10))
    answer = Answer.objects.get()
    assert answer.status == "failed"
    assert "401" in answer.reason
    assert marking.retry(Answer.objects.all()) == 1


def test_the_client_tells_a_refusal_from_an_absence(inference: Inference) -> None:
    with pytest.raises(InferenceError, match="422"):
        inference.score({}, [])


def test_the_same_again_changes_nothing_and_another_text_is_refused(question: Question) -> None:
    assert hand_in("一").accepted == 1
    assert hand_in("一").accepted == 1
    outcome = hand_in("二")
    assert [fault["pointer"] for fault in outcome.rejected] == ["/attempt"]
    assert Answer.objects.get().text == "一"


def test_a_changed_criterion_waits_to_be_marked_again(
    question: Question, inference: Inference
) -> None:
    hand_in("要件が途中で変わったから")
    marking.score_waiting(question, inference)
    definition = definitions.describe(question.exam)
    definition["questions"][0]["criteria"][0]["references"].append("仕様の変更が続いたから")
    definitions.load(definition)
    assert Answer.objects.get().status == "waiting"
    question = question.exam.questions.get(code="Q1")
    marking.score_waiting(question, inference)
    assert Mark.objects.count() == 2
