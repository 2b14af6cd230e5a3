"""The JSON Schemas of what comes in, its YAML, and the faults as `{pointer, detail}`."""

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from django.conf import settings
from django.utils.translation import gettext as _
from jsonschema import FormatChecker

from pmscoring.base.faults import Fault, fault
from scoring.contract.violations import Validator, sentence


@cache
def validator(name: str) -> Any:
    """The validator of pmscoring/contract/{name}.schema.json."""
    path = Path(settings.BASE_DIR) / "pmscoring" / "contract" / f"{name}.schema.json"
    schema = json.loads(path.read_text("utf-8"))
    return Validator(schema, format_checker=FormatChecker(["date"]))


def faults(name: str, value: Any) -> list[Fault]:
    """Every fault of `value`, none when it is valid; long values are not repeated."""
    check = validator(name)
    if check.is_valid(value):
        return []
    return [
        fault("".join(f"/{part}" for part in error.absolute_path), sentence(error))
        for error in sorted(check.iter_errors(value), key=lambda error: list(map(str, error.path)))
    ]


class PlainLoader(yaml.SafeLoader):
    """The YAML that is JSON in other clothes (YAML 1.2's core schema): `no` is a text, a date is a
    text, and there are no aliases, by which a small file can say a large one.
    """

    yaml_implicit_resolvers: dict[str, Any] = {}

    def compose_node(self, parent: Any, index: Any) -> Any:
        """As in PyYAML, but without aliases."""
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise yaml.MarkedYAMLError(problem=_("aliases are not read"), problem_mark=mark)
        return super().compose_node(parent, index)


for _tag, _pattern, _starts in (
    ("null", r"^(?:~|null|Null|NULL|)$", ["~", "n", "N", ""]),
    ("bool", r"^(?:true|True|TRUE|false|False|FALSE)$", list("tTfF")),
    ("int", r"^[-+]?(?:0|[1-9][0-9]*)$", list("-+0123456789")),
    ("float", r"^[-+]?[0-9]*\.?[0-9]+(?:[eE][-+]?[0-9]+)?$", list("-+.0123456789")),
):
    PlainLoader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(_pattern), _starts)
