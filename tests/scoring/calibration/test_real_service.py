"""From marks by people to marks with confidence, by our client against our real service."""

import json
from typing import Any

import pytest
from django.contrib.auth.models import User

from scoring.calibration import fitting, promotion
from scoring.exams import definitions
from scoring.inference import CalibrationMissing, Inference, InferenceError
from scoring.intake import submissions
from scoring.machine import batches
from scoring.marks import settlement
from scoring.models import Answer, Mark, Question
from tests.paths import SAMPLE

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("english")]


def lines(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (SAMPLE / name).read_text("utf-8").splitlines()]


@pytest.fixture
def inference(inference_url: str) -> Inference:
    return Inference(inference_url, "a-token-for-tests", 120)


@pytest.fixture
def question() -> Question:
    """Q1 of the sample exam with its sixty marks."""
    exam, _ = definitions.load(json.loads((SAMPLE / "exam.json").read_text("utf-8")))
    exam.become("marking")
    outcome = submissions.accept_all(enumerate(lines("answers.jsonl"), start=1))
    assert not outcome.rejected
    question = Question.objects.select_related("exam").get(exam=exam, code="Q1")
    marker = User.objects.create_user("marker")
    told = {one["candidate"]: one for one in lines("marks.jsonl") if one["question"] == "Q1"}
    answers = list(question.answers.select_related("submission"))
    Mark.objects.bulk_create(
        Mark(
            answer=answer,
            source="human",
            marker=marker,
            points=(given := told[answer.submission.candidate])["points"],
            criteria=[
                {"code": code, "points": points, "evidence": []}
                for code, points in given["criteria"].items()
            ],
            definition=question.digest,
            text_key=answer.text_key,
        )
        for answer in answers
        if answer.submission.candidate in told
    )
    settlement.settle(answer.pk for answer in answers)
    return question


def test_the_sample_exam_is_calibrated_from_end_to_end(
    question: Question, inference: Inference
) -> None:
    batches.score_waiting(question, inference)
    calibration, heard = fitting.request(question), []
    fitting.fit(calibration, inference, lambda stage, fraction: heard.append(fraction))
    calibration.refresh_from_db()
    assert calibration.status == "ready", calibration.reason
    assert heard == sorted(heard)
    assert calibration.metrics["examples"] == len(fitting.texts_of(question))
    assert 0 < calibration.metrics["kappa"] <= 1
    assert calibration.examples.count() == 60
    sure = calibration.examples.values_list("confidence", flat=True)
    assert all(one is not None and 0 <= one <= 1 for one in sure)

    question.refresh_from_db()
    if question.calibration is None:
        # So few marks need not better what the criteria alone find; a person may still choose it.
        promotion.promote(calibration)
    batches.score_waiting(question, inference)
    marks = Mark.objects.filter(source="machine", calibration=calibration.sha256)
    assert marks.count() == question.answers.count()
    assert all(mark.confidence is not None for mark in marks)
    assert {mark.model for mark in marks} == {calibration.model}
    assert not Answer.objects.filter(question=question).exclude(status="scored").exists()


def test_the_service_tells_what_it_lacks_and_what_it_cannot_use(
    question: Question, inference: Inference
) -> None:
    with pytest.raises(CalibrationMissing):
        inference.score(question.wire(), [("1", "要件")], "0" * 64)
    with pytest.raises(InferenceError, match="422"):
        inference.put_calibration("0" * 64, b"no artefact")
    with pytest.raises(InferenceError, match="422"):
        list(inference.calibrate(question.wire(), [{"text": "要件", "points": 1}]))
