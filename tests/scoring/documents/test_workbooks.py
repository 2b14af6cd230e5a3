"""Workbooks are read as their senders saw them, or the cell that is not certain is named."""

import io
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from scoring.documents import BadDocument, Skipped, Unreadable
from scoring.documents.cell_styles import is_lost
from tests.scoring.documents import reading
from tests.scoring.documents.workbooks import (
    HEADINGS,
    STRICT,
    Sheet,
    line,
    number,
    text,
    workbook,
)

pytestmark = pytest.mark.usefixtures("english")
FORMULA = '<c><f>CONCATENATE("要件が","変わった")</f>{}</c>'
SAVE = "the cell contains a formula without a stored value"


def read(data: bytes, path: Path, name: str = "a.xlsx") -> list[tuple[str, Any]]:
    """(place in words, row) of each row, the cell at fault where one is."""
    (path / "stored").write_bytes(data)
    questions = {"Q1": "Q1", "Q2": "Q2"}
    return [
        (place.cell(getattr(row, "pointer", "")), row)
        for place, row in reading.rows(name, path / "stored", questions)
    ]


def answers(data: bytes, path: Path) -> list[tuple[str, str, str]]:
    """(candidate, question, text) of each row, all of which must be read."""
    return [(row["candidate"], row["question"], row["text"]) for _, row in read(data, path)]


def sheet(*rows: Sequence[str], **more: Any) -> Sheet:
    return Sheet([line(*HEADINGS), *rows], **more)


@pytest.mark.parametrize("value", ["", "<v></v>", "<v/>"])
def test_a_formula_without_a_stored_value_is_no_blank_answer(tmp_path: Path, value: str) -> None:
    data = workbook(
        sheet(
            [text("f01"), text("Q1"), FORMULA.format(value)],
            [FORMULA.format(value), text("Q1"), text("要件")],
            line("f02", "Q1", "要件"),
        )
    )
    (first, answer), (second, candidate), (_, right) = read(data, tmp_path)
    assert (first, answer.candidate, answer.reason[: len(SAVE)]) == (
        "sheet 解答, cell C2",
        "f01",
        SAVE,
    )
    assert (second, candidate.candidate, candidate.pointer) == (
        "sheet 解答, cell A3",
        "",
        "/candidate",
    )
    assert right["text"] == "要件"


def test_the_stored_value_of_a_formula_is_read_even_if_it_is_empty(tmp_path: Path) -> None:
    computed = '<c t="str"><f>A1</f><v>要件</v></c>'
    empty = '<c t="str"><f>""</f><v></v></c>'
    data = workbook(sheet([text("f01"), text("Q1"), computed], [text("f02"), text("Q1"), empty]))
    assert answers(data, tmp_path) == [("f01", "Q1", "要件"), ("f02", "Q1", "")]


def test_zeros_that_a_writer_stored_for_formulas_are_not_read(tmp_path: Path) -> None:
    zero = "<c><f>1+2</f><v>0</v></c>"
    data = workbook(
        sheet([text("f01"), text("Q1"), zero]), more='<calcPr calcId="1" fullCalcOnLoad="1"/>'
    )
    [(place, row)] = read(data, tmp_path)
    assert (place, row.reason[: len(SAVE)]) == ("sheet 解答, cell C2", SAVE)


@pytest.mark.parametrize("state", ["hidden", "veryHidden"])
def test_a_hidden_sheet_is_not_read_and_the_sender_is_told(tmp_path: Path, state: str) -> None:
    data = workbook(
        sheet(line("h01", "Q1", "古い版"), name="旧データ", state=state),
        sheet(line("h01", "Q1", "新しい版")),
    )
    (_, row), (place, skipped) = read(data, tmp_path)
    assert row["text"] == "新しい版"
    assert (place, skipped) == (
        "sheet 旧データ",
        Skipped("the sheet is hidden and was not read"),
    )


def test_every_visible_sheet_is_read(tmp_path: Path) -> None:
    data = workbook(
        sheet(line("h11", "Q1", "一"), name="1組"),
        Sheet([line("説明: 解答は1行に一つ")], name="説明"),
        Sheet([], name="空"),
        sheet(line("h21", "Q1", "二"), line("h22", "", "x"), name="2組"),
    )
    rows = read(data, tmp_path)
    assert [place for place, _ in rows] == [
        "sheet 1組, row 2",
        "sheet 2組, row 2",
        "sheet 2組, row 3",
        "sheet 説明",
    ]
    assert rows[-1][1] == Skipped("the sheet has no headings and was not read")


