"""XLSX and XLSM workbooks, of any program and also strict ones, as their sender saw them.

What a sheet shows is read here rather than by openpyxl, which gives values: not the number formats
of texts, hidden rows, columns and merged cells of a file that is read in pieces, nor whether a
formula has a value. It also refuses files that spreadsheet programs open.
"""

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import ParseError

from defusedxml.common import DefusedXmlException

from pmscoring.base.words import words as _
from scoring.documents import archives, cell_styles, opc, sheets, xmlstreams
from scoring.documents.base import BadDocument

MOST_PART = 128 * 1024 * 1024


@dataclass(frozen=True)
class Sheet:
    """A sheet of a workbook, and whether it is hidden."""

    name: str
    part: str
    is_hidden: bool


class Workbook:
    """An open workbook. Its shared strings are held in memory, its rows are not."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self.archive = archive
        self.main = opc.main_part(archive)
        by_key = {relation.key: relation for relation in opc.relations(archive, self.main)}
        part_of = {relation.kind: relation.part for relation in by_key.values()}
        root = opc.xml(archive, self.main)
        self.sheets = [
            Sheet(node.get("name", ""), relation.part, node.get("state", "visible") != "visible")
            for node in _all(root, "sheet")
            if (relation := by_key[_key(node)]).kind == "worksheet"
        ]
        styles = opc.xml(archive, part_of["styles"]) if "styles" in part_of else None
        formats = [] if styles is None else cell_styles.formats(styles)
        looks = [] if styles is None else cell_styles.looks(styles)
        strings: list[str] = []
        if "sharedStrings" in part_of:
            strings = xmlstreams.strings(self._blocks(part_of["sharedStrings"]))
        # A program that does not compute formulas writes no values or zeros, and this flag, at
        # which a spreadsheet computes them when it opens the file.
        computes = any(node.get("fullCalcOnLoad") in ("1", "true") for node in _all(root, "calcPr"))
        self.context = sheets.Context(strings, formats, looks, not computes)

    def rows(self, sheet: Sheet) -> Iterator[sheets.SheetRow]:
        """The rows of a sheet that have cells, in order."""
        return sheets.rows(lambda: self._blocks(sheet.part), self.context)

    def left_out(self, sheet: Sheet) -> Iterator[str]:
        """What is seen on a sheet and stands in no cell, in words."""
        words = {
            "comments": _("comments were not read"),
            "threadedComment": _("comments were not read"),
            "drawing": _("pictures, charts and text boxes were not read"),
        }
        relations = opc.relations(self.archive, sheet.part)
        seen = [each for each in relations if each.kind in words and self._has_content(each.part)]
        yield from dict.fromkeys(words[each.kind] for each in seen)

    def _has_content(self, part: str) -> bool:
        return part in self.archive.namelist() and len(opc.xml(self.archive, part)) > 0

    def _blocks(self, part: str) -> Iterator[bytes]:
        return archives.blocks(self.archive, self.archive.getinfo(part), MOST_PART)


@contextmanager
def opened(path: Path) -> Iterator[Workbook]:
    """The workbook, while it is read. Raises BadDocument."""
    with archives.open_archive(path) as archive:
        archives.verify(archive, MOST_PART)
        try:
            yield Workbook(archive)
        except DefusedXmlException as error:
            raise BadDocument(_("not a readable XLSX file: its XML declares entities")) from error
        except (KeyError, IndexError, ValueError, ArithmeticError, ParseError) as error:
            raise BadDocument(
                _("not a readable XLSX file; open it in a spreadsheet and save it again")
            ) from error


def _all(root: Any, name: str) -> Iterator[Any]:
    return (node for node in root.iter() if opc.local(node.tag) == name)


def _key(sheet: Any) -> str:
    """The relation that the attribute r:id names; `sheetId` has no namespace."""
    return next(
        str(value) for name, value in sheet.items() if name != "id" and opc.local(name) == "id"
    )
