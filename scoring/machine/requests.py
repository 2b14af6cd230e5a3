"""Requests to the inference service for marks, with the calibration that they are made under."""

from collections.abc import Sequence
from typing import Any

from scoring.inference import (
    CalibrationMissing,
    Inference,
    InferenceError,
    InferenceFull,
    InferenceUnavailable,
)
from scoring.machine import fullness
from scoring.models import Artefact

MOST_UPLOADS = 5
"""Several services may share one address, and each of them may lack the artefact."""


def judge(
    inference: Inference,
    question: dict[str, Any],
    calibration: str,
    answers: Sequence[tuple[str, str]],
) -> tuple[str, dict[str, dict[str, Any]]]:
    """(model, results by id) as `Inference.score` returns them; `answers` are (id, text).

    `calibration` is a SHA-256, or "" for the uncalibrated method. An artefact that the service
    lacks is sent to it first. Raises InferenceError also where the artefact was deleted, and
    OtherEncoder where it was made with other weights than the service has.
    """
    for _ in range(MOST_UPLOADS):
        try:
            return inference.score(question, answers, calibration or None)
        except CalibrationMissing:
            inference.put_calibration(calibration, _artefact(calibration))
        except InferenceFull:
            fullness.note()
            raise
    raise InferenceUnavailable("the service does not keep the calibration that it was given")


def _artefact(sha256: str) -> bytes:
    artefact = Artefact.objects.filter(calibration__sha256=sha256).first()
    if artefact is None:
        raise InferenceError(f"the artefact of calibration {sha256[:12]} is deleted")
    return bytes(artefact.content)