def test_it_refuses_a_workbook_in_which_no_sheet_can_be_read(tmp_path: Path) -> None:
    data = workbook(sheet(line("h01", "Q1", "a"), name="旧", state="hidden"), Sheet([], name="空"))
    with pytest.raises(
        BadDocument, match="no sheet has headings and rows; 旧: the sheet is hidden"
    ):
        read(data, tmp_path)


def test_a_sheet_with_some_of_the_headings_is_not_left_out(tmp_path: Path) -> None:
    data = workbook(
        sheet(line("h11", "Q1", "一"), name="1組"),
        Sheet([line("candidate", "question", "答え"), line("h21", "Q1", "二")], name="2組"),
    )
    with pytest.raises(BadDocument, match=r"sheet 2組, row 1: column text \(解答\) is missing"):
        read(data, tmp_path)


def test_a_merged_candidate_stands_for_all_of_its_rows(tmp_path: Path) -> None:
    merges = '<mergeCells><mergeCell ref="A2:A3"/><mergeCell ref="A4:A5"/></mergeCells>'
    data = workbook(
        sheet(
            line("m01", "Q1", "一"),
            ["<c/>", *line("Q2", "二")],
            line("m02", "Q1", "三"),
            ["<c/>", *line("Q2", "四")],
            line("m03", "Q1", "五"),
            after=merges,
        )
    )
    assert answers(data, tmp_path) == [
        ("m01", "Q1", "一"),
        ("m01", "Q2", "二"),
        ("m02", "Q1", "三"),
        ("m02", "Q2", "四"),
        ("m03", "Q1", "五"),
    ]


def test_a_text_that_is_merged_over_rows_is_nobodys_answer(tmp_path: Path) -> None:
    data = workbook(
        sheet(
            line("m01", "Q1", "一"),
            line("m02", "Q1"),
            after='<mergeCells><mergeCell ref="C2:C3"/></mergeCells>',
        )
    )
    rows = read(data, tmp_path)
    assert [place for place, _ in rows] == ["sheet 解答, cell C2", "sheet 解答, cell C3"]
    assert [row.candidate for _, row in rows if "merged cell" in row.reason] == ["m01", "m02"]


def test_a_row_without_a_candidate_holds_back_the_candidate_above(tmp_path: Path) -> None:
    data = workbook(sheet(line("m01", "Q1", "一"), ["<c/>", *line("Q2", "二")]))
    _, (place, row) = read(data, tmp_path)
    assert (place, row.candidate) == ("sheet 解答, cell A3", "m01")


def test_numbers_are_read_as_they_are_shown(tmp_path: Path) -> None:
    formats = ["0000_ ", "000-0000", "0%", '"¥"#,##0', "0.00E+00", "yyyy/m/d"]
    data = workbook(
        sheet(
            [number("12", 1), text("Q1"), number("0.5", 3)],
            [number("1234567", 2), text("Q1"), number("1200", 4)],
            [text("n1"), text("Q1"), number("0.30000000000000004")],
            [number("100000", 5), text("Q1"), text("a")],
            [text("n2"), text("Q1"), number("45000", 6)],
        ),
        formats=formats,
    )
    *shown, (sci, id_), (date, answer) = read(data, tmp_path)
    assert [(row["candidate"], row["text"]) for _, row in shown] == [
        ("0012", "50%"),
        ("123-4567", "¥1,200"),
        ("n1", "0.3"),
    ]
    assert (sci, id_.pointer) == ("sheet 解答, cell A5", "/candidate")
    assert (date, "a date or a time" in answer.reason) == ("sheet 解答, cell C6", True)


def test_a_text_is_read_with_what_its_format_adds(tmp_path: Path) -> None:
    data = workbook(
        sheet([text("佐藤", 1), text("Q1"), text("a")], [text("c"), text("Q1"), text("b", 2)]),
        formats=['@"様"', ";;;"],
    )
    (_, row), (place, hidden) = read(data, tmp_path)
    assert row["candidate"] == "佐藤様"
    assert (place, hidden.reason) == (
        "sheet 解答, cell C3",
        "the cell contains a text that its format hides",
    )


