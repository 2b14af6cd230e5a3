"""What may become of a request to the inference service, and what says so."""

import httpx
from django.utils.translation import gettext_lazy as _


class InferenceError(Exception):
    """The service refused the request; sending the same again will not help."""


class InferenceUnavailable(InferenceError):
    """The service is down, not ready, overloaded or misaddressed; try again later.

    `retry_after` is the least wait in seconds that the service asked for, 0 where it named none.
    """

    def __init__(self, message: str, retry_after: float = 0.0) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class InferenceFull(InferenceUnavailable):
    """The service has no room for the request at this moment."""


class InferenceBrokeOff(InferenceUnavailable):
    """The service took the request and gave no answer: it took too long, or died of it."""


class NotThisReplica(InferenceUnavailable):
    """This replica is starting or ending; there may be others under the same name."""


class ConnectionLost(NotThisReplica, InferenceBrokeOff):
    """The connection ended before the answer: it was an old one, or the replica died."""


class CalibrationMissing(InferenceError):
    """The service lacks the calibration's artefact; send it, then repeat the request."""


class OtherEncoder(InferenceError):
    """The calibration was made with other weights than the service has now."""


KINDS: dict[str, type[InferenceError]] = {
    "calibration_missing": CalibrationMissing,
    "other_encoder": OtherEncoder,
    "overloaded": InferenceFull,
    "incomplete": InferenceUnavailable,
}
MISCONFIGURED = {
    401: _("the inference service refuses the token; check INFERENCE_TOKEN on both sides"),
    403: _("the inference service, or a proxy before it, denies access"),
    404: _("INFERENCE_URL leads to no inference service that knows this request"),
    405: _("INFERENCE_URL leads to no inference service that knows this request"),
    408: _("the request broke off on its way to the inference service"),
}
"""Faults of the way to the service rather than of the request, so the request is repeated later."""
OTHER_FOLDING = _(
    "the inference service folds texts by the rules of another release; scoring goes on"
    " once both are of the same release"
)
OF_THIS_REPLICA = ("not_ready", "other_folding")
"""Error types of a replica beside which others may serve: it starts, or is of another release."""
FULL = 429
BROKE_OFF = (502, 504)
"""What a proxy answers where the service behind it died, or took too long."""
UNAVAILABLE = (*MISCONFIGURED, FULL, *BROKE_OFF, 503)


def unanswered(error: httpx.TransportError) -> InferenceUnavailable:
    """The error that a request ends with to which no answer came."""
    return _kind_of(error)(f"{type(error).__name__}: {error}")


def _kind_of(error: httpx.TransportError) -> type[InferenceUnavailable]:
    match error:
        case httpx.ConnectError():
            return NotThisReplica
        case httpx.NetworkError() | httpx.RemoteProtocolError():
            return ConnectionLost
        case httpx.ReadTimeout() | httpx.WriteTimeout():
            return InferenceBrokeOff
    return InferenceUnavailable


def check(response: httpx.Response) -> None:
    """Raise the error that the response's status and body stand for."""
    if response.status_code in UNAVAILABLE:
        after = response.headers.get("Retry-After", "0")
        raise _unavailable_kind(response)(
            _unavailable(response), float(after) if after.isdigit() else 0.0
        )
    if response.is_error:
        kind = KINDS.get(_error_type(response), InferenceError)
        raise kind(f"HTTP {response.status_code}: {response.text[:300]}")


def _unavailable_kind(response: httpx.Response) -> type[InferenceUnavailable]:
    if _error_type(response) in OF_THIS_REPLICA:
        return NotThisReplica
    if response.status_code in BROKE_OFF:
        return InferenceBrokeOff
    return InferenceFull if response.status_code == FULL else InferenceUnavailable


def _unavailable(response: httpx.Response) -> str:
    cause = MISCONFIGURED.get(response.status_code)
    if _error_type(response) == "other_folding":
        cause = OTHER_FOLDING
    return f"HTTP {response.status_code}: {cause}" if cause else f"HTTP {response.status_code}"


def _error_type(response: httpx.Response) -> str:
    try:
        body = response.json()
    except ValueError:
        return ""
    return str(body.get("error_type", "")) if isinstance(body, dict) else ""
