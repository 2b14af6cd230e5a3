"""A file is looked at before anything of it is taken."""

from pathlib import Path

import pytest
from django.core.files.base import File
from django.test import Client
from django.urls import reverse
from django.utils import translation
from pytest_django import Settings

from pmscoring.base.lifecycle import WrongState
from scoring import tasks
from scoring.intake import uploads
from scoring.marks import settlement
from scoring.models import Answer, Batch, Exam, Submission, Upload
from tests.clients import named_file, signed_in
from tests.factories import answers_of, exam_in, marked_by_people
from tests.scoring.documents.workbooks import Sheet, line, workbook
from tests.scoring.intake.test_question_by_question import paper, taken, texts_of

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("english")]
HEADER = "受験者,設問,解答\n"


@pytest.fixture(autouse=True)
def media(settings: Settings, tmp_path: Path) -> Path:
    settings.MEDIA_ROOT = tmp_path / "uploads"
    return tmp_path / "uploads"


@pytest.fixture
def exam() -> Exam:
    return exam_in()


def previewed(exam: Exam, content: str | bytes, name: str = "答案.csv") -> Upload:
    data = content.encode() if isinstance(content, str) else content
    wanted = uploads.Wanted(is_preview=True)
    upload = uploads.receive(exam, name, File(named_file(name, data)), wanted)
    uploads.read(upload)
    return upload


def test_nothing_is_taken_of_a_preview(exam: Exam) -> None:
    upload = previewed(exam, HEADER + "l01,Q1,要件\n")
    assert upload.status == "preview"
    assert not Answer.everything.exists()
    assert not Submission.everything.exists()
    assert not Batch.objects.exists()


@pytest.mark.parametrize(("text_format", "text"), [("html", "x < y"), ("text", "<p>x &lt; y</p>")])
def test_html_is_read_where_the_sender_says_so(exam: Exam, text_format: str, text: str) -> None:
    browser = signed_in("exam manager")
    file = named_file("a.csv", f"{HEADER}l01,Q1,<p>x &lt; y</p>\n".encode())
    query = f"exam={exam.code}&format={text_format}"
    answer = browser.post(f"/api/v1/uploads?{query}", {"file": file})
    assert answer.json()["format"] == text_format
    uploads.read(Upload.objects.get(pk=answer.json()["id"]))
    assert Answer.objects.get().text == text


def test_the_upload_page_asks_whether_cells_hold_html(exam: Exam) -> None:
    address = reverse("admin:scoring_exam_upload_answers", args=[exam.pk])
    file = named_file("a.csv", f"{HEADER}l01,Q1,<p>要件</p>\n".encode())
    signed_in("exam manager").post(address, {"file": file, "format": "html"})
    upload = Upload.objects.get()
    uploads.read(upload)
    assert upload.preview["first"][0]["text"] == "要件"


def test_it_shows_columns_encoding_separator_and_first_rows(exam: Exam) -> None:
    table = "午後I 答案一覧\n受験番号;設問;解答\nl01;Q1;要件が変わった\n"
    preview = previewed(exam, table.encode("cp932")).preview
    [found] = preview["tables"]
    assert (found["line"], found["encoding"], found["separator"]) == (2, "CP932", ";")
    assert found["columns"] == [["受験番号", "candidate"], ["設問", "question"], ["解答", "text"]]
    [first] = preview["first"]
    assert (first["candidate"], first["question"], first["text"]) == ("l01", "Q1", "要件が変わった")


def test_it_shows_each_sheet_with_its_columns(exam: Exam) -> None:
    one = Sheet([line("candidate", "Q1", "Q2"), line("l01", "一", "two")], "1組")
    two = Sheet([line("candidate", "question", "text"), line("l02", "Q1", "二")], "2組")
    preview = previewed(exam, workbook(one, two), "答案.xlsx").preview
    assert [table["sheet"] for table in preview["tables"]] == ["1組", "2組"]
    assert preview["tables"][0]["columns"][1:] == [["Q1", "Q1"], ["Q2", "Q2"]]
    assert (preview["rows"], preview["submissions"], preview["added"]) == (3, 2, 3)


def test_it_counts_what_is_new_refused_and_in_conflict(exam: Exam) -> None:
    (answer,) = answers_of(exam, "要件")
    marked_by_people([answer], [2])
    name = answer.submission.candidate
    upload = previewed(exam, f"{HEADER}{name},Q1,別\n{name},Q2,two\nl02,Q9,x\nl03,Q1,要件\n")
    preview = upload.preview
    assert (preview["added"], preview["conflicts"], preview["marked"]) == (2, 1, 1)
    assert (upload.rejected, len(upload.rejections)) == (1, 1)
    [conflict] = preview["conflicting"]
    assert conflict["line"] == 2
    assert conflict["detail"].startswith("答案.csv, line 2, column 解答: another text for Q1")


