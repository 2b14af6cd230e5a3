"""Rows and texts out of files, each made here as a real one: the traps of each format."""

import io
import re
import struct
import sys
import zipfile
import zlib
from collections.abc import Callable
from contextlib import suppress
from datetime import date
from pathlib import Path
from tempfile import gettempdir
from time import monotonic
from typing import Any

import pytest
from openpyxl import Workbook

from scoring.documents import BadDocument, Skipped, Unreadable
from tests.scoring.documents import reading
from tests.scoring.documents.pdf_files import bomb, pdf

pytestmark = pytest.mark.usefixtures("english")
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
SHEET = "xl/worksheets/sheet1.xml"
RELS = "xl/_rels/workbook.xml.rels"
BOMB = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;">]>'


@pytest.fixture
def rows(tmp_path: Path) -> Callable[[str, bytes], list[tuple[int, Any]]]:
    def read(name: str, data: bytes) -> list[tuple[int, Any]]:
        (tmp_path / "stored").write_bytes(data)
        return [(place.line, row) for place, row in reading.rows(name, tmp_path / "stored")]

    return read


Rows = Callable[[str, bytes], list[tuple[int, Any]]]


def row(candidate: str, question: str, text: str, **more: Any) -> dict[str, Any]:
    return {"candidate": candidate, "question": question, "text": text, **more}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp932"])
def test_it_finds_out_the_encoding_of_a_csv_file(rows: Rows, encoding: str) -> None:
    data = "Candidate,question,text\r\nc1,Q1,要件が①変わった\r\n".encode(encoding)
    assert rows("a.csv", data) == [(2, row("c1", "Q1", "要件が①変わった"))]


def test_it_keeps_line_breaks_inside_quotes_and_tells_where_a_row_begins(rows: Rows) -> None:
    data = b'candidate,question,text,attempt\r\nc1,Q1,"a\r\nb""",2\r\n\r\nc2,Q1,c,x\r\n'
    assert rows("a.csv", data) == [
        (2, row("c1", "Q1", 'a\r\nb"', attempt=2)),
        (5, row("c2", "Q1", "c", attempt="x")),
    ]


def test_an_attempt_of_very_many_digits_stays_a_text(rows: Rows) -> None:
    digits = "9" * 5000
    data = f"candidate,question,text,attempt\nc1,Q1,a,{digits}\n".encode()
    assert rows("a.csv", data) == [(2, row("c1", "Q1", "a", attempt=digits))]


def test_it_tells_whose_row_has_too_many_cells(rows: Rows) -> None:
    [(line, bad)] = rows("a.csv", b"candidate,question,text\nc1,Q1,a,b\n")
    assert (line, bad) == (2, Unreadable("a value in column D, which has no heading", "c1"))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        ("﻿".encode(), "empty"),
        (b"candidate,question\n", r"line 1: column text \(解答\) is missing"),
        (b"candidate,question,text,text\n", "column text appears twice"),
        (b"candidate,question,text,points\n", "column points is unknown"),
        (b"candidate,question,text\nc1,Q1,\x81\xff\xfe\xc3\n", "neither UTF-8 nor CP932"),
        (b'candidate,question,text\nc1,Q1,"a\n', "line 2"),
        (b"candidate,question,text\nc1,Q1," + b"a" * 5_000_000, "longer than"),
    ],
)
def test_it_says_why_a_csv_file_cannot_be_read(rows: Rows, data: bytes, reason: str) -> None:
    with pytest.raises(BadDocument, match=reason):
        rows("a.csv", data)


def test_a_csv_file_with_a_header_alone_has_no_rows(rows: Rows) -> None:
    assert rows("a.csv", b"candidate,question,text\n") == []


def test_it_reads_jsonl_with_a_bom_and_tells_of_lines_that_are_none(rows: Rows) -> None:
    data = '﻿{"candidate": "c1"}\r\n\n[1]\n{'.encode() + b"\n" + b"x" * 5_000_000 + b"\n{}"
    found = rows("a.jsonl", data)
    assert [line for line, _ in found] == [1, 3, 4, 5, 6]
    assert found[0][1] == {"candidate": "c1"}
    reasons = [one.reason for _, one in found if isinstance(one, Unreadable)]
    assert reasons == ["not a JSON object", "not JSON", "longer than 4194304 bytes"]


