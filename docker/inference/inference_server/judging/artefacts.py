"""A calibration of either kind out of its artefact."""

from inference_server.judging.general import GeneralCalibration
from inference_server.judging.packing import read_headers
from inference_server.judging.question import QuestionCalibration

Calibration = QuestionCalibration | GeneralCalibration


def unpack(content: bytes) -> Calibration:
    """The calibration in an artefact, tried out once; raise Unreadable."""
    if "general" in read_headers(content):
        return GeneralCalibration.unpack(content)
    return QuestionCalibration.unpack(content)
