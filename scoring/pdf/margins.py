"""Page numbers and running headers that a file does not mark as such.

They stand near the edge of every page, at the same place, apart from the lines beside them, and
have the same text or the number of the page. A line is left out only where it cannot be one that
the candidate wrote there; a line of which that is not certain is read, and reported.
"""

import re
from collections.abc import Sequence
from itertools import pairwise
from statistics import median
from typing import NamedTuple
from unicodedata import normalize

from scoring.pdf.geometry import Run
from scoring.pdf.lines import SAME_LINE, SAME_PLACE

EDGE = 0.1
"""The share of a page's height in which its margin lies."""
APART, PITCH = 1.8, 1.2
"""Least distance from the next line, in sizes of its text and in distances of lines on the page."""
DEEPEST = 3
"""Lines of a margin."""
SURE = 3
"""Pages whose first lines are equal, from which on these are no headings of the candidate's."""
NUMBERS = re.compile("([0-9]+)")
OF_PAGES = re.compile(r"page|\bp\.|ページ|頁|/", re.IGNORECASE)
BARE = re.compile(
    r"[-‐–—\s]*(?:page|p\.)?\s*1\s*(?:(?:/|of)\s*1|ページ|頁)?[-‐–—\s]*", re.IGNORECASE
)
TOP, BOTTOM = 0, -1


class Page(NamedTuple):
    """The number of a page, the runs on it, and the heights of its lower and its upper edge."""

    number: int
    runs: Sequence[Run]
    bottom: float
    top: float


class Row(NamedTuple):
    """Runs on one base line."""

    base: float
    size: float
    runs: list[Run]

    @property
    def text(self) -> str:
        """The text of the runs from the left to the right."""
        runs = sorted(self.runs, key=lambda run: run.start[0])
        return normalize("NFKC", "".join(run.text for run in runs)).strip()


class Margins(NamedTuple):
    """The runs of each page without its margins, what stood there, and what may have."""

    runs: list[list[Run]]
    left_out: list[str]
    doubtful: list[str]


def without(pages: Sequence[Page]) -> Margins:
    """The runs of the pages without page numbers and running headers."""
    margins = Margins([list(page.runs) for page in pages], [], [])
    with_text = [page for page in pages if any(run.text.strip() for run in page.runs)]
    rows = [_rows(page.runs) for page in with_text]
    if not rows or not all(rows):
        return margins
    for edge in (BOTTOM, TOP):
        _leave_out(edge, with_text, rows, margins)
    return margins


def _leave_out(
    edge: int, pages: Sequence[Page], rows: Sequence[list[Row]], margins: Margins
) -> None:
    for _ in range(DEEPEST):
        if not all(rows) or max(map(len, rows)) < 2 or not _is_margin(edge, pages, rows):
            return
        found = [page_rows[edge] for page_rows in rows]
        texts, numbers = [row.text for row in found], [page.number for page in pages]
        if not _is_running(texts, numbers):
            return
        if not _is_certain(edge, texts):
            margins.doubtful.append(texts[0])
            return
        margins.left_out.append(texts[0])
        unread = {id(run) for row in found for run in row.runs}
        for runs in margins.runs:
            runs[:] = [run for run in runs if id(run) not in unread]
        for page_rows in rows:
            page_rows.pop(edge)


def _rows(runs: Sequence[Run]) -> list[Row]:
    """The rows from the top down; none where some text is not upright."""
    rows: list[Row] = []
    for run in sorted(runs, key=lambda run: -run.start[1]):
        if not run.text.strip():
            continue
        if run.is_vertical or run.up[1] <= 0 or abs(run.up[0]) > SAME_PLACE * run.up[1]:
            return []
        if rows and rows[-1].base - run.start[1] < SAME_LINE * run.size:
            rows[-1].runs.append(run)
        else:
            rows.append(Row(run.start[1], run.size, [run]))
    return rows


def _is_margin(edge: int, pages: Sequence[Page], rows: Sequence[list[Row]]) -> bool:
    """Whether the outermost rows stand at one place near the edge, and apart from the others."""
    found = [page_rows[edge] for page_rows in rows]
    first = found[0]
    return all(
        abs(row.base - first.base) < SAME_PLACE * first.size
        and abs(row.size - first.size) < SAME_PLACE * first.size
        and _distance(edge, page, row) < EDGE * (page.top - page.bottom)
        and _is_apart(edge, page_rows)
        for page, row, page_rows in zip(pages, found, rows, strict=True)
    )


def _distance(edge: int, page: Page, row: Row) -> float:
    return row.base - page.bottom if edge == BOTTOM else page.top - row.base


def _is_apart(edge: int, rows: Sequence[Row]) -> bool:
    inner = rows[:-1] if edge == BOTTOM else rows[1:]
    if not inner:
        return True
    gap = abs(rows[edge].base - inner[edge].base)
    size = max(rows[edge].size, inner[edge].size)
    pitches = [above.base - below.base for above, below in pairwise(inner)]
    return gap > APART * size and (not pitches or gap > PITCH * median(pitches))


def _is_running(texts: Sequence[str], pages: Sequence[int]) -> bool:
    """Whether the texts are equal but for the numbers of their pages."""
    if len(texts) == 1:
        return bool(BARE.fullmatch(texts[0]))
    parts = [NUMBERS.split(text) for text in texts]
    if len({tuple(each[::2]) for each in parts}) > 1:
        return False
    columns = zip(*(map(int, each[1::2]) for each in parts), strict=True)
    return all(_is_constant(column) or _is_constant(_less(column, pages)) for column in columns)


def _less(numbers: Sequence[int], pages: Sequence[int]) -> list[int]:
    return [number - page for number, page in zip(numbers, pages, strict=True)]


def _is_constant(numbers: Sequence[int]) -> bool:
    return len(set(numbers)) == 1


def _is_certain(edge: int, texts: Sequence[str]) -> bool:
    """Whether no candidate writes such lines, as headings that are numbered or come again."""
    if len(texts) == 1:
        return False
    if edge == BOTTOM:
        return True
    if len(set(texts)) == 1:
        return len(texts) >= SURE
    return all(map(OF_PAGES.search, texts))
