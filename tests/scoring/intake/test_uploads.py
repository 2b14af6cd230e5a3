"""Files of answers: stored, read by a worker, with the faults of each row."""

import io
import json
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import File
from django.db import connection, transaction
from django.test import Client
from django.utils import translation
from django.utils.timezone import now
from pytest_django import Settings

from pmscoring.base.lifecycle import WrongState
from pmscoring.base.words import spoken
from pmscoring.celery import app
from scoring import tasks
from scoring.intake import rejections, uploads
from scoring.models import Answer, Batch, Exam, Submission, Upload
from tests.clients import client_for, named_file
from tests.scoring.documents.workbooks import HEADINGS, Sheet, line, workbook

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("english", "exam")]
HEADER = "candidate,question,text,attempt\n"


@pytest.fixture(autouse=True)
def media(settings: Settings, tmp_path: Path) -> Path:
    settings.MEDIA_ROOT = tmp_path / "uploads"
    return tmp_path / "uploads"


def send(client: Client, name: str, text: str) -> Any:
    file = named_file(name, text.encode())
    return client.post("/api/v1/uploads?exam=PM-2026", {"file": file})


def received(rows: str, name: str = "a.csv") -> Upload:
    text = HEADER + rows if name.endswith(".csv") else rows
    return uploads.receive(Exam.objects.get(), name, File(named_file(name, text.encode())))


def received_file(text: str, name: str = "a.csv") -> Upload:
    return uploads.receive(Exam.objects.get(), name, File(named_file(name, text.encode())))


def elsewhere(query: Callable[[], Any]) -> Any:
    """What another connection sees."""

    def ask() -> Any:
        try:
            return query()
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(ask).result()


def test_it_keeps_the_file_under_a_name_of_its_own_and_reads_it_later(
    manager: Client, media: Path
) -> None:
    response = send(manager, "../受験者.csv", HEADER + "c1,Q1,要件,\nc2,Q9,x,\n")
    assert response.status_code == 202, response.content
    assert response.json()["status"] == "waiting"
    [stored] = media.iterdir()
    assert stored.name.isalnum()
    assert stored.stat().st_mode & 0o077 == 0
    assert not Answer.objects.exists()
    tasks.read_upload(response.json()["id"])
    upload = manager.get(response.json()["links"]["self"]).json()
    assert (upload["status"], upload["seen"], upload["accepted"]) == ("read", 2, 1)
    detail = "受験者.csv, line 3, column question: there is no question Q9"
    assert upload["rejected"] == [{"line": 3, "pointer": "/question", "detail": detail}]
    assert manager.get(f"/api/v1/batches/{upload['batch']}").json()["answers"]["waiting"] == 1


def test_rows_of_a_candidate_belong_together_wherever_they_stand() -> None:
    upload = received("c1,Q1,一,\nc2,Q1,二,\nc1,Q1,三,2\nc1,Q2,four,\n")
    uploads.read(upload)
    assert (upload.accepted, upload.rejections) == (4, [])
    first = Submission.objects.get(candidate="c1", attempt=1)
    assert list(first.answers.order_by("question").values_list("text", flat=True)) == ["一", "four"]


def test_reasons_quote_what_the_database_cannot_store_as_replacement_characters() -> None:
    row = '{"candidate": "c1", "question": "Q1", "text": "要件", "\\u0000\\ud800": 1}\n'
    upload = received(row, "a.jsonl")
    uploads.read(upload)
    assert (upload.status, upload.rejected) == ("read", 1)
    assert "\ufffd" in upload.rejections[0]["detail"]
    table = workbook(Sheet([line("candidate_x0000_", "Q1"), line("c1", "要件")]))
    upload = uploads.receive(Exam.objects.get(), "a.xlsx", File(io.BytesIO(table), "a.xlsx"))
    uploads.read(upload)
    assert upload.status == "read"


def test_an_attempt_may_be_written_with_a_point() -> None:
    row = {"candidate": "c1", "question": "Q1", "text": "一", "attempt": 2.0}
    upload = received(f"{json.dumps(row)}\n", "a.jsonl")
    uploads.read(upload)
    assert (upload.accepted, upload.rejections) == (1, [])
    assert Submission.objects.get().attempt == 2


