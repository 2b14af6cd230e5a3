"""A question with marks by people, and a fake of the inference service for tests of calibration.

The fake stands at the HTTP seam and speaks the wire format; tests set what it predicts.
"""

import base64
import hashlib
import json
from collections.abc import Callable, Sequence
from typing import Any

import httpx
from django.contrib.auth.models import User

from scoring.calibration import fitting
from scoring.exams import definitions
from scoring.inference import Inference
from scoring.intake import submissions
from scoring.marks import settlement
from scoring.models import Answer, Calibration, Mark, Question
from tests.scoring.admin_site import example

Says = Callable[[str], tuple[float, float]]
"""Maps a text to points and confidence."""
GOOD, FAIR, NONE = "要件が変わったから", "要件", "天気がよかった"


class Service:
    """A fake that marks texts by `says` and keeps the artefacts that it is sent."""

    def __init__(self, says: Says) -> None:
        self.says, self.model = says, "a" * 64
        self.uncalibrated: Callable[[str], float] = lambda text: 0
        self.kept: dict[str, bytes] = {}
        self.scored: list[tuple[str | None, list[str]]] = []
        self.examples: list[dict[str, Any]] = []
        self.last_line: dict[str, Any] | None = None
        self.forgets = self.is_away = self.breaks_off = False
        self.refuses = ""

    @property
    def client(self) -> Inference:
        """A client of the fake."""
        inference = Inference("http://service", "token", 10)
        inference.http = httpx.Client(
            base_url="http://service", transport=httpx.MockTransport(self.answer)
        )
        return inference

    def answer(self, request: httpx.Request) -> httpx.Response:
        """The response to a request, by its path."""
        if self.is_away:
            raise httpx.ConnectError("away")
        if request.url.path == "/info":
            return httpx.Response(200, json={"model": self.model})
        if request.url.path == "/v1/score":
            return self._score(json.loads(request.content))
        if request.url.path == "/v1/calibrate":
            return self._calibrate(json.loads(request.content))
        return self._put(request)

    def _put(self, request: httpx.Request) -> httpx.Response:
        if self.refuses:
            return _error(422, self.refuses)
        name = request.url.path.rpartition("/")[2]
        if hashlib.sha256(request.content).hexdigest() != name:
            return _error(422, "invalid")
        if not self.forgets:
            self.kept[name] = request.content
        return httpx.Response(200, json={})

    def _score(self, body: dict[str, Any]) -> httpx.Response:
        name, texts = body["calibration"], [answer["text"] for answer in body["answers"]]
        if name and name not in self.kept:
            return _error(424, "calibration_missing")
        self.scored.append((name, texts))
        results = []
        for answer in body["answers"]:
            points, confidence = self.says(answer["text"])
            results.append(
                {
                    "id": answer["id"],
                    "points": points if name else self.uncalibrated(answer["text"]),
                    "criteria": [],
                    "confidence": confidence if name else None,
                    "flags": [],
                }
            )
        return httpx.Response(200, json={"model": self.model, "results": results})

    def _calibrate(self, body: dict[str, Any]) -> httpx.Response:
        if self.refuses:
            return _error(422, self.refuses)
        self.examples = body["examples"]
        predictions = [self.says(example["text"]) for example in self.examples]
        artefact = json.dumps([self.model, body, predictions], sort_keys=True).encode()
        lines: list[dict[str, Any]] = [
            {"stage": "embedding", "fraction": 0.25},
            {"stage": "fitting", "fraction": 0.75},
        ]
        if not self.breaks_off:
            lines.append(
                self.last_line
                or {
                    "sha256": hashlib.sha256(artefact).hexdigest(),
                    "metrics": {
                        **METRICS,
                        "examples": len(predictions),
                        "out_of_fold": predictions,
                    },
                    "artefact_base64": base64.b64encode(artefact).decode(),
                }
            )
        content = "".join(json.dumps(line) + "\n" for line in lines).encode()
        return httpx.Response(200, content=content)


METRICS = {
    "folds": 5,
    "kappa": 0.8,
    "exact": 0.9,
    "adjacent": 1.0,
    "mae": 0.1,
    "calibration_error": 0.02,
    "seconds": 1.5,
    "seed": 0,
}


def _error(status: int, kind: str) -> httpx.Response:
    return httpx.Response(status, json={"error": kind, "error_type": kind})


def right(text: str) -> tuple[float, float]:
    """The points that people give in `marked_question`, with high confidence."""
    return (4 if GOOD in text else 2 if FAIR in text else 0), 0.9


def sloppy(text: str) -> tuple[float, float]:
    """Like `right`, but no points for FAIR texts."""
    return (4 if GOOD in text else 0), (0.9 if GOOD in text or FAIR not in text else 0.6)


def a_question() -> Question:
    """Q1 of the example exam, which has the status trial."""
    definition = example()
    definition["state"] = "trial"
    return definitions.load(definition)[0].questions.get(code="Q1")


def handed_in(question: Question, texts: Sequence[str], start: int = 0) -> list[Answer]:
    """A waiting answer for each text, each by a candidate of its own."""
    records = (
        (
            number,
            {
                "exam": question.exam.code,
                "candidate": f"c{number}",
                "answers": [{"question": question.code, "text": text}],
            },
        )
        for number, text in enumerate(texts, start=start)
    )
    assert not submissions.accept_all(records).rejected
    names = [f"c{number}" for number in range(start, start + len(texts))]
    return list(Answer.objects.filter(submission__candidate__in=names).order_by("pk"))


def marked_by_people(answers: Sequence[Answer], points: Sequence[float], **more: Any) -> None:
    """Give each answer a mark by a person, and settle it."""
    marker, _ = User.objects.get_or_create(username="marker")
    Mark.objects.bulk_create(
        Mark(
            answer=answer,
            source="human",
            marker=marker,
            points=value,
            definition=answer.question.digest,
            text_key=answer.text_key,
            **more,
        )
        for answer, value in zip(answers, points, strict=True)
    )
    settlement.settle(answer.pk for answer in answers)


def marked_question(count: int = 30) -> Question:
    """A question with `count` different texts, a third each of 4, 2 and 0 points."""
    question = a_question()
    texts = [f"{(GOOD, FAIR, NONE)[number % 3]}。{number}" for number in range(count)]
    marked_by_people(handed_in(question, texts), [right(text)[0] for text in texts])
    return question


def fitted(question: Question, service: Service) -> Calibration:
    """A calibration that was requested and fitted."""
    calibration = fitting.request(question)
    fitting.fit(calibration, service.client)
    calibration.refresh_from_db()
    assert calibration.status == "ready", calibration.reason
    return calibration
