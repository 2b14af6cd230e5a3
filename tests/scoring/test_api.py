"""REST version 1, as a client sees it."""

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from openpyxl import Workbook, load_workbook
from pytest_django import Settings

from scoring import tasks
from scoring.models import Answer, ApiToken

pytestmark = pytest.mark.django_db(transaction=True)
EXAMPLES = Path(__file__).parents[2] / "pmscoring" / "contract" / "examples"
EXAM = json.loads((EXAMPLES / "exam.json").read_text("utf-8"))["valid"][0]["value"]
JSON = "application/json"
NDJSON = "application/x-ndjson"


def client_for(role: str) -> Client:
    group, _ = Group.objects.get_or_create(name=role)
    user = User.objects.create_user(role.replace(" ", "-"))
    user.groups.add(group)
    _, secret = ApiToken.issue(user)
    return Client(headers={"Authorization": f"Bearer {secret}"})


@pytest.fixture
def manager() -> Client:
    return client_for("exam manager")


@pytest.fixture
def exam(manager: Client) -> dict[str, Any]:
    told = manager.put("/api/v1/exams/PM-2026", EXAM, content_type=JSON)
    assert told.status_code == 201, told.content
    definition: dict[str, Any] = told.json()
    return definition


def submission(candidate: str, text: str, **more: Any) -> dict[str, Any]:
    answers = [{"question": "Q1", "text": text}]
    return {"exam": "PM-2026", "candidate": candidate, "answers": answers, **more}


def lines(*records: Any) -> str:
    return "\n".join(json.dumps(record, ensure_ascii=False) for record in records)


def test_it_reads_back_the_exam_and_loading_that_changes_nothing(
    manager: Client, exam: dict[str, Any]
) -> None:
    again = manager.put("/api/v1/exams/PM-2026", exam, content_type=JSON)
    assert again.status_code == 200
    assert again.json() == exam == manager.get("/api/v1/exams/PM-2026").json()


def test_it_points_at_the_faults_of_a_definition(manager: Client) -> None:
    told = manager.put("/api/v1/exams/E1", {"code": "E1", "title": "t"}, content_type=JSON)
    assert told.status_code == 422
    assert told["Content-Type"] == "application/problem+json"
    assert "questions" in told.json()["errors"][0]["detail"]


def test_a_caller_without_a_token_or_without_the_role_is_refused(exam: dict[str, Any]) -> None:
    assert Client().get("/api/v1/exams").status_code == 401
    marker = client_for("marker")
    assert marker.post("/api/v1/submissions", {}, content_type=JSON).status_code == 403


def test_a_revoked_token_no_longer_opens(manager: Client) -> None:
    told = manager.post("/api/v1/tokens", {"name": "cbt"}, content_type=JSON).json()
    second = Client(headers={"Authorization": f"Bearer {told['token']}"})
    assert second.get("/api/v1/exams").status_code == 200
    assert manager.delete(f"/api/v1/tokens/{told['id']}").status_code == 204
    assert second.get("/api/v1/exams").status_code == 401


def test_the_same_idempotency_key_gives_the_same_answer(
    manager: Client, exam: dict[str, Any]
) -> None:
    def post(text: str) -> Any:
        body = submission("c1", text)
        headers = {"Idempotency-Key": "k1"}
        return manager.post("/api/v1/submissions", body, content_type=JSON, headers=headers)

    first, again, other = post("一"), post("一"), post("二")
    assert (first.status_code, again.json()) == (202, first.json())
    assert other.status_code == 409
    assert Answer.objects.count() == 1


def test_bulk_takes_the_good_lines_and_tells_of_the_bad_ones(
    manager: Client, exam: dict[str, Any]
) -> None:
    body = lines(
        submission("c1", "一"), {"exam": "X"}, submission("c2", "二"), submission("c1", "三")
    )
    told = manager.post("/api/v1/submissions/bulk", body + "\n{", content_type=NDJSON)
    assert told.status_code == 202
    assert told.json()["accepted"] == 2
    assert [one["line"] for one in told.json()["rejected"]] == [2, 4, 5]
    batch = manager.get(f"/api/v1/batches/{told.json()['batch']}").json()
    assert batch["answers"]["waiting"] == 2


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp932"])
def test_it_reads_csv_in_each_encoding(
    manager: Client, exam: dict[str, Any], encoding: str
) -> None:
    data = 'candidate,question,text\nc1,Q1,"要件が\n変わった"\nc2,Q9,x\n'.encode(encoding)
    told = upload(manager, "answers.csv", data)
    assert (told["accepted"], [one["line"] for one in told["rejected"]]) == (1, [4])
    assert Answer.objects.get().text == "要件が\n変わった"


