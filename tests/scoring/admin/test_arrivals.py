"""The page of an upload: what was rejected, and what was not read."""

import pytest

from scoring.models import Upload
from tests.clients import signed_in
from tests.factories import example_exam

pytestmark = pytest.mark.django_db
NOTE = "sheet 旧データ: the sheet is hidden and was not read"


def upload() -> Upload:
    rejections = [
        {"line": 2, "sheet": "1組", "pointer": "/text", "detail": "sheet 1組, cell C2: an error"},
        {"line": 2, "sheet": "2組", "pointer": "/text", "detail": "sheet 2組, cell C2: an error"},
    ]
    return Upload.objects.create(
        exam=example_exam(),
        name="a.xlsx",
        size=1,
        status="read",
        rejected=2,
        rejections=rejections,
        notes=[NOTE, "<b>"],
    )


def test_it_names_what_was_not_read_and_counts_rows_by_sheet() -> None:
    address = f"/admin/scoring/upload/{upload().pk}/change/"
    page = signed_in("exam manager").get(address).content.decode()
    assert NOTE in page
    assert "&lt;b&gt;" in page
    assert "sheet 2組, cell C2" in page
    assert "more</p>" not in page


def test_who_may_not_see_candidates_reads_neither_rows_nor_notes() -> None:
    address = f"/admin/scoring/upload/{upload().pk}/change/"
    page = signed_in("viewer").get(address).content.decode()
    assert "a.xlsx" in page
    assert "旧データ" not in page
    assert "2組" not in page


@pytest.mark.parametrize("method", ["get", "post"])
def test_a_file_that_is_no_preview_leads_back_to_its_page(method: str) -> None:
    address = f"/admin/scoring/upload/{upload().pk}/"
    browser = signed_in("exam manager")
    response = getattr(browser, method)(f"{address}take/")
    assert response["Location"] == f"{address}change/"
    assert "a.xlsx is no preview" in browser.get(f"{address}change/").content.decode()
