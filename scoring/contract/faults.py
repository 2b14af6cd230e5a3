"""Validates documents by the JSON Schemas, reads YAML, and describes faults by their place."""

import json
import re
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from django.conf import settings
from jsonschema import FormatChecker

from pmscoring.base.faults import Fault, fault
from pmscoring.base.words import words as _
from scoring.contract.violations import Validator, sentence

_FORMATS = FormatChecker(["date"])


@_FORMATS.checks("date-time", raises=ValueError)
def _is_moment(value: object) -> bool:
    """Whether it is a time in the calendar; that it has an offset is for the pattern to say."""
    return not isinstance(value, str) or bool(datetime.fromisoformat(value))


@cache
def validator(name: str) -> Any:
    """The validator of pmscoring/contract/{name}.schema.json."""
    path = Path(settings.BASE_DIR) / "pmscoring" / "contract" / f"{name}.schema.json"
    schema = json.loads(path.read_text("utf-8"))
    return Validator(schema, format_checker=_FORMATS)


def faults(name: str, value: Any) -> list[Fault]:
    """The faults of a document by the schema `name`, ordered by their place; [] if it is valid.

    Details are in the active language and quote no more than the beginning of long values.
    """
    check = validator(name)
    # Nearly all documents are valid, and this is the faster way to find that out.
    if check.is_valid(value):
        return []
    return [
        fault("".join(f"/{part}" for part in error.absolute_path), sentence(error))
        for error in sorted(check.iter_errors(value), key=lambda error: list(map(str, error.path)))
    ]


class PlainLoader(yaml.SafeLoader):
    """Reads YAML by YAML 1.2's core schema, whose values are those of JSON.

    By PyYAML's own rules, those of YAML 1.1, `no` would be false and a date would become an object.
    Aliases are refused, because a small file could expand to a huge document by them.
    """

    yaml_implicit_resolvers: dict[str, Any] = {}

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise yaml.MarkedYAMLError(problem=_("aliases are not supported"), problem_mark=mark)
        return super().compose_node(parent, index)


for _tag, _pattern, _starts in (
    ("null", r"^(?:~|null|Null|NULL|)$", ["~", "n", "N", ""]),
    ("bool", r"^(?:true|True|TRUE|false|False|FALSE)$", list("tTfF")),
    ("int", r"^[-+]?(?:0|[1-9][0-9]*)$", list("-+0123456789")),
    ("float", r"^[-+]?[0-9]*\.?[0-9]+(?:[eE][-+]?[0-9]+)?$", list("-+.0123456789")),
):
    PlainLoader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(_pattern), _starts)