def test_it_reads_xlsx_and_zip(manager: Client, exam: dict[str, Any]) -> None:
    book, out = Workbook(), io.BytesIO()
    assert book.active is not None
    book.active.append(["candidate", "question", "text"])
    book.active.append(["x_1", "Q1", "要件"])
    book.save(out)
    assert upload(manager, "a.xlsx", out.getvalue())["accepted"] == 1
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("x_2_Q1.txt", "合意".encode("cp932"))
        file.writestr("noname.txt", "x")
    told = upload(manager, "a.zip", archive.getvalue())
    assert (told["accepted"], len(told["rejected"])) == (1, 1)
    assert set(Answer.objects.values_list("text", flat=True)) == {"要件", "合意"}


def test_it_refuses_archives_that_climb_out_or_burst(manager: Client, exam: dict[str, Any]) -> None:
    for name, content in (("../x_Q1.txt", "a"), ("x_Q1.txt", "a" * 5_000_000)):
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
            file.writestr(name, content)
        assert upload(manager, "a.zip", archive.getvalue())["status"] == "refused"


def upload(client: Client, name: str, data: bytes) -> dict[str, Any]:
    file = io.BytesIO(data)
    file.name = name
    told = client.post("/api/v1/uploads?exam=PM-2026", {"file": file})
    assert told.status_code == 201, told.content
    seen: dict[str, Any] = client.get(f"/api/v1/uploads/{told.json()['id']}").json()
    return seen


def test_a_persons_mark_becomes_the_result(manager: Client, exam: dict[str, Any]) -> None:
    told = manager.post("/api/v1/submissions", submission("=c1", "一"), content_type=JSON).json()
    answer = told["answers"][0]["id"]
    url = f"/api/v1/answers/{answer}/marks"
    assert manager.post(url, {"points": 99}, content_type=JSON).status_code == 422
    mark = manager.post(url, {"criteria": {"C1": 3}}, content_type=JSON)
    assert (mark.status_code, mark.json()["points"]) == (201, 3)
    rows = manager.get("/api/v1/exams/PM-2026/results").json()["results"]
    assert (rows[0]["points"], rows[0]["source"]) == (3, "human")
    text = manager.get("/api/v1/exams/PM-2026/results?format=csv").content.decode("utf-8")
    assert text.startswith("\ufeffcandidate,")
    assert "'=c1" in text
    sheet = manager.get("/api/v1/exams/PM-2026/results?format=xlsx").content
    assert load_workbook(io.BytesIO(sheet)).worksheets[0]["E2"].value == 3


def test_it_scores_one_text_at_once_and_stores_nothing(
    manager: Client, exam: dict[str, Any], inference_url: str, settings: Settings
) -> None:
    settings.INFERENCE_URL = inference_url
    tasks.inference.cache_clear()
    body = {"text": "要件が途中で変わったから", "exam": "PM-2026", "question": "Q1"}
    told = manager.post("/api/v1/score", body, content_type=JSON)
    assert told.status_code == 200, told.content
    assert told.json()["points"] >= 4
    assert not Answer.objects.exists()


def test_health_is_ready_without_inference_and_tells_outsiders_no_details() -> None:
    assert Client().get("/health/ready").status_code == 200
    told = Client().get("/health")
    assert told.status_code == 200
    assert told.json()["checks"]["database"]["status"] == "healthy"
    assert "checks" not in Client(REMOTE_ADDR="8.8.8.8").get("/health").json()


def test_the_schema_and_its_page_need_no_outside_host() -> None:
    assert b"openapi: 3.1" in Client().get("/api/schema/").content
    page = Client().get("/api/docs/").content
    assert b"https://" not in page
