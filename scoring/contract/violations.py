"""What breaks a JSON Schema, said in the reader's language."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from jsonschema import Draft202012Validator, ValidationError
from jsonschema.validators import extend

TYPES: Mapping[str, Promise] = {
    "object": gettext_lazy("an object"),
    "array": gettext_lazy("a list"),
    "string": gettext_lazy("a text"),
    "integer": gettext_lazy("a whole number"),
    "number": gettext_lazy("a number"),
    "boolean": gettext_lazy("true or false"),
    "null": gettext_lazy("null"),
}
# By the keyword that was broken; `%(wanted)s` is what the schema says of it.
SENTENCES: Mapping[str, Promise] = {
    "type": gettext_lazy("%(wanted)s is expected, not %(given)s"),
    "enum": gettext_lazy("one of %(wanted)s is expected, not %(given)s"),
    "pattern": gettext_lazy("%(given)s does not match %(wanted)s"),
    "format": gettext_lazy("%(given)s is not a date of the calendar"),
    "minLength": gettext_lazy("at least %(wanted)s characters are expected"),
    "maxLength": gettext_lazy("at most %(wanted)s characters are expected"),
    "minItems": gettext_lazy("at least %(wanted)s entries are expected"),
    "maxItems": gettext_lazy("at most %(wanted)s entries are expected"),
    "minimum": gettext_lazy("at least %(wanted)s is expected, not %(given)s"),
    "maximum": gettext_lazy("at most %(wanted)s is expected, not %(given)s"),
    "exclusiveMinimum": gettext_lazy("more than %(wanted)s is expected, not %(given)s"),
    "multipleOf": gettext_lazy("a multiple of %(wanted)s is expected, not %(given)s"),
}
PATTERNS: Mapping[str, Promise] = {
    r"^[A-Za-z0-9-]{1,32}$": gettext_lazy(
        "1 to 32 letters A to Z, digits or hyphens are expected, not %(given)s"
    ),
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$": gettext_lazy(
        "a date such as 2026-04-19 is expected, not %(given)s"
    ),
    r"^[^\u0000]*$": gettext_lazy("U+0000 is refused"),
    r"^[^\u0000\f]*$": gettext_lazy("U+0000 and form feeds are refused"),
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
                yield ValidationError(_("there is no field %s") % _shown(name))


def _one_of(
    validator: Any, branches: list[Any], instance: Any, schema: Any
) -> Iterator[ValidationError]:
    """Branches that each require one field are all that our schemas have of this."""
    fitting = [one for one in branches if validator.evolve(schema=one).is_valid(instance)]
    if len(fitting) != 1:
        names = " / ".join(name for one in branches for name in one["required"])
        yield ValidationError(_("exactly one of these fields is expected: %s") % names)


Validator: Any = extend(  # type: ignore[no-untyped-call]
    Draft202012Validator,
    {"required": _required, "additionalProperties": _additional, "oneOf": _one_of},
)
"""Draft 2020-12, as far as our schemas use it, with messages of our own."""


def sentence(error: ValidationError) -> str:
    """One violation; long values are cut short."""
    wanted: Any = error.validator_value
    words = SENTENCES.get(str(error.validator))
    if error.validator == "pattern":
        words = PATTERNS.get(wanted, words)
    if words is None:
        return error.message
    if error.validator == "type":
        kinds = [wanted] if isinstance(wanted, str) else wanted
        wanted = " / ".join(str(TYPES[kind]) for kind in kinds)
    elif error.validator == "enum":
        wanted = ", ".join(map(_shown, wanted))
    return str(words) % {"wanted": wanted, "given": _shown(error.instance)}


def _shown(value: Any) -> str:
    """As JSON, for that is how it was written."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]}…"
