"""Results: who answered what, what counts, and what it adds up to."""

import csv
import io
import json
import tracemalloc
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from openpyxl import load_workbook

from scoring import results
from scoring.exams import definitions
from scoring.intake import submissions
from scoring.models import Answer, Exam, Mark, Submission
from scoring.results import sheets
from tests.clients import client_for
from tests.scoring.exported import as_csv, as_xlsx

pytestmark = pytest.mark.django_db


def load(rule: str = "first") -> Exam:
    """Q1 to Q3, of which two are chosen, and Q4 for all; each of at most 4 points."""
    criteria = [{"code": "C1", "label": "l", "points": 4, "references": ["r"]}]
    question = {"prompt": "?", "max_points": 4, "criteria": criteria}
    exam, _ = definitions.load(
        {
            "code": "E1",
            "title": "t",
            "groups": [{"code": "A", "choose": 2, "over_answering": rule}],
            "questions": [{"code": f"Q{n}", "group": "A", **question} for n in (1, 2, 3)]
            + [{"code": "Q4", **question}],
        }
    )
    return exam


def hand_in(candidate: str, answers: dict[str, str], **more: Any) -> None:
    items = [{"question": code, "text": text} for code, text in answers.items()]
    record = {"exam": "E1", "candidate": candidate, "answers": items, **more}
    assert submissions.accept_all([(1, record)]).accepted == 1


def hand_in_as_of_old(candidate: str) -> None:
    """Hand in under an id that intake folds today, as rows of before have it."""
    hand_in("old", {"Q4": "x"})
    Submission.objects.filter(candidate="old").update(candidate=candidate)


def judge(candidate: str, question: str, points: float, final: bool = True) -> None:
    answer = Answer.objects.get(submission__candidate=candidate, question__code=question)
    mark = {"answer": answer, "points": points, "definition": answer.question.digest}
    Mark.objects.create(**mark, source="human" if final else "machine")
    if final:
        Answer.objects.filter(pk=answer.pk).update(final_points=points, final_source="human")


def counted(rows: list[results.Result]) -> list[str]:
    return [row["question"] for row in rows if row["counted"]]


def test_absent_not_answered_and_answered_are_told_apart() -> None:
    exam = load()
    hand_in("a", {}, absent=True)
    hand_in("b", {"Q1": "", "Q4": "x"})
    (absent, no_total), (rows, total) = results.candidates(exam)
    assert [row["status"] for row in absent] == ["absent"] * 4
    assert [row["status"] for row in rows] == [
        "waiting",
        "not_answered",
        "not_answered",
        "waiting",
    ]
    assert (no_total["absent"], no_total["total"], no_total["complete"]) == (True, None, True)
    assert (total["absent"], total["total"], total["complete"]) == (False, None, False)


def test_the_total_is_known_once_every_question_that_counts_has_points() -> None:
    exam = load()
    hand_in("a", {"Q1": "x", "Q4": "x"})
    judge("a", "Q1", 3)
    [(_, total)] = results.candidates(exam)
    assert (total["total"], total["complete"]) == (None, False)
    judge("a", "Q4", 0.5)
    [(rows, total)] = results.candidates(exam)
    assert (total["total"], total["complete"]) == (3.5, True)
    assert counted(rows) == ["Q1", "Q4"]


def test_what_was_not_answered_at_all_is_worth_nothing_and_holds_nothing_up() -> None:
    exam = load()
    hand_in("a", {"Q1": "x"})
    judge("a", "Q1", 3)
    [(rows, total)] = results.candidates(exam)
    assert (rows[3]["status"], rows[3]["counted"]) == ("not_answered", True)
    assert (total["total"], total["complete"]) == (3, True)


@pytest.mark.parametrize(
    ("rule", "expected", "sum_of_points"),
    [("first", ["Q1", "Q2", "Q4"], 4), ("best", ["Q2", "Q3", "Q4"], 7), ("none", ["Q4"], 1)],
)
def test_over_answering_follows_the_rule_of_the_group(
    rule: str, expected: list[str], sum_of_points: int
) -> None:
    exam = load(rule)
    hand_in("a", {"Q1": "x", "Q2": "x", "Q3": "x", "Q4": "x"})
    for code, points in {"Q1": 1, "Q2": 2, "Q3": 4, "Q4": 1}.items():
        judge("a", code, points)
    [(rows, total)] = results.candidates(exam)
    assert counted(rows) == expected
    assert (total["total"], total["complete"]) == (sum_of_points, True)


def test_the_best_are_not_known_while_one_of_them_is_not_judged() -> None:
    exam = load("best")
    hand_in("a", {"Q1": "x", "Q2": "x", "Q3": "x"})
    judge("a", "Q1", 1)
    judge("a", "Q2", 2)
    [(rows, total)] = results.candidates(exam)
    assert counted(rows) == ["Q1", "Q2", "Q4"]
    assert (total["total"], total["complete"]) == (None, False)


def test_an_answer_of_white_space_is_not_chosen() -> None:
    exam = load()
    hand_in("a", {"Q1": " 　\n", "Q2": "x", "Q3": "x", "Q4": "x"})
    [(rows, _)] = results.candidates(exam)
    assert counted(rows) == ["Q2", "Q3", "Q4"]


