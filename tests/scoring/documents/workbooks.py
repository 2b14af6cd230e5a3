"""Workbooks written part by part, as programs write them that no library in Python imitates."""

import io
import zipfile
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple
from xml.sax.saxutils import escape, quoteattr

TRANSITIONAL = (
    "http://schemas.openxmlformats.org/spreadsheetml/2006/main",
    "http://schemas.openxmlformats.org/officeDocument/2006/relationships",
)
STRICT = (
    "http://purl.oclc.org/ooxml/spreadsheetml/main",
    "http://purl.oclc.org/ooxml/officeDocument/relationships",
)
PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"
HEADINGS = ("candidate", "question", "text")


class Sheet(NamedTuple):
    """A sheet: its rows of cells in XML, what follows them, and whether it is hidden."""

    rows: Sequence[Sequence[str]]
    name: str = "解答"
    state: str = "visible"
    before: str = ""
    after: str = ""
    hidden_rows: Sequence[int] = ()
    row_attributes: Mapping[int, str] = MappingProxyType({})


def text(value: str, style: int = 0) -> str:
    """A cell with a text."""
    return f'<c t="inlineStr" s="{style}"><is><t>{escape(value)}</t></is></c>'


def number(value: str, style: int = 0) -> str:
    """A cell with a number in the number format `style` of the workbook."""
    return f'<c s="{style}"><v>{value}</v></c>'


def line(*cells: str) -> list[str]:
    """A row of texts."""
    return [text(cell) for cell in cells]


def workbook(
    *sheets: Sheet,
    formats: Sequence[str] = (),
    namespaces: tuple[str, str] = TRANSITIONAL,
    fill: str = '<patternFill patternType="none"/>',
    fonts: str = "",
    more: str = "",
) -> bytes:
    """An XLSX file; style 1 has the first of `formats`, and `more` follows the list of sheets.

    The font of that style is the first of `fonts`.
    """
    main, relations = namespaces
    listed = "".join(
        f'<sheet name={quoteattr(sheet.name)} sheetId="{i}" state="{sheet.state}" r:id="s{i}"/>'
        for i, sheet in enumerate(sheets, start=1)
    )
    parts = {
        "_rels/.rels": _relations([("b", f"{relations}/officeDocument", "xl/workbook.xml")]),
        "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{relations}">'
        f"<sheets>{listed}</sheets>{more}</workbook>",
        "xl/_rels/workbook.xml.rels": _relations(
            [
                ("t", f"{relations}/styles", "/xl/styles.xml"),
                *[
                    (f"s{i}", f"{relations}/worksheet", f"worksheets/sheet{i}.xml")
                    for i, _sheet in enumerate(sheets, start=1)
                ],
            ]
        ),
        "xl/styles.xml": _styles(main, formats, fill, fonts),
    }
    for i, sheet in enumerate(sheets, start=1):
        parts[f"xl/worksheets/sheet{i}.xml"] = _sheet(main, sheet)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in parts.items():
            file.writestr(name, content)
    return out.getvalue()


def _relations(relations: Sequence[tuple[str, str, str]]) -> str:
    listed = "".join(
        f'<Relationship Id="{key}" Type="{kind}" Target="{target}"/>'
        for key, kind, target in relations
    )
    return f'<Relationships xmlns="{PACKAGE}">{listed}</Relationships>'


def _styles(main: str, formats: Sequence[str], fill: str, fonts: str) -> str:
    codes = "".join(
        f'<numFmt numFmtId="{164 + i}" formatCode={quoteattr(code)}/>'
        for i, code in enumerate(formats)
    )
    cells = "".join(
        f'<xf numFmtId="{164 + i}" fontId="{i + 1}"/>' for i, _code in enumerate(formats)
    )
    return (
        f'<styleSheet xmlns="{main}"><numFmts>{codes}</numFmts>'
        f"<fonts><font/>{fonts}</fonts><fills><fill>{fill}</fill></fills>"
        f'<cellStyleXfs><xf numFmtId="9"/></cellStyleXfs>'
        f'<cellXfs><xf numFmtId="0"/>{cells}</cellXfs></styleSheet>'
    )


def _hidden(sheet: Sheet, row: int) -> str:
    return sheet.row_attributes.get(row, f'hidden="{int(row in sheet.hidden_rows)}"')


def _sheet(main: str, sheet: Sheet) -> str:
    rows = "".join(
        f'<row r="{i}" {_hidden(sheet, i)}>{"".join(cells)}</row>'
        for i, cells in enumerate(sheet.rows, start=1)
    )
    data = f"{sheet.before}<sheetData>{rows}</sheetData>{sheet.after}"
    return f'<worksheet xmlns="{main}">{data}</worksheet>'
