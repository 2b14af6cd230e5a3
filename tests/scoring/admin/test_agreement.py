"""The agreement page, its charts, and the files to save."""

import csv
import io
import re
from xml.etree import ElementTree

import pytest
from django.test import Client
from django.urls import reverse
from openpyxl import load_workbook

from pmscoring.base.admin.charts import MARGIN, TOP
from scoring.admin import charts
from scoring.agreement.shapes import CoveragePoint
from scoring.models import Exam, MarkingPolicy, Question
from tests.clients import signed_in
from tests.factories import example_exam

pytestmark = pytest.mark.django_db


def page(browser: Client, exam: Exam, query: str = "") -> str:
    response = browser.get(reverse("admin:scoring_exam_agreement", args=[exam.pk]) + query)
    assert response.status_code == 200
    return response.content.decode()


def drawings(html: str) -> list[ElementTree.Element]:
    """The charts of the page; each is well-formed."""
    svgs = re.findall(r"<svg viewBox.*?</svg>", html, re.DOTALL)
    return [ElementTree.fromstring(svg) for svg in svgs if "aria-labelledby" in svg]  # noqa: S314


def test_it_shows_figures_charts_and_their_tables(agreed_exam: Exam) -> None:
    html = page(signed_in("exam manager"), agreed_exam)
    heat, cover, drift = drawings(html)
    for chart in (heat, cover, drift):
        title, described = chart[0], chart[1]
        assert chart.get("role") == "img"
        assert chart.get("aria-labelledby") == f"{title.get('id')} {described.get('id')}"
        assert "nan" not in ElementTree.tostring(chart, "unicode")
    assert len(drift.findall("circle")) == 15
    numbers = [int(text.text or 0) for text in heat.findall("g/text")]
    assert html.count("<summary>As a table</summary>") == 3
    assert f"<dd><b>{sum(numbers) + 80}</b></dd>" in html
    assert "marker-a – marker-b" in html
    assert "predicted out of fold" in html


def test_another_question_is_chosen_by_its_link(agreed_exam: Exam) -> None:
    browser = signed_in("exam manager")
    html = page(browser, agreed_exam)
    assert "?question=Q2" in html
    other = page(browser, agreed_exam, "?question=Q2")
    assert len(drawings(other)) == 1
    assert "Without a calibration the machine reports no confidence." in other
    assert "No audit sample yet." in other
    empty = page(browser, agreed_exam, "?question=Q3")
    assert drawings(empty) == []
    assert "nothing to compare yet" in empty
    assert len(drawings(page(browser, agreed_exam, "?question=Q9"))) == len(drawings(html)) == 3


def test_it_speaks_japanese(agreed_exam: Exam) -> None:
    html = page(signed_in("exam manager", "ja"), agreed_exam)
    for word in ("一致度", "監査", "較正", "採点基準"):
        assert word in html
    assert not re.findall(
        r">[^<>]*(?:these figures|between markers|interval|exact|settle)[^<>]*<", html
    )


def test_an_exam_that_nobody_marked_says_what_to_do_next() -> None:
    exam = example_exam()
    browser = signed_in("exam manager")
    assert "Begin the trial or the marking" in page(browser, exam)
    exam.become(Exam.Status.MARKING)
    assert "Markers are given answers on the marking page." in page(browser, exam)
    bare = Exam.objects.create(code="E0", title="t")
    assert "load its definition first" in page(browser, bare)


def test_it_says_so_where_markers_see_the_machine_s_points(agreed_exam: Exam) -> None:
    browser = signed_in("exam manager")
    assert "overstate the agreement" not in page(browser, agreed_exam)
    MarkingPolicy.objects.filter(exam=agreed_exam).update(shown="mark")
    assert "overstate the agreement" in page(browser, agreed_exam)


def test_a_viewer_sees_figures_and_no_names(agreed_exam: Exam) -> None:
    html = page(signed_in("viewer"), agreed_exam)
    assert "marker 1 – marker 2" in html
    assert "marker-a" not in html


@pytest.mark.parametrize("role", ["marker", "adjudicator"])
def test_markers_do_not_see_it(role: str) -> None:
    exam = example_exam()
    browser = signed_in(role)
    told = browser.get(reverse("admin:scoring_exam_agreement", args=[exam.pk]))
    assert told.status_code in (302, 403)
    assert exam.title not in browser.get("/admin/scoring/exam/agreement/").content.decode()


