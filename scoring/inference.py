"""Port: the inference service over HTTP."""

from collections.abc import Sequence
from typing import Any, Self

import httpx
from django.conf import settings

from pmscoring.requestid import request_id


class InferenceError(Exception):
    """The service refused what we sent; sending the same again will not help."""


class InferenceUnavailable(InferenceError):
    """The service is away, not ready or overloaded; try later, after `retry_after` seconds."""

    def __init__(self, message: str, retry_after: float = 0.0) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Inference:
    """A client that keeps its connections; one per process is enough."""

    def __init__(self, url: str, token: str, timeout: float) -> None:
        self.http = httpx.Client(
            base_url=url, timeout=timeout, headers={"Authorization": f"Bearer {token}"}
        )

    @classmethod
    def from_settings(cls) -> Self:
        """The service that the environment names."""
        return cls(settings.INFERENCE_URL, settings.INFERENCE_TOKEN, settings.INFERENCE_TIMEOUT)

    def score(
        self, question: dict[str, Any], answers: Sequence[tuple[str, str]]
    ) -> tuple[str, dict[str, dict[str, Any]]]:
        """(model, results by id) of `answers`, pairs of id and text, by the uncalibrated method."""
        body = {
            "question": question,
            "calibration": None,
            "answers": [{"id": name, "text": text} for name, text in answers],
        }
        told = self._call("POST", "/v1/score", json=body)
        return told["model"], {result["id"]: result for result in told["results"]}

    def info(self) -> dict[str, Any]:
        """Model, device, precision and limits."""
        return self._call("GET", "/info")

    def health(self, timeout: float = 2.0) -> dict[str, Any]:
        """The service's own word on its health."""
        return self._call("GET", "/health", timeout=timeout)

    def _call(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        try:
            response = self.http.request(
                method, path, headers={"X-Request-ID": request_id.get()}, **options
            )
        except httpx.TransportError as error:
            raise InferenceUnavailable(f"{type(error).__name__}: {error}") from error
        if response.status_code in (429, 502, 503, 504):
            after = response.headers.get("Retry-After", "0")
            raise InferenceUnavailable(
                f"HTTP {response.status_code}", float(after) if after.isdigit() else 0.0
            )
        if response.is_error:
            raise InferenceError(f"HTTP {response.status_code}: {response.text[:300]}")
        told: dict[str, Any] = response.json()
        return told
