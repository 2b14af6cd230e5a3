"""Port: the HTTP client of the inference service."""

import base64
import binascii
import hashlib
import json
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Self

import httpx
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from pmscoring.base import rotating
from pmscoring.base.request_id import request_id

ELSEWHERE_TRIES, ELSEWHERE_SECONDS, PAUSE = 6, 1.0, 0.1
"""How often, for how long and with what pause another replica is looked for."""
CALIBRATION_SILENCE = 300.0
"""Seconds without a line of progress after which a calibration is given up."""


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


class _NotThisReplica(InferenceUnavailable):
    """This replica is starting or ending; there may be others under the same name."""


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
FULL = 429
UNAVAILABLE = (*MISCONFIGURED, FULL, 502, 503, 504)


@dataclass(frozen=True)
class Progress:
    """The progress of a calibration; `fraction` is in [0, 1]."""

    stage: str
    fraction: float


@dataclass(frozen=True)
class Fitted:
    """The result of a calibration; `sha256` is the verified checksum of `artefact`."""

    sha256: str
    artefact: bytes
    metrics: dict[str, Any]


class Inference:
    """A client that keeps its connections; one per process is enough."""

    def __init__(self, url: str, token: str | Callable[[], str], timeout: float) -> None:
        self.timeout = timeout
        self.token = token if callable(token) else lambda: token
        self.http = httpx.Client(base_url=url, timeout=timeout)

    @classmethod
    def from_settings(cls) -> Self:
        """A client of the service that INFERENCE_URL names."""
        token = partial(rotating.first, "INFERENCE_TOKEN", settings.INFERENCE_TOKEN)
        return cls(settings.INFERENCE_URL, token, settings.INFERENCE_TIMEOUT)

    def score(
        self,
        question: dict[str, Any],
        answers: Sequence[tuple[str, str]],
        calibration: str | None = None,
    ) -> tuple[str, dict[str, dict[str, Any]]]:
        """(model, results by id) of `answers`, which are pairs of id and text.

        A result is `{id, points, criteria, flags, confidence}`. `calibration` is the SHA-256 of an
        artefact, None for the uncalibrated method. Raises InferenceError, CalibrationMissing and
        OtherEncoder among them.
        """
        body = {
            "question": question,
            "calibration": calibration,
            "answers": [{"id": name, "text": text} for name, text in answers],
        }
        payload = self._call("POST", "/v1/score", json=body)
        return payload["model"], {result["id"]: result for result in payload["results"]}

    def calibrate(
        self, question: dict[str, Any], examples: Sequence[dict[str, Any]]
    ) -> Generator[Progress | Fitted, None, None]:
        """Yield Progress while a calibration is fitted to `examples`, and Fitted at the end.

        An example is `{text, points, criteria?}`; `criteria` maps codes to points. Closing the
        iterator stops the fit. Raises InferenceUnavailable also where the service dies meanwhile.
        """
        return self._fitting("/v1/calibrate", {"question": question, "examples": list(examples)})

    def calibrate_general(
        self, questions: Sequence[dict[str, Any]]
    ) -> Generator[Progress | Fitted, None, None]:
        """Like `calibrate`, for a calibration that marks any question.

        `questions` are `{question, examples}`.
        """
        return self._fitting("/v1/calibrate/general", {"questions": list(questions)})

    def _fitting(self, path: str, body: dict[str, Any]) -> Generator[Progress | Fitted, None, None]:
        timeout = httpx.Timeout(self.timeout, read=CALIBRATION_SILENCE)
        for line in self._lines(path, body, timeout):
            event = _fitting_event(line)
            yield event
            if isinstance(event, Fitted):
                return
        raise InferenceUnavailable("the calibration broke off")

    def put_calibration(self, sha256: str, artefact: bytes) -> None:
        """Send the service an artefact; raises OtherEncoder where it fits other weights."""
        headers = {"Content-Type": "application/octet-stream"}
        self._call("PUT", f"/v1/calibrations/{sha256}", content=artefact, headers=headers)

    def groups(
        self,
        texts: Sequence[tuple[str, str]],
        distance: float,
        say: Callable[[float], None] = lambda _fraction: None,
    ) -> list[tuple[list[str], list[float]]]:
        """Groups as (ids, distances): texts within `distance` of the first, and how far they are.

        `texts` are pairs of id and text; earlier ones are preferred as the first of a group.
        Distances are cosine distances. `say` is called with the progress in [0, 1]. Raises
        InferenceUnavailable also where the service dies meanwhile.
        """
        body = {
            "texts": [{"id": name, "text": text} for name, text in texts],
            "distance": distance,
        }
        for payload in self._lines("/v1/groups", body, self.http.timeout):
            if "groups" in payload:
                return [(group["ids"], group["distances"]) for group in payload["groups"]]
            say(float(payload["fraction"]))
        raise InferenceUnavailable("the grouping broke off")

    def info(self) -> dict[str, Any]:
        """The service's model, device, precision and limits."""
        return self._call("GET", "/info")

    def health(self, timeout: float = 2.0) -> dict[str, Any]:
        """The service's answer to GET /health, within `timeout` seconds."""
        return self._call("GET", "/health", timeout=timeout)

    def _lines(
        self, path: str, body: dict[str, Any], timeout: httpx.Timeout
    ) -> Generator[dict[str, Any], None, None]:
        """Yield the JSON value of each line of a streamed response as it arrives."""
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
        """What the service answers, whichever replica it is.

        While replicas are replaced, the name leads also to one that still reads its weights, or
        has just ended. A connection of its own, to any of the addresses, is tried for a second;
        every call may be repeated, for none of them changes more than a cache.
        """
        began = time.monotonic()
        for tries_left in reversed(range(ELSEWHERE_TRIES)):
            try:
                return self._once(method, path, headers or {}, **options)
            except _NotThisReplica:
                if not tries_left or time.monotonic() - began > ELSEWHERE_SECONDS:
                    raise
                time.sleep(PAUSE)
                headers = {**(headers or {}), "Connection": "close"}
        raise AssertionError("the last try returns or raises")

    def _once(
        self, method: str, path: str, headers: dict[str, str], **options: Any
    ) -> dict[str, Any]:
        try:
            response = self.http.request(
                method, path, headers={**self._headers(), **headers}, **options
            )
        except (httpx.NetworkError, httpx.RemoteProtocolError) as error:
            raise _NotThisReplica(f"{type(error).__name__}: {error}") from error
        except httpx.TransportError as error:
            raise InferenceUnavailable(f"{type(error).__name__}: {error}") from error
        _check(response)
        payload: dict[str, Any] = response.json() if response.content else {}
        return payload

    def _headers(self) -> dict[str, str]:
        # Asked for at each call: the token may be rotated meanwhile.
        return {"X-Request-ID": request_id.get(), "Authorization": f"Bearer {self.token()}"}


