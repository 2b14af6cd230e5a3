"""Several marked questions, and a fake service that calibrates from all of them."""

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
    """A fake that also fits general calibrations, with the metrics `measured` and `plain`."""

    def __init__(self, says: Says) -> None:
        super().__init__(says)
        self.measured, self.plain = BETTER, WORSE
        self.asked: list[dict[str, Any]] = []
        self.general: set[str] = set()

    def answer(self, request: httpx.Request) -> httpx.Response:
        """The response to a request, by its path."""
        if request.url.path != "/v1/calibrate/general" or self.is_away:
            return super().answer(request)
        if self.refuses:
            body = {"error": self.refuses, "error_type": self.refuses}
            return httpx.Response(422, json=body)
        return self._generalised(json.loads(request.content)["questions"])

    def _generalised(self, questions: list[dict[str, Any]]) -> httpx.Response:
        self.asked = questions
        examples = [example for question in questions for example in question["examples"]]
        predictions = [[self.says(example["text"])[0], None] for example in examples]
        artefact = json.dumps([self.model, questions, self.measured]).encode()
        counts = {"questions": len(questions), "examples": len(examples), "folds": 5}
        compared = {**self.measured, "uncalibrated": self.plain, "out_of_fold": predictions}
        metrics = {**counts, "seconds": 1.0, **compared}
        name = hashlib.sha256(artefact).hexdigest()
        self.general.add(name)
        last = {
            "sha256": name,
            "metrics": metrics,
            "artefact_base64": base64.b64encode(artefact).decode(),
        }
        lines: Sequence[dict[str, Any]] = [{"stage": "reading", "fraction": 0.5}, last]
        return httpx.Response(200, content="".join(json.dumps(line) + "\n" for line in lines))

    def _score(self, body: dict[str, Any]) -> httpx.Response:
        """Like the base class, but without confidence under a general calibration."""
        response = super()._score(body)
        if body["calibration"] not in self.general:
            return response
        payload = json.loads(response.content)
        for result in payload.get("results", []):
            result["confidence"] = None
        return httpx.Response(response.status_code, json=payload)


def definition(questions: int, code: str = "PM-2026") -> dict[str, Any]:
    """An exam on trial with this many questions like Q1 of the example."""
    exam = example()
    first = next(question for question in exam["questions"] if question["code"] == "Q1")
    first = {key: value for key, value in first.items() if key != "group"}
    several = [first | {"code": f"Q{number}"} for number in range(1, questions + 1)]
    return exam | {"code": code, "state": "trial", "questions": several, "groups": []}


def questions_of(questions: int, code: str = "PM-2026") -> list[Question]:
    """The questions of a loaded exam."""
    exam, _ = definitions.load(definition(questions, code))
    return list(exam.questions.select_related("exam"))


def handed_in(question: Question, count: int = EACH) -> list[Answer]:
    """`count` different answers, each by a candidate of its own."""
    texts = (GOOD, FAIR, NONE)
    records = [
        {
            "exam": question.exam.code,
            "candidate": f"{question.code}-{number}",
            "answers": [{"question": question.code, "text": f"{texts[number % 3]}。{number}"}],
        }
        for number in range(count)
    ]
    assert not submissions.accept_all(enumerate(records)).rejected
    return list(Answer.objects.filter(question=question).order_by("pk"))


def marked(question: Question, count: int = EACH) -> None:
    """Answers that people have marked as `right` would."""
    answers = handed_in(question, count)
    marked_by_people(answers, [right(answer.text)[0] for answer in answers])


def six_questions() -> list[Question]:
    """Five questions that people have marked, and a sixth with unmarked answers."""
    questions = questions_of(6)
    for question in questions[:5]:
        marked(question)
    handed_in(questions[5])
    return questions


def generalised(service: GeneralService) -> Calibration:
    """A general calibration that was requested and fitted."""
    calibration = general.request()
    general.fit(calibration, service.client)
    calibration.refresh_from_db()
    assert calibration.status == "ready", calibration.reason
    return calibration