def sheet(*cells: list[Any], shape: str = "") -> bytes:
    book, out = Workbook(), io.BytesIO()
    assert book.active is not None
    for one in cells:
        book.active.append(one)
    for cell in book.active["A"][1:] if shape else ():
        cell.number_format = shape
    book.save(out)
    return out.getvalue()


HEADER = ["candidate", "question", "text"]


def test_numbers_of_a_sheet_are_read_as_the_sheet_shows_them(rows: Rows) -> None:
    data = sheet(HEADER, [1.0, "Q1", 42], ["001", "Q1", 1.5], [7, "Q1", True])
    found = rows("a.xlsx", data)
    assert [one for _, one in found] == [
        row("1", "Q1", "42"),
        row("001", "Q1", "1.5"),
        row("7", "Q1", "TRUE"),
    ]
    shaped = rows("a.xlsx", sheet(HEADER, [1, "Q1", "a"], shape="000"))
    assert shaped == [(2, row("001", "Q1", "a"))]


def test_it_refuses_cells_in_which_the_sheet_has_lost_what_was_typed(rows: Rows) -> None:
    data = sheet(HEADER, [date(2026, 1, 2), "Q1", "a"], [1234567890123456, "Q1", "a"])
    reasons = [one.reason for _, one in rows("a.xlsx", data)]
    assert "the cell contains a date" in reasons[0]
    assert "more than 15 digits" in reasons[1]


def test_an_empty_row_of_a_sheet_counts_as_a_line(rows: Rows) -> None:
    data = sheet(HEADER, [None, None, None], ["c1", "Q1", "a\nb"])
    assert rows("a.xlsx", data) == [(3, row("c1", "Q1", "a\nb"))]