def test_rows_and_columns_that_nobody_saw_are_refused(tmp_path: Path) -> None:
    rows = read(
        workbook(sheet(line("c1", "Q1", "一"), line("c2", "Q1", "二"), hidden_rows=[3])), tmp_path
    )
    assert rows[1] == (
        "sheet 解答, row 3",
        Unreadable("the row is hidden; show it or delete it", "c2"),
    )
    hidden = '<cols><col min="2" max="3" hidden="1"/></cols>'
    with pytest.raises(BadDocument, match="column question is hidden; show it or delete it"):
        read(workbook(sheet(line("c1", "Q1", "一"), before=hidden)), tmp_path)


@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("strict.xlsx", {"namespaces": STRICT}),
        ("empty-fill.xlsx", {"fill": ""}),
        ("macro.xlsm", {}),
    ],
)
def test_it_reads_what_other_programs_write(tmp_path: Path, name: str, more: Any) -> None:
    [(_, row)] = read(workbook(sheet(line("s01", "Q1", "要件")), **more), tmp_path, name)
    assert row["text"] == "要件"


def test_a_wide_sheet_has_a_column_for_each_question(tmp_path: Path) -> None:
    data = workbook(
        Sheet([line("受験番号", "Q1", "Q2"), line("j1", "一", "二"), line("j2", "三"), line("j3")])
    )
    rows = read(data, tmp_path)
    assert [row for _, row in rows] == [
        {"candidate": "j1", "question": "Q1", "text": "一"},
        {"candidate": "j1", "question": "Q2", "text": "二"},
        {"candidate": "j2", "question": "Q1", "text": "三"},
        {"candidate": "j3", "absent": False},
    ]
    bad = workbook(Sheet([line("受験番号", "Q1"), [text("j1"), '<c t="e"><v>#N/A</v></c>']]))
    [(place, row)] = read(bad, tmp_path)
    assert (place, row.reason) == ("sheet 解答, cell B2", "the cell contains an error")


@pytest.mark.parametrize("reference", ["A0", "1", "AAAA1", "A1:B"])
def test_a_sheet_that_is_none_is_refused_without_our_own_words(
    tmp_path: Path, reference: str
) -> None:
    broken = Sheet([line(*HEADINGS), [f'<c r="{reference}"><v>x</v></c>']])
    with pytest.raises(BadDocument, match="open it in a spreadsheet and save it again"):
        read(workbook(broken), tmp_path)


def test_a_sheet_of_very_many_columns_is_refused(tmp_path: Path) -> None:
    wide = Sheet([line(*HEADINGS), ['<c r="XFD2" t="str"><v>a</v></c>']])
    with pytest.raises(BadDocument, match="sheet 解答, cell XFD2: more than 300 columns"):
        read(workbook(wide), tmp_path)


STRIKE = "<rPr><strike/></rPr>"
WHITE = '<color rgb="FFFFFFFF"/>'


def runs(*pieces: tuple[str, str]) -> str:
    """A cell with a text of runs, each with its properties."""
    inside = "".join(f"<r>{properties}<t>{piece}</t></r>" for piece, properties in pieces)
    return f'<c t="inlineStr"><is>{inside}</is></c>'


@pytest.mark.parametrize(
    ("cell", "style", "reason"),
    [
        (runs(("要件が", ""), ("変わらない", STRIKE)), "", "struck through"),
        (text("要件", 1), '<font><strike val="1"/></font>', "struck through"),
        (text("要件", 1), f"<font>{WHITE}</font>", "white text"),
        (text("要件", 1), '<font><color theme="0"/></font>', "white text"),
        (runs(("要件が", ""), ("変わった", f"<rPr>{WHITE}</rPr>")), "", "white text"),
        (number("5", 1), '<font><color indexed="9"/></font>', "white text"),
        (text("要件", 1), '<font><color rgb="FFFEFEFE"/></font>', "white text"),
        (text("要件", 1), '<font><sz val="1"/></font>', "too small to be seen"),
    ],
)
def test_a_text_that_is_struck_or_white_is_refused(
    tmp_path: Path, cell: str, style: str, reason: str
) -> None:
    data = workbook(sheet([text("a"), text("Q1"), cell]), formats=["General"], fonts=style)
    [(place, row)] = read(data, tmp_path)
    assert (place, row.candidate) == ("sheet 解答, cell C2", "a")
    assert reason in row.reason


