"""REST version 1, as a client sees it."""

import json
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from scoring import tasks
from scoring.models import Answer, Exam
from tests.clients import JSON, NDJSON, client_for
from tests.factories import EXAM, submission

pytestmark = pytest.mark.django_db(transaction=True)
YAML = "application/yaml"
REFUSED = {(400, "application/problem+json"), (404, "application/problem+json")}


def test_it_reads_back_the_exam_and_loading_that_changes_nothing(
    manager: Client, exam: dict[str, Any]
) -> None:
    again = manager.put("/api/v1/exams/PM-2026", exam, content_type=JSON)
    assert again.status_code == 200
    assert again.json() == exam == manager.get("/api/v1/exams/PM-2026").json()
    listed = manager.get("/api/v1/exams?page_size=1").json()
    assert listed["results"][0]["code"] == "PM-2026"
    assert listed["next"] is None


def test_it_points_at_the_faults_of_a_definition(manager: Client) -> None:
    told = manager.put("/api/v1/exams/E1", {"code": "E1", "title": "t"}, content_type=JSON)
    assert told.status_code == 422
    assert told["Content-Type"] == "application/problem+json"
    assert "questions" in told.json()["errors"][0]["detail"]
    surrogate = manager.put(
        "/api/v1/exams/E1", '{"code": "E1", "title": "\\ud800", "questions": []}', content_type=JSON
    )
    assert surrogate.status_code == 422
    assert surrogate.json()["errors"][0]["pointer"] == "/title"


DEFINITION = """\
code: no
title: 2026-04-19
delete_answers_on: 2027-03-31
questions:
  - &first
    code: on
    prompt: 遅れの原因を述べよ。
    max_points: 4
    criteria: [{code: C1, label: x, points: 4, references: [yes]}]
"""


def test_it_reads_a_definition_in_yaml_as_if_it_were_json(manager: Client) -> None:
    told = manager.put("/api/v1/exams/no", DEFINITION, content_type=YAML)
    assert told.status_code == 201, told.content
    assert told.json()["title"] == "2026-04-19"
    assert told.json()["delete_answers_on"] == "2027-03-31"
    assert told.json()["questions"][0]["criteria"][0]["references"] == ["yes"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ("a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]", 400),
        ("a: !!python/object/apply:os.system [ls]", 400),
        ("a: [", 400),
        ("\x00", 400),
        ("[" * 10_000, 400),
        ("- 1", 422),
        (f"a: {'x' * 2_100_000}", 413),
    ],
)
def test_it_refuses_yaml_that_is_more_than_it_seems(
    manager: Client, body: str, status: int
) -> None:
    assert manager.put("/api/v1/exams/E1", body, content_type=YAML).status_code == status


def test_a_caller_without_a_token_or_without_the_role_is_refused(exam: dict[str, Any]) -> None:
    assert Client().get("/api/v1/exams").status_code == 401
    marker = client_for("marker")
    assert marker.post("/api/v1/submissions", {}, content_type=JSON).status_code == 403
    for path in ("exams/PM-2026/results", "submissions/1", "batches/1", "uploads/1"):
        assert marker.get(f"/api/v1/{path}").status_code == 403


def test_who_marks_and_who_views_see_answers_but_not_whose_they_are(
    manager: Client, exam: dict[str, Any]
) -> None:
    manager.post("/api/v1/submissions", submission("c-secret", "一"), content_type=JSON)
    for role in ("marker", "adjudicator", "viewer"):
        told = client_for(role).get("/api/v1/answers?exam=PM-2026&question=Q1&status=waiting")
        [answer] = told.json()["results"]
        assert answer["text"] == "一"
        assert answer.keys().isdisjoint({"candidate", "submission"})
        assert b"c-secret" not in told.content
        assert client_for(role).get("/api/v1/exams/PM-2026/results").status_code == 403
    for role in ("exam manager", "client"):
        [answer] = client_for(role).get("/api/v1/answers").json()["results"]
        assert answer["candidate"] == "c-secret"
        assert client_for(role).get("/api/v1/exams/PM-2026/results").status_code == 200
    [answer] = client_for("viewer", "marker").get("/api/v1/answers").json()["results"]
    assert "candidate" not in answer


