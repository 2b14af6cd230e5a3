"""Marks that exist already, from files: stored, compared, counted, taken back."""

from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import File
from django.urls import reverse
from django.utils import translation
from pytest_django import Settings

from pmscoring.base import texts
from pmscoring.base.faults import Invalid
from pmscoring.base.lifecycle import WrongState
from pmscoring.base.words import spoken
from scoring import results, tasks
from scoring.agreement import pairs
from scoring.documents import BadDocument
from scoring.exams import definitions
from scoring.intake import rejections, submissions, uploads, withdrawals
from scoring.marks import giving, settlement
from scoring.models import Answer, Exam, Mark, Upload, Withdrawal
from scoring.review import queue
from scoring.review.progress import marking_progress
from tests.clients import JSON, named_file, signed_in
from tests.factories import (
    answers_of,
    exam_in,
    fresh,
    make_user,
    marked_by_people,
    submission,
)
from tests.scoring.documents.workbooks import Sheet, line, workbook
from tests.scoring.exported import as_csv, as_xlsx

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("english")]
HEADER = "受験者,設問,得点,採点者\n"


@pytest.fixture(autouse=True)
def media(settings: Settings, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path / "uploads"


@pytest.fixture
def exam() -> Exam:
    return exam_in()


def sent(exam: Exam, content: str | bytes, name: str = "採点.csv", **wanted: Any) -> Upload:
    data = content.encode() if isinstance(content, str) else content
    file = File(named_file(name, data))
    upload = uploads.receive(exam, name, file, uploads.Wanted(kind="marks", **wanted))
    uploads.read(upload)
    return upload


def answer_of(exam: Exam) -> tuple[Answer, str]:
    (answer,) = answers_of(exam, "要件")
    return answer, answer.submission.candidate


def standing(answer: Answer) -> list[tuple[str, float]]:
    marks = answer.marks.by_people().standing().order_by("pk")
    return [(mark.giver, float(mark.points)) for mark in marks]


def final(answer: Answer) -> tuple[float | None, str]:
    now = fresh(answer)
    return None if now.final_points is None else float(now.final_points), now.final_source


def exported(exam: Exam, file_format: str, headers: str) -> bytes:
    export = results.EXPORTS["marks"]
    if file_format == "csv":
        return as_csv(exam, "cp932", export, headers)
    return as_xlsx(exam, export, headers).read()


def details(upload: Upload) -> list[str]:
    return [each["detail"] for each in rejections.shown(upload.rejections)]


def test_a_mark_by_a_named_source_is_final(exam: Exam) -> None:
    answer, name = answer_of(exam)
    upload = sent(exam, f"{HEADER}{name},Q1,5,2025年度\n")
    assert (upload.status, upload.accepted, upload.rejected) == ("read", 1, 0)
    mark = answer.marks.by_people().get()
    assert (mark.marker, mark.origin, mark.source, mark.from_upload) == (
        None,
        "2025年度",
        "human",
        upload.pk,
    )
    assert (*final(answer), fresh(answer).review) == (5, "human", "marked")


def test_the_sender_may_name_the_source_of_the_file(exam: Exam) -> None:
    answer, name = answer_of(exam)
    sent(exam, f"candidate,question,points\n{name},Q1,5\n", source="Ｏｆｆｉｃｅ")
    assert standing(answer) == [("Office", 5)]


def test_a_file_without_a_source_is_refused_with_what_to_do(exam: Exam) -> None:
    _, name = answer_of(exam)
    upload = sent(exam, f"candidate,question,points\n{name},Q1,5\n")
    assert upload.status == "refused"
    assert "column marker (採点者) is missing, or name the source with the file" in upload.reason


def test_criteria_have_columns_by_their_code_or_label(exam: Exam) -> None:
    answer, name = answer_of(exam)
    upload = sent(exam, f"受験者,設問,原因,Ｃ２,コメント,採点者\n{name},Q1,３,1,惜しい,A\n")
    assert upload.rejections == []
    mark = answer.marks.by_people().get()
    assert (float(mark.points), mark.comment) == (4, "惜しい")
    assert {each["code"]: each["points"] for each in mark.criteria} == {"C1": 3, "C2": 1}


def test_a_workbook_may_have_a_column_for_each_question(exam: Exam) -> None:
    answer, name = answer_of(exam)
    sheet = Sheet([line("受験番号", "Q1", "Q2", "採点者"), line(name, "4", "", "A")], "得点")
    upload = sent(exam, workbook(sheet), "得点.xlsx")
    assert (upload.accepted, upload.rejected) == (1, 0)
    assert standing(answer) == [("A", 4)]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("{name},Q1,7,A", "line 2, column 得点: from 0 to 6 in steps of 1"),
        ("{name},Q1,4点,A", "line 2, column 得点: a number such as 4 or 2.5 is expected"),
        ("{name},Q9,4,A", "line 2, column 設問: there is no question Q9"),
        ("x,Q1,4,A", "line 2, column 受験者: attempt 1 of this candidate has no answer to Q1"),
        ("{name},Q1,4,", "line 2, column 採点者: who gave the mark is missing"),
        (",Q1,4,A", "line 2, column 受験者: the candidate is missing; write it in each row"),
    ],
)
def test_it_says_file_line_and_column_of_what_is_refused(exam: Exam, row: str, reason: str) -> None:
    answer, name = answer_of(exam)
    upload = sent(exam, HEADER + row.format(name=name) + "\n")
    assert details(upload) == [f"採点.csv, {reason}"]
    assert standing(answer) == []