@pytest.mark.parametrize(
    ("rule", "texts"),
    [
        ("refuse", {"Q1": "一"}),
        ("skip", {"Q1": "一", "Q2": "two"}),
        ("replace", {"Q1": "別", "Q2": "two"}),
    ],
)
def test_it_is_taken_under_the_rule_that_was_chosen(
    exam: Exam, rule: str, texts: dict[str, str]
) -> None:
    taken(paper(exam, Q1="一"))
    upload = previewed(exam, HEADER + "l01,Q1,別\nl01,Q2,two\n")
    uploads.take(upload, rule)
    uploads.read(upload)
    assert upload.status == "read"
    assert texts_of() == texts
    rejected = {"refuse": 2, "skip": 1, "replace": 0}
    assert (upload.accepted, upload.rejected) == (2 - rejected[rule], rejected[rule])


def test_it_is_taken_once(exam: Exam) -> None:
    upload = previewed(exam, HEADER + "l01,Q1,要件\n")
    uploads.take(upload)
    with pytest.raises(WrongState):
        uploads.take(upload)
    with pytest.raises(WrongState):
        uploads.discard(upload)


def test_a_discarded_file_is_gone(exam: Exam, media: Path) -> None:
    upload = previewed(exam, HEADER + "l01,Q1,要件\n")
    uploads.discard(upload)
    assert not Upload.objects.exists()
    assert list(media.iterdir()) == []


def test_over_rest_it_is_previewed_taken_and_told(manager: Client, exam: Exam) -> None:
    file = named_file("答案.csv", (HEADER + "l01,Q1,要件\nl02,Q9,x\n").encode())
    address = f"/api/v1/uploads?exam={exam.code}&preview=true"
    upload = manager.post(address, {"file": file}).json()
    assert upload["preview"] is None
    tasks.read_upload(upload["id"])
    link = upload["links"]["self"]
    shown = manager.get(link).json()
    assert (shown["status"], shown["preview"]["added"]) == ("preview", 1)
    assert shown["preview"]["tables"][0]["columns"][0] == {
        "heading": "受験者",
        "meaning": "candidate",
    }
    assert manager.post(f"{link}/take?conflicts=skip").status_code == 202
    tasks.read_upload(upload["id"])
    assert manager.get(link).json()["accepted"] == 1
    assert manager.delete(link).status_code == 409


def test_reasons_are_in_the_language_of_who_reads_them(manager: Client, exam: Exam) -> None:
    with translation.override("ja"):
        upload = previewed(exam, HEADER + "l02,Q9,x\n")
        refused = previewed(exam, "a,b\n1,2\n")
    link = f"/api/v1/uploads/{upload.pk}"

    def detail(language: str) -> str:
        shown = manager.get(link, headers={"Accept-Language": language}).json()
        return str(shown["rejected"][0]["detail"])

    assert detail("en") == "答案.csv, line 2, column 設問: there is no question Q9"
    assert "Q9という設問" in detail("ja") or "Q9" in detail("ja")
    assert detail("ja") != detail("en")
    shown = manager.get(f"/api/v1/uploads/{refused.pk}", headers={"Accept-Language": "en"}).json()
    assert shown["reason"].startswith("答案.csv: no headings were found")


def test_in_the_admin_a_file_is_previewed_and_then_taken(exam: Exam) -> None:
    taken(paper(exam, Q1="一"))
    browser = signed_in("exam manager")
    file = named_file("答案.csv", (HEADER + "l01,Q1,別\nl01,Q2,two\n").encode())
    address = reverse("admin:scoring_exam_upload_answers", args=[exam.pk])
    browser.post(address, {"file": file})
    upload = Upload.objects.get()
    assert upload.is_preview
    tasks.read_upload(upload.pk)
    shown = browser.get(f"/admin/scoring/upload/{upload.pk}/change/").content.decode()
    for words in ("Nothing has been taken yet", "受験者", "candidate", "another text for Q1"):
        assert words in shown
    take = browser.get(f"/admin/scoring/upload/{upload.pk}/take/").content.decode()
    assert "1 text differs" in take
    address = f"/admin/scoring/upload/{upload.pk}/take/"
    assert browser.post(address, {"conflicts": "replace"}).status_code == 302
    tasks.read_upload(upload.pk)
    assert texts_of() == {"Q1": "別", "Q2": "two"}


def test_a_preview_is_not_spent_while_the_exam_is_fixed(exam: Exam) -> None:
    upload = previewed(exam, HEADER + "l01,Q1,要件\n")
    settlement.become(exam, "fixed")
    fixed = Upload.objects.get(pk=upload.pk)
    with pytest.raises(WrongState, match="fixed"):
        uploads.take(fixed)
    assert Upload.objects.get(pk=upload.pk).status == "preview"


def test_the_page_names_the_column_at_fault(exam: Exam) -> None:
    taken(paper(exam, "l01", Q1="一"))
    upload = previewed(exam, "受験番号,設問,解答\nl01,Q1,二\n")
    page = signed_in("exam manager").get(reverse("admin:scoring_upload_change", args=[upload.pk]))
    html = page.content.decode()
    assert "<td>answer</td>" in html
    assert "/text" not in html