def test_it_filters_answers(manager: Client, exam: dict[str, Any]) -> None:
    for candidate in ("c1", "c2", "c3"):
        manager.post("/api/v1/submissions", submission(candidate, candidate), content_type=JSON)
    Answer.objects.filter(text="c1").update(flags=["blank", "too_long"], status="scored")

    def texts(query: str) -> list[str]:
        return [one["text"] for one in manager.get(f"/api/v1/answers?{query}").json()["results"]]

    assert texts("flag=too_long") == texts("status=scored") == ["c1"]
    assert texts("question=Q2") == texts("exam=x") == texts("flag=x") == []
    page = manager.get("/api/v1/answers?page_size=2").json()
    assert [one["text"] for one in page["results"]] == ["c3", "c2"]
    assert [one["text"] for one in manager.get(page["next"]).json()["results"]] == ["c1"]
    assert manager.get("/api/v1/answers?cursor=x").status_code == 404
    assert manager.get("/api/v1/answers?exam=%00").status_code == 422


@pytest.mark.parametrize("depth", [40, 960, 1022, 100_000])
def test_deep_nesting_is_refused_and_loses_no_other_line(
    manager: Client, exam: dict[str, Any], depth: int
) -> None:
    deep = '{"a":' * depth + "1" + "}" * depth
    for path in ("submissions", "score", "answers/1/marks"):
        refused = manager.post(f"/api/v1/{path}", deep, content_type=JSON)
        assert (refused.status_code, refused["Content-Type"]) in REFUSED, path
    assert manager.put("/api/v1/exams/E1", deep, content_type=JSON).status_code == 400
    lines = f"{json.dumps(submission('c1', '一'))}\n{deep}\n{json.dumps(submission('c2', '二'))}"
    taken = manager.post("/api/v1/submissions/bulk", lines, content_type=NDJSON)
    assert (taken.status_code, taken.json()["accepted"]) == (202, 2)
    assert [rejection["line"] for rejection in taken.json()["rejected"]] == [2]


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("exma=PM-2026", "/exma"),
        ("exam=PM-2026&exam=E2", "/exam"),
        ("status=done", "/status"),
        ("page_size=0", "/page_size"),
        ("page_size=1001", "/page_size"),
        (f"page_size={'9' * 5000}", "/page_size"),
    ],
)
def test_no_query_parameter_is_ignored(manager: Client, query: str, pointer: str) -> None:
    refused = manager.get(f"/api/v1/answers?{query}")
    assert refused.status_code == 422
    assert [error["pointer"] for error in refused.json()["errors"]] == [pointer]


def test_a_misspelt_force_forces_nothing(manager: Client, exam: dict[str, Any]) -> None:
    for query in ("Force=true", "force=yes"):
        put = manager.put(f"/api/v1/exams/PM-2026?{query}", EXAM, content_type=JSON)
        assert put.status_code == 422


@pytest.mark.parametrize(
    ("language", "told"), [("ja", "点刻みで指定してください"), ("en", "in steps of 1")]
)
def test_a_fault_is_told_in_the_callers_language(
    manager: Client, exam: dict[str, Any], language: str, told: str
) -> None:
    given = manager.post("/api/v1/submissions", submission("c1", "一"), content_type=JSON).json()
    url = f"/api/v1/answers/{given['answers'][0]['id']}/marks"
    accept = {"Accept-Language": language}
    refused = manager.post(url, {"points": 99}, content_type=JSON, headers=accept)
    assert told in refused.json()["errors"][0]["detail"]