def test_an_attempt_of_very_many_digits_is_one_bad_row() -> None:
    upload = received(f"c1,Q1,一,{'9' * 5000}\nc2,Q1,二,\n")
    uploads.read(upload)
    assert (upload.accepted, upload.rejected) == (1, 1)
    [rejection] = upload.rejections
    assert (rejection["line"], rejection["pointer"]) == (2, "/attempt")
    assert len(rejection["detail"]) < 200


def test_a_bad_row_holds_back_its_neighbours_so_that_the_corrected_file_is_taken() -> None:
    wrong = received("c1,Q1,一,\nc2,Q1,二,\nc1,Q 2,three,\nc2,Q9,x,\n")
    uploads.read(wrong)
    assert (wrong.accepted, wrong.rejected) == (0, 4)
    assert [(rejection["line"], rejection["pointer"]) for rejection in wrong.rejections] == [
        (2, ""),
        (3, ""),
        (4, "/question"),
        (5, "/question"),
    ]
    assert wrong.rejections[0]["detail"].startswith("a.csv, line 2: line 4 of the same")
    right = received("c1,Q1,一,\nc2,Q1,二,\nc1,Q2,three,\n")
    uploads.read(right)
    assert (right.accepted, right.rejected) == (3, 0)


@pytest.mark.parametrize(
    ("language", "empty", "question"),
    [("ja", "行がありません", "設問Q9はありません"), ("en", "has no rows", "no question Q9")],
)
def test_a_worker_tells_the_sender_in_the_senders_language(
    language: str, empty: str, question: str
) -> None:
    with translation.override(language):
        refused = received("")
        rejected = received("c1,Q9,一,\n")
    uploads.read(refused)
    uploads.read(rejected)
    assert empty in refused.reason
    assert question in rejected.rejections[0]["detail"]


def test_the_same_file_again_changes_nothing() -> None:
    rows = "c1,Q1,一,\nc2,Q1,二,\n"
    uploads.read(received(rows))
    before = list(Answer.objects.order_by("pk").values_list("pk", "text"))
    again = received(rows)
    assert uploads.read(again) == set()
    assert (again.status, again.accepted) == ("read", 2)
    assert list(Answer.objects.order_by("pk").values_list("pk", "text")) == before
    other = received("c1,Q1,別,\n")
    uploads.read(other)
    assert [rejection["pointer"] for rejection in other.rejections] == ["/text"]


def test_others_see_how_far_the_reading_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "CHUNK", 2)
    upload = received("".join(f"c{n},Q1,t{n},\n" for n in range(5)))
    counts = []

    def say(count: int) -> None:
        row = elsewhere(lambda: Upload.objects.values_list("seen", "status").get())
        assert row == (count, "reading")
        assert elsewhere(Answer.objects.count) == 0
        counts.append(count)

    uploads.read(upload, say)
    assert counts == [2, 4, 5]
    assert Answer.objects.count() == 5


@pytest.mark.parametrize(
    ("name", "rows", "reason"),
    [
        ("a.csv", "", "the file has no rows"),
        ("a.csv", 'c1,Q1,一,\nc2,Q1,"a', "line 3"),
        ("a.jsonl", "", "the file has no rows"),
        ("a.zip", "no archive", "not a readable archive"),
    ],
)
def test_a_file_that_cannot_be_read_to_its_end_leaves_nothing_behind(
    name: str, rows: str, reason: str
) -> None:
    upload = received(rows, name)
    assert uploads.read(upload) == set()
    assert upload.status == "refused"
    assert reason in upload.reason
    assert not Answer.objects.exists()
    assert not Batch.objects.exists()


def test_u_0000_and_lone_surrogates_are_told_of_by_row() -> None:
    rows = '{"candidate": "c1", "question": "Q1", "text": "a\\u0000"}\n'
    rows += '{"candidate": "c2", "question": "Q1", "text": "\\ud800"}\n'
    rows += '{"candidate": "\\udfff", "question": "Q1", "text": "a"}\n[]\n'
    upload = received(rows, "a.jsonl")
    uploads.read(upload)
    places = [(rejection["line"], rejection["pointer"]) for rejection in upload.rejections]
    assert places == [(1, "/text"), (2, "/text"), (3, "/candidate"), (4, "")]


def test_it_keeps_the_first_rejections_and_counts_them_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rejections, "MOST_REJECTIONS", 3)
    upload = received("".join(f"c{n},Q9,t,\n" for n in range(10)))
    uploads.read(upload)
    assert (upload.rejected, len(upload.rejections)) == (10, 3)


