"""The OpenAPI document: valid, complete, of one piece with the contract, with true examples."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from django.test import Client
from drf_spectacular.validation import validate_schema
from jsonschema import Draft202012Validator

PARTS = "#/components/schemas/"


@pytest.fixture(scope="module")
def document() -> Any:
    headers = {"Accept": "application/json"}
    return json.loads(Client().get("/api/schema/", headers=headers).content)


def operations(document: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, calls in document["paths"].items():
        for method, operation in calls.items():
            yield f"{method.upper()} {path}", operation


def contents(operation: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """(place, media type, content) of the request's body and of each response.

    The place is "body" or the response's status.
    """
    for kind, content in operation.get("requestBody", {"content": {}})["content"].items():
        yield "body", kind, content
    for status, response in operation["responses"].items():
        for kind, content in response.get("content", {}).items():
            yield status, kind, content


def with_parts(document: Any, schema: Any) -> Draft202012Validator:
    return Draft202012Validator({**schema, "components": document["components"]})


def test_it_is_valid_openapi_3_1(document: Any) -> None:
    assert document["openapi"].startswith("3.1")
    validate_schema(document)  # type: ignore[no-untyped-call]
    for schema in document["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)


def test_every_reference_leads_somewhere(document: Any) -> None:
    told = json.dumps(document)
    names = {part.split('"')[0] for part in told.split(f'"$ref": "{PARTS}')[1:]}
    assert names <= document["components"]["schemas"].keys()
    assert "#/$defs/" not in told


def test_every_call_says_what_it_answers_and_how_it_fails(document: Any) -> None:
    for label, operation in operations(document):
        assert operation["summary"], label
        assert operation["tags"][0] in {tag["name"] for tag in document["tags"]}, label
        for status, kind, content in contents(operation):
            assert content["schema"] not in ({}, {"type": "object"}), (label, status)
            if status.startswith("4"):
                assert (kind, content["schema"]) == (
                    "application/problem+json",
                    {"$ref": f"{PARTS}Problem"},
                )
        assert {"401", "403", "429"} <= operation["responses"].keys(), label


def test_bodies_are_those_of_the_contract(document: Any) -> None:
    bodies = {
        label: operation["requestBody"]["content"]["application/json"]["schema"]
        for label, operation in operations(document)
        if "application/json" in operation.get("requestBody", {"content": {}})["content"]
    }
    assert bodies["PUT /api/v1/exams/{code}"] == {"$ref": f"{PARTS}ExamDefinition"}
    assert bodies["POST /api/v1/submissions"] == {"$ref": f"{PARTS}WholeSubmission"}
    schema = with_parts(document, document["components"]["schemas"]["ExamDefinition"])
    assert not schema.is_valid({"code": "E1", "title": "t", "questions": [{"code": "Q1"}]})


def test_every_example_is_what_its_schema_says(document: Any) -> None:
    checked = set()
    for label, operation in operations(document):
        for where, kind, content in contents(operation):
            schema = with_parts(document, content["schema"])
            for name, example in content.get("examples", {}).items():
                value = example["value"]
                value = yaml.safe_load(value) if kind == "application/yaml" else value
                assert not [one.message for one in schema.iter_errors(value)], (label, name)
                checked.add((label, where))
        bodies = operation.get("requestBody", {"content": {}})["content"]
        if bodies and "multipart/form-data" not in bodies:
            assert (label, "body") in checked, label
    assert len(checked) > 15


def test_the_document_and_its_page_need_no_outside_host() -> None:
    schema = Client().get("/api/schema/", headers={"Accept-Language": "en"}).content
    assert b"openapi: 3.1" in schema
    # And says why a stranger reads it.
    assert b"This description is open to everyone" in schema
    assert b"https://" not in Client().get("/api/docs/").content
