"""What tests of the general calibration share: an exam of several marked questions, and a service
that calibrates of them.
"""

import base64
import hashlib
import json
from collections.abc import Sequence
from typing import Any

import httpx

from scoring.calibration import general
from scoring.exams import definitions
from scoring.intake import submissions
from scoring.models import Answer, Calibration, Question
from tests.scoring.admin_site import example
from tests.scoring.fake_service import FAIR, GOOD, NONE, Says, Service, marked_by_people, right

EACH = 40
BETTER: dict[str, Any] = {"r": 0.8, "rmse": 0.1, "exact": 0.9, "accuracy": None}
WORSE: dict[str, Any] = {"r": 0.5, "rmse": 0.3, "exact": 0.5, "accuracy": None}


class GeneralService(Service):
    """Also calibrates of many questions; `measured` and `plain` are what it says that it found."""

    def __init__(self, says: Says) -> None:
        super().__init__(says)
        self.measured, self.plain = BETTER, WORSE
        self.asked: list[dict[str, Any]] = []
        self.general: set[str] = set()

    def answer(self, request: httpx.Request) -> httpx.Response:
        """By its address."""
        if request.url.path != "/v1/calibrate/general" or self.is_away:
            return super().answer(request)
        if self.refuses:
            body = {"error": self.refuses, "error_type": self.refuses}
            return httpx.Response(422, json=body)
        return self._generalised(json.loads(request.content)["questions"])

    def _generalised(self, questions: list[dict[str, Any]]) -> httpx.Response:
        self.asked = questions
        told = [[self.says(e["text"])[0], None] for one in questions for e in one["examples"]]
        artefact = json.dumps([self.model, questions, self.measured]).encode()
        found = {"questions": len(questions), "examples": len(told), "folds": 5, "seconds": 1.0}
        metrics = {**found, **self.measured, "uncalibrated": self.plain, "out_of_fold": told}
        name = hashlib.sha256(artefact).hexdigest()
        self.general.add(name)
        last = {
            "sha256": name,
            "metrics": metrics,
            "artefact_base64": base64.b64encode(artefact).decode(),
        }
        lines: Sequence[dict[str, Any]] = [{"stage": "reading", "fraction": 0.5}, last]
        return httpx.Response(200, content="".join(json.dumps(one) + "\n" for one in lines))

    def _score(self, body: dict[str, Any]) -> httpx.Response:
        """A general calibration knows no confidence."""
        answer = super()._score(body)
        if body["calibration"] not in self.general:
            return answer
        told = json.loads(answer.content)
        for one in told.get("results", []):
            one["confidence"] = None
        return httpx.Response(answer.status_code, json=told)


def definition(questions: int, code: str = "PM-2026") -> dict[str, Any]:
    """An exam under way with so many questions like Q1 of the example."""
    told = example()
    one = next(question for question in told["questions"] if question["code"] == "Q1")
    one = {key: value for key, value in one.items() if key != "group"}
    several = [one | {"code": f"Q{number}"} for number in range(1, questions + 1)]
    return told | {"code": code, "state": "trial", "questions": several, "groups": []}


def questions_of(questions: int, code: str = "PM-2026") -> list[Question]:
    """Loaded."""
    exam, _ = definitions.load(definition(questions, code))
    return list(exam.questions.select_related("exam"))


def handed_in(question: Question, count: int = EACH) -> list[Answer]:
    """So many answers, no two alike, by candidates of its own."""
    said = (GOOD, FAIR, NONE)
    told = [
        {
            "exam": question.exam.code,
            "candidate": f"{question.code}-{number}",
            "answers": [{"question": question.code, "text": f"{said[number % 3]}。{number}"}],
        }
        for number in range(count)
    ]
    assert not submissions.take_all(enumerate(told)).rejected
    return list(Answer.objects.filter(question=question).order_by("pk"))


def marked(question: Question, count: int = EACH) -> None:
    """Answers that people have marked as `right` would."""
    answers = handed_in(question, count)
    marked_by_people(answers, [right(answer.text)[0] for answer in answers])


def six_questions() -> list[Question]:
    """Five that people have marked, and a sixth with answers that nobody has."""
    found = questions_of(6)
    for question in found[:5]:
        marked(question)
    handed_in(found[5])
    return found


def generalised(service: GeneralService) -> Calibration:
    """A general calibration that was asked for and fitted."""
    calibration = general.ask()
    general.fit(calibration, service.client)
    calibration.refresh_from_db()
    assert calibration.status == "ready", calibration.reason
    return calibration
