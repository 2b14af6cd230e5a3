"""Bodies that are small objects: the type that documents one also says what it may hold."""

from collections.abc import Iterator
from typing import Any

from jsonschema import Draft202012Validator
from rest_framework.request import Request

from pmscoring.base.api.shapes import object_schema
from pmscoring.base.api.views import as_object
from pmscoring.base.faults import Fault, Invalid, fault
from pmscoring.base.strict_json import refused_texts


def body_of(request: Request, hint: Any) -> dict[str, Any]:
    """The body, which has the members that the TypedDict names and no other; raises Invalid."""
    body = as_object(request.data)
    if faults := [*refused_texts(body), *_faults(body, hint)]:
        raise Invalid(faults)
    return body


def _faults(body: dict[str, Any], hint: Any) -> Iterator[Fault]:
    schema = {**object_schema(hint), "additionalProperties": False}
    for error in Draft202012Validator(schema).iter_errors(body):
        yield fault("".join(f"/{part}" for part in error.absolute_path), error.message)
