"""What no honest client sends, to every call with a body: a problem document, and never a crash."""

import json
import re
from collections.abc import Iterator
from functools import cache
from itertools import cycle, islice
from typing import Any, NamedTuple

import pytest
from django.test import Client
from drf_spectacular.generators import SchemaGenerator

from opsconsole.models import (
    Backup,
    Deployment,
    ExamWindow,
    Restore,
    ScalingPolicy,
)
from scoring.models import (
    Answer,
    AnswerGroup,
    ApiToken,
    Batch,
    Calibration,
    Mark,
    Submission,
    Upload,
)

JSON = "application/json"
PROBLEM = "application/problem+json"
WRITES = ("post", "put", "patch")
KEYS: dict[str, Any] = {
    "answers": Answer,
    "batches": Batch,
    "submissions": Submission,
    "uploads": Upload,
    "groups": AnswerGroup,
    "marks": Mark,
    "review": Answer,
    "tokens": ApiToken,
    "calibrations": Calibration,
    "backups": Backup,
    "deployments": Deployment,
    "restores": Restore,
    "windows": ExamWindow,
    "policies": ScalingPolicy,
}
LARGE_NUMBERS = (2**31, 2**63, -(2**63) - 1, 10**30, -1, 1e308, 0.1)
TEXTS = ("", "\0", "\ud800", "a\0b", "x" * 5000, "9999-12-31T23:59:59Z", "0001-01-01", "%00")
OTHERS: tuple[Any, ...] = (None, True, [], {}, [None], {"\0": 1}, {"\ud800": 1}, [[]], [{}])
VALUES = (*LARGE_NUMBERS, *TEXTS, *OTHERS)
LONG = [0] * 100_000
VALUES_EACH = 7
NO_UID = "00000000-0000-4000-8000-000000000000"


def nested(depth: int) -> bytes:
    return b"[" * depth + b"]" * depth


BODIES = (
    b"",
    b"{",
    b"null",
    b"[]",
    b'"text"',
    b"12",
    b"1e999",
    b"9" * 5000,
    b"NaN",
    b'{"a": \xff}',
    b"\xff\xfe{\0}\0",
    b"\xef\xbb\xbf{}",
    b'{"exam": "a", "exam": "b"}',
    nested(30),
    nested(960),
    nested(1022),
    b"[" * 200_000,
    b'{"a":' * 5000,
    json.dumps(LONG).encode(),
)
CONTENT_TYPES = (
    "",
    "text/plain",
    "application/json; charset=utf-16",
    "application/json; charset=nonsense",
    "application/x-www-form-urlencoded",
    "multipart/form-data",
    "multipart/form-data; boundary=edge",
    "multipart/form-data; boundary=\x00",
    "application/xml",
    "application/yaml",
    "application/x-ndjson",
    "a" * 300,
    "/",
)


class Call(NamedTuple):
    """One operation of the schema, a body that it takes, and the fields that it knows."""

    method: str
    path: str
    media_type: str
    example: Any
    fields: tuple[str, ...]


@cache
def calls() -> list[Call]:
    generator: Any = SchemaGenerator
    schema = generator().get_schema(public=True)
    return [
        _call(schema, method, path, operation)
        for path, methods in schema["paths"].items()
        for method, operation in methods.items()
        if method in WRITES
    ]


def _call(schema: Any, method: str, path: str, operation: Any) -> Call:
    contents = operation.get("requestBody", {}).get("content", {JSON: {}})
    media_type, content = next(iter(contents.items()))
    examples = [each["value"] for each in content.get("examples", {}).values()]
    example = examples[0] if examples else {}
    shape = content.get("schema", {})
    name = shape.get("$ref", "").rpartition("/")[2]
    properties = schema["components"]["schemas"].get(name, shape).get("properties", {})
    known = [*properties, *(example if isinstance(example, dict) else ())]
    return Call(method, path, media_type, example, tuple(dict.fromkeys(known)))


def address(path: str) -> str:
    """The path with the keys of rows that exist."""
    room = re.findall(r"/([a-z-]+)/\{(?:id|uid)\}", path)
    row = KEYS[room[0]].objects.order_by("pk").first() if room and room[0] in KEYS else None
    code = "Q1" if "{exam}" in path else "PM-2026"
    values = {"exam": "PM-2026", "code": code, "id": getattr(row, "pk", 1)}
    return path.format(**values, uid=getattr(row, "uid", NO_UID))


def places(value: Any, depth: int = 3) -> Iterator[tuple[Any, ...]]:
    """The way to each value within a document, the first of a list for all of them."""
    pairs: list[tuple[Any, Any]] = []
    if isinstance(value, dict):
        pairs = list(value.items())
    elif isinstance(value, list):
        pairs = list(enumerate(value))[:1]
    for key, inner in pairs if depth else []:
        yield (key,)
        for rest in places(inner, depth - 1):
            yield (key, *rest)


def replaced(document: Any, place: tuple[Any, ...], value: Any) -> Any:
    """A copy of the document with another value in one place."""
    if not place:
        return value
    copy = dict(document) if isinstance(document, dict) else list(document)
    inner = document.get(place[0]) if isinstance(document, dict) else document[place[0]]
    copy[place[0]] = replaced(inner, place[1:], value)
    return copy


def documents(call: Call) -> Iterator[Any]:
    """The example with one hostile value in each of its places."""
    document = {} if isinstance(call.example, str) else call.example
    ways = dict.fromkeys([*((field,) for field in call.fields), *places(document)])
    # All values in all places would take minutes: each place gets the next ones.
    values = cycle(VALUES)
    for place in ways:
        for value in islice(values, VALUES_EACH):
            yield replaced(document, place, value)
    for field in call.fields[:1]:
        yield replaced(document, (field,), LONG)


def bodies(call: Call) -> Iterator[tuple[bytes, str]]:
    """Each body with its content type."""
    good = call.example if isinstance(call.example, str) else json.dumps(call.example)
    for body in (
        *BODIES,
        *(good.encode()[:end] for end in range(1, len(good), 1 + len(good) // 5)),
    ):
        yield body, call.media_type
    for content_type in CONTENT_TYPES:
        yield good.encode(), content_type
    if call.media_type != "multipart/form-data":
        for document in documents(call):
            yield json.dumps(document).encode(), call.media_type


@pytest.fixture
def client(headers: dict[str, str]) -> Client:
    """With a superuser's token, and a crash is a 500."""
    return Client(raise_request_exception=False, headers=headers)


def faults(client: Client, call: Call) -> Iterator[str]:
    """How each answer differs from what an error should be."""
    for body, content_type in bodies(call):
        response = client.generic(
            call.method.upper(), address(call.path), body, content_type, secure=False
        )
        status = response.status_code
        if status >= 500 and status != 503:
            yield f"{status} for {content_type} {body[:200]!r}"
        elif status >= 400 and not is_problem(response):
            yield f"{status} {response['Content-Type']} for {content_type} {body[:200]!r}"


def is_problem(response: Any) -> bool:
    if response["Content-Type"] != PROBLEM:
        return False
    problem = response.json()
    errors = all({"pointer", "detail"} == set(error) for error in problem["errors"])
    return errors and problem["status"] == response.status_code


def test_a_hostile_body_gets_a_problem(client: Client) -> None:
    """Slow: about a hundred bodies for each of the calls."""
    found = {f"{call.method} {call.path}": list(faults(client, call))[:5] for call in calls()}
    assert {name: each for name, each in found.items() if each} == {}
    assert len(found) >= 35