def test_the_fault_of_a_criterion_names_its_cell_in_the_readers_language(exam: Exam) -> None:
    _, name = answer_of(exam)
    sheet = Sheet([line("受験者", "設問", "原因", "採点者"), line(name, "Q1", "9", "A")], "得点")
    upload = sent(exam, workbook(sheet), "得点.xlsx")
    assert details(upload) == ["得点.xlsx, sheet 得点, cell C2: from 0 to 4 in steps of 1"]
    with translation.override("ja"):
        assert details(upload) == [
            "得点.xlsx シート「得点」のC2: 0から4まで1点刻みで指定してください"
        ]


def test_the_same_again_changes_nothing(exam: Exam) -> None:
    _, name = answer_of(exam)
    sent(exam, f"{HEADER}{name},Q1,5,A\n")
    before = list(Mark.objects.values_list("pk", flat=True))
    again = sent(exam, f"{HEADER}{name},Q1,5.0,Ａ\n")
    assert (again.accepted, again.rejected) == (1, 0)
    assert list(Mark.objects.values_list("pk", flat=True)) == before


@pytest.mark.parametrize(
    ("rule", "points", "accepted"), [("refuse", 5, 0), ("skip", 5, 0), ("replace", 3, 1)]
)
def test_another_mark_by_the_same_source_is_a_conflict(
    exam: Exam, rule: str, points: float, accepted: int
) -> None:
    answer, name = answer_of(exam)
    sent(exam, f"{HEADER}{name},Q1,5,A\n")
    upload = sent(exam, f"{HEADER}{name},Q1,3,A\n", conflicts=rule)
    assert (upload.accepted, upload.rejected) == (accepted, 1 - accepted)
    assert standing(answer) == [("A", points)]
    assert fresh(answer).final_points == points
    if not accepted:
        reason = "採点.csv, line 2, column 得点: another mark of this answer by A is stored"
        assert details(upload) == [reason]


def test_a_replaced_mark_is_withdrawn_and_kept(exam: Exam) -> None:
    answer, name = answer_of(exam)
    sent(exam, f"{HEADER}{name},Q1,5,A\n")
    sent(exam, f"{HEADER}{name},Q1,3,A\n", conflicts="replace")
    marks = answer.marks.exclude(source="machine").order_by("pk")
    rows = [(mark.source, float(mark.points)) for mark in marks]
    assert rows == [("human", 5), ("withdrawal", 0), ("human", 3)]


