"""Violations of the JSON Schemas as sentences in the active language."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from django.utils.translation import gettext_noop
from jsonschema import Draft202012Validator, ValidationError
from jsonschema.validators import extend

from pmscoring.base.words import joined
from pmscoring.base.words import words as _

TYPES: Mapping[str, str] = {
    "object": gettext_noop("an object"),
    "array": gettext_noop("a list"),
    "string": gettext_noop("a text"),
    "integer": gettext_noop("a whole number"),
    "number": gettext_noop("a number"),
    "boolean": gettext_noop("true or false"),
    "null": gettext_noop("null"),
}
# By the violated keyword; `expected` is the keyword's value in the schema, `value` the document's.
SENTENCES: Mapping[str, str] = {
    "type": gettext_noop("%(expected)s is expected, not %(value)s"),
    "enum": gettext_noop("one of %(expected)s is expected, not %(value)s"),
    "pattern": gettext_noop("%(value)s does not match %(expected)s"),
    "format": gettext_noop("%(value)s is not a date in the calendar"),
    "minLength": gettext_noop("at least %(expected)s characters are expected"),
    "maxLength": gettext_noop("at most %(expected)s characters are expected"),
    "minItems": gettext_noop("at least %(expected)s entries are expected"),
    "maxItems": gettext_noop("at most %(expected)s entries are expected"),
    "uniqueItems": gettext_noop("each entry is expected once"),
    "minimum": gettext_noop("at least %(expected)s is expected, not %(value)s"),
    "maximum": gettext_noop("at most %(expected)s is expected, not %(value)s"),
    "exclusiveMinimum": gettext_noop("more than %(expected)s is expected, not %(value)s"),
    "multipleOf": gettext_noop("a multiple of %(expected)s is expected, not %(value)s"),
}
PATTERNS: Mapping[str, str] = {
    r"^[A-Za-z0-9-]{1,32}$": gettext_noop(
        "1 to 32 letters A to Z, digits or hyphens are expected, not %(value)s"
    ),
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$": gettext_noop(
        "a date such as 2026-04-19 is expected, not %(value)s"
    ),
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2})?([.][0-9]{1,6})?"
    r"(Z|[+-][0-9]{2}:[0-9]{2})$": gettext_noop(
        "a time with its offset such as 2026-04-19T09:30:00+09:00 is expected, not %(value)s"
    ),
    r"^[^\u0000]*$": gettext_noop("U+0000 is refused"),
    r"^[^\u0000\f]*$": gettext_noop("U+0000 and form feeds are refused"),
}
MOST_SHOWN = 120


def _required(
    validator: Any, names: list[str], instance: Any, schema: Any
) -> Iterator[ValidationError]:
    if validator.is_type(instance, "object"):
        for name in names:
            if name not in instance:
                yield ValidationError(_("%s is missing") % name)


def _additional(
    validator: Any, allowed: bool, instance: Any, schema: Any
) -> Iterator[ValidationError]:
    if validator.is_type(instance, "object") and not allowed:
        for name in instance:
            if name not in schema.get("properties", {}):
                yield ValidationError(_("there is no field %s") % _quoted(name))


def _one_of(
    validator: Any, branches: list[Any], instance: Any, schema: Any
) -> Iterator[ValidationError]:
    """Our schemas use `oneOf` only for branches that require one field each."""
    fitting = [branch for branch in branches if validator.evolve(schema=branch).is_valid(instance)]
    if len(fitting) != 1:
        names = " / ".join(name for branch in branches for name in branch["required"])
        yield ValidationError(_("exactly one of these fields is expected: %s") % names)


Validator: Any = extend(  # type: ignore[no-untyped-call]
    Draft202012Validator,
    {"required": _required, "additionalProperties": _additional, "oneOf": _one_of},
)
"""Validator of draft 2020-12, with translated messages for the keywords that our schemas use."""


def sentence(error: ValidationError) -> str:
    """The violation as a sentence that quotes no more than the beginning of long values."""
    expected: Any = error.validator_value
    template = SENTENCES.get(str(error.validator))
    if error.validator == "pattern":
        template = PATTERNS.get(expected, template)
    if template is None:
        return error.message
    if error.validator == "type":
        types = [expected] if isinstance(expected, str) else expected
        expected = joined(" / ", [_(TYPES[name]) for name in types])
    elif error.validator == "enum":
        expected = ", ".join(map(_quoted, expected))
    return _(template) % {"expected": expected, "value": _quoted(error.instance)}


def _quoted(value: Any) -> str:
    """The value as JSON, as its author wrote it."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]}…"
