"""The HTTP status of each failure that scoring expects."""

from pmscoring.base.api.problems import register
from scoring.exams.definitions import Frozen, WouldInvalidate
from scoring.inference import InferenceError, InferenceUnavailable
from scoring.intake.submissions import Conflict
from scoring.review.references import NotQualified

register(
    {
        Conflict: 409,
        Frozen: 409,
        WouldInvalidate: 409,
        NotQualified: 403,
        InferenceUnavailable: 503,
        InferenceError: 502,
    }
)