def test_a_file_with_two_marks_of_one_answer_by_one_source_keeps_the_first(exam: Exam) -> None:
    answer, name = answer_of(exam)
    upload = sent(exam, f"{HEADER}{name},Q1,5,A\n{name},Q1,4,A\n", conflicts="replace")
    reason = "採点.csv, line 3, column 採点者: line 2 has a mark of the same answer by A"
    assert details(upload) == [reason]
    assert standing(answer) == [("A", 5)]


def test_marks_by_two_sources_are_double_scoring() -> None:
    exam = exam_in(readings=2)
    answer, name = answer_of(exam)
    sent(exam, f"{HEADER}{name},Q1,5,A\n")
    assert fresh(answer).review == "queued"
    sent(exam, f"{HEADER}{name},Q1,3,B\n{name},Q1,5,A\n")
    assert fresh(answer).review == "disputed"
    [reading] = pairs.compare(answer.question).readings
    assert (reading.first.origin, reading.second.origin) == ("A", "B")


def test_an_account_is_no_second_reader_of_what_a_file_brought_under_its_name() -> None:
    exam = exam_in(readings=2)
    answer, name = answer_of(exam)
    anna, ben = make_user("anna"), make_user("ben")
    sent(exam, f"{HEADER}{name},Q1,5,anna\n")
    assert queue.next_answer(exam, anna) is None
    with pytest.raises(WrongState, match="marked this answer already"):
        giving.give(answer, anna, {"points": 2})
    assert marking_progress(exam, anna).left == 0
    lease = queue.next_answer(exam, ben)
    assert lease is not None
    assert lease.answer == answer


def test_an_adjudicators_mark_settles_the_answer(exam: Exam) -> None:
    answer, name = answer_of(exam)
    header = HEADER.replace("採点者", "採点者,採点の種別")
    sent(exam, f"{header}{name},Q1,5,A,人\n{name},Q1,3,B,裁定者\n{name},Q1,1,C,機械\n")
    assert final(answer) == (3, "adjudicator")
    assert standing(answer) == [("A", 5), ("B", 3)]


def test_a_fixed_exam_takes_no_marks(exam: Exam) -> None:
    _, name = answer_of(exam)
    sent(exam, f"{HEADER}{name},Q1,5,A\n")
    file = File(named_file("a.csv", HEADER.encode()))
    waiting = uploads.receive(
        exam,
        "a.csv",
        File(named_file("a.csv", f"{HEADER}{name},Q1,3,B\n".encode())),
        uploads.Wanted(kind="marks"),
    )
    settlement.become(exam, "fixed")
    with pytest.raises(WrongState):
        uploads.receive(exam, "a.csv", file, uploads.Wanted(kind="marks"))
    uploads.read(waiting)
    assert waiting.status == "refused"
    assert "ROOM is fixed, and its marks no longer change" in waiting.reason


def test_marks_are_no_archive_and_a_source_is_a_name(exam: Exam) -> None:
    file = File(named_file("a.zip", b"PK"))
    with pytest.raises(BadDocument, match="marks are read from CSV"):
        uploads.receive(exam, "a.zip", file, uploads.Wanted(kind="marks"))
    with pytest.raises(Invalid, match="/source"):
        uploads.receive(exam, "a.csv", file, uploads.Wanted(kind="marks", source="x" * 101))


