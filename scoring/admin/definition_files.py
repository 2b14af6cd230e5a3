"""Reads an exam definition from a JSON or YAML file."""

import json
from typing import Any

import yaml
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from pmscoring.base.faults import Invalid, fault
from pmscoring.base.strict_json import refuse_deep, refused_texts
from scoring.contract.faults import PlainLoader

OF_PYTHON = (
    gettext_noop("Expecting ',' delimiter"),
    gettext_noop("Expecting ':' delimiter"),
    gettext_noop("Expecting property name enclosed in double quotes"),
    gettext_noop("Expecting value"),
    gettext_noop("Extra data"),
    gettext_noop("Illegal trailing comma before end of array"),
    gettext_noop("Illegal trailing comma before end of object"),
    gettext_noop("Invalid \\escape"),
    gettext_noop("Invalid \\uXXXX escape"),
    gettext_noop("Invalid control character at"),
    gettext_noop("Unterminated string starting at"),
)
"""What Python's parser of JSON says, for our catalogue."""


def read(data: bytes) -> dict[str, Any]:
    """The definition in a file of UTF-8 text. Raises Invalid, with the line where that is known."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Invalid([fault("", _("The file is not UTF-8 text."))]) from error
    definition = _json(text) if text.lstrip().startswith("{") else _yaml(text)
    if not isinstance(definition, dict):
        raise Invalid([fault("", _("The file does not hold an exam definition."))])
    try:
        refuse_deep(definition)
    except ValueError as error:
        raise Invalid([fault("", str(error))]) from error
    if faults := list(refused_texts(definition)):
        raise Invalid(faults)
    return definition


def _json(text: str) -> Any:
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        detail = _("line %(line)d, column %(column)d: not JSON: %(reason)s")
        position = {"line": error.lineno, "column": error.colno, "reason": _(error.msg)}
        raise Invalid([fault("", detail % position)]) from error
    except (ValueError, RecursionError) as error:
        raise Invalid([fault("", str(error))]) from error


def _refuse_constant(constant: str) -> None:
    """NaN and Infinity, which Python's parser takes, are not JSON."""
    raise ValueError(_("%(constant)s is not JSON") % {"constant": constant})


def _yaml(text: str) -> Any:
    try:
        return yaml.load(text, PlainLoader)  # noqa: S506  a SafeLoader
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        detail = _("line %(line)d, column %(column)d: not YAML: %(reason)s")
        position = {
            "line": mark.line + 1 if mark else 1,
            "column": mark.column + 1 if mark else 1,
            "reason": _yaml_reason(error),
        }
        raise Invalid([fault("", detail % position)]) from error
    except yaml.YAMLError as error:
        raise Invalid([fault("", _("not YAML"))]) from error
    except (ValueError, RecursionError) as error:
        raise Invalid([fault("", str(error)[:300])]) from error


def _yaml_reason(error: yaml.MarkedYAMLError) -> str:
    """What is wrong, without the words of the parser, which has no catalogue."""
    if error.problem == (ours := _("aliases are not supported")):
        return ours
    if error.context and "flow" in error.context:
        return _("a bracket or a brace is not closed")
    return _("indentation, a colon or a quotation mark is not where it belongs")