def archive(*entries: tuple[str | zipfile.ZipInfo, bytes | str]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in entries:
            file.writestr(name, content)
    return out.getvalue()


def repacked(data: bytes, part: str, change: Callable[[bytes], bytes]) -> bytes:
    with zipfile.ZipFile(io.BytesIO(data)) as file:
        parts = [(name, file.read(name)) for name in file.namelist()]
    return archive(*[(name, change(told) if name == part else told) for name, told in parts])


def with_shared_string(xml: str) -> bytes:
    """A workbook whose text is kept apart from the sheet, as Excel writes it."""
    strings = f'<sst xmlns="{MAIN}"><si>{xml}</si></sst>'
    if "<!DOCTYPE" in xml:
        head, _, tail = xml.partition("]>")
        strings = f'{head}]><sst xmlns="{MAIN}"><si>{tail}</si></sst>'
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"
    override = f'<Override PartName="/xl/sharedStrings.xml" ContentType="{kind}"/></Types>'
    cell = re.compile(rb'<c r="C2".*?</c>')
    data = sheet(HEADER, ["c1", "Q1", "text"])
    data = repacked(data, SHEET, lambda told: cell.sub(b'<c r="C2" t="s"><v>0</v></c>', told))
    data = repacked(
        data, "[Content_Types].xml", lambda told: told.replace(b"</Types>", override.encode())
    )
    relation = b'<Relationship Id="s" Type="x/sharedStrings" Target="sharedStrings.xml"/></'
    data = repacked(data, RELS, lambda told: told.replace(b"</", relation, 1))
    out = io.BytesIO(data)
    with zipfile.ZipFile(out, "a") as file:
        file.writestr("xl/sharedStrings.xml", strings)
    return out.getvalue()


def test_readings_beside_the_characters_are_no_part_of_the_text(rows: Rows) -> None:
    xml = "<r><t>要</t></r><r><t>件_x000D_</t></r><rPh sb='0' eb='1'><t>ヨウ</t></rPh>"
    assert rows("a.xlsx", with_shared_string(xml)) == [(2, row("c1", "Q1", "要件\r"))]


def test_it_refuses_entities_in_a_sheet(rows: Rows) -> None:
    def with_bomb(xml: bytes) -> bytes:
        return BOMB.encode() + xml.replace(b">text<", b">&b;<")

    in_sheet = repacked(sheet(HEADER, ["c1", "Q1", "text"]), SHEET, with_bomb)
    for data in (in_sheet, with_shared_string(BOMB + "<t>&b;</t>")):
        with pytest.raises(BadDocument, match="ntit"):
            rows("a.xlsx", data)


def test_entities_in_the_frame_of_a_workbook_are_not_unfolded(rows: Rows) -> None:
    data = sheet(HEADER, ["c1", "Q1", "a"])
    bomb = repacked(
        data,
        "xl/workbook.xml",
        lambda xml: BOMB.encode() + xml.replace(b'name="Sheet"', b'name="&b;"'),
    )
    with suppress(BadDocument):  # that depends on the XML library that is there
        assert rows("a.xlsx", bomb) == [(2, row("c1", "Q1", "a"))]


def test_it_says_that_a_workbook_is_encrypted_or_no_workbook(rows: Rows) -> None:
    with pytest.raises(BadDocument, match="encrypted or old Office file"):
        rows("a.xlsx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600))
    with pytest.raises(BadDocument, match="not a readable archive"):
        rows("a.xlsx", b"candidate,question,text")
    with pytest.raises(BadDocument, match="not a readable XLSX"):
        rows("a.xlsx", archive(("x", "y")))


def test_names_of_a_japanese_windows_archive_are_read(rows: Rows) -> None:
    name = "受験_表_Q1.txt".encode("cp932")
    data = archive(("x" * len(name), "要件".encode("cp932"))).replace(b"x" * len(name), name)
    assert rows("a.zip", data) == [(1, row("受験_表", "Q1", "要件"))]


def test_names_in_utf_8_without_the_flag_are_read_and_composed(rows: Rows) -> None:
    name = "か\u3099_Q1.txt".encode()  # as macOS writes が
    data = archive(("x" * len(name), "a")).replace(b"x" * len(name), name)
    assert rows("a.zip", data) == [(1, row("が", "Q1", "a"))]


def test_names_in_an_archive_are_split_as_they_look(rows: Rows) -> None:
    names = (
        "０１２３＿Ｑ１．ＴＸＴ",
        "\u200e0456\u200e_Q1.txt",
        "か\u3099 一_Q1.txt",
        "x_y_Q1.txt",
    )
    found = rows("a.zip", archive(*[(name, "a") for name in names]))
    assert [one["candidate"] for _, one in found] == ["0123", "0456", "が 一", "x_y"]
    assert {one["question"] for _, one in found} == {"Q1"}


def test_html_files_of_an_archive_are_read_by_their_ending(rows: Rows) -> None:
    found = rows(
        "a.zip",
        archive(("a_Q1.html", "<p>要件&amp;</p>".encode("cp932")), ("b_Q1.txt", "<p>a</p>")),
    )
    assert found == [(1, row("a", "Q1", "要件&")), (2, row("b", "Q1", "<p>a</p>"))]


def test_html_in_a_table_is_read_where_the_sender_says_so(tmp_path: Path) -> None:
    stored = tmp_path / "stored"
    stored.write_text("candidate,question,text\na,Q1,<p>x &lt; y</p>\nb,Q1,1 <b\nc,Q1,a<img>\n")
    [first, second, *third] = [each for _, each in reading.rows("a.csv", stored, is_html=True)]
    assert first == row("a", "Q1", "x < y")
    assert isinstance(second, Unreadable)
    assert (second.candidate, second.pointer) == ("b", "/text")
    assert third == [row("c", "Q1", "a"), Skipped("1 pictures were not read")]
    plain = [each for _, each in reading.rows("a.csv", stored)]
    assert plain[1] == row("b", "Q1", "1 <b")


def test_what_programs_leave_behind_is_named_and_no_answer(rows: Rows) -> None:
    names = ("~$1_Q1.docx", ".~lock.c1_Q1.odt#", "Thumbs.db", "folder/desktop.ini")
    found = rows("a.zip", archive(*[(name, "a") for name in names]))
    assert found == [
        (number, Skipped("a file that programs leave behind, not read")) for number in range(1, 5)
    ]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("a_Q1.doc", ".doc: save the file as DOCX or as text (TXT)"),
        ("a_Q1.ODT", ".odt: save the file as DOCX or as text (TXT)"),
        ("a_Q1.rtf", ".rtf: save the file as DOCX or as text (TXT)"),
        ("a_Q1.jpg", ".jpg: a picture instead of text; type the answer"),
        ("a_Q1", "no extension: only TXT, HTML, DOCX and PDF files can be read"),
    ],
)
def test_it_says_how_to_save_what_it_does_not_read(rows: Rows, name: str, reason: str) -> None:
    assert rows("a.zip", archive((name, "x"))) == [(1, Unreadable(reason, "a"))]