def test_a_preview_counts_and_stores_nothing(exam: Exam) -> None:
    answer, name = answer_of(exam)
    sent(exam, f"{HEADER}{name},Q1,5,A\n")
    rows = f"{name},Q1,3,A,x\n{name},Q1,5,B,y\n{name},Q9,5,B,\n"
    upload = sent(exam, HEADER.replace("採点者", "採点者,コメント") + rows, is_preview=True)
    preview = upload.preview
    assert upload.status == "preview"
    assert (preview["added"], preview["accepted"], preview["conflicts"]) == (1, 1, 1)
    assert (upload.rejected, preview["conflicting"][0]["line"]) == (1, 2)
    first = preview["first"][0]
    assert (first["points"], first["source"], first["text"]) == (3, "A", "x")
    assert ["採点者", "marker"] in preview["tables"][0]["columns"]
    assert standing(answer) == [("A", 5)]
    uploads.take(upload, "replace")
    uploads.read(upload)
    assert standing(answer) == [("A", 3), ("B", 5)]


def test_rows_without_points_are_counted_and_not_read(exam: Exam) -> None:
    _, name = answer_of(exam)
    upload = sent(exam, f"{HEADER}{name},Q1,,A\n{name},Q1,5,A\n")
    assert (upload.accepted, upload.rejected) == (1, 0)
    assert len(upload.notes) == 1


@pytest.mark.parametrize("headers", ["en", "ja"])
@pytest.mark.parametrize("file_format", ["csv", "xlsx"])
def test_our_own_export_is_loaded_again_and_changes_nothing(
    exam: Exam, headers: str, file_format: str
) -> None:
    answer, name = answer_of(exam)
    marked_by_people([answer], [4], comment="=要件")
    sent(exam, f"受験者,設問,原因,採点者\n{name},Q1,3,A\n")
    data = exported(exam, file_format, headers)
    before = Mark.objects.count()
    upload = sent(exam, data, f"marks.{file_format}")
    assert (upload.status, upload.rejections, upload.accepted) == ("read", [], 2)
    assert Mark.objects.count() == before


def test_our_own_export_carries_marks_to_another_installation(exam: Exam) -> None:
    answer, _ = answer_of(exam)
    marked_by_people([answer], [4])
    data = exported(exam, "csv", "ja")
    giver = answer.marks.by_people().get().giver
    other = exam_in(code="OTHER")
    (copy,) = answers_of(other, "要件")
    assert copy.submission.candidate == answer.submission.candidate
    upload = sent(other, data)
    assert upload.rejections == []
    assert standing(copy) == [(giver, 4)]


@pytest.mark.parametrize("headers", ["en", "ja"])
@pytest.mark.parametrize("file_format", ["csv", "xlsx"])
def test_an_exports_apostrophes_are_read_back_as_what_they_stand_before(
    file_format: str, headers: str
) -> None:
    criteria = [{"code": "-A", "label": "", "points": 6, "references": ["要件"]}]
    question = {"code": "-1", "prompt": "", "max_points": 6, "criteria": criteria}
    exam, _ = definitions.load(
        {"code": "SIGNS", "title": "t", "state": "marking", "questions": [question]}
    )
    names = ["-001", "=2", "'=3", "+４", "'5", "''-6"]
    for name in names:
        submissions.accept(submission(name, "要件", exam.code, "-1"))
        answer = Answer.objects.get(submission__candidate=texts.identifier(name))
        Mark.objects.create(
            answer=answer,
            source="human",
            marker=make_user("marker"),
            points=4,
            criteria=[{"code": "-A", "points": 4, "evidence": []}],
            comment=name,
        )
    data = exported(exam, file_format, headers)
    upload = sent(exam, data, f"marks.{file_format}")
    assert (upload.accepted, upload.rejections) == (len(names), [])
    assert Mark.objects.count() == len(names)


