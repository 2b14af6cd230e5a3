"""What the machine says of texts: asked under a calibration, which the service is given first."""

from collections.abc import Sequence
from typing import Any

from scoring.inference import CalibrationMissing, Inference, InferenceError, InferenceUnavailable
from scoring.models import Artefact

MOST_UPLOADS = 5
"""Behind one address several services may stand, each of which lacks the artefact."""


def judge(
    inference: Inference,
    question: dict[str, Any],
    calibration: str,
    answers: Sequence[tuple[str, str]],
) -> tuple[str, dict[str, dict[str, Any]]]:
    """(model, results by id) as `Inference.score` tells them; `calibration` may be "".

    Raises InferenceError also where the artefact was deleted, and OtherEncoder where it was made
    under other weights than the service has.
    """
    for _ in range(MOST_UPLOADS):
        try:
            return inference.score(question, answers, calibration or None)
        except CalibrationMissing:
            inference.put_calibration(calibration, _artefact(calibration))
    raise InferenceUnavailable("the service does not keep the calibration that it was given")


def _artefact(sha256: str) -> bytes:
    found = Artefact.objects.filter(calibration__sha256=sha256).first()
    if found is None:
        raise InferenceError(f"the artefact of calibration {sha256[:12]} is deleted")
    return bytes(found.content)
