"""What a manager does with exams."""

import io
import json
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from openpyxl import load_workbook

from scoring.admin.exams import ExamAdmin
from scoring.intake import uploads
from scoring.marks import giving
from scoring.models import Answer, Exam, Upload
from tests.clients import form_data, signed_in
from tests.factories import (
    CANDIDATE,
    example_definition,
    example_exam,
    make_user,
    marked_with_evidence,
    submitted_answer,
)

pytestmark = pytest.mark.django_db
LOAD = "/admin/scoring/exam/load/"


@pytest.fixture
def manager() -> Client:
    return signed_in("exam manager")


def load(browser: Client, text: str, name: str = "exam.json", **more: Any) -> Any:
    file = SimpleUploadedFile(name, text.encode())
    return browser.post(LOAD, {"file": file, **more}, follow=True)


def test_it_loads_a_definition_from_json_and_from_yaml(manager: Client) -> None:
    page = load(manager, json.dumps(example_definition()))
    assert page.redirect_chain
    yaml = """
    code: YAML-1
    title: 午後I
    delete_answers_on: 2027-03-31
    questions:
      - {code: Q1, prompt: なぜか, max_points: 2,
         criteria: [{code: C1, label: 理由, points: 2, references: [変わったから]}]}
    """
    load(manager, yaml, "exam.yaml")
    assert set(Exam.objects.values_list("code", flat=True)) == {"PM-2026", "YAML-1"}
    assert str(Exam.objects.get(code="YAML-1").delete_answers_on) == "2027-03-31"


def test_it_shows_every_fault_with_its_pointer_and_changes_nothing(manager: Client) -> None:
    wrong = example_definition()
    wrong["questions"][0]["criteria"][0]["points"] = -1
    wrong["questions"][1]["code"] = "no good"
    page = load(manager, json.dumps(wrong)).content.decode()
    assert "2 faults" in page
    assert "/questions/0/criteria/0/points" in page
    assert "/questions/1/code" in page
    assert not Exam.objects.exists()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('{"code": ', "line 1, column 10"),
        ('{"code": NaN}', "NaN is not JSON"),
        ("code: [", "line 1"),
        ("a: &a [x]\nb: *a", "aliases are not supported"),
        ("just words", "does not hold an exam definition"),
    ],
)
def test_it_says_where_a_file_cannot_be_read(manager: Client, text: str, told: str) -> None:
    assert told in load(manager, text).content.decode()


def test_marks_of_people_are_invalidated_only_by_force(manager: Client) -> None:
    answer = submitted_answer(example_exam(), "要件")
    marked_with_evidence(answer, ("C1", 0, 2))
    giving.give(answer, make_user("marker", staff=True), {"points": 1})
    changed = example_definition()
    changed["questions"][0]["criteria"][0]["references"].append("仕様が変わったから")
    page = load(manager, json.dumps(changed))
    assert not page.redirect_chain
    assert "people have marked" in page.content.decode()
    assert Answer.objects.get().status == "scored"
    load(manager, json.dumps(changed), force="on")
    assert Answer.objects.get().status == "waiting"


def test_the_export_can_be_loaded_again(manager: Client) -> None:
    exam = example_exam()
    told = manager.get(reverse("admin:scoring_exam_export_definition", args=[exam.pk]))
    assert told["Content-Disposition"] == 'attachment; filename="PM-2026.json"'
    digests = list(exam.questions.values_list("digest", flat=True))
    assert load(manager, told.content.decode()).redirect_chain
    assert list(exam.questions.values_list("digest", flat=True)) == digests


def test_it_keeps_an_uploaded_file_and_shows_the_rows_that_were_refused(manager: Client) -> None:
    exam = example_exam()
    file = SimpleUploadedFile("a.csv", "candidate,question,text\nc1,Q1,要件\nc2,Q9,x\n".encode())
    address = reverse("admin:scoring_exam_upload_answers", args=[exam.pk])
    page = manager.post(address, {"file": file}, follow=True)
    upload = Upload.objects.get()
    assert page.redirect_chain[0][0] == reverse("admin:scoring_upload_change", args=[upload.pk])
    assert "data-live" in page.content.decode()
    uploads.read(upload)
    page = manager.get(page.redirect_chain[0][0])
    assert "data-live" not in page.content.decode()
    assert "there is no question Q9" in page.content.decode()


def test_the_reasons_of_refusals_which_may_name_a_file_are_for_managers(manager: Client) -> None:
    told = [{"line": 1, "pointer": "", "detail": f"{CANDIDATE}.txt: the name is no name"}]
    exam = example_exam()
    rows = Upload.objects.create(exam=exam, name="a.zip", size=1, rejected=1, rejections=told)
    whole = Upload.objects.create(
        exam=exam, name="b.zip", size=1, status="refused", reason=f"{CANDIDATE}.pdf: encrypted"
    )
    viewer = signed_in("viewer")
    for upload in (rows, whole):
        address = reverse("admin:scoring_upload_change", args=[upload.pk])
        assert CANDIDATE in manager.get(address).content.decode()
        assert CANDIDATE not in viewer.get(address).content.decode()


