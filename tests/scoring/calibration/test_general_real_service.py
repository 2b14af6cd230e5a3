"""A general calibration from end to end, by our client against our real service."""

import pytest

from scoring.calibration import general, promotion
from scoring.exams import definitions
from scoring.inference import Inference
from scoring.intake import submissions
from scoring.machine import batches
from scoring.models import Answer, Mark, Question
from tests.factories import marked_by_people
from tests.inference import marked_questions

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("english")]
KNOWN = ("prompt", "max_points", "criteria")


def exam(questions: int) -> list[Question]:
    """With the questions of marked_questions.py and their answers, marked but for the last's."""
    told = [
        {"code": f"Q{i}", **{name: marked_questions.question(i)[name] for name in KNOWN}}
        for i in range(questions)
    ]
    for one in told:
        one["criteria"] = [criterion | {"label": "要点"} for criterion in one["criteria"]]
    made, _ = definitions.load(
        {"code": "PM-2026", "title": "午後", "state": "trial", "questions": told}
    )
    answers = [
        {
            "exam": "PM-2026",
            "candidate": f"c{i}-{place}",
            "answers": [{"question": f"Q{i}", "text": one["text"]}],
        }
        for i in range(questions)
        for place, one in enumerate(marked_questions.examples(i))
    ]
    assert not submissions.accept_all(enumerate(answers)).rejected
    found = list(made.questions.order_by("position"))
    for index, question in enumerate(found[:-1]):
        answers_to = list(question.answers.order_by("pk"))
        marked_by_people(answers_to, [one["points"] for one in marked_questions.examples(index)])
    return found


def test_marks_of_some_questions_mark_another(inference_url: str) -> None:
    inference = Inference(inference_url, "a-token-for-tests", 120)
    *_, new = exam(7)
    calibration = general.request()
    told: list[tuple[str, float]] = []
    touched = general.fit(calibration, inference, lambda *one: told.append(one))
    calibration.refresh_from_db()
    assert calibration.status == "ready", calibration.reason
    assert {stage for stage, _ in told} == {"reading", "fitting"}
    assert calibration.metrics["rmse"] < calibration.metrics["uncalibrated"]["rmse"]
    assert promotion.general() == calibration
    assert new.pk in touched
    assert batches.score_waiting(new, inference) == marked_questions.EXAMPLES
    marks = Mark.objects.filter(answer__question=new).order_by("answer_id")
    assert {(mark.calibration, mark.confidence) for mark in marks} == {(calibration.sha256, None)}
    wanted = [one["points"] for one in marked_questions.examples(6)]
    apart = [abs(float(mark.points) - one) for mark, one in zip(marks, wanted, strict=True)]
    assert sum(apart) / len(apart) < 0.2 * float(new.max_points)
    assert not Answer.objects.filter(question=new).exclude(final_source="").exists()
