"""Questions with marks by people, and calibrations that were fitted to them."""

from typing import Any

from scoring.calibration import fitting, general
from scoring.exams import definitions
from scoring.models import Answer, Calibration, Question
from tests.factories import (
    FAIR,
    GOOD,
    NONE,
    example_definition,
    example_question,
    hand_in,
    marked_by_people,
)
from tests.scoring.fake_inference import FakeGeneralInference, FakeInference, right

EACH = 40
"""Answers to each question of `six_questions`."""


def texts(count: int) -> list[str]:
    """Different texts, a third each of 4, 2 and 0 points."""
    return [f"{(GOOD, FAIR, NONE)[number % 3]}。{number}" for number in range(count)]


def marked_question(count: int = 30) -> Question:
    """Q1 of the example with answers that people have marked as `right` would."""
    question = example_question()
    with_marks(question, count)
    return question


def fitted(question: Question, service: FakeInference) -> Calibration:
    """A calibration of the question, requested and fitted."""
    calibration = fitting.request(question)
    fitting.fit(calibration, service.client)
    return _ready(calibration)


def definition_of(questions: int, code: str = "PM-2026") -> dict[str, Any]:
    """An exam in its trial with so many questions like Q1 of the example."""
    definition = example_definition()
    question = next(each for each in definition["questions"] if each["code"] == "Q1")
    question.pop("group", None)
    several = [question | {"code": f"Q{number}"} for number in range(1, questions + 1)]
    return definition | {"code": code, "state": "trial", "questions": several, "groups": []}


def questions_of(questions: int, code: str = "PM-2026") -> list[Question]:
    """The questions of that definition, loaded."""
    exam, _ = definitions.load(definition_of(questions, code))
    return list(exam.questions.select_related("exam"))


def with_answers(question: Question, count: int = EACH) -> list[Answer]:
    """So many answers, by candidates of the question's own."""
    return hand_in(question, texts(count), candidate=f"{question.code}-{{}}")


def with_marks(question: Question, count: int = EACH) -> None:
    """So many answers that people have marked as `right` would."""
    answers = with_answers(question, count)
    marked_by_people(answers, [right(answer.text)[0] for answer in answers])


def six_questions() -> list[Question]:
    """Five that people have marked, and a sixth with answers that nobody has."""
    questions = questions_of(6)
    for question in questions[:5]:
        with_marks(question)
    with_answers(questions[5])
    return questions


def generalised(service: FakeGeneralInference) -> Calibration:
    """A general calibration, requested and fitted."""
    calibration = general.request()
    general.fit(calibration, service.client)
    return _ready(calibration)


def _ready(calibration: Calibration) -> Calibration:
    calibration.refresh_from_db()
    assert calibration.status == "ready", calibration.reason
    return calibration