def test_it_refuses_a_file_that_no_one_can_read(manager: Client) -> None:
    address = reverse("admin:scoring_exam_upload_answers", args=[example_exam().pk])
    page = manager.post(address, {"file": SimpleUploadedFile("a.exe", b"MZ")})
    assert "CSV" in page.context["form"].errors["file"][0]
    assert not Upload.objects.exists()


def test_results_are_downloaded_by_managers(manager: Client) -> None:
    exam = example_exam()
    submitted_answer(exam, "要件")

    def content(name: str) -> bytes:
        told: Any = manager.get(reverse(f"admin:scoring_exam_results_{name}", args=[exam.pk]))
        assert told.status_code == 200
        return b"".join(told.streaming_content)

    assert content("csv").startswith("\ufeff".encode())
    assert CANDIDATE in content("cp932").decode("cp932")
    sheet = load_workbook(io.BytesIO(content("xlsx"))).worksheets[0]
    assert CANDIDATE in [row[0] for row in sheet.iter_rows(values_only=True)]
    address = reverse("admin:scoring_exam_results_csv", args=[exam.pk])
    assert signed_in("viewer").get(address).status_code == 403


def test_a_state_is_asked_for_and_changed_by_post(manager: Client) -> None:
    exam = example_exam()
    address = reverse("admin:scoring_exam_state", args=[exam.pk, "marking"])
    assert manager.get(address).status_code == 200
    exam.refresh_from_db()
    assert exam.status == "draft"
    manager.post(address)
    exam.refresh_from_db()
    assert exam.status == "marking"


@pytest.mark.parametrize(
    ("language", "message"),
    [("ja", "「公表」にはできません"), ("en", "cannot become: published")],
)
def test_a_wrong_change_of_state_is_refused(manager: Client, language: str, message: str) -> None:
    exam = example_exam()
    data = {"action": "become_published", "_selected_action": [exam.pk]}
    page = manager.post(
        reverse("admin:scoring_exam_changelist"),
        data,
        follow=True,
        headers={"Accept-Language": language},
    )
    assert message in page.content.decode()


def test_it_is_not_fixed_while_an_answer_waits_and_says_so(manager: Client) -> None:
    exam = example_exam()
    exam.become("marking")
    answer = submitted_answer(exam, "要件")
    address = reverse("admin:scoring_exam_state", args=[exam.pk, "fixed"])
    page = manager.post(address, follow=True).content.decode()
    assert "1 answer of PM-2026 waits for the machine" in page
    marked_with_evidence(answer, ("C1", 0, 2))
    shown = manager.get(address).context["form"]["shown"].value()
    manager.post(address, {"code": exam.code, "shown": shown})
    exam.refresh_from_db()
    assert exam.status == "fixed"


def test_a_fixed_exam_is_read_only(manager: Client) -> None:
    exam = example_exam()
    exam.become("marking")
    exam.become("fixed")
    address = reverse("admin:scoring_exam_change", args=[exam.pk])
    assert 'name="title"' not in manager.get(address).content.decode()
    manager.post(address, {"title": "other"})
    question = exam.questions.get(code="Q1")
    address = reverse("admin:scoring_question_change", args=[question.pk])
    page = manager.get(address).content.decode()
    assert "要件の変更" in page
    assert "criteria-0-points" not in page
    assert (
        load(manager, json.dumps({**example_definition(), "title": "other"})).redirect_chain == []
    )
    exam.refresh_from_db()
    assert exam.title == example_definition()["title"]


def saved_while_it_moves(
    manager: Client, exam: Exam, state: str, monkeypatch: pytest.MonkeyPatch
) -> Any:
    """Save another title, while the exam moves to `state` after the form has read it."""
    address = reverse("admin:scoring_exam_change", args=[exam.pk])
    data = form_data(manager, address) | {"title": "other"}

    def move_then_save(_admin: ExamAdmin, _request: Any, form: Any, change: bool) -> Any:
        Exam.objects.update(status=state)
        return form.save(commit=False)

    monkeypatch.setattr(ExamAdmin, "save_form", move_then_save)
    return manager.post(address, data)