def test_a_stalled_reading_is_taken_up_again_but_not_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(app.conf, "task_always_eager", True)
    upload = received("c1,Q1,一,\n")
    long_ago = now() - timedelta(hours=1)
    upload.become("reading", claimed_at=long_ago, tries=1)
    tasks.sweep()
    upload.refresh_from_db()
    assert (upload.status, upload.tries, upload.accepted) == ("read", 2, 1)
    poison = received("c2,Q1,二,\n")
    poison.become("reading", claimed_at=long_ago, tries=3)
    tasks.sweep()
    poison.refresh_from_db()
    assert (poison.status, poison.reason) == ("refused", "the reading broke off 3 times")


def test_handing_in_is_not_taken_for_stalled(settings: Settings) -> None:
    settings.SCORING_STALLED_SECONDS = 0
    upload = received("c1,Q1,一,\n")
    upload.become("reading", claimed_at=now())
    with transaction.atomic():
        upload.beat(seen=1)
        assert elsewhere(uploads.release_stalled) == 0
    assert elsewhere(uploads.release_stalled) == 1


def test_a_reader_that_lost_its_claim_hands_in_nothing() -> None:
    upload = received("c1,Q1,一,\n")

    def steal(_: int) -> None:
        Upload.objects.update(claimed_at=now())

    with pytest.raises(WrongState):
        uploads.read(upload, steal)
    assert not Answer.objects.exists()
    with pytest.raises(WrongState):
        uploads.read(Upload.objects.get())


def test_files_over_the_limit_are_refused_before_they_are_kept(
    manager: Client, settings: Settings, media: Path
) -> None:
    settings.MAX_UPLOAD_BYTES = 1000
    for size in (1001, 100_000):
        response = send(manager, "a.csv", "x" * size)
        assert response.status_code == 413
        assert response["Content-Type"] == "application/problem+json"
    assert not media.exists()


def test_what_cannot_be_an_upload_is_told_at_once(manager: Client) -> None:
    response = send(manager, "a.doc", "x")
    assert (response.status_code, response.json()["errors"][0]["pointer"]) == (422, "/file")
    Exam.objects.update(status="fixed")
    assert send(manager, "a.csv", HEADER).status_code == 409
    assert send(client_for("client"), "a.csv", HEADER).status_code == 403
    assert not Upload.objects.exists()


def test_the_file_goes_with_its_row(media: Path) -> None:
    received("c1,Q1,一,\n")
    with transaction.atomic():
        Upload.objects.all().delete()
        assert list(media.iterdir())
    assert not list(media.iterdir())


def answers_of(candidate: str) -> list[tuple[str, str]]:
    answers = Answer.objects.filter(submission__candidate=candidate).order_by("question")
    return list(answers.values_list("question__code", "text"))


def test_a_wide_table_names_questions_by_their_labels() -> None:
    upload = received_file("受験番号,設問１（１）,Q2\nc1,一,二\nc2,三,\nc3,,\n")
    uploads.read(upload)
    assert (upload.accepted, upload.rejected) == (4, 0)
    assert answers_of("c1") == [("Q1", "一"), ("Q2", "二")]
    assert answers_of("c2") == [("Q1", "三")]
    assert not Submission.objects.get(candidate="c3").answers.exists()


def test_a_file_names_those_who_were_absent() -> None:
    upload = received_file("受験者,設問,解答,欠席\nc1,Q1,,1\nc1,Q2,,1\nc2,Q1,一,\n")
    uploads.read(upload)
    assert (upload.accepted, upload.rejected) == (3, 0)
    absent = dict(Submission.objects.values_list("candidate", "absent"))
    assert absent == {"c1": True, "c2": False}
    again = received_file('{"candidate": "c1", "absent": true}\n', "a.jsonl")
    uploads.read(again)
    assert (again.accepted, again.rejected) == (1, 0)


def test_a_candidate_is_not_both_absent_and_answering() -> None:
    upload = received_file("受験者,設問,解答,欠席\nc1,Q1,一,\nc1,Q2,,1\n")
    uploads.read(upload)
    assert [rejection["detail"] for rejection in upload.rejections] == [
        "a.csv, line 2: line 3 of the same candidate and attempt was rejected",
        "a.csv, line 3, column 欠席: absent here, but not everywhere: line 2",
    ]
    assert not Submission.objects.exists()


