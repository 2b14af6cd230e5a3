"""JSON Schemas of what the API tells, from the TypedDicts that the code tells it with."""

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
    """The schema of a type; a TypedDict becomes a component. TypeError for what JSON has not."""
    origin, args = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return {**shape(args[0]), **args[1]}
    if hint is Any:
        return {}
    if hint in BASIC:
        return {"type": BASIC[hint]}
    if is_typeddict(hint):
        known[hint.__name__] = hint
        return ref(hint.__name__)
    if origin is NotRequired:
        return shape(args[0])
    if origin is Literal:
        return {"enum": list(args)}
    if origin is list:
        return {"type": "array", "items": shape(args[0])}
    if origin is dict:
        return {"type": "object", "additionalProperties": shape(args[1])}
    if origin in (Union, UnionType):
        return _any_of([shape(one) for one in args])
    raise TypeError(f"{hint} has no schema")


def _any_of(shapes: list[Schema]) -> Schema:
    if all(set(one) == {"type"} for one in shapes):
        return {"type": [one["type"] for one in shapes]}
    return {"anyOf": shapes}


def components() -> dict[str, Schema]:
    """The schemas of all TypedDicts that were referred to, and of those that they refer to."""
    found: dict[str, Schema] = {}
    while missing := known.keys() - found.keys():
        for name in missing:
            found[name] = _object(known[name])
    return dict(sorted(found.items()))


def _object(hint: Any) -> Schema:
    hints = get_type_hints(hint, include_extras=True)
    return {
        "type": "object",
        "description": " ".join((hint.__doc__ or "").split()),
        "properties": {name: shape(one) for name, one in hints.items()},
        "required": [name for name in hints if name in hint.__required_keys__],
    }
