"""A stand-in for the inference service at the HTTP seam.

It speaks the service's wire format and marks by a function of the text, so that a test knows what a
calibration predicts.
"""

import base64
import hashlib
import json
from collections.abc import Callable, Iterable
from typing import Any

import httpx

from scoring.inference import Inference
from tests.factories import FAIR, GOOD

Says = Callable[[str], tuple[float, float]]
"""Points and confidence of a text."""
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
BETTER: dict[str, Any] = {"r": 0.8, "rmse": 0.1, "exact": 0.9, "accuracy": None}
WORSE: dict[str, Any] = {"r": 0.5, "rmse": 0.3, "exact": 0.5, "accuracy": None}


def right(text: str) -> tuple[float, float]:
    """As people mark in `marked_question`, and sure of it."""
    return (4 if GOOD in text else 2 if FAIR in text else 0), 0.9


def sloppy(text: str) -> tuple[float, float]:
    """Right but for the fair texts, to which it gives nothing."""
    return (4 if GOOD in text else 0), (0.9 if GOOD in text or FAIR not in text else 0.6)


class FakeInference:
    """Marks as `says` says, and keeps the artefacts that it is given.

    `kept` has them by name, `scored` the calibration and texts of each call, and `examples` and
    `foreign` those of the last fit. `is_away`, `breaks_off`, `forgets` and `refuses` are the faults
    to cause.
    """

    def __init__(self, says: Says) -> None:
        self.says, self.model = says, "a" * 64
        self.uncalibrated: Callable[[str], float] = lambda text: 0
        self.kept: dict[str, bytes] = {}
        self.scored: list[tuple[str | None, list[str]]] = []
        self.examples: list[dict[str, Any]] = []
        self.foreign: list[str] = []
        self.last_line: dict[str, Any] | None = None
        self.forgets = self.is_away = self.breaks_off = False
        self.refuses = ""

    @property
    def client(self) -> Inference:
        """The product's client, with this service behind it."""
        inference = Inference("http://service", "token", 10)
        inference.http = httpx.Client(
            base_url="http://service", transport=httpx.MockTransport(self.answer)
        )
        return inference

    def answer(self, request: httpx.Request) -> httpx.Response:
        """The service's response."""
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
        name, answers = body["calibration"], body["answers"]
        if name and name not in self.kept:
            return _error(424, "calibration_missing")
        self.scored.append((name, [answer["text"] for answer in answers]))
        results = [self._result(answer, is_calibrated=bool(name)) for answer in answers]
        return httpx.Response(200, json={"model": self.model, "results": results})

    def _result(self, answer: dict[str, str], *, is_calibrated: bool) -> dict[str, Any]:
        points, confidence = self.says(answer["text"])
        return {
            "id": answer["id"],
            "points": points if is_calibrated else self.uncalibrated(answer["text"]),
            "criteria": [],
            "confidence": confidence if is_calibrated else None,
            "flags": [],
        }

    def _calibrate(self, body: dict[str, Any]) -> httpx.Response:
        if self.refuses:
            return _error(422, self.refuses)
        self.examples, self.foreign = body["examples"], body["foreign"]
        out_of_fold = [self.says(example["text"]) for example in self.examples]
        artefact = json.dumps([self.model, body, out_of_fold], sort_keys=True).encode()
        metrics = {**METRICS, "examples": len(out_of_fold), "out_of_fold": out_of_fold}
        last = [] if self.breaks_off else [self.last_line or _fitted(artefact, metrics)]
        return _stream(
            [
                {"stage": "embedding", "fraction": 0.25},
                {"stage": "fitting", "fraction": 0.75},
                *last,
            ]
        )


class FakeGeneralInference(FakeInference):
    """Fits general calibrations too; `measured` and `plain` are their figures and those without."""

    def __init__(self, says: Says) -> None:
        super().__init__(says)
        self.measured, self.plain = BETTER, WORSE
        self.asked: list[dict[str, Any]] = []
        self.general: set[str] = set()

    def answer(self, request: httpx.Request) -> httpx.Response:
        """The service's response."""
        if request.url.path != "/v1/calibrate/general" or self.is_away:
            return super().answer(request)
        if self.refuses:
            return _error(422, self.refuses)
        return self._generalise(json.loads(request.content)["questions"])

    def _generalise(self, questions: list[dict[str, Any]]) -> httpx.Response:
        self.asked = questions
        examples = [example for question in questions for example in question["examples"]]
        artefact = json.dumps([self.model, questions, self.measured]).encode()
        metrics = {
            "questions": len(questions),
            "examples": len(examples),
            "folds": 5,
            "seconds": 1.0,
            **self.measured,
            "uncalibrated": self.plain,
            "out_of_fold": [[self.says(example["text"])[0], None] for example in examples],
        }
        last = _fitted(artefact, metrics)
        self.general.add(last["sha256"])
        return _stream([{"stage": "reading", "fraction": 0.5}, last])

    def _score(self, body: dict[str, Any]) -> httpx.Response:
        """A general calibration knows no confidence."""
        response = super()._score(body)
        if body["calibration"] not in self.general:
            return response
        document = json.loads(response.content)
        for result in document.get("results", []):
            result["confidence"] = None
        return httpx.Response(response.status_code, json=document)


def _fitted(artefact: bytes, metrics: dict[str, Any]) -> dict[str, Any]:
    """The last line of a fit."""
    return {
        "sha256": hashlib.sha256(artefact).hexdigest(),
        "metrics": metrics,
        "artefact_base64": base64.b64encode(artefact).decode(),
    }


def _stream(lines: Iterable[dict[str, Any]]) -> httpx.Response:
    return httpx.Response(200, content="".join(json.dumps(line) + "\n" for line in lines).encode())


def _error(status: int, kind: str) -> httpx.Response:
    return httpx.Response(status, json={"error": kind, "error_type": kind})
