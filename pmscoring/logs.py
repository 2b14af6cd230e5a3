"""Structured logs with a request id that follows a submission from web to worker to inference."""

import logging
import re
import uuid
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from django.http import HttpRequest, HttpResponse
from pythonjsonlogger.json import JsonFormatter as BaseFormatter

request_id: ContextVar[str] = ContextVar("request_id", default="")
GIVEN = re.compile(r"[A-Za-z0-9._-]{1,64}")


def new_request_id(given: str = "") -> str:
    """The id that the caller gave, where it is harmless, else a new one."""
    return given if GIVEN.fullmatch(given) else uuid.uuid4().hex


class RequestIdMiddleware:
    """Takes or makes the X-Request-ID of each request and sends it back."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request_id.set(new_request_id(request.headers.get("X-Request-ID", "")))
        response = self.get_response(request)
        response["X-Request-ID"] = request_id.get()
        return response


class RequestIdFilter(logging.Filter):
    """Puts the request id on every record."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Always lets the record pass."""
        record.request_id = request_id.get()
        return True


class JsonFormatter(BaseFormatter):
    """One JSON object a line: time, level, logger, message, request id and extras."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(
            "%(asctime)s %(levelname)s %(name)s %(message)s %(request_id)s",
            rename_fields={"asctime": "time", "levelname": "level", "name": "logger"},
            json_ensure_ascii=False,
        )
