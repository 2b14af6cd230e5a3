"""Port: the inference service over HTTP."""

import base64
import binascii
import hashlib
import json
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Any, Self

import httpx
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from pmscoring.base.request_id import request_id

CALIBRATION_SILENCE = 300.0
"""Seconds after which a calibration that tells nothing is given up."""


class InferenceError(Exception):
    """The service refused what we sent; sending the same again will not help."""


class InferenceUnavailable(InferenceError):
    """The service is away, not ready, overloaded, or not reached as it wants to be; try later,
    after `retry_after` seconds.
    """

    def __init__(self, message: str, retry_after: float = 0.0) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class CalibrationMissing(InferenceError):
    """The service lacks the calibration's artefact; give it and ask again."""


class OtherEncoder(InferenceError):
    """The calibration was made under other weights than the service has now."""


KINDS: dict[str, type[InferenceError]] = {
    "calibration_missing": CalibrationMissing,
    "other_encoder": OtherEncoder,
    "overloaded": InferenceUnavailable,
    "incomplete": InferenceUnavailable,
}
UNREACHED = {
    401: _("the inference service refuses the token; check INFERENCE_TOKEN on both sides"),
    403: _("the inference service, or a proxy before it, denies access"),
    404: _("INFERENCE_URL leads to no inference service that knows this request"),
    405: _("INFERENCE_URL leads to no inference service that knows this request"),
    408: _("the request broke off on its way to the inference service"),
}
"""What is amiss between us and the service, whatever text is sent: once mended, all goes on."""
AWAY = (*UNREACHED, 429, 502, 503, 504)


@dataclass(frozen=True)
class Progress:
    """How far a calibration is; `fraction` in [0, 1]."""

    stage: str
    fraction: float


@dataclass(frozen=True)
class Fitted:
    """What came of a calibration; `sha256` is that of `artefact`, which was checked."""

    sha256: str
    artefact: bytes
    metrics: dict[str, Any]


