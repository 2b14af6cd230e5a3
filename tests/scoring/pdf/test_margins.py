"""Page numbers and running headers are no answer; whatever may be one is read."""

from collections.abc import Sequence

import pytest

from scoring.pdf.geometry import Run
from scoring.pdf.margins import Margins, Page, without

SIZE, BOTTOM, TOP = 12.0, 0.0, 842.0
FIRST = 760.0
"""The height of the first line of a page."""


def run(text: str, y: float, x: float = 72) -> Run:
    return Run(text, (x, y), (x + SIZE * len(text), y), (0, SIZE), SIZE, False)


def page(number: int, *margins: Run, lines: int = 3) -> Page:
    body = [run(f"本文{number}の{line}", FIRST - 20 * line) for line in range(lines)]
    return Page(number, [*margins, *body], BOTTOM, TOP)


def footers(*texts: str, y: float = 50) -> Margins:
    return without([page(number, run(text, y)) for number, text in enumerate(texts, 1)])


def headers(*texts: str) -> Margins:
    return footers(*texts, y=800)


def words(margins: Margins) -> str:
    return "".join(run.text for runs in margins.runs for run in runs)


@pytest.mark.parametrize(
    "texts",
    [
        ("1", "2"),
        ("- 1 -", "- 2 -", "- 3 -"),
        ("３", "４"),
        ("1/2", "2/2"),
        ("12月1日 p.1", "12月1日 p.2"),
        ("午後II", "午後II"),
    ],
)
def test_lines_at_the_foot_of_all_pages_are_left_out(texts: Sequence[str]) -> None:
    found = footers(*texts)
    assert len(found.left_out) == 1
    assert found.doubtful == []
    assert words(found) == "".join(
        f"本文{number}の{line}" for number in range(1, len(texts) + 1) for line in range(3)
    )


@pytest.mark.parametrize("texts", [("2", "1"), ("1", "1a"), ("以上", "終わり"), ("5", "7")])
def test_lines_that_do_not_count_pages_are_read(texts: Sequence[str]) -> None:
    found = footers(*texts)
    assert (found.left_out, found.doubtful) == ([], [])
    assert all(text in words(found) for text in texts)


def test_a_header_that_comes_on_three_pages_is_left_out_and_on_two_is_reported() -> None:
    assert headers(*["受験番号 12"] * 3).left_out == ["受験番号 12"]
    found = headers(*["受験番号 12"] * 2)
    assert (found.left_out, found.doubtful) == ([], ["受験番号 12"])
    assert "受験番号 12" in words(found)


def test_numbered_headings_of_the_candidate_are_read() -> None:
    found = headers("1", "2", "3")
    assert (found.left_out, found.doubtful) == ([], ["1"])
    assert headers("1ページ", "2ページ").left_out == ["1ページ"]


def test_both_margins_are_left_out() -> None:
    pages = [page(n, run("午後II", 800), run("論述", 800, 400), run(f"{n}", 40)) for n in (1, 2, 3)]
    assert without(pages).left_out == ["1", "午後II論述"]


def test_the_only_page_keeps_what_may_be_its_number() -> None:
    found = footers("- 1 -")
    assert (found.left_out, found.doubtful) == ([], ["- 1 -"])
    assert "- 1 -" in words(found)
    assert footers("要件").doubtful == []


def test_a_line_that_is_not_apart_from_the_text_is_read() -> None:
    pages = [page(n, run("以上", FIRST - 20 * 35), lines=35) for n in (1, 2)]
    assert without(pages).left_out == []


def test_a_line_that_stands_amid_the_page_or_not_at_one_place_is_read() -> None:
    assert footers("1", "2", y=300).left_out == []
    pages = [page(1, run("1", 50)), page(2, run("2", 62))]
    assert without(pages).left_out == []


def test_vertical_and_turned_text_is_left_as_it_is() -> None:
    turned = Run("1", (72, 50), (72, 60), (SIZE, 0), SIZE, False)
    assert without([page(1, turned), page(2, run("2", 50))]).left_out == []