def test_saving_keeps_a_state_that_changed_after_the_form_was_read(
    manager: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    exam = example_exam()
    assert saved_while_it_moves(manager, exam, "marking", monkeypatch).status_code == 302
    exam.refresh_from_db()
    assert (exam.title, exam.status) == ("other", "marking")


def test_saving_is_refused_if_the_exam_was_fixed_after_the_form_was_read(
    manager: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    exam = example_exam()
    assert saved_while_it_moves(manager, exam, "fixed", monkeypatch).status_code == 403
    exam.refresh_from_db()
    assert exam.title == example_definition()["title"]


def test_an_exam_with_answers_is_not_deleted(manager: Client) -> None:
    exam = example_exam()
    address = reverse("admin:scoring_exam_delete", args=[exam.pk])
    submitted_answer(exam, "要件")
    assert manager.post(address, {"post": "yes"}).status_code == 403
    exam.submissions.all().delete()
    manager.post(address, {"post": "yes"})
    assert not Exam.objects.exists()


def test_an_exam_is_not_deleted_if_a_submission_arrives_after_the_check(
    manager: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    exam = example_exam()
    address = reverse("admin:scoring_exam_delete", args=[exam.pk])

    def submit(*_args: Any) -> None:
        submitted_answer(exam, "要件")

    monkeypatch.setattr(ExamAdmin, "log_deletions", submit)
    assert manager.post(address, {"post": "yes"}).status_code == 403
    assert Exam.objects.exists()


def test_viewers_read_exams_and_do_nothing_to_them() -> None:
    exam = example_exam()
    viewer = signed_in("viewer")
    page = viewer.get(reverse("admin:scoring_exam_change", args=[exam.pk]))
    assert page.status_code == 200
    assert "設問1(1)" in page.content.decode()
    state = reverse("admin:scoring_exam_state", args=[exam.pk, "trial"])
    assert state not in page.content.decode()
    viewer.post(state)
    exam.refresh_from_db()
    assert exam.status == "draft"
    for name in ("load_again", "upload_answers"):
        assert viewer.get(reverse(f"admin:scoring_exam_{name}", args=[exam.pk])).status_code == 403
    assert viewer.get(LOAD).status_code == 403


def test_an_empty_overview_offers_three_ways_to_begin(manager: Client) -> None:
    page = manager.get("/admin/").content.decode()
    for address in ("/admin/scoring/exam/sample/", LOAD, "/admin/scoring/exam/add/"):
        assert address in page
    loaded = manager.post("/admin/scoring/exam/sample/", follow=True)
    exam = Exam.objects.get(code="SAMPLE-PM")
    assert loaded.redirect_chain == [(f"/admin/scoring/exam/{exam.pk}/change/", 302)]
    assert (exam.status, exam.submissions.count()) == ("trial", 60)
    assert "/admin/scoring/exam/sample/" not in manager.get("/admin/").content.decode()


def test_the_sample_is_loaded_once_and_by_managers_alone(manager: Client) -> None:
    marker = signed_in("marker")
    assert marker.post("/admin/scoring/exam/sample/").status_code == 403
    for _time in range(2):
        assert manager.post("/admin/scoring/exam/sample/").status_code == 302
    assert Answer.objects.count() == 374
    assert "Yes" in manager.get("/admin/scoring/exam/sample/").content.decode()


def test_after_a_new_exam_comes_its_first_question(manager: Client) -> None:
    address = "/admin/scoring/exam/add/"
    filled = {**form_data(manager, address), "code": "NEW-1", "title": "新しい試験"}
    response = manager.post(address, filled)
    exam = Exam.objects.get(code="NEW-1")
    assert response["Location"] == f"/admin/scoring/question/add/?exam={exam.pk}"
    assert f'value="{exam.pk}" selected' in manager.get(response["Location"]).content.decode()


@pytest.mark.parametrize(
    ("text", "name", "said"),
    [
        ('{"code": ', "exam.json", "1行10列：JSONとして読めません（値がありません）"),
        ('{"code": "a" "b"}', "exam.json", "「,」がありません"),
        ("code: [", "exam.yaml", "角括弧又は波括弧が閉じていません"),
        ("a: b: c", "exam.yaml", "字下げ・コロン・引用符の位置が正しくありません"),
    ],
)
def test_no_words_of_a_parser_reach_a_japanese_page(text: str, name: str, said: str) -> None:
    page = load(signed_in("exam manager", "ja"), text, name).content.decode()
    assert said in page
    assert "xpect" not in page.partition("pms-refusal")[2].partition("</table>")[0]


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ("ConnectError: [Errno 111] Connection refused", "推論サービスに接続できません"),
        ("ReadTimeout: timed out", "推論サービスが時間内に応答しませんでした"),
        ("RemoteProtocolError: peer closed", "推論サービスとの接続が途中で切れました"),
        ("the worker went quiet", "ワーカーの応答がなくなりました"),
    ],
)
def test_why_scoring_failed_is_said_in_the_reader_s_language(reason: str, said: str) -> None:
    answer = submitted_answer(example_exam(), "要件")
    Answer.objects.filter(pk=answer.pk).update(reason=reason)
    address = reverse("admin:scoring_answer_change", args=[answer.pk])
    page = signed_in("exam manager", "ja").get(address).content.decode()
    assert said in page
    assert reason not in page
