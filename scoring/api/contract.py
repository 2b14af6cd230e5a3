"""What scoring adds to the OpenAPI document: its tokens, and the contract's JSON Schemas."""

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
    """How a token is sent."""

    target_class = TokenAuthentication
    name = "token"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer"}


def components() -> dict[str, Schema]:
    """The schemas of pmscoring/contract, and their definitions, by component name."""
    return {
        part: schema
        for name, file in CONTRACT.items()
        for part, schema in _of_contract(name, file).items()
    }


def _of_contract(name: str, file: str) -> dict[str, Schema]:
    """A contract's schema and its definitions as components of their own."""
    whole: Schema = {**cast(Schema, validator(file).schema)}
    parts = whole.pop("$defs", {})
    found = {name: {key: value for key, value in whole.items() if key not in ("$schema", "$id")}}
    found |= {f"{name}{part.capitalize()}": schema for part, schema in parts.items()}
    return {key: _moved(schema, name) for key, schema in found.items()}


def _moved(schema: Any, name: str) -> Any:
    if isinstance(schema, list):
        return [_moved(one, name) for one in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return ref(name + schema["$ref"].removeprefix("#/$defs/").capitalize())
    return {key: _moved(value, name) for key, value in schema.items()}


add_components(components)