@pytest.mark.parametrize(
    ("cell", "style", "fill"),
    [
        (text("要件", 1), f"<font>{WHITE}</font>", "solid"),
        (text("要件", 1), '<font><strike val="0"/><color rgb="FF000000"/></font>', "none"),
        (text("要件", 1), '<font><color theme="0" tint="-0.5"/></font>', "none"),
        (runs(("要件", '<rPr><strike val="false"/></rPr>')), "", "none"),
    ],
)
def test_a_text_that_is_seen_is_read(tmp_path: Path, cell: str, style: str, fill: str) -> None:
    data = workbook(
        sheet([text("a"), text("Q1"), cell]),
        formats=["General"],
        fonts=style,
        fill=f'<patternFill patternType="{fill}"/>',
    )
    assert answers(data, tmp_path) == [("a", "Q1", "要件")]


@pytest.mark.parametrize(
    ("fill", "font"),
    [
        ('rgb="FFFFFFFF"', '<color rgb="FFFFFFFF"/>'),
        ('theme="0"', '<color theme="0"/>'),
        ('rgb="FFDDDDDD"', '<color rgb="FFE0DDDD"/>'),
    ],
)
def test_a_text_in_the_colour_of_its_cell_is_refused(tmp_path: Path, fill: str, font: str) -> None:
    data = workbook(
        sheet([text("a"), text("Q1"), text("要件", 1)]),
        formats=["General"],
        fonts=f"<font>{font}</font>",
        fill=f'<patternFill patternType="solid"><fgColor {fill}/></patternFill>',
    )
    # The first style has the same fill, and so no cell of the row is seen.
    assert {row.reason.partition("; ")[0] for _, row in read(data, tmp_path)} <= {
        "the cell contains text in the colour of what is behind it"
    }


def test_text_without_a_colour_of_its_own_is_black() -> None:
    assert is_lost(frozenset({"fill 050000"}))
    assert not is_lost(frozenset({"fill 000000", "colour FFFF00"}))


@pytest.mark.parametrize("fill", ['rgb="FF1F4E78"', 'theme="4"', 'theme="0" tint="-0.15"'])
def test_white_text_on_a_cell_of_another_colour_is_read(tmp_path: Path, fill: str) -> None:
    white = [text(cell, 1) for cell in ("a", "Q1", "要件")]
    data = workbook(
        sheet(white),
        formats=["General"],
        fonts=f"<font>{WHITE}</font>",
        fill=f'<patternFill patternType="solid"><fgColor {fill}/></patternFill>',
    )
    assert answers(data, tmp_path) == [("a", "Q1", "要件")]


@pytest.mark.parametrize("covered", ["<c/>", text("隠れた値")])
def test_a_cell_below_a_merged_one_is_no_answer(tmp_path: Path, covered: str) -> None:
    data = workbook(
        sheet(
            [*line("a", "Q1"), covered],
            line("b", "Q1", "要件"),
            after='<mergeCells><mergeCell ref="B2:C2"/></mergeCells>',
        )
    )
    [(place, row), (_, other)] = read(data, tmp_path)
    assert (place, row.candidate) == ("sheet 解答, cell C2", "a")
    assert "a part of a merged cell" in row.reason
    assert other["text"] == "要件"


def test_a_text_that_is_merged_over_empty_columns_is_read(tmp_path: Path) -> None:
    merges = '<mergeCells><mergeCell ref="C1:F1"/><mergeCell ref="C2:XFD2"/></mergeCells>'
    data = workbook(sheet(line("a", "Q1", "要件", "下の値"), after=merges))
    assert answers(data, tmp_path) == [("a", "Q1", "要件")]


def test_an_array_formula_without_values_leaves_no_blank_answers(tmp_path: Path) -> None:
    formula = '<c><f t="array" ref="C2:C3">A2:A3</f></c>'
    data = workbook(sheet([*line("a", "Q1"), formula], line("b", "Q1"), line("c", "Q1", "要件")))
    first, second, (_, third) = read(data, tmp_path)
    assert [place for place, _ in (first, second)] == ["sheet 解答, cell C2", "sheet 解答, cell C3"]
    assert all(SAVE in row.reason for _, row in (first, second))
    assert third["text"] == "要件"


