"""Agreement by REST and on the command line."""

import io
import json

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from tests import marked_exam
from tests.clients import client_for

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("agreed_exam")]
ADDRESS = f"/api/v1/exams/{marked_exam.CODE}/agreement"


def printed(*words: str) -> str:
    out = io.StringIO()
    call_command("agreement", *words, stdout=out)
    return out.getvalue()


def test_rest_tells_each_question_s_agreement() -> None:
    told = client_for("exam manager").get(ADDRESS).json()
    assert [one["question"] for one in told["questions"]] == ["Q1", "Q2", "Q3"]
    first = told["questions"][0]
    low, high = first["machine"]["kappa_interval"]
    assert 0 < low < first["machine"]["kappa"] < high < 1
    assert sum(one["count"] for one in first["confusion"]) == first["machine"]["count"]
    assert [(one["one"], one["other"]) for one in first["markers"]] == [("marker-a", "marker-b")]


def test_a_viewer_is_not_told_who_the_markers_are() -> None:
    told = client_for("viewer").get(ADDRESS).json()
    assert [(one["one"], one["other"]) for one in told["questions"][0]["markers"]] == [("1", "2")]


@pytest.mark.parametrize(("role", "status"), [("marker", 403), ("client", 403), ("viewer", 200)])
def test_only_who_manages_or_views_exams_may_ask(role: str, status: int) -> None:
    assert client_for(role).get(ADDRESS).status_code == status


def test_no_exam_no_agreement() -> None:
    assert client_for("viewer").get("/api/v1/exams/E9/agreement").status_code == 404


def test_the_command_prints_a_line_for_each_comparison() -> None:
    lines = printed(marked_exam.CODE).splitlines()
    told = client_for("viewer").get(ADDRESS).json()["questions"][0]["machine"]
    first = next(line for line in lines if line.startswith("Q1"))
    assert f"{told['kappa']:.3f}" in first
    assert f"{told['exact']:.1%}" in first
    assert f"{told['kappa_interval'][0]:.3f}-{told['kappa_interval'][1]:.3f}" in first
    assert any(line.startswith("Q3") and "nothing to compare yet" in line for line in lines)
    assert any("predicted out of fold" in line for line in lines)
    assert lines[-1].startswith("all")


def test_of_one_question_it_prints_where_and_when_they_differ() -> None:
    text = printed(marked_exam.CODE, "Q1")
    for heading in ("people down, machine across", "confidence   covered", "audit from", "C2"):
        assert heading in text
    assert "2026-04-24" in text


def test_as_json_it_prints_what_rest_tells() -> None:
    told = client_for("exam manager").get(ADDRESS).json()
    assert json.loads(printed(marked_exam.CODE, "--json")) == told
    assert json.loads(printed(marked_exam.CODE, "Q2", "--json")) == told["questions"][1]


@pytest.mark.parametrize("words", [("E9",), (marked_exam.CODE, "Q9")])
def test_what_is_not_there_is_named(words: tuple[str, ...]) -> None:
    with pytest.raises(CommandError, match=words[-1]):
        printed(*words)