def test_faults_of_a_workbook_name_sheet_and_cell_in_the_senders_language() -> None:
    data = workbook(
        Sheet([line(*HEADINGS), line("c1", "Q1", "一")], name="1組"),
        Sheet([line(*HEADINGS), line("c2", "Q9", "二"), line("c2", "Q1", "三")], name="2組"),
        Sheet([line("控え")], name="控え", state="hidden"),
    )
    with translation.override("ja"):
        upload = uploads.receive(
            Exam.objects.get(), "答案.xlsx", File(named_file("答案.xlsx", data))
        )
    uploads.read(upload)
    assert (upload.seen, upload.accepted, upload.rejected) == (3, 1, 2)
    first, second = upload.rejections
    assert (first["sheet"], first["line"], first["pointer"]) == ("2組", 2, "/question")
    assert first["detail"] == "答案.xlsx シート「2組」のB2: 設問Q9はありません"
    assert "シート「2組」の2行目が受け付けられません" in second["detail"]
    with translation.override("ja"):
        note = spoken(upload.notes[0])
    assert note == "シート「控え」: シートが非表示のため読み込んでいません"


def test_faults_of_an_archive_name_the_file(manager: Client) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("1組/c1_Q9.txt", "一")
    upload = uploads.receive(Exam.objects.get(), "a.zip", File(named_file("a.zip", out.getvalue())))
    uploads.read(upload)
    [rejection] = manager.get(f"/api/v1/uploads/{upload.pk}").json()["rejected"]
    assert rejection == {
        "line": 1,
        "file": "1組/c1_Q9.txt",
        "pointer": "/question",
        "detail": "a.zip, 1組/c1_Q9.txt: there is no question Q9",
    }


def test_a_file_that_is_refused_is_named_with_its_line() -> None:
    upload = received_file('受験者,設問,解答\nc1,Q1,"a\n')
    uploads.read(upload)
    assert upload.reason == "a.csv: line 2: a quotation mark is opened and never closed"


def test_candidates_and_questions_that_look_alike_are_one() -> None:
    upload = received("０１２３,Ｑ１,一,\n\u200e0456,Q1,二,\nか\u3099,Q1,三,\n0123,Q2,four,\n")
    uploads.read(upload)
    assert (upload.accepted, upload.rejections) == (4, [])
    candidates = Submission.objects.values_list("candidate", flat=True)
    assert sorted(candidates) == ["0123", "0456", "が"]


def test_notes_beyond_the_first_ones_are_counted() -> None:
    again = "c0,Q1,一,\n" + HEADER
    upload = received(again * (uploads.MOST_NOTES + 7))
    uploads.read(upload)
    assert len(upload.notes) == uploads.MOST_NOTES + 1
    assert spoken(upload.notes[-1]) == "7 further notes"


def test_a_question_answered_twice_by_candidates_that_look_alike_is_named() -> None:
    upload = received("０１２３,Q1,一,\n0123,Q1,二,\n")
    uploads.read(upload)
    assert upload.accepted == 0
    assert [row["detail"] for row in upload.rejections] == [
        "a.csv, line 2: line 3 of the same candidate and attempt was rejected",
        "a.csv, line 3, column question: Q1 is answered twice: line 2 has the answer of ０１２３,"
        " which looks like 0123 and so is the same candidate",
    ]


def test_a_question_answered_twice_by_one_candidate_names_the_other_line() -> None:
    upload = received("a,Q1,一,\nb,Q1,一,\na,Q1,二,\n")
    uploads.read(upload)
    assert upload.accepted == 1
    reason = "Q1 is answered twice: line 2 has this candidate's answer"
    assert upload.rejections[1]["detail"] == f"a.csv, line 4, column question: {reason}"


def test_a_row_whose_text_is_too_long_for_its_question_is_refused_by_its_place(
    manager: Client,
) -> None:
    response = send(manager, "a.csv", HEADER + f"c1,Q1,要件,\nc2,Q1,{'要' * 20_001},\n")
    tasks.read_upload(response.json()["id"])
    upload = manager.get(response.json()["links"]["self"]).json()
    reason = "the text has 20001 code points; this question takes at most 20000"
    detail = f"a.csv, line 3, column text: {reason}"
    assert upload["rejected"] == [{"line": 3, "pointer": "/text", "detail": detail}]