def test_an_array_formula_with_values_is_read(tmp_path: Path) -> None:
    formula = '<c t="str"><f t="array" ref="C2:C3">A2:A3</f><v>一</v></c>'
    data = workbook(sheet([*line("a", "Q1"), formula], line("b", "Q1", "二")))
    assert answers(data, tmp_path) == [("a", "Q1", "一"), ("b", "Q1", "二")]


@pytest.mark.parametrize(
    ("key", "value", "shown"),
    [(41, "1234.5", "1,235"), (43, "1234.5", "1,234.50"), (38, "1200", "1,200"), (41, "0", "-")],
)
def test_formats_that_are_named_by_number_are_known(
    tmp_path: Path, key: int, value: str, shown: str
) -> None:
    assert answers(named_by_number(key, value), tmp_path) == [("a", "Q1", shown)]


@pytest.mark.parametrize(
    ("key", "value"), [(5, "1"), (44, "1"), (38, "-1200"), (41, "-1"), (99, "1")]
)
def test_formats_that_depend_on_the_country_are_refused(
    tmp_path: Path, key: int, value: str
) -> None:
    [(_, row)] = read(named_by_number(key, value), tmp_path)
    assert "a number whose format depends on the country" in row.reason


def named_by_number(key: int, value: str) -> bytes:
    """A workbook of a number in the format that has this number in all workbooks."""
    data = workbook(sheet([*line("a", "Q1"), number(value, 1)]), formats=["General"])
    source, out = zipfile.ZipFile(io.BytesIO(data)), io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        for name in source.namelist():
            part = source.read(name).replace(b'<xf numFmtId="164"', b'<xf numFmtId="%d"' % key)
            file.writestr(name, part)
    return out.getvalue()


@pytest.mark.parametrize(
    ("height", "width"),
    [('ht="0" customHeight="1"', 'width="0" customWidth="1"'), ('ht="0.75"', 'width="0.1"')],
)
def test_rows_and_columns_without_height_or_width_to_be_seen_are_hidden(
    tmp_path: Path, height: str, width: str
) -> None:
    data = workbook(sheet(line("a", "Q1", "要件"), row_attributes={2: height}))
    [(_, row)] = read(data, tmp_path)
    assert row.reason == "the row is hidden; show it or delete it"
    column = f'<cols><col min="3" max="3" {width}/></cols>'
    with pytest.raises(BadDocument, match="column text is hidden"):
        read(workbook(sheet(line("a", "Q1", "要件"), before=column)), tmp_path)


def test_escaped_halves_of_a_character_are_one(tmp_path: Path) -> None:
    data = workbook(sheet(line("a", "Q1", "_xD83D__xDE00_と_x005F_x0041_")))
    assert answers(data, tmp_path) == [("a", "Q1", "😀と_x0041_")]


def test_a_cell_that_is_there_twice_makes_the_file_unreadable(tmp_path: Path) -> None:
    twice = '<c r="C2" t="inlineStr"><is><t>一</t></is></c>' * 2
    with pytest.raises(BadDocument, match="not a readable XLSX file"):
        read(workbook(sheet([text("a"), text("Q1"), twice])), tmp_path)


def test_what_stands_in_no_cell_of_a_sheet_is_named(tmp_path: Path) -> None:
    kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    listed = "".join(
        f'<Relationship Id="{key}" Type="{kind}/{key}" Target="../{key}.xml"/>'
        for key in ("comments", "drawing", "printerSettings")
    )
    parts = {
        "xl/worksheets/_rels/sheet1.xml.rels": f"<Relationships>{listed}</Relationships>",
        "xl/comments.xml": "<comments><commentList/></comments>",
        "xl/drawing.xml": "<wsDr><twoCellAnchor/></wsDr>",
    }
    data = io.BytesIO(workbook(sheet(line("a", "Q1", "要件"))))
    with zipfile.ZipFile(data, "a") as file:
        for name, content in parts.items():
            file.writestr(name, content)
    _row, *notes = read(data.getvalue(), tmp_path)
    assert [(place, note.reason) for place, note in notes] == [
        ("sheet 解答", "comments were not read"),
        ("sheet 解答", "pictures, charts and text boxes were not read"),
    ]
