"""Every violation of a schema is described by a sentence of our own, in Japanese and English."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.utils import translation

from pmscoring import contract
from scoring.contract.faults import faults
from scoring.contract.violations import PATTERNS, SENTENCES, TYPES
from tests.factories import EXAM

SCHEMAS = [
    json.loads(path.read_text()) for path in Path(contract.__path__[0]).glob("*.schema.json")
]
STRUCTURE = {"$defs", "$id", "$ref", "$schema", "default", "description", "items", "properties"}
OWN = {"required", "additionalProperties", "oneOf", "if", "else"}


def keywords(schema: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Every keyword of the schema and of those within, with its value."""
    for key, value in schema.items():
        yield key, value
        parts: list[Any] = []
        if key in ("properties", "$defs"):
            parts = list(value.values())
        elif key in ("oneOf", "items", "else"):
            parts = value if isinstance(value, list) else [value]
        for part in parts:
            yield from keywords(part)


def test_every_keyword_of_the_schemas_has_its_words() -> None:
    pairs = [pair for schema in SCHEMAS for pair in keywords(schema)]
    known = {*SENTENCES, *OWN, *STRUCTURE, "title"}
    assert {key for key, _ in pairs} <= known
    assert {value for key, value in pairs if key == "pattern"} <= PATTERNS.keys()
    assert {value for key, value in pairs if key == "format"} == {"date", "date-time"}
    types = [value for key, value in pairs if key == "type"]
    assert {name for value in types for name in ([value] if isinstance(value, str) else value)} <= (
        TYPES.keys()
    )


def held(starts_at: str) -> dict[str, Any]:
    """An exam's dates of which the first is wrong."""
    return {"held": {"starts_at": starts_at, "ends_at": "2027-04-01T12:00:00+09:00"}}


@pytest.mark.parametrize(
    ("change", "pointer", "english", "japanese"),
    [
        ({"title": 3}, "/title", "a text is expected, not 3", "文字列"),
        ({"title": ""}, "/title", "at least 1 characters", "1文字以上"),
        ({"title": "x" * 201}, "/title", "at most 200 characters", "200文字以内"),
        ({"title": "\0"}, "/title", "U+0000 is refused", "U+0000"),
        ({"code": "PM 1"}, "/code", 'hyphens are expected, not "PM 1"', "ハイフン"),
        ({"language": "fr"}, "/language", 'one of "ja", "en" is expected, not "fr"', "のどれか"),
        ({"delete_answers_on": "soon"}, "/delete_answers_on", "a date such as", "のような日付"),
        ({"delete_answers_on": "2026-02-30"}, "/delete_answers_on", "calendar", "暦にない"),
        (held("2027-04-01"), "/held/starts_at", "a time with its offset such as", ""),
        (held("2027-04-01T09:00:00"), "/held/starts_at", "a time with its offset such as", ""),
        (held("2027-02-29T09:00:00+09:00"), "/held/starts_at", "calendar", "暦にない"),
        ({"held": {"starts_at": "2027-04-01T09:00Z"}}, "/held", "ends_at is missing", "ends_at"),
        ({"questions": []}, "/questions", "at least 1 entries", "1件以上"),
        ({"colour": "red"}, "", 'there is no field "colour"', "項目はありません"),
        ({"marking": {"audit_rate": 2}}, "/marking/audit_rate", "at most 1 is expected", "1以下"),
        ({"marking": {"audit_rate": -1}}, "/marking/audit_rate", "at least 0 is", "0以上"),
    ],
)
def test_a_fault_says_what_is_expected_and_what_is_there(
    change: dict[str, Any], pointer: str, english: str, japanese: str
) -> None:
    for language, words in (("en", english), ("ja", japanese)):
        with translation.override(language):
            problems = faults("exam", {**EXAM, **change})
        assert [problem["pointer"] for problem in problems] in ([pointer], [pointer] * 2)
        assert any(words in problem["detail"] for problem in problems), problems


def test_missing_and_contradicting_fields_are_named() -> None:
    answer = {"question": "Q1", "text": "一", "sections": []}
    submission = {"exam": "PM-2026", "answers": [answer]}
    with translation.override("en"):
        problems = [
            (problem["pointer"], problem["detail"]) for problem in faults("submission", submission)
        ]
    assert ("", "candidate is missing") in problems
    assert ("/answers/0", "exactly one of these fields is expected: text / sections") in problems


def test_long_values_are_cut_short() -> None:
    with translation.override("en"):
        (problem,) = faults("exam", {**EXAM, "language": "x" * 1000})
    assert len(problem["detail"]) < 200
