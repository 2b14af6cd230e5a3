"""The JSON Schemas accept their valid examples and point at the fault of each invalid one."""

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.paths import CONTRACT, EXAMPLES

NAMES = ("exam", "mark", "question", "row", "submission")


def examples(kind: str) -> list[Any]:
    return [
        pytest.param(name, example, id=f"{name}-{example['name']}")
        for name in NAMES
        for example in json.loads((EXAMPLES / f"{name}.json").read_text("utf-8"))[kind]
    ]


def validator(name: str) -> Draft202012Validator:
    schema = json.loads((CONTRACT / f"{name}.schema.json").read_text("utf-8"))
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


@pytest.mark.parametrize(("name", "example"), examples("valid"))
def test_it_accepts_the_valid_example(name: str, example: dict[str, Any]) -> None:
    assert not list(validator(name).iter_errors(example["value"]))


@pytest.mark.parametrize(("name", "example"), examples("invalid"))
def test_it_refuses_the_invalid_example_where_it_is_wrong(
    name: str, example: dict[str, Any]
) -> None:
    errors = list(validator(name).iter_errors(example["value"]))
    parent, _, field = example["pointer"].rpartition("/")
    places = {"".join(f"/{part}" for part in error.absolute_path) for error in errors}
    named_by_parent = any(
        "".join(f"/{part}" for part in error.absolute_path) == parent and field in error.message
        for error in errors
    )
    assert example["pointer"] in places or named_by_parent