@pytest.mark.parametrize("headers", ["en", "ja"])
@pytest.mark.parametrize("file_format", ["csv", "xlsx"])
def test_the_export_of_results_is_a_file_of_marks_under_a_name(
    exam: Exam, file_format: str, headers: str
) -> None:
    answers = answers_of(exam, "要件", "対策", "天気")
    marked_by_people(answers[:2], [4, 3])
    submissions.accept({"exam": exam.code, "candidate": "away", "absent": True})
    results_export = results.EXPORTS["results"]
    if file_format == "csv":
        data = as_csv(exam, "utf-8-sig", results_export, headers)
    else:
        data = as_xlsx(exam, results_export, headers).read()
    upload = sent(exam, data, f"results.{file_format}", source="2025")
    assert (upload.status, upload.accepted, upload.rejections) == ("read", 2, [])
    assert [standing(answer)[1:] for answer in answers] == [[("2025", 4)], [("2025", 3)], []]
    notes = " ".join(spoken(note) for note in upload.notes)
    assert ("totals of candidates were not read" in notes) == (file_format == "xlsx")


def test_a_wide_table_may_have_a_column_of_totals(exam: Exam) -> None:
    answer, name = answer_of(exam)
    upload = sent(exam, f"受験番号,Q1,Q2,合計点,採点者\n{name},4,,4,A\n")
    assert (upload.status, upload.rejections) == ("read", [])
    assert standing(answer) == [("A", 4)]
    assert "合計点" in spoken(upload.notes[0])


def test_a_workbook_of_nothing_but_totals_is_refused_by_that_reason(exam: Exam) -> None:
    sheet = Sheet([line("受験番号", "合計"), line("c1", "4")], "合計")
    upload = sent(exam, workbook(sheet), "得点.xlsx", source="A")
    assert upload.status == "refused"
    assert "合計: totals of candidates were not read" in upload.reason


def test_marks_are_taken_back_with_their_number_and_brought_back(exam: Exam) -> None:
    answer, name = answer_of(exam)
    anna = make_user("anna", "exam manager")
    upload = sent(exam, f"{HEADER}{name},Q1,5,A\n")
    with pytest.raises(withdrawals.Unconfirmed):
        withdrawals.withdraw(upload, anna, "wrong file")
    withdrawal, questions = withdrawals.withdraw(upload, anna, "wrong file", 1)
    assert (withdrawal.kind, withdrawal.answer_count, questions) == ("marks", 1, set())
    assert (standing(answer), final(answer)) == ([], (None, ""))
    assert fresh(answer).review == "queued"
    assert withdrawals.restore(withdrawal, anna) == withdrawals.Restored(1, 0, set())
    assert (standing(answer), final(answer)) == ([("A", 5)], (5, "human"))
    again, _ = withdrawals.withdraw(upload, anna, "again", 1)
    assert standing(answer) == []
    sent(exam, f"{HEADER}{name},Q1,2,A\n")
    assert withdrawals.restore(again, anna) == withdrawals.Restored(1, 1, set())
    assert standing(answer) == [("A", 2)]


def test_what_a_withdrawn_file_had_replaced_stands_again_until_the_file_does(exam: Exam) -> None:
    answer, name = answer_of(exam)
    anna = make_user("anna", "exam manager")
    sent(exam, f"{HEADER}{name},Q1,5,A\n")
    second = sent(exam, f"{HEADER}{name},Q1,3,A\n", conflicts="replace")
    for _ in range(2):
        withdrawal, _questions = withdrawals.withdraw(second, anna, "wrong file", 1)
        assert (standing(answer), final(answer)) == ([("A", 5)], (5, "human"))
        assert withdrawals.restore(withdrawal, anna) == withdrawals.Restored(1, 0, set())
        assert (standing(answer), final(answer)) == ([("A", 3)], (3, "human"))


def test_a_replaced_mark_of_an_account_stands_again_as_its_own(exam: Exam) -> None:
    answer, name = answer_of(exam)
    anna = make_user("anna", "exam manager")
    marked_by_people([answer], [4], comment="惜しい")
    own = answer.marks.by_people().get()
    upload = sent(exam, f"{HEADER}{name},Q1,3,{own.giver}\n", conflicts="replace")
    withdrawals.withdraw(upload, anna, "wrong file", 1)
    again = answer.marks.by_people().standing().get()
    assert (again.marker, again.points, again.comment) == (own.marker, own.points, "惜しい")


