"""Port: the inference service over HTTP."""

from scoring.inference.client import Fitted, Inference, Progress
from scoring.inference.errors import (
    CalibrationMissing,
    InferenceBrokeOff,
    InferenceError,
    InferenceFull,
    InferenceUnavailable,
    OtherEncoder,
)

__all__ = [
    "CalibrationMissing",
    "Fitted",
    "Inference",
    "InferenceBrokeOff",
    "InferenceError",
    "InferenceFull",
    "InferenceUnavailable",
    "OtherEncoder",
    "Progress",
]
