"""An exam definition out of a JSON or YAML file."""

import json
from typing import Any

import yaml
from django.utils.translation import gettext as _

from pmscoring.base.faults import Invalid, fault
from scoring.contract.faults import PlainLoader


def read(data: bytes) -> dict[str, Any]:
    """The definition; Invalid with the line where it cannot be read."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Invalid([fault("", _("The file is not UTF-8 text."))]) from error
    found = _json(text) if text.lstrip().startswith("{") else _yaml(text)
    if not isinstance(found, dict):
        raise Invalid([fault("", _("The file does not hold an exam definition."))])
    return found


def _json(text: str) -> Any:
    try:
        return json.loads(text, parse_constant=_refused)
    except json.JSONDecodeError as error:
        detail = _("line %(line)d, column %(column)d: not JSON: %(reason)s")
        words = {"line": error.lineno, "column": error.colno, "reason": error.msg}
        raise Invalid([fault("", detail % words)]) from error
    except (ValueError, RecursionError) as error:
        raise Invalid([fault("", str(error))]) from error


def _refused(constant: str) -> None:
    raise ValueError(_("%(constant)s is not JSON") % {"constant": constant})


def _yaml(text: str) -> Any:
    try:
        return yaml.load(text, PlainLoader)  # noqa: S506  a SafeLoader
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        detail = _("line %(line)d, column %(column)d: not YAML: %(reason)s")
        words = {
            "line": mark.line + 1 if mark else 1,
            "column": mark.column + 1 if mark else 1,
            "reason": error.problem or "",
        }
        raise Invalid([fault("", detail % words)]) from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise Invalid([fault("", str(error)[:300])]) from error
