"""Errors as application/problem+json (RFC 9457)."""

from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.http import Http404, HttpRequest, JsonResponse
from django.http.request import RawPostDataException, UnreadablePostError
from django.views.decorators.csrf import csrf_exempt
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import set_rollback

from pmscoring.base.disk import DiskFull
from pmscoring.base.faults import Fault, Invalid, fault
from pmscoring.base.lifecycle import WrongState
from pmscoring.base.throttling import count_refusal

MEDIA_TYPE = "application/problem+json"
_statuses: dict[type[Exception], int] = {
    Invalid: 422,
    WrongState: 409,
    RawPostDataException: 400,
    UnreadablePostError: 400,
    RequestDataTooBig: 413,
    DiskFull: 507,
    SuspiciousOperation: 400,
}
TITLES = {
    400: "Bad request",
    401: "Not authenticated",
    403: "Not allowed",
    404: "Not found",
    405: "Method not allowed",
    406: "Not acceptable",
    409: "Conflict",
    411: "Length required",
    413: "Too large",
    415: "Unsupported media type",
    422: "Invalid",
    429: "Too many requests",
    502: "The inference service refused",
    503: "Try again later",
    507: "The disk is full, and nothing was saved",
}


class ProblemError(TypedDict):
    """What is wrong, and where: a JSON pointer into the body, or the name of a parameter."""

    pointer: str
    detail: str


class Problem(TypedDict):
    """An error (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[ProblemError]


class TooLarge(exceptions.APIException):
    """The body is larger than a limit."""

    status_code = 413


class LengthRequired(exceptions.APIException):
    """The body is sent in chunks where its length must be known beforehand."""

    status_code = 411


def register(statuses: Mapping[type[Exception], int]) -> None:
    """Register the HTTP statuses of an app's expected failures."""
    _statuses.update(statuses)


def _status(error: Exception) -> int | None:
    """The status of the most derived class that is registered; None for an unexpected failure."""
    return next((_statuses[kind] for kind in type(error).__mro__ if kind in _statuses), None)


def problem(status: int, detail: str, errors: Sequence[Fault] = ()) -> Problem:
    """The body of an error."""
    return {
        "type": "about:blank",
        "title": TITLES.get(status, "Error"),
        "status": status,
        "detail": _printable(detail),
        "errors": [
            {"pointer": _printable(error["pointer"]), "detail": _printable(error["detail"])}
            for error in errors
        ],
    }


def _printable(text: str) -> str:
    """The text with lone surrogates, which a body may contain but UTF-8 cannot, written as \\u…."""
    return text.encode("utf-8", "backslashreplace").decode()


def problem_response(error: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's exception handler: a problem for an expected failure; None, a crash, for any other."""
    error = count_refusal(error, context)
    status = _status(error)
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
    errors = errors or list(getattr(error, "faults", []))
    body = problem(status, _detail(error, errors), errors)
    return Response(body, status, headers=headers, content_type=MEDIA_TYPE)


def _detail(error: Exception, errors: list[Fault]) -> str:
    if errors and not isinstance(error, WrongState):
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
    """DRF's nested validation messages as faults with JSON pointers."""
    if isinstance(detail, dict):
        return [
            error for key, value in detail.items() for error in _flat(value, f"{pointer}/{key}")
        ]
    if isinstance(detail, list):
        return [error for value in detail for error in _flat(value, pointer)]
    return [fault(pointer, str(detail))]


@csrf_exempt
def missing(request: HttpRequest, rest: str) -> JsonResponse:
    """The problem for a path of the API that no view has."""
    body = problem(404, f"{request.path} is no address of this API")
    return JsonResponse(body, status=404, content_type=MEDIA_TYPE)
