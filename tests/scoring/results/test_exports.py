"""The mark history and the statistics, as files."""

import csv
import io
import json
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from openpyxl import load_workbook

from scoring import results
from scoring.exams import definitions
from scoring.intake import submissions
from scoring.models import Answer, Exam, Mark
from scoring.results import history, sheets, statistics
from tests.clients import client_for, signed_in
from tests.factories import make_user
from tests.scoring.exported import as_csv, as_json, as_xlsx

pytestmark = pytest.mark.django_db


def load() -> Exam:
    """Q1 of the criteria C1 (4) and C2 (2), and Q2 of C1 (4)."""
    cause = {"code": "C1", "label": "=原因", "points": 4, "references": ["r"]}
    remedy = {"code": "C2", "label": "対策", "points": 2, "references": ["r"]}
    questions = [
        {
            "code": "Q1",
            "label": "設問1",
            "prompt": "?",
            "max_points": 6,
            "criteria": [cause, remedy],
        },
        {"code": "Q2", "prompt": "?", "max_points": 4, "criteria": [cause]},
    ]
    exam, _ = definitions.load({"code": "E1", "title": "t", "questions": questions})
    return exam


def handed_in(candidate: str, question: str = "Q1", **more: Any) -> Answer:
    answers = [{"question": question, "text": f"{candidate}の解答"}]
    record = {"exam": "E1", "candidate": candidate, "answers": answers, **more}
    assert submissions.accept_all([(1, record)]).accepted == 1
    newest = Answer.objects.order_by("-pk")
    return newest.select_related("question").filter(submission__candidate=candidate)[0]


def add_mark(answer: Answer, first: float, second: float | None = None, **more: Any) -> Mark:
    """Mark the answer with points for C1 and C2; a mark by a person becomes final."""
    parts = {"C1": first} | ({} if second is None else {"C2": second})
    mark = Mark.objects.create(
        **{
            "answer": answer,
            "source": "machine",
            "points": sum(parts.values()),
            "criteria": [{"code": c, "points": p, "evidence": []} for c, p in parts.items()],
            "definition": answer.question.digest,
        }
        | more
    )
    if mark.source != "machine":
        Answer.objects.filter(pk=answer.pk).update(
            final_points=mark.points, final_source=mark.source, status="scored"
        )
    return mark


def statistic(exam: Exam, question: str, criterion: str = "") -> results.Statistic:
    rows = statistics.statistics(exam)
    [row] = [row for row in rows if (row["question"], row["criterion"]) == (question, criterion)]
    return row


def get(client: Client, what: str, query: str = "") -> bytes:
    response = client.get(f"/api/v1/exams/E1/{what}{query}")
    assert response.status_code == 200, response.content
    return response.getvalue()


def read(data: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline="")))


def test_the_columns_are_the_fields_of_the_rows() -> None:
    tables = [table for export in results.EXPORTS.values() for table in export.tables]
    assert [table.row for table in tables] == [
        results.Result,
        results.Total,
        results.HistoryMark,
        results.Statistic,
    ]
    for table in tables:
        assert list(table.headings) == list(table.row.__annotations__)


def test_every_export_is_had_in_every_format_and_described() -> None:
    load()
    client = client_for("exam manager")
    schema = client.get("/api/schema/", headers={"Accept": "application/json"})
    paths = json.loads(schema.content)["paths"]
    for export in results.EXPORTS.values():
        described = paths[f"/api/v1/exams/{{code}}/{export.name}"]["get"]
        assert set(described["responses"]["200"]["content"]) == {
            wanted.media_type for wanted in results.FORMATS.values()
        }
        for wanted in results.FORMATS.values():
            response = client.get(f"/api/v1/exams/E1/{export.name}?format={wanted.name}")
            assert response.status_code == 200
            assert response["Content-Type"] == wanted.content_type(results.Options())
            assert response.has_header("Content-Disposition") == bool(wanted.buttons)
            assert response.getvalue()