def _check(response: httpx.Response) -> None:
    """Raise the error that the response's status and body stand for."""
    if response.status_code in UNAVAILABLE:
        after = response.headers.get("Retry-After", "0")
        elsewhere = _error_type(response) == "not_ready"
        full = InferenceFull if response.status_code == FULL else InferenceUnavailable
        raise (_NotThisReplica if elsewhere else full)(
            _unavailable(response.status_code), float(after) if after.isdigit() else 0.0
        )
    if response.is_error:
        kind = KINDS.get(_error_type(response), InferenceError)
        raise kind(f"HTTP {response.status_code}: {response.text[:300]}")


def _unavailable(status: int) -> str:
    cause = MISCONFIGURED.get(status)
    return f"HTTP {status}: {cause}" if cause else f"HTTP {status}"


def _error_type(response: httpx.Response) -> str:
    try:
        body = response.json()
    except ValueError:
        return ""
    return str(body.get("error_type", "")) if isinstance(body, dict) else ""


def _read_line(line: str) -> dict[str, Any]:
    """The JSON value of a line; raises the error that it may report."""
    try:
        payload: dict[str, Any] = json.loads(line)
    except ValueError as error:
        raise InferenceUnavailable(f"the stream broke off: {error}") from error
    if "error" in payload:
        kind = KINDS.get(str(payload.get("error_type", "")), InferenceError)
        raise kind(str(payload["error"])[:300])
    return payload


def _fitting_event(line: dict[str, Any]) -> Progress | Fitted:
    """A line of a calibration's stream; verifies the artefact's checksum."""
    if "sha256" not in line:
        return Progress(str(line["stage"]), float(line["fraction"]))
    try:
        artefact = base64.b64decode(line["artefact_base64"], validate=True)
    except binascii.Error as error:
        raise InferenceError(f"the artefact cannot be read: {error}") from error
    if hashlib.sha256(artefact).hexdigest() != line["sha256"]:
        raise InferenceError("the artefact is not what its SHA-256 says")
    return Fitted(line["sha256"], artefact, line["metrics"])