def test_a_persons_mark_becomes_the_result(manager: Client, exam: dict[str, Any]) -> None:
    told = manager.post("/api/v1/submissions", submission("c1", "一"), content_type=JSON).json()
    answer = told["answers"][0]["id"]
    url = f"/api/v1/answers/{answer}/marks"
    assert manager.post(url, {"points": 99}, content_type=JSON).status_code == 422
    odd = manager.post(url, '{"criteria": {"\\ud800": 1}}', content_type=JSON)
    assert (odd.status_code, odd.json()["errors"][0]["pointer"]) == (422, "/criteria/\\ud800")
    mark = manager.post(url, {"criteria": {"C1": 3}}, content_type=JSON)
    assert (mark.status_code, mark.json()["points"]) == (201, 3)
    assert manager.post(url, {"points": 0}, content_type=JSON).status_code == 409
    assert manager.post(f"/api/v1/marks/{mark.json()['id']}/withdrawal").status_code == 204
    assert manager.post(url, {"points": 0}, content_type=JSON).status_code == 201
    [seen] = manager.get("/api/v1/answers").json()["results"]
    assert seen["final"] == {"points": 0, "source": "human"}
    told = [(one["source"], one["points"]) for one in seen["marks"]]
    assert told == [("human", 3), ("withdrawal", 0), ("human", 0)]


def test_it_scores_one_text_at_once_and_stores_nothing(
    manager: Client, exam: dict[str, Any], inference_url: str, settings: Settings
) -> None:
    settings.INFERENCE_URL = inference_url
    tasks.inference.cache_clear()
    body = {"text": "要件が途中で変わったから", "exam": "PM-2026", "question": "Q1"}
    told = manager.post("/api/v1/score", body, content_type=JSON)
    assert told.status_code == 200, told.content
    assert told.json()["points"] >= 4
    whole = {key: exam["questions"][0][key] for key in Exam.objects.get().questions.all()[0].wire()}
    inline = manager.post("/api/v1/score", {**body, "question": whole}, content_type=JSON)
    assert inline.json() == told.json()
    assert not Answer.objects.exists()


def test_a_question_given_with_the_text_has_the_bound_of_stored_ones(
    manager: Client, exam: dict[str, Any]
) -> None:
    question = Exam.objects.get().questions.all()[0].wire()
    for criterion in question["criteria"]:
        criterion["references"] = ["要" * 2000] * 50
    body = {"text": "要件", "question": question}
    refused = manager.post("/api/v1/score", body, content_type=JSON)
    assert refused.status_code == 422
    [found] = refused.json()["errors"]
    assert (found["pointer"], "200000" in found["detail"]) == ("/question", True)


def test_every_error_is_a_problem(manager: Client, exam: dict[str, Any]) -> None:
    asked = [
        manager.get("/api/v1/nothing/here"),
        manager.get("/api/v1/submissions/999"),
        manager.post("/api/v1/submissions", "{", content_type=JSON),
        manager.post("/api/v1/submissions", "x", content_type="text/plain"),
        manager.delete("/api/v1/exams"),
        manager.post(
            "/api/v1/submissions", "{}", content_type=JSON, headers={"Transfer-Encoding": "chunked"}
        ),
        manager.post("/api/v1/submissions", "x", content_type=JSON, CONTENT_LENGTH="999999999"),
        manager.get("/api/v1/exams/PM-2026/results?format=pdf"),
    ]
    assert [one.status_code for one in asked] == [404, 404, 400, 415, 405, 411, 413, 422]
    for one in asked:
        assert one["Content-Type"] == "application/problem+json"
        assert one.json()["status"] == one.status_code


@pytest.mark.parametrize("path", ["no/such", "exams/%C3%BA%0A%C2%A7", "%0A"])
def test_a_path_that_no_call_has_is_a_problem_whatever_is_in_it(manager: Client, path: str) -> None:
    response = manager.put(f"/api/v1/{path}", {}, content_type=JSON)
    assert response.status_code == 404
    assert response["Content-Type"] == "application/problem+json"


def test_what_is_accepted_does_not_depend_on_the_accept_header(
    manager: Client, exam: dict[str, Any]
) -> None:
    headers = {"Accept": "text/csv"}
    told = manager.get("/api/v1/exams/PM-2026/results?format=csv", headers=headers)
    assert told["Content-Type"] == "text/csv; charset=utf-8"
    assert manager.put("/api/v1/exams/PM-2026", EXAM, JSON, headers=headers).status_code == 200