def test_every_file_of_every_export_has_a_button_on_the_exam_s_page() -> None:
    exam = load()
    browser = signed_in("exam manager")
    page = browser.get(reverse("admin:scoring_exam_change", args=[exam.pk])).content.decode()
    for export in results.EXPORTS.values():
        for wanted in results.FORMATS.values():
            for button in wanted.buttons:
                address = f"/admin/scoring/exam/{exam.pk}/{export.name}-{button.name}/"
                assert f'href="{address}"' in page
                assert browser.get(address)["Content-Type"].startswith(wanted.media_type)
    assert "Mark history, CSV (CP932)" in page


def test_the_history_tells_of_every_mark_and_what_became_of_it() -> None:
    exam = load()
    answer, marker = handed_in("c1"), make_user("marker", staff=True)
    machine = add_mark(answer, 2, 1, calibration="c" * 64, confidence=0.75, flags=["too_long"])
    wrong = add_mark(answer, 4, 2, source="human", marker=marker, seconds=31, from_group=5)
    undone = add_mark(answer, 0, source="withdrawal", marker=marker, withdraws=wrong)
    add_mark(answer, 4, 0, source="adjudicator", marker=marker, comment="C2 は\n不足")
    [rows] = history.marks(exam)
    assert [row["mark"] for row in rows][:3] == [machine.pk, wrong.pk, undone.pk]
    assert [row["source"] for row in rows] == ["machine", "human", "withdrawal", "adjudicator"]
    assert [row["withdrawn"] for row in rows] == [False, True, False, False]
    assert [row["withdraws"] for row in rows] == [None, None, wrong.pk, None]
    first, second, _, last = rows
    assert (first["confidence"], first["flags"], first["marker"]) == (0.75, ["too_long"], None)
    assert (second["marker"], second["seconds"], second["group"]) == ("marker", 31, 5)
    assert second["criteria"] == {"C1": 4, "C2": 2}
    assert last["comment"] == "C2 は\n不足"


def test_times_are_in_the_reader_s_zone_also_where_the_file_is_read_later() -> None:
    exam = load()
    made = add_mark(handed_in("c1"), 1)
    with timezone.override("America/New_York"):
        lines = results.MARKS.write(exam, results.FORMATS["csv"])
        data = as_xlsx(exam, results.MARKS)
    shown = timezone.localtime(made.created_at, ZoneInfo("America/New_York"))
    assert read(b"".join(lines))[0]["time"] == shown.isoformat(timespec="seconds")
    sheet = load_workbook(data).worksheets[0]
    cell = next(cell.value for cell in sheet[2] if isinstance(cell.value, datetime))
    assert cell == shown.replace(tzinfo=None, microsecond=0)


def test_the_files_hold_the_same_as_json() -> None:
    load()
    add_mark(
        handed_in("=c1"),
        4,
        2,
        source="human",
        marker=make_user("marker", staff=True),
        comment="=1+1",
    )
    client = client_for("exam manager")
    document = json.loads(get(client, "marks"))
    assert (document["exam"], document["marks"][0]["candidate"]) == ("E1", "=c1")
    assert datetime.fromisoformat(document["marks"][0]["time"]).tzinfo is not None
    [row] = read(get(client, "marks", "?format=csv"))
    assert (row["candidate"], row["comment"], row["points"]) == ("'=c1", "'=1+1", "6")
    assert (row["criteria"], row["withdrawn"]) == ("C1=4 C2=2", "false")
    data = get(client, "marks", "?format=xlsx&headers=ja")
    sheet = load_workbook(io.BytesIO(data))["採点履歴"]
    cells = {head.value: cell.value for head, cell in zip(sheet[1], sheet[2], strict=True)}
    assert (cells["受験者"], cells["得点"], cells["コメント"]) == ("'=c1", 6, "'=1+1")
    statistics_rows = json.loads(get(client, "statistics"))["statistics"]
    rows = read(get(client, "statistics", "?format=csv"))
    assert [row["criterion"] for row in rows] == ["", "C1", "C2", "", "C1"]
    assert [float(row["mean"]) for row in rows[:3]] == [row["mean"] for row in statistics_rows[:3]]
    assert (rows[1]["criterion_label"], rows[0]["distribution"]) == ("'=原因", "6=1")
    japanese = get(client, "statistics", "?format=csv&encoding=cp932&headers=ja").decode("cp932")
    assert japanese.startswith("設問,設問名,採点基準,採点基準の内容,配点,解答数,うち確定,平均点,")


