"""Every call of our own OpenAPI document, driven with data made from it, without a 500."""

import json
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from django.contrib.auth.models import User
from hypothesis import HealthCheck, given, settings
from schemathesis.core.result import Ok

from pmscoring.wsgi import application
from scoring import definitions
from scoring.models import ApiToken

EXAMPLES = 25
EXAM = Path(__file__).parents[2] / "pmscoring" / "contract" / "examples" / "exam.json"


@schemathesis.serializer("application/x-ndjson")
def lines(context: Any, value: Any) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogatepass")


def operations() -> list[Any]:
    schema = schemathesis.openapi.from_wsgi("/api/schema/?format=json", application)
    found = list(schema.get_all_operations())
    read = [one.ok() for one in found if isinstance(one, Ok)]
    assert len(read) == len(found)
    return read


def test_every_call_survives_what_its_schema_allows(
    transactional_db: None,
) -> None:
    user = User.objects.create_superuser("root")
    _, secret = ApiToken.issue(user)
    definitions.load(json.loads(EXAM.read_text("utf-8"))["valid"][0]["value"])
    headers = {"Authorization": f"Bearer {secret}"}
    seen: dict[str, set[int]] = {}
    for operation in operations():
        statuses = seen.setdefault(operation.label, set())
        drive(operation, headers, statuses)
    assert len(seen) >= 14
    faults = {label: codes for label, codes in seen.items() if codes & {500, 501}}
    assert not faults


def drive(operation: Any, headers: dict[str, str], statuses: set[int]) -> None:
    @given(case=operation.as_strategy())
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    def once(case: Any) -> None:
        statuses.add(case.call(headers=headers).status_code)

    once()


@pytest.mark.django_db
def test_the_schema_names_every_call() -> None:
    labels = {operation.label for operation in operations()}
    assert {"PUT /api/v1/exams/{code}", "POST /api/v1/submissions/bulk"} <= labels
