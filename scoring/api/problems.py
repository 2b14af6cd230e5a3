"""Errors as application/problem+json (RFC 9457)."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, JsonResponse
from django.http.request import RawPostDataException
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import set_rollback

from pmscoring.lifecycle import WrongState
from scoring import definitions, intake
from scoring.contract import Fault, Invalid, fault
from scoring.inference import InferenceError, InferenceUnavailable

MEDIA_TYPE = "application/problem+json"
STATUS: dict[type[Exception], int] = {
    Invalid: 422,
    intake.Conflict: 409,
    definitions.Frozen: 409,
    definitions.WouldInvalidate: 409,
    WrongState: 409,
    InferenceUnavailable: 503,
    InferenceError: 502,
    RawPostDataException: 400,
}
TITLES = {
    400: "Bad request",
    401: "Not authenticated",
    403: "Not allowed",
    404: "Not found",
    405: "Method not allowed",
    406: "Not acceptable",
    409: "Conflict",
    413: "Too large",
    415: "Unsupported media type",
    422: "Invalid",
    429: "Too many requests",
    502: "The inference service refused",
    503: "Try again later",
}


class TooLarge(exceptions.APIException):
    """The body is over a limit."""

    status_code = 413


def problem(status: int, detail: str, errors: list[Fault] | None = None) -> dict[str, Any]:
    """The body of an error."""
    title = TITLES.get(status, "Error")
    return {
        "type": "about:blank",
        "title": title,
        "status": status,
        "detail": detail,
        "errors": errors or [],
    }


def problem_response(error: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's exception handler: expected failures told, anything else left to crash."""
    status = next((code for kind, code in STATUS.items() if isinstance(error, kind)), None)
    headers: dict[str, str] = {}
    errors: list[Fault] = []
    if isinstance(error, Http404):
        status = 404
    elif isinstance(error, PermissionDenied):
        status = 403
    elif isinstance(error, exceptions.APIException):
        status, headers = error.status_code, _headers(error)
        if isinstance(error, exceptions.ValidationError):
            status, errors = 422, _flat(error.detail)
    if status is None:
        return None
    set_rollback()
    if isinstance(error, Invalid):
        errors = error.faults
    body = problem(status, _detail(error, errors), errors)
    return Response(body, status, headers=headers, content_type=MEDIA_TYPE)


def _detail(error: Exception, errors: list[Fault]) -> str:
    if errors:
        return f"{len(errors)} fault(s)"
    if isinstance(error, exceptions.APIException):
        return str(error.detail)
    return str(error) or TITLES[404]


def _headers(error: exceptions.APIException) -> dict[str, str]:
    headers = {}
    if header := getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = header
    if wait := getattr(error, "wait", None):
        headers["Retry-After"] = str(int(wait))
    return headers


def _flat(detail: Any, pointer: str = "") -> list[Fault]:
    if isinstance(detail, dict):
        return [one for key, value in detail.items() for one in _flat(value, f"{pointer}/{key}")]
    if isinstance(detail, list):
        return [one for value in detail for one in _flat(value, pointer)]
    return [fault(pointer, str(detail))]


def not_found(request: Any, exception: Exception) -> JsonResponse:
    """404 outside the API's views."""
    return JsonResponse(problem(404, request.path), status=404, content_type=MEDIA_TYPE)