def test_names_of_candidates_and_markers_are_told_to_managers_alone() -> None:
    load()
    for role, allowed in (("exam manager", 200), ("viewer", 403), ("marker", 403)):
        client = client_for(role)
        assert client.get("/api/v1/exams/E1/marks").status_code == allowed, role
    for role, allowed in (("exam manager", 200), ("viewer", 200), ("marker", 403)):
        client = client_for(role)
        assert client.get("/api/v1/exams/E1/statistics").status_code == allowed, role
    assert client_for("exam manager").get("/api/v1/exams/E9/marks").status_code == 404


def test_a_long_table_goes_on_in_another_sheet(monkeypatch: pytest.MonkeyPatch) -> None:
    exam = load()
    for number in range(5):
        add_mark(handed_in(f"c{number}"), 1)
    monkeypatch.setattr(sheets, "MOST_ROWS", 2)
    book = load_workbook(as_xlsx(exam, results.MARKS))
    assert book.sheetnames == ["marks", "marks 2", "marks 3"]
    assert [len(list(sheet.rows)) for sheet in book] == [3, 3, 2]


def test_an_exam_without_marks_has_headings_and_nothing_below() -> None:
    exam = load()
    assert as_json(exam, results.MARKS) == b'{"exam":"E1","marks":[]}'
    assert len(as_csv(exam, "cp932", results.MARKS, "ja").splitlines()) == 1
    row = statistic(exam, "Q1")
    assert (row["count"], row["mean"], row["discrimination"]) == (0, None, None)


def test_statistics_count_what_is_final_and_else_what_is_suggested() -> None:
    exam = load()
    first, second = handed_in("c1"), handed_in("c2")
    add_mark(first, 0, 0)
    add_mark(first, 4, 2, source="human")
    add_mark(second, 2, 0)
    whole, cause = statistic(exam, "Q1"), statistic(exam, "Q1", "C1")
    assert (whole["count"], whole["final"], whole["mean"]) == (2, 1, 4)
    assert (whole["rate"], whole["full"], whole["zero"]) == (0.6667, 0.5, 0)
    assert whole["distribution"] == {"2": 1, "6": 1}
    assert (cause["mean"], cause["full"], cause["distribution"]) == (3, 0.5, {"2": 1, "4": 1})
    assert (cause["final"], cause["deviation"]) == (1, 1.4142)
    assert statistic(exam, "Q1", "C2")["zero"] == 0.5


def test_criteria_are_those_of_the_mark_that_decided() -> None:
    exam = load()
    answer = handed_in("c1")
    add_mark(answer, 1, 1)
    wrong = add_mark(answer, 2, 1, source="human")
    add_mark(answer, 0, source="withdrawal", withdraws=wrong)
    add_mark(answer, 3, 1, source="human")
    add_mark(answer, 4, 0, source="adjudicator")
    add_mark(answer, 1, 2, model="later")
    assert statistic(exam, "Q1", "C1")["mean"] == 4
    assert statistic(exam, "Q1", "C2")["mean"] == 0


def test_criteria_that_an_adjudicator_overruled_count_nowhere() -> None:
    exam = load()
    answer = handed_in("c1")
    add_mark(answer, 4, 2, source="human")
    add_mark(answer, 1, source="adjudicator", criteria=[])
    assert statistic(exam, "Q1")["mean"] == 1
    assert statistic(exam, "Q1", "C1")["count"] == 0