@pytest.mark.parametrize("order", [(1, 2), (2, 1)])
def test_files_that_replaced_each_other_are_withdrawn_in_any_order(
    exam: Exam, order: tuple[int, int]
) -> None:
    answer, name = answer_of(exam)
    anna = make_user("anna", "exam manager")
    other, _ = answers_of(exam, "要件", "対策")
    rows = [f"{HEADER}{name},Q1,{points},A\n" for points in (5, 3, 1)]
    kept = f"{other.submission.candidate},Q1,1,A\n"
    files = [sent(exam, rows[0])]
    files += [sent(exam, f"{row}{kept}", conflicts="replace") for row in rows[1:]]
    for index in order:
        marked = withdrawals.extent(files[index]).marked
        if marked:
            withdrawals.withdraw(files[index], anna, "wrong file", marked)
    assert standing(answer) == [("A", 5)]


def test_a_mark_given_since_stays_when_the_file_that_replaced_another_comes_back(
    exam: Exam,
) -> None:
    answer, name = answer_of(exam)
    anna = make_user("anna", "exam manager")
    sent(exam, f"{HEADER}{name},Q1,5,A\n")
    second = sent(exam, f"{HEADER}{name},Q1,3,A\n", conflicts="replace")
    withdrawal, _ = withdrawals.withdraw(second, anna, "wrong file", 1)
    sent(exam, f"{HEADER}{name},Q1,2,A\n", conflicts="replace")
    assert withdrawals.restore(withdrawal, anna) == withdrawals.Restored(1, 1, set())
    assert standing(answer) == [("A", 2)]


def test_a_withdrawn_files_marks_do_not_come_back_with_an_answer_that_counts_again(
    exam: Exam,
) -> None:
    answer, name = answer_of(exam)
    (other,) = answers_of(exam, "対策")
    anna = make_user("anna", "exam manager")
    marks = sent(exam, f"{HEADER}{name},Q1,5,A\n{other.submission.candidate},Q1,1,A\n")
    later = submissions.accept_all([(1, submission(name, "別", exam.code))], "replace").batch
    withdrawal, _ = withdrawals.withdraw(marks, anna, "wrong marks", 1)
    withdrawals.withdraw(later, anna, "wrong answer")
    assert (standing(answer), final(answer)) == ([], (None, ""))
    withdrawals.restore(withdrawal, anna)
    assert (standing(answer), final(answer)) == ([("A", 5)], (5, "human"))


def test_over_rest_a_file_of_marks_is_previewed_taken_and_withdrawn(exam: Exam) -> None:
    answer, name = answer_of(exam)
    manager = signed_in("exam manager")
    file = named_file("採点.csv", f"candidate,question,points\n{name},Q1,5\n".encode())
    address = f"/api/v1/uploads?exam={exam.code}&kind=marks&source=A&preview=true"
    response = manager.post(address, {"file": file})
    assert response.status_code == 202, response.content
    sent_file = response.json()
    assert (sent_file["kind"], sent_file["source"]) == ("marks", "A")
    link = sent_file["links"]["self"]
    tasks.read_upload(sent_file["id"])
    first = manager.get(link).json()["preview"]["first"][0]
    assert (first["points"], first["source"], first["question"]) == (5, "A", "Q1")
    assert manager.post(f"{link}/take").status_code == 202
    tasks.read_upload(sent_file["id"])
    assert standing(answer) == [("A", 5)]
    refused = manager.post(f"{link}/withdrawal", {"reason": "wrong"}, content_type=JSON)
    assert refused.status_code == 409
    body = {"reason": "wrong", "marked": 1}
    withdrawn = manager.post(f"{link}/withdrawal", body, content_type=JSON)
    assert (withdrawn.status_code, withdrawn.json()["kind"]) == (201, "marks")
    assert standing(answer) == []
    back = manager.post(f"/api/v1/withdrawals/{withdrawn.json()['id']}/restoration")
    assert (back.status_code, back.json()["restored"]) == (200, 1)
    assert standing(answer) == [("A", 5)]


