"""The HTTP client of the inference service."""

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

from pmscoring.base import folding, rotating
from pmscoring.base.request_id import request_id
from pmscoring.base.resolving import addresses_of
from scoring.inference.errors import (
    KINDS,
    ConnectionLost,
    InferenceError,
    InferenceUnavailable,
    NotThisReplica,
    check,
    unanswered,
)

ELSEWHERE_TRIES, ELSEWHERE_SECONDS, PAUSE = 6, 3.0, 0.1
"""How often, for how long and with what pause another replica is looked for."""
SCORE = "/v1/score"
CALIBRATION_SILENCE = 300.0
"""Seconds without a line of progress after which a calibration is given up."""


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
        payload = self._call("POST", SCORE, json=body)
        return payload["model"], {result["id"]: result for result in payload["results"]}

    def calibrate(
        self,
        question: dict[str, Any],
        examples: Sequence[dict[str, Any]],
        foreign: Sequence[str] = (),
    ) -> Generator[Progress | Fitted, None, None]:
        """Yield Progress while a calibration is fitted to `examples`, and Fitted at the end.

        An example is `{text, points, criteria?}`; `criteria` maps codes to points. `foreign` are
        texts that answer other questions. Closing the iterator stops the fit. Raises
        InferenceUnavailable also where the service dies meanwhile.
        """
        body = {"question": question, "examples": list(examples), "foreign": list(foreign)}
        return self._fitting("/v1/calibrate", body)

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
                check(response)
                for line in response.iter_lines():
                    yield _read_line(line)
        except httpx.TransportError as error:
            raise InferenceUnavailable(f"{type(error).__name__}: {error}") from error

    def _call(
        self, method: str, path: str, headers: dict[str, str] | None = None, **options: Any
    ) -> dict[str, Any]:
        """What the service answers, whichever replica it is.

        While replicas are replaced, the name leads also to one that still reads its weights, or
        has just ended. Connections of its own, to each of the addresses in turn, are tried for
        three seconds at most; every call may be repeated, for none of them changes more than a
        cache.
        """
        began, lost = time.monotonic(), 0
        base = self.http.base_url
        for tries_left in reversed(range(ELSEWHERE_TRIES)):
            try:
                return self._once(method, base, path, headers or {}, **options)
            except NotThisReplica as error:
                # An old connection may have been closed just then, but not a second, new one: no
                # further replica is given texts that they may die of.
                lost += isinstance(error, ConnectionLost)
                is_late = time.monotonic() - began > ELSEWHERE_SECONDS
                if (lost > 1 and path == SCORE) or not tries_left or is_late:
                    raise (ConnectionLost(str(error)) if lost else error) from error
                time.sleep(PAUSE)
                headers = {**(headers or {}), "Connection": "close"}
                # Left to chance, the next connections may all lead to the one that still starts.
                base = _at_address(self.http.base_url, tries_left)
        raise AssertionError("the last try returns or raises")

    def _once(
        self, method: str, base: httpx.URL, path: str, headers: dict[str, str], **options: Any
    ) -> dict[str, Any]:
        name = self.http.base_url
        headers = {**self._headers(), "Host": name.netloc.decode(), **headers}
        try:
            response = self.http.request(
                method,
                base.join(path.removeprefix("/")),
                headers=headers,
                extensions={"sni_hostname": name.host},
                **options,
            )
        except httpx.TransportError as error:
            raise unanswered(error) from error
        check(response)
        payload: dict[str, Any] = response.json() if response.content else {}
        return payload

    def _headers(self) -> dict[str, str]:
        # Asked for at each call: the token may be rotated meanwhile.
        return {
            "X-Request-ID": request_id.get(),
            "Authorization": f"Bearer {self.token()}",
            folding.HEADER: str(folding.FOLDING),
        }


def _at_address(base: httpx.URL, turn: int) -> httpx.URL:
    """The base URL with one of the addresses that its name has now, another one at each turn."""
    try:
        hosts = addresses_of(base.host, base.port)
    except OSError:
        return base
    return base.copy_with(host=hosts[turn % len(hosts)])


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