def test_it_tells_of_each_entry_that_cannot_be_read_and_whose_it_is(rows: Rows) -> None:
    entries: list[tuple[str | zipfile.ZipInfo, bytes | str]] = [
        ("folder/a_1_Q1.txt", "good"),
        ("noname.txt", "x"),
        ("b_Q1.zip", archive(("c_Q1.txt", "x"))),
        ("c_Q1.docx", "x"),
        ("d_Q1.pdf", pdf("")),
        ("__MACOSX/._a_Q1.txt", "x"),
        ("e_Q1.txt", b"\x81"),
    ]
    found = rows("a.zip", archive(*entries))
    assert found[0] == (1, row("a_1", "Q1", "good"))
    told = {line: (one.candidate, one.reason) for line, one in found[1:]}
    assert told[2] == ("", "the name does not have the form candidate_question")
    assert told[3] == ("b", ".zip: a table or an archive; upload it on its own")
    assert told[4][1].startswith("not a readable archive")
    assert told[5] == ("d", "no text layer: the pages are images or empty")
    assert told[7][1] == ("neither UTF-8 nor CP932 (byte 1, line 1); save it as UTF-8")


def link() -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo("a_Q1.txt")
    entry.create_system, entry.external_attr = 3, 0o120777 << 16
    return entry


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (archive(("../x_Q1.txt", "a")), "leads out"),
        (archive(("..\\x_Q1.txt", "a")), "leads out"),
        (archive(("/etc/x_Q1.txt", "a")), "leads out"),
        (archive((link(), "/etc/passwd")), "a symbolic link"),
        (archive(("x_Q1.txt", "a" * 5_000_000)), "compressed more than"),
    ],
)
def test_it_refuses_archives_that_lead_elsewhere_or_burst(
    rows: Rows, data: bytes, reason: str
) -> None:
    with pytest.raises(BadDocument, match=reason):
        rows("a.zip", data)


def marked(data: bytes, offset: int, value: bytes) -> bytes:
    """The archive of one entry with bytes of its entry in the central directory changed."""
    start = data.index(b"PK\x01\x02") + offset
    return data[:start] + value + data[start + len(value) :]


def test_it_refuses_encrypted_archives(rows: Rows) -> None:
    with pytest.raises(BadDocument, match="encrypted"):
        rows("a.zip", marked(archive(("a_Q1.txt", "x")), 8, b"\x01\x00"))


def test_an_entry_that_lies_about_its_size_is_not_unfolded(rows: Rows) -> None:
    liar = marked(archive(("a_Q1.txt", "a" * 30_000_000)), 24, struct.pack("<I", 100))
    [(line, bad)] = rows("a.zip", liar)
    assert (line, bad.reason) == (1, "over 20971520 bytes")
    with pytest.raises(BadDocument, match="does not have the size that it declares"):
        rows("a.xlsx", marked(archive(("x", "a" * 3_000_000)), 24, struct.pack("<I", 100)))