def test_refused_characters_are_told_in_the_readers_language(exam: Exam) -> None:
    _answer, candidate = answer_of(exam)
    marks = "a" + "\u0301" * 31
    content = f"受験者,設問,得点,採点者,コメント\n{candidate},Q1,4,佐藤,{marks}\n"
    upload = sent(exam, content + f"{candidate},Q1,4,{marks},\n{marks},Q1,4,佐藤,\n")
    with translation.override("ja"):
        reasons = details(upload)
    assert len(reasons) == 3
    assert all("結合文字" in reason for reason in reasons)


@pytest.mark.parametrize("role", ["marker", "viewer", "client"])
def test_others_than_managers_upload_no_marks(exam: Exam, role: str) -> None:
    file = named_file("a.csv", HEADER.encode())
    address = f"/api/v1/uploads?exam={exam.code}&kind=marks"
    assert signed_in(role).post(address, {"file": file}).status_code == 403


def test_a_long_source_is_refused_where_it_is(exam: Exam) -> None:
    file = named_file("a.csv", HEADER.encode())
    address = f"/api/v1/uploads?exam={exam.code}&kind=marks&source={'x' * 101}"
    response = signed_in("exam manager").post(address, {"file": file})
    assert response.status_code == 422, response.content
    assert response.json()["errors"][0]["pointer"].endswith("source")


def test_in_the_admin_marks_are_previewed_taken_and_withdrawn(exam: Exam) -> None:
    answer, name = answer_of(exam)
    browser = signed_in("exam manager")
    sent(exam, f"{HEADER}{name},Q1,2,A\n")
    page = reverse("admin:scoring_exam_upload_marks", args=[exam.pk])
    file = named_file("採点.csv", f"受験者,設問,原因,対策\n{name},Q1,3,1\n".encode())
    response = browser.post(page, {"file": file, "source": "A"})
    upload = Upload.objects.get(status="waiting")
    address = reverse("admin:scoring_upload_change", args=[upload.pk])
    assert response.headers["Location"] == address
    tasks.read_upload(upload.pk)
    shown = browser.get(address).content.decode()
    for words in (
        "Other marks than the stored ones",
        "原因 3 · 対策 1",
        "another mark of this answer",
    ):
        assert words in shown
    take = f"/admin/scoring/upload/{upload.pk}/take/"
    assert "1 mark differs" in browser.get(take).content.decode()
    browser.post(take, {"conflicts": "replace"})
    tasks.read_upload(upload.pk)
    assert standing(answer) == [("A", 4)]
    address = f"/admin/scoring/upload/{upload.pk}/withdraw/"
    assert "The mark of 1 answer is withdrawn" in browser.get(address).content.decode()
    done = browser.post(address, {"reason": "wrong", "marked": "1"}, follow=True)
    assert "The mark of 1 answer was withdrawn." in done.content.decode()
    assert standing(answer) == [("A", 2)]
    [withdrawal] = Withdrawal.objects.all()
    restore = f"/admin/scoring/withdrawal/{withdrawal.pk}/restore/"
    assert "Its marks count again" in browser.get(restore).content.decode()
    assert "1 marks were restored" in browser.post(restore, follow=True).content.decode()
    assert standing(answer) == [("A", 4)]


def test_a_fixed_exam_keeps_its_marks(exam: Exam) -> None:
    _, name = answer_of(exam)
    upload = sent(exam, f"{HEADER}{name},Q1,5,A\n")
    settlement.become(exam, "fixed")
    with pytest.raises(WrongState):
        withdrawals.withdraw(upload, make_user("anna", "exam manager"), "wrong", 1)
