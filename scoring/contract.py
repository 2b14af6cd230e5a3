"""The JSON Schemas of what comes in, and their faults as `{pointer, detail}`."""

import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from django.conf import settings
from jsonschema import Draft202012Validator, FormatChecker

Fault = dict[str, str]


class Invalid(ValueError):
    """What was sent breaks its contract; `faults` says where and how."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("; ".join(f"{fault['pointer']}: {fault['detail']}" for fault in faults))
        self.faults = list(faults)


def fault(pointer: str, detail: str) -> Fault:
    """One fault as the API tells it."""
    return {"pointer": pointer, "detail": detail}


@cache
def validator(name: str) -> Draft202012Validator:
    """The validator of pmscoring/contract/{name}.schema.json."""
    path = Path(settings.BASE_DIR) / "pmscoring" / "contract" / f"{name}.schema.json"
    schema = json.loads(path.read_text("utf-8"))
    return Draft202012Validator(schema, format_checker=FormatChecker(["date"]))


def faults(name: str, value: Any) -> list[Fault]:
    """Every fault of `value`, none when it is valid; long values are not repeated."""
    check = validator(name)
    if check.is_valid(value):
        return []
    return [
        fault("".join(f"/{part}" for part in error.absolute_path), _shortened(error.message))
        for error in sorted(check.iter_errors(value), key=lambda error: list(map(str, error.path)))
    ]


def _shortened(message: str) -> str:
    return message if len(message) <= 200 else f"…{message[-199:]}"