def test_an_entry_with_a_wrong_checksum_is_told_of(rows: Rows) -> None:
    [(_, bad)] = rows("a.zip", marked(archive(("a_Q1.txt", "x")), 16, b"\0\0\0\0"))
    assert bad.reason == "the content is damaged; pack the file again"


def test_a_pdf_file_that_would_take_minutes_is_told_of_and_its_neighbours_are_read(
    rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scoring.documents.pdfs.SECONDS", 3.0)
    slow = bomb(b"BT /F1 12 Tf (a) Tj ET\n" * 40_000, 100)
    since = monotonic()
    found = rows(
        "a.zip",
        archive(("a_Q1.pdf", pdf("one")), ("b_Q1.pdf", slow), ("c_Q1.pdf", pdf("two"))),
    )
    assert found == [
        (1, row("a", "Q1", "one")),
        (2, Unreadable("takes too much time or memory to read", "b")),
        (3, row("c", "Q1", "two")),
    ]
    assert monotonic() - since < 15


def test_it_reads_no_other_kind_of_file(rows: Rows) -> None:
    with pytest.raises(BadDocument, match=r"\.doc: only CSV, TSV, TXT, XLSX, XLSM, JSONL and ZIP"):
        rows("a.doc", b"")
    with pytest.raises(BadDocument, match="upload it again"):
        list(reading.rows("a.csv", Path("/nowhere/at/all")))


def test_no_error_names_a_place_on_the_server(tmp_path: Path) -> None:
    own = f"could not read <_io.BufferedReader name='{gettempdir()}/a/b.xlsx'> of {sys.prefix}/x"
    assert str(BadDocument(own)) == "could not read <_io.BufferedReader name='…'> of …"
    assert str(BadDocument("no item 'xl/worksheets/sheet1.xml'")).endswith("sheet1.xml'")
    workbook = io.BytesIO()
    Workbook().save(workbook)
    without = io.BytesIO()
    with zipfile.ZipFile(workbook) as source, zipfile.ZipFile(without, "w") as target:
        for name in source.namelist():
            if name != "[Content_Types].xml":
                target.writestr(name, source.read(name))
    (tmp_path / "stored").write_bytes(without.getvalue())
    with pytest.raises(BadDocument) as refused:
        list(reading.rows("a.xlsx", tmp_path / "stored"))
    assert str(tmp_path) not in str(refused.value)


def test_a_name_in_utf_8_beside_another_one_counts(rows: Rows) -> None:
    told = b"??_Q1.txt"
    field = b"\1" + zlib.crc32(told).to_bytes(4, "little") + "𠮷田_Q1.txt".encode()
    entry, stale = zipfile.ZipInfo(told.decode()), zipfile.ZipInfo("b_Q1.txt")
    entry.extra = stale.extra = struct.pack("<HH", 0x7075, len(field)) + field
    found = rows("a.zip", archive((entry, "x"), (stale, "y")))
    assert [one["candidate"] for _, one in found] == ["𠮷田", "b"]


@pytest.mark.parametrize("name", ["answers.csv", "a_Q1.xlsx", "inner.zip"])
def test_a_table_in_an_archive_is_sent_on_its_own(rows: Rows, name: str) -> None:
    [(_, found)] = rows("a.zip", archive((name, "candidate,question,text\na,Q1,x\n")))
    assert "upload it on its own" in found.reason


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"PK\x03\x04\x14\0", "ZIP, XLSX, DOCX"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1", "XLS, DOC"),
        (b"%PDF-1.7\n%", "PDF"),
        (b"{\\rtf1\\ansi {\\'97\\'76}}", "RTF"),
        (b"\xef\xbb\xbf\n<!DOCTYPE HTML><p>x", "HTML"),
        (b"<html><p>x", "HTML"),
    ],
)
def test_a_file_of_another_kind_is_called_so(rows: Rows, data: bytes, kind: str) -> None:
    with pytest.raises(BadDocument, match=f"no plain text but {kind}"):
        rows("a.csv", data)
    [(_, found)] = rows("a.zip", archive(("a_Q1.txt", data)))
    assert f"no plain text but {kind}" in found.reason