def test_a_comment_may_hold_any_character() -> None:
    exam = load()
    comment = "a\uffff\ufffe﹐b"
    add_mark(
        handed_in("c1"), 1, source="human", marker=make_user("marker", staff=True), comment=comment
    )
    sheet = load_workbook(as_xlsx(exam, results.MARKS)).worksheets[0]
    assert sheet.cell(2, len(history.HISTORY.headings)).value == "a��﹐b"
    text = as_csv(exam, "cp932", results.MARKS).decode("cp932")
    [row] = csv.DictReader(io.StringIO(text, newline=""))
    assert row["comment"] == "a〓〓,b"


def test_the_latest_attempt_counts_and_the_absent_do_not() -> None:
    exam = load()
    add_mark(handed_in("c1"), 4, 2, source="human")
    add_mark(handed_in("c1", attempt=2), 0, 0, source="human")
    absent = {"exam": "E1", "candidate": "c2", "absent": True, "answers": []}
    assert submissions.accept_all([(1, absent)]).accepted == 1
    row = statistic(exam, "Q1")
    assert (row["count"], row["mean"], row["zero"]) == (1, 0, 1)
    assert statistic(exam, "Q1", "C1")["mean"] == 0


def test_flags_are_counted() -> None:
    exam = load()
    for number, flags in enumerate((["too_long"], ["too_long", "off_topic"], [])):
        answer = handed_in(f"c{number}")
        add_mark(answer, 1, 0)
        Answer.objects.filter(pk=answer.pk).update(flags=flags)
    assert statistic(exam, "Q1")["flags"] == {"too_long": 2, "off_topic": 1}
    assert statistic(exam, "Q1", "C1")["flags"] == {}


def test_a_criterion_is_set_against_the_rest_of_the_total() -> None:
    exam = load()
    for number, (cause, remedy, other) in enumerate(
        [(4, 0, 4), (3, 2, 3), (1, 0, 1), (0, 2, 0)] * 5
    ):
        candidate = f"c{number:02}"
        answers = [{"question": q, "text": "x"} for q in ("Q1", "Q2")]
        record = {"exam": "E1", "candidate": candidate, "answers": answers}
        assert submissions.accept_all([(1, record)]).accepted == 1
        first, second = Answer.objects.filter(submission__candidate=candidate).order_by(
            "question__position", "pk"
        )
        add_mark(first, cause, remedy, source="human")
        add_mark(second, other, source="human")
    cause_row, remedy_row = statistic(exam, "Q1", "C1"), statistic(exam, "Q1", "C2")
    assert (cause_row["correlation"] or 0) > 0.7
    assert (remedy_row["correlation"] or 0) < 0
    # Totals are 8 8 2 2: both groups of five mix two kinds, with the mean of each.
    assert cause_row["discrimination"] == pytest.approx((3.5 - 0.5) / 4)
    assert remedy_row["discrimination"] == 0


def test_the_best_and_the_worst_do_not_depend_on_the_order_of_equal_totals() -> None:
    given_points = [(total, points) for total in (1.0, 1.0, 2.0, 2.0, 3.0) for points in (0.0, 1.0)]
    difference = statistics.discrimination(given_points)
    assert difference == statistics.discrimination(reversed(given_points))
    assert statistics.discrimination([(1, 1), (2, 2), (3, 3)]) is None
    assert statistics.discrimination([(n, n) for n in range(10)]) == 7


def test_files_with_japanese_headings_have_japanese_words() -> None:
    exam = load()
    add_mark(handed_in("c1"), 4, 2, source="human", marker=make_user("marker", staff=True))
    add_mark(handed_in("c2"), 4, 2, flags=["off_topic"])
    Answer.objects.filter(submission__candidate="c2").update(flags=["off_topic"])
    japanese = as_csv(exam, "utf-8", results.RESULTS, "ja").decode()
    assert "c1,1,Q1,採点済み,6,人," in japanese
    assert "c1,1,Q2,無解答," in japanese
    assert "設問と無関係" in japanese
    assert ",人," in as_csv(exam, "utf-8", results.MARKS, "ja").decode()
    assert "=1" in as_csv(exam, "utf-8", results.STATISTICS, "ja").decode()
    assert "c1,1,Q1,scored,6,human," in as_csv(exam, "utf-8", results.RESULTS).decode()
