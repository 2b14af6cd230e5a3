"""JSON Schemas of the API's responses, made from the TypedDicts that the code builds them with."""

from types import NoneType, UnionType
from typing import (
    Annotated,
    Any,
    Literal,
    NotRequired,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

Schema = dict[str, Any]
BASIC = {str: "string", int: "integer", float: "number", bool: "boolean", NoneType: "null"}
known: dict[str, type] = {}


def ref(name: str) -> Schema:
    """A reference to a component."""
    return {"$ref": f"#/components/schemas/{name}"}


def shape(hint: Any) -> Schema:
    """The schema of a type; a TypedDict becomes a component, to which the schema refers.

    Raises TypeError for a type that JSON cannot express.
    """
    origin, args = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return {**shape(args[0]), **args[1]}
    if origin is NotRequired:
        return shape(args[0])
    if hint is Any:
        return {}
    if hint in BASIC:
        return {"type": BASIC[hint]}
    if is_typeddict(hint):
        known[hint.__name__] = hint
        return ref(hint.__name__)
    if origin is Literal:
        return {"enum": list(args)}
    if origin is list:
        return {"type": "array", "items": shape(args[0])}
    if origin is dict:
        return {"type": "object", "additionalProperties": shape(args[1])}
    if origin in (Union, UnionType):
        return _any_of([shape(arg) for arg in args])
    raise TypeError(f"{hint} has no schema")


def _any_of(shapes: list[Schema]) -> Schema:
    if all(set(schema) == {"type"} for schema in shapes):
        return {"type": [schema["type"] for schema in shapes]}
    return {"anyOf": shapes}


def components() -> dict[str, Schema]:
    """The schemas of all TypedDicts that were referred to, and of those that they refer to."""
    schemas: dict[str, Schema] = {}
    while missing := known.keys() - schemas.keys():
        for name in missing:
            schemas[name] = object_schema(known[name])
    return dict(sorted(schemas.items()))


def object_schema(hint: Any) -> Schema:
    """The schema of a TypedDict, whole and not as a reference."""
    hints = get_type_hints(hint, include_extras=True)
    return {
        "type": "object",
        "description": " ".join((hint.__doc__ or "").split()),
        "properties": {name: shape(field) for name, field in hints.items()},
        "required": [name for name in hints if name in hint.__required_keys__],
    }
