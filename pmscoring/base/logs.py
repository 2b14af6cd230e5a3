"""Structured logs of every process, each line with the id of the request that it belongs to."""

import logging
import re
import time
from datetime import UTC, datetime
from typing import Any

from pythonjsonlogger.json import JsonFormatter as BaseFormatter

from pmscoring.base.request_id import request_id

# What PostgreSQL adds to an error: the row that it refused, with an answer's text in it. Celery
# writes errors by their repr, which is one line.
DETAIL = re.compile(
    r"\\+nDETAIL:[^\n]*|\nDETAIL:.*?(?=\n\n(?:The above exception|During handling)|\Z)", re.DOTALL
)
LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")


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

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: N802
        """In UTC and saying so: Django moves the zone of its processes, and of no other."""
        return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")

    def process_log_record(self, log_data: dict[str, Any]) -> dict[str, Any]:
        """Without what a database error tells of the row, and a request's repr of its query."""
        log_data.pop("request", None)  # Django's; the path stands in its message
        log_data.pop("data", None)  # Celery's, of a failed task; all of it stands in its message
        for name in ("message", "exc_info"):
            if isinstance(text := log_data.get(name), str):
                log_data[name] = DETAIL.sub("", text)
        return log_data


def logging_config(level: str) -> dict[str, Any]:
    """For logging.config.dictConfig: all to stderr, a JSON object a line."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {"request_id": {"()": f"{__name__}.RequestIdFilter"}},
        "formatters": {"json": {"()": f"{__name__}.JsonFormatter"}},
        "handlers": {
            "stderr": {
                "class": "logging.StreamHandler",
                "formatter": "json",
                "filters": ["request_id"],
            }
        },
        "loggers": {
            # SQL has the answers' texts in it.
            "django.db.backends": {"level": "WARNING"},
            # Every failed probe with its stack: /health itself tells which check failed, and how.
            "health_check": {"level": "CRITICAL"},
            "httpx": {"level": "WARNING"},
            # The address of a channel is a secret, and so is the path in it.
            "urllib3": {"level": "ERROR"},
        },
        "root": {"handlers": ["stderr"], "level": level},
    }


class Rarely:
    """Says yes at most once in so many seconds, in this process."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.next = 0.0

    def __call__(self) -> bool:
        """Whether it is time again."""
        if time.monotonic() < self.next:
            return False
        self.next = time.monotonic() + self.seconds
        return True