def test_the_latest_attempt_counts() -> None:
    exam = load()
    hand_in("a", {"Q4": "x"})
    hand_in("a", {"Q4": "y", "Q1": "x"}, attempt=2)
    [(rows, total)] = results.candidates(exam)
    assert (total["attempt"], rows[0]["status"]) == (2, "waiting")


def test_a_suggestion_under_an_older_definition_is_none() -> None:
    exam = load()
    hand_in("a", {"Q4": "x"})
    judge("a", "Q4", 2, final=False)
    [(rows, total)] = results.candidates(exam)
    assert (rows[3]["suggested"], total["suggested_total"], total["total"]) == (2, 2, None)
    definition = definitions.describe(exam)
    definition["questions"][3]["prompt"] = "another"
    definitions.load(definition)
    [(rows, total)] = results.candidates(exam)
    assert (rows[3]["suggested"], total["suggested_total"]) == (None, None)


def content(client: Client, query: str = "") -> bytes:
    response = client.get(f"/api/v1/exams/E1/results{query}")
    assert response.status_code == 200, response.content
    return response.getvalue()


def test_the_files_hold_the_same_as_json() -> None:
    load()
    hand_in("=1+1", {"Q1": "x", "Q4": "x"})
    judge("=1+1", "Q4", 2)
    client = client_for("exam manager")
    document = json.loads(content(client))
    assert document["exam"] == "E1"
    assert (document["results"][3]["points"], document["totals"][0]["candidate"]) == (2, "=1+1")
    text = content(client, "?format=csv").decode("utf-8")
    assert text.startswith("\ufeffcandidate,attempt,question,status,points,source,suggested,")
    rows = list(csv.DictReader(io.StringIO(text[1:], newline="")))
    assert (len(rows), rows[3]["candidate"], rows[3]["points"]) == (4, "'=1+1", "2")
    assert [row["counted"] for row in rows] == ["true", "false", "false", "true"]
    book = load_workbook(io.BytesIO(content(client, "?format=xlsx")))
    assert book.sheetnames == ["answers", "totals"]
    assert book["answers"]["E5"].value == 2
    assert [cell.value for cell in book["totals"][2]] == ["'=1+1", 1, False, None, None, False]


def test_headers_are_japanese_where_asked_for() -> None:
    load()
    client = client_for("exam manager")
    text = content(client, "?format=csv&headers=ja&encoding=cp932").decode("cp932")
    assert text.startswith("受験者,回,設問,状態,得点,")
    book = load_workbook(io.BytesIO(content(client, "?format=xlsx&headers=ja")))
    assert book["合計"]["D1"].value == "合計"
    assert client.get("/api/v1/exams/E1/results?headers=fr").status_code == 422


def test_what_a_sheet_cannot_write_becomes_something_alike() -> None:
    exam = load()
    hand_in_as_of_old("é—㍐𠮷\x01")
    data = as_csv(exam, "cp932")
    assert "e―ユアン〓\x01,1,Q1," in data.decode("cp932")
    assert "é—㍐𠮷\x01," in as_csv(exam, "utf-8-sig").decode("utf-8")
    sheet = load_workbook(as_xlsx(exam)).worksheets[0]
    assert sheet["A2"].value == "é—㍐𠮷�"


@pytest.mark.parametrize("first", "=+-@＝＋－＠﹦⁼₌﹢⁺﹣₋﹫−")
def test_no_cell_begins_a_formula_once_it_is_written(first: str) -> None:
    exam = load()
    hand_in(f"{first}1+1", {"Q4": "x"})
    text = as_csv(exam, "cp932").decode("cp932")
    for row in csv.DictReader(io.StringIO(text, newline="")):
        assert row["candidate"].startswith("'")


def test_a_character_that_becomes_a_comma_or_a_quote_begins_no_column() -> None:
    exam = load()
    hand_in("x﹐\uff02y", {"Q4": "x"})
    hand_in("z＂﹐", {"Q4": "x"})
    text = as_csv(exam, "cp932").decode("cp932")
    header, *rows = csv.reader(io.StringIO(text, newline=""))
    assert {len(row) for row in rows} == {len(header)}
    assert rows[0][0].startswith("x,")


def test_what_xml_forbids_is_not_in_a_sheet() -> None:
    exam = load()
    hand_in_as_of_old("a\x0b\ufffe\uffff\U0001ffffb")
    sheet = load_workbook(as_xlsx(exam)).worksheets[0]
    assert sheet["A2"].value == "a���\U0001ffffb"
    assert sheets.as_cell("\ud800 =") == "� ="


def test_many_candidates_take_no_more_memory_and_few_queries(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    exam = load()
    monkeypatch.setattr("scoring.results.rows.CHUNK", 100)
    submissions.accept_all(
        (
            n,
            {
                "exam": "E1",
                "candidate": f"c{n}",
                "answers": [{"question": "Q4", "text": "長" * 400}],
            },
        )
        for n in range(3000)
    )

    def peak(most: int) -> int:
        tracemalloc.start()
        for number, _ in enumerate(results.candidates(exam)):
            if number == most:
                break
        _, most_bytes = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most_bytes

    peak(200)
    assert peak(3000) < 1.5 * peak(300)
    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert len(list(results.candidates(exam))) == 3000
    assert len(queries) <= 3 + 2 * 30
