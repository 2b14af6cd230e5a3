"""Query parameters against what the call documents: nothing that was sent is ignored."""

from collections.abc import Iterator, Mapping
from typing import Any

from rest_framework.request import Request

from pmscoring.base.faults import Fault, fault

MOST_DIGITS = 9


def faults(request: Request, schemas: Mapping[str, Any]) -> Iterator[Fault]:
    """What is wrong with the parameters of the query, by the schemas of those that there are."""
    for name, values in request.query_params.lists():
        if name not in schemas:
            yield fault(f"/{name}", f"there is no such parameter; {_known(schemas)}")
        elif len(values) > 1:
            yield fault(f"/{name}", "it is sent more than once")
        elif values[0] and (reason := _reason(values[0], schemas[name])):
            yield fault(f"/{name}", reason)


def _known(schemas: Mapping[str, Any]) -> str:
    return f"known are {', '.join(sorted(schemas))}" if schemas else "this call takes none"


def _reason(text: str, schema: Mapping[str, Any]) -> str:
    """Why the text is no value of the schema, "" where it is one."""
    if "enum" in schema and text not in schema["enum"]:
        return f"one of {', '.join(schema['enum'])} is expected"
    if schema.get("type") == "boolean" and text not in ("true", "false"):
        return "true or false is expected"
    if schema.get("type") == "integer" and not _is_within(text, schema):
        return f"a whole number from {schema['minimum']} to {schema['maximum']} is expected"
    return ""


def _is_within(text: str, schema: Mapping[str, Any]) -> bool:
    is_number = text.isascii() and text.isdecimal() and len(text) <= MOST_DIGITS
    return is_number and schema["minimum"] <= int(text) <= schema["maximum"]