def test_a_page_under_its_own_name_is_read(rows: Rows) -> None:
    [(_, found)] = rows("a.zip", archive(("a_Q1.html", "<html><p>要件")))
    assert found["text"] == "要件"


@pytest.mark.parametrize("sign", ["\ufffd", "\x81", "\x9f"])
def test_what_a_program_lost_before_is_no_answer(rows: Rows, sign: str) -> None:
    table = f"candidate,question,text\na,Q1,要件{sign}が\nb,Q1,合意\n"
    lost, whole = (found for _, found in rows("a.csv", table.encode()))
    assert (lost.candidate, lost.pointer) == ("a", "/text")
    assert lost.reason.startswith(f"U+{ord(sign):04X} at offset 2: a character was lost")
    assert whole == row("b", "Q1", "合意")


@pytest.mark.parametrize("sign", ["\ue000", "\uf8ff", "\uffff", "\U000f0000"])
def test_characters_of_one_computer_alone_are_refused(tmp_path: Path, sign: str) -> None:
    path = tmp_path / "stored"
    path.write_text(f"candidate,question,text\na,Q1,要件{sign}\nb,Q1,葛\U000e0100城😀\n", "utf-8")
    (_, refused), (_, read) = reading.rows("a.csv", path)
    assert refused.reason.startswith(
        f"U+{ord(sign):04X} at offset 2: a character that only some computers show"
    )
    assert read["text"] == "葛\U000e0100城😀"


@pytest.mark.parametrize("error", ["#CALC!", "#GETTING_DATA", "Err:508", "#NAME?", "####"])
def test_errors_that_spreadsheets_write_are_no_answers(tmp_path: Path, error: str) -> None:
    path = tmp_path / "stored"
    path.write_text(f"candidate,question,text\na,Q1,{error}\nb,Q1,{error} と出た\n", "utf-8")
    (_, refused), (_, read) = reading.rows("a.csv", path)
    assert (refused.reason, read["text"]) == ("the cell contains an error", f"{error} と出た")


def test_cells_of_a_text_file_are_read_as_a_spreadsheet_shows_them(rows: Rows) -> None:
    table = 'candidate,question,text\n"=""0012""",Q1,"=""5\'\'"""\nb,Q1,#N/A\nc,Q1,#####\n'
    first, error, narrow = (found for _, found in rows("a.csv", table.encode()))
    assert first == row("0012", "Q1", "5''")
    assert error.reason == narrow.reason == "the cell contains an error"


def test_an_id_that_a_spreadsheet_has_shortened_is_refused(rows: Rows) -> None:
    [(_, found)] = rows("a.csv", b"candidate,question,text\n1.23457E+11,Q1,x\n")
    assert (found.pointer, "shortened" in found.reason) == ("/candidate", True)


def test_headings_that_come_again_are_skipped(rows: Rows) -> None:
    part = "\ufeffcandidate,question,text\n{},Q1,x\n"
    found = rows("a.csv", (part.format("a") + part.format("b")).encode())
    assert found == [
        (2, row("a", "Q1", "x")),
        (3, Skipped("the headings again, not read")),
        (4, row("b", "Q1", "x")),
    ]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('{"candidate": "a", "text": "x", "text": "y"}', "the name text is there twice"),
        ('{"candidate": "a", "text": NaN}', "not JSON"),
    ],
)
def test_json_that_may_mean_two_things_is_refused(rows: Rows, line: str, reason: str) -> None:
    [(_, found)] = rows("a.jsonl", line.encode())
    assert found.reason == reason


@pytest.mark.parametrize("head", ["candidate|question|text", "受験者，設問，解答"])
def test_without_headings_the_reason_names_the_separators(rows: Rows, head: str) -> None:
    with pytest.raises(BadDocument, match="separated by commas, tabulators or semicolons"):
        rows("a.csv", f"{head}\n".encode())
