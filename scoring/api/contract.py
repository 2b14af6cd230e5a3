"""Scoring's part of the OpenAPI document: its tokens and the contract's JSON Schemas."""

from typing import Any, cast

from drf_spectacular.extensions import OpenApiAuthenticationExtension

from pmscoring.base.api.schema import add_components
from pmscoring.base.api.shapes import Schema, ref
from scoring.api.authentication import TokenAuthentication
from scoring.contract.faults import validator

CONTRACT = {
    "ExamDefinition": "exam",
    "InlineQuestion": "question",
    "UploadRow": "row",
    "WholeSubmission": "submission",
}


class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """The security scheme of TokenAuthentication."""

    target_class = TokenAuthentication
    name = "token"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer"}


def components() -> dict[str, Schema]:
    """The schemas of pmscoring/contract and their definitions, by the components' names."""
    return {
        part: schema
        for name, file in CONTRACT.items()
        for part, schema in _of_contract(name, file).items()
    }


def _of_contract(name: str, file: str) -> dict[str, Schema]:
    """A contract's schema and its definitions as components of their own."""
    whole: Schema = {**cast(Schema, validator(file).schema)}
    parts = whole.pop("$defs", {})
    schemas = {name: {key: value for key, value in whole.items() if key not in ("$schema", "$id")}}
    schemas |= {f"{name}{part.capitalize()}": schema for part, schema in parts.items()}
    return {key: _with_moved_refs(schema, name) for key, schema in schemas.items()}


def _with_moved_refs(schema: Any, name: str) -> Any:
    """The schema with references to `$defs` as references to components."""
    if isinstance(schema, list):
        return [_with_moved_refs(item, name) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return ref(name + schema["$ref"].removeprefix("#/$defs/").capitalize())
    return {key: _with_moved_refs(value, name) for key, value in schema.items()}


add_components(components)