def test_the_list_of_exams_and_the_exam_s_page_lead_there(agreed_exam: Exam) -> None:
    browser = signed_in("exam manager")
    link = reverse("admin:scoring_exam_agreement", args=[agreed_exam.pk])
    listed = browser.get(reverse("admin:scoring_exam_agreements")).content.decode()
    assert link in listed
    settled = agreed_exam.questions.filter(
        answers__final_source__in=["human", "adjudicator"]
    ).count()
    assert f'<td class="pms-number">{settled}</td>' in listed
    assert (
        link
        in browser.get(reverse("admin:scoring_exam_change", args=[agreed_exam.pk])).content.decode()
    )
    assert reverse("admin:scoring_exam_agreements") in browser.get("/admin/").content.decode()


@pytest.mark.parametrize(
    ("what", "head"),
    [("marks", "candidate,attempt,question,answer,mark,"), ("statistics", "question,label,")],
)
def test_files_are_saved_from_the_exam_s_page(agreed_exam: Exam, what: str, head: str) -> None:
    browser = signed_in("exam manager")

    def saved(kind: str) -> bytes:
        told = browser.get(reverse(f"admin:scoring_exam_{what}_{kind}", args=[agreed_exam.pk]))
        assert told.status_code == 200
        ending = "xlsx" if kind == "xlsx" else "csv"
        assert f'filename="{agreed_exam.code}-{what}.{ending}"' in told["Content-Disposition"]
        return bytes(told.getvalue())

    text = saved("csv").decode("utf-8")
    assert text.startswith("\ufeff" + head)
    rows = list(csv.reader(io.StringIO(text)))
    assert len(list(csv.reader(io.StringIO(saved("cp932").decode("cp932"))))) == len(rows)
    assert load_workbook(io.BytesIO(saved("xlsx"))).worksheets[0].max_row == len(rows)


def test_a_viewer_saves_statistics_but_no_marks(agreed_exam: Exam) -> None:
    browser = signed_in("viewer")
    for what, status in (("statistics", 200), ("marks", 403)):
        told = browser.get(reverse(f"admin:scoring_exam_{what}_csv", args=[agreed_exam.pk]))
        assert told.status_code == status, what


def test_every_square_stands_in_the_map_and_is_darker_for_more() -> None:
    cells = [{"people": p, "machine": m, "count": p + m + 1} for p in range(5) for m in range(5)]
    found = charts.heatmap(cells, 4, 1)  # type: ignore[arg-type]
    for square in found.squares:
        assert MARGIN <= square.x <= MARGIN + charts.SIDE - found.cell + 0.1
        assert TOP <= square.y <= TOP + charts.SIDE - found.cell + 0.1
        assert 1 <= square.level <= 5
    by_count = sorted(found.squares, key=lambda one: one.count)
    assert by_count[0].level == 1
    assert by_count[-1].level == 5
    assert [one.text for one in found.columns] == ["0", "1", "2", "3", "4"]


def test_a_long_scale_has_few_labels_and_no_numbers() -> None:
    found = charts.heatmap([{"people": 0.5, "machine": 50, "count": 1}], 50, 0.5)
    assert not found.numbered
    assert len(found.columns) <= charts.MOST_LABELS
    assert found.squares[0].x == pytest.approx(MARGIN + charts.SIDE - found.cell, abs=0.1)


def test_the_curve_begins_below_its_lowest_point_and_marks_the_threshold() -> None:
    points: list[CoveragePoint] = [
        {"threshold": t, "count": n, "coverage": n / 100, "agreement": a}
        for t, n, a in ((0.9, 20, 1.0), (0.8, 50, 0.9), (0.4, 100, 0.62))
    ]
    found = charts.coverage_plot(points, 0.95, 0.8)
    assert found is not None
    assert found.rows[0].text == "60%"
    assert found.dots[-1].x == pytest.approx(found.right)
    assert found.here == found.dots[1].x
    assert all(found.top <= dot.y <= found.bottom for dot in found.dots)
    assert (charts.coverage_plot(points, 0.95, 0.99) or found).here is None
    assert charts.coverage_plot([], 0.95, None) is None


def test_a_question_without_criteria_or_marks_still_has_a_page() -> None:
    exam = Exam.objects.create(code="E0", title="t")
    Question.objects.create(exam=exam, code="Q1", prompt="?", max_points=4)
    assert "The question has no criteria." in page(signed_in("exam manager"), exam)
