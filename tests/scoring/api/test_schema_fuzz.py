"""Every call of our own OpenAPI document, driven with data made from it, answers as it says."""

from collections import defaultdict
from datetime import timedelta
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from opsconsole.models import (
    Backup,
    BackupPlan,
    Deployment,
    ExamWindow,
    Operation,
    Release,
    Restore,
    ScalingDecision,
    ScalingPolicy,
)
from pmscoring.wsgi import application
from scoring.models import (
    Answer,
    AnswerGroup,
    ApiToken,
    Batch,
    Calibration,
    Exam,
    Mark,
    Reference,
    RubricNote,
    SavedComment,
    Submission,
    Upload,
)

EXAMPLES = 15
DAY = timedelta(days=1)
CHECKS = [content_type_conformance, response_schema_conformance, status_code_conformance]


@schemathesis.serializer("application/x-ndjson")
def lines(context: Any, value: Any) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogatepass")


def operations() -> list[Any]:
    schema = schemathesis.openapi.from_wsgi("/api/schema/?format=json", application)
    results = list(schema.get_all_operations())
    read = [result.ok() for result in results if isinstance(result, Ok)]
    assert len(read) == len(results)
    return read


def existing_keys() -> dict[str, int]:
    """A key that exists for each kind of path of which there is a row."""
    keys: dict[str, Any] = {
        "answers": Answer,
        "batches": Batch,
        "submissions": Submission,
        "uploads": Upload,
        "tokens": ApiToken,
        "marks": Mark,
        "groups": AnswerGroup,
        "references": Reference,
        "review": Answer,
        "comments": SavedComment,
        "notes": RubricNote,
    }
    rows = {name: model.objects.order_by("pk").first() for name, model in keys.items()}
    return {name: row.pk for name, row in rows.items() if row is not None}


def test_every_call_answers_as_its_schema_says(headers: dict[str, str]) -> None:
    """Slow: fifteen calls of each operation, both to what is there and to what is not."""
    seen: dict[str, set[int]] = defaultdict(set)
    faults: list[str] = []
    # What is withdrawn on the way takes rows of its kind along, and is called again all the same.
    first = existing_keys()
    for operation in operations():
        told = [(example, 1) for example in operation.get_strategies_from_examples()]
        for known in ({}, first | existing_keys()):
            for cases, count in [*told, (operation.as_strategy(), EXAMPLES)]:
                drive(cases, count, headers, known, seen[operation.label], faults)
    assert not faults, "\n".join(faults)
    assert len(seen) >= 16
    crashed = {label: codes for label, codes in seen.items() if codes & {500, 501}}
    assert not crashed
    read = {label: codes for label, codes in seen.items() if label.startswith("GET")}
    assert all(200 in codes for codes in read.values()), read
    assert 200 in seen["POST /api/v1/score"]
    assert 200 in seen["POST /api/v1/review/next"]
    assert 201 in seen["POST /api/v1/groups/{id}/marks"]
    assert 201 in seen["PUT /api/v1/exams/{code}"]
    assert 202 in seen["POST /api/v1/submissions/bulk"]
    assert 202 in seen["POST /api/v1/ops/backups"] & seen["POST /api/v1/ops/restores"]
    assert 202 in seen["POST /api/v1/ops/deployments"]
    assert 201 in seen["POST /api/v1/ops/windows"]
    assert Exam.objects.filter(code="PM-2026").exists()


def drive(
    cases: Any,
    count: int,
    headers: dict[str, str],
    known: dict[str, Any],
    statuses: set[int],
    faults: list[str],
) -> None:
    @given(case=cases)
    @hypothesis_settings(
        max_examples=count,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    def once(case: Any) -> None:
        if known:
            lead(case, known)
        response = case.call(headers=headers)
        statuses.add(response.status_code)
        try:
            case.validate_response(response, checks=CHECKS)
        except (Failure, FailureGroup) as failure:
            faults.append(f"{case.operation.label}: {failure}")

    once()


def lead(case: Any, known: dict[str, Any]) -> None:
    """Point the call at existing rows; a PUT at an exam of its own, which it may change freely."""
    name = case.operation.path.split("/")[3]
    if name == "ops":
        lead_to_operations(case)
        return
    if "id" in (case.path_parameters or {}) and name in known and case.method != "DELETE":
        case.path_parameters["id"] = known[name]
    if "exam" in (case.path_parameters or {}):
        lead_to_question(case)
    elif "code" in (case.path_parameters or {}):
        case.path_parameters["code"] = "FUZZ" if case.method == "PUT" else "PM-2026"
    if name == "review" and case.query:
        case.query = {"exam": "PM-2026"}
    if case.method == "PUT" and name == "exams" and isinstance(case.body, dict):
        case.body["code"] = "FUZZ"


def lead_to_operations(case: Any) -> None:
    """Point the call at existing rows of the console, and let no filter be wrong."""
    room = case.operation.path.split("/")[4]
    rows: dict[str, Any] = {
        "backups": Backup,
        "restores": Restore,
        "plans": BackupPlan,
        "releases": Release,
        "deployments": Deployment,
        "operations": Operation,
        "windows": ExamWindow,
        "policies": ScalingPolicy,
        "decisions": ScalingDecision,
    }
    parameters = case.path_parameters or {}
    if "code" in parameters:
        parameters["code"] = "production"
    if room in ("deployments", "operations") and isinstance(case.body, dict):
        case.body["environment"] = "production"
    if "uid" in parameters:
        parameters["uid"] = str(rows[room].objects.order_by("pk")[0].uid)
    if "id" in parameters and case.method != "DELETE":
        parameters["id"] = rows[room].objects.order_by("pk")[0].pk
    if "number" in parameters:
        parameters["number"] = 1
    if room == "restores" and isinstance(case.body, dict):
        backup = Backup.objects.order_by("pk")[0]
        case.body |= {"backup": str(backup.uid), "confirm": backup.name}
    if case.operation.path.endswith("/policies") and isinstance(case.body, dict):
        case.body |= {"environment": "production", "service": "worker"}
    if case.operation.path.endswith("/backups") and isinstance(case.body, dict):
        case.body |= {"plan": "fuzz", "stores": ["local"]}


def lead_to_question(case: Any) -> None:
    """Point the call at question Q1 of the example and at its calibration."""
    case.path_parameters |= {"exam": "PM-2026", "code": "Q1"}
    if "id" in case.path_parameters:
        case.path_parameters["id"] = Calibration.objects.get().pk


@pytest.mark.django_db
def test_the_schema_names_every_call() -> None:
    labels = {operation.label for operation in operations()}
    assert {"PUT /api/v1/exams/{code}", "POST /api/v1/submissions/bulk"} <= labels