class Inference:
    """A client that keeps its connections; one per process is enough."""

    def __init__(self, url: str, token: str, timeout: float) -> None:
        self.timeout = timeout
        self.http = httpx.Client(
            base_url=url, timeout=timeout, headers={"Authorization": f"Bearer {token}"}
        )

    @classmethod
    def from_settings(cls) -> Self:
        """The service that the environment names."""
        return cls(settings.INFERENCE_URL, settings.INFERENCE_TOKEN, settings.INFERENCE_TIMEOUT)

    def score(
        self,
        question: dict[str, Any],
        answers: Sequence[tuple[str, str]],
        calibration: str | None = None,
    ) -> tuple[str, dict[str, dict[str, Any]]]:
        """(model, results by id) of `answers`, pairs of id and text.

        Under the calibration of that SHA-256, or by the uncalibrated method. Raises also
        CalibrationMissing and OtherEncoder.
        """
        body = {
            "question": question,
            "calibration": calibration,
            "answers": [{"id": name, "text": text} for name, text in answers],
        }
        told = self._call("POST", "/v1/score", json=body)
        return told["model"], {result["id"]: result for result in told["results"]}

    def calibrate(
        self, question: dict[str, Any], examples: Sequence[dict[str, Any]]
    ) -> Generator[Progress | Fitted, None, None]:
        """Progress while a calibration is fitted to `examples`, and last what came of it.

        An example is `{text, points, criteria?}`, with points by code. Closing the iterator stops
        the fit. Raises InferenceUnavailable also where the service died over it.
        """
        return self._fitting("/v1/calibrate", {"question": question, "examples": list(examples)})

    def calibrate_general(
        self, questions: Sequence[dict[str, Any]]
    ) -> Generator[Progress | Fitted, None, None]:
        """The same for a calibration that marks any question; `questions` are
        `{question, examples}`.
        """
        return self._fitting("/v1/calibrate/general", {"questions": list(questions)})

    def _fitting(self, path: str, body: dict[str, Any]) -> Generator[Progress | Fitted, None, None]:
        timeout = httpx.Timeout(self.timeout, read=CALIBRATION_SILENCE)
        for line in self._lines(path, body, timeout):
            told = _told(line)
            yield told
            if isinstance(told, Fitted):
                return
        raise InferenceUnavailable("the calibration broke off")

    def put_calibration(self, sha256: str, artefact: bytes) -> None:
        """Give the service an artefact that it lacks; raises also OtherEncoder."""
        headers = {"Content-Type": "application/octet-stream"}
        self._call("PUT", f"/v1/calibrations/{sha256}", content=artefact, headers=headers)

    def groups(
        self,
        texts: Sequence[tuple[str, str]],
        distance: float,
        say: Callable[[float], None] = lambda _fraction: None,
    ) -> list[tuple[list[str], list[float]]]:
        """Ids that lie within the distance of the first of them, and their distances to it.

        `texts` are pairs of id and text, those first that should represent a group; `say` is told
        how far the service is. Raises InferenceUnavailable also where the service died over it.
        """
        body = {
            "texts": [{"id": name, "text": text} for name, text in texts],
            "distance": distance,
        }
        for told in self._lines("/v1/groups", body, self.http.timeout):
            if "groups" in told:
                return [(one["ids"], one["distances"]) for one in told["groups"]]
            say(float(told["fraction"]))
        raise InferenceUnavailable("the grouping broke off")

    def info(self) -> dict[str, Any]:
        """Model, device, precision and limits."""
        return self._call("GET", "/info")

    def health(self, timeout: float = 2.0) -> dict[str, Any]:
        """The service's own word on its health."""
        return self._call("GET", "/health", timeout=timeout)

    def _lines(
        self, path: str, body: dict[str, Any], timeout: httpx.Timeout
    ) -> Generator[dict[str, Any], None, None]:
        """The JSON values of a stream, a line each, as they come."""
        headers = self._headers()
        try:
            with self.http.stream(
                "POST", path, json=body, timeout=timeout, headers=headers
            ) as response:
                if response.is_error:
                    response.read()
                _check(response)
                for line in response.iter_lines():
                    yield _read_line(line)
        except httpx.TransportError as error:
            raise InferenceUnavailable(f"{type(error).__name__}: {error}") from error

    def _call(
        self, method: str, path: str, headers: dict[str, str] | None = None, **options: Any
    ) -> dict[str, Any]:
        try:
            response = self.http.request(
                method, path, headers={**self._headers(), **(headers or {})}, **options
            )
        except httpx.TransportError as error:
            raise InferenceUnavailable(f"{type(error).__name__}: {error}") from error
        _check(response)
        told: dict[str, Any] = response.json() if response.content else {}
        return told

    def _headers(self) -> dict[str, str]:
        return {"X-Request-ID": request_id.get()}


def _check(response: httpx.Response) -> None:
    """Raise what an answer of this status means."""
    if response.status_code in AWAY:
        after = response.headers.get("Retry-After", "0")
        raise InferenceUnavailable(
            _away(response.status_code), float(after) if after.isdigit() else 0.0
        )
    if response.is_error:
        kind = KINDS.get(_error_type(response), InferenceError)
        raise kind(f"HTTP {response.status_code}: {response.text[:300]}")


def _away(status: int) -> str:
    """The status and, where it tells one, the cause."""
    return f"HTTP {status}: {UNREACHED[status]}" if status in UNREACHED else f"HTTP {status}"


def _error_type(response: httpx.Response) -> str:
    try:
        body = response.json()
    except ValueError:
        return ""
    return str(body.get("error_type", "")) if isinstance(body, dict) else ""


def _read_line(line: str) -> dict[str, Any]:
    """A line of a stream; raises what an error in it means."""
    try:
        told: dict[str, Any] = json.loads(line)
    except ValueError as error:
        raise InferenceUnavailable(f"the stream broke off: {error}") from error
    if "error" in told:
        kind = KINDS.get(str(told.get("error_type", "")), InferenceError)
        raise kind(str(told["error"])[:300])
    return told


def _told(line: dict[str, Any]) -> Progress | Fitted:
    """What a line of the calibration's stream says."""
    if "sha256" not in line:
        return Progress(str(line["stage"]), float(line["fraction"]))
    try:
        artefact = base64.b64decode(line["artefact_base64"], validate=True)
    except binascii.Error as error:
        raise InferenceError(f"the artefact cannot be read: {error}") from error
    if hashlib.sha256(artefact).hexdigest() != line["sha256"]:
        raise InferenceError("the artefact is not what its SHA-256 says")
    return Fitted(line["sha256"], artefact, line["metrics"])
