"""PDF files are read as they are seen, in a process of its own, or refused with what to do."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from scoring.documents import BadDocument
from scoring.documents.pdfs import Pdfs
from tests.paths import ROOT
from tests.scoring.documents.pdf_files import (
    BOX,
    FIRST_MORE,
    HELVETICA,
    at,
    bomb,
    codes,
    japanese,
    pdf,
    pdf_file,
    stream,
    text_of,
)

pytestmark = pytest.mark.usefixtures("english")


@pytest.fixture(scope="module")
def shared() -> Iterator[Pdfs]:
    """One process for all files that do not end it."""
    with closing(Pdfs()) as pdfs:
        yield pdfs


@pytest.fixture
def pdfs() -> Iterator[Pdfs]:
    with closing(Pdfs()) as pdfs:
        yield pdfs


def test_lines_are_read_from_the_top_down_in_whatever_order_they_are_painted(shared: Pdfs) -> None:
    page = at(72, 60, "footer") + at(72, 700, "one") + at(72, 680, "two")
    assert shared.text(pdf_file(page)).text == "one\ntwo\nfooter"


def test_words_that_are_painted_font_by_font_are_one_line(shared: Pdfs) -> None:
    page = at(72, 700, "in") + at(110, 700, "7 of 22") + at(84, 700, "only", font="F2")
    fonts = f"/F1 {HELVETICA}/F2 {HELVETICA}"
    below = at(72, 680, "cases")
    assert shared.text(pdf_file(page + below, fonts=fonts)).text == "in only 7 of 22\ncases"


def test_two_columns_are_read_one_after_the_other(shared: Pdfs) -> None:
    title = at(72, 740, "A title over both columns of this page, and then some")
    left = at(72, 700, "a one") + at(72, 680, "a two") + at(72, 660, "a three")
    right = at(320, 700, "b one") + at(320, 680, "b two")
    columns = "a one\na two\na three\nb one\nb two"
    assert shared.text(pdf_file(title + left + right)).text.endswith(f"some\n{columns}")
    assert shared.text(pdf_file(right + left)).text == columns


def test_numbers_of_a_list_that_are_painted_first_stand_before_their_items(shared: Pdfs) -> None:
    numbers = at(60, 700, "1.") + at(60, 680, "2.")
    items = at(76, 700, "the scope grew") + at(76, 680, "no agreement")
    assert shared.text(pdf_file(numbers + items)).text == "1. the scope grew\n2. no agreement"


def test_lines_that_cross_each_other_are_refused(shared: Pdfs) -> None:
    page = at(72, 700, "one one one") + at(72, 660, "three") + at(100, 690, "two")
    with pytest.raises(BadDocument, match="page 1: the order of its lines is not certain"):
        shared.text(pdf_file(page + at(80, 670, "x") + at(90, 705, "over it all")))


def test_words_that_are_placed_one_by_one_keep_their_spaces(shared: Pdfs) -> None:
    page = at(72, 700, "the") + at(95, 700, "scope") + at(127.4, 700, "s")
    assert shared.text(pdf_file(page)).text == "the scopes"
    kerned = "BT /F1 12 Tf 72 700 Td [(the) -400 (sc) 20 (ope)] TJ ET"
    assert shared.text(pdf_file(kerned)).text == "the scope"


def font_file(page: str, table: str) -> bytes:
    """A file that shows codes of a font made by `japanese`."""
    cmap, font = table.split("\0")
    return pdf_file(page, fonts=f"/F1 {font}", more=[cmap])


def test_characters_in_cells_have_no_spaces_between_them(shared: Pdfs) -> None:
    page = "".join(at(72 + 20 * n, 700, codes(n + 1)) for n in range(3))
    assert shared.text(font_file(page, japanese("要件が"))).text == "要件が"


@pytest.mark.parametrize("turn", ["", "/Rotate 90"])
def test_vertical_writing_is_read_from_the_right(shared: Pdfs, turn: str) -> None:
    first = "".join(at(500, 700 - 14 * n, codes(n + 1)) for n in range(3))
    second = "".join(at(476, 714 - 14 * n, codes(n + 4)) for n in range(3))
    cmap, font = japanese("一二三四五六").split("\0")
    file = pdf_file(first + second, fonts=f"/F1 {font}", more=[cmap], page=turn)
    assert shared.text(file).text == "一二三\n四五六"


def test_a_font_for_vertical_writing_is_read_downwards(shared: Pdfs) -> None:
    table = japanese("一二三四", encoding="Identity-V")
    page = at(500, 700, codes(1, 2)) + at(480, 700, codes(3, 4))
    assert shared.text(font_file(page, table)).text == "一二\n三四"


@pytest.mark.parametrize("matrix", ["0 1 -1 0 300 300", "-1 0 0 -1 300 300", "0 -1 1 0 300 300"])
def test_pages_that_are_turned_are_read(shared: Pdfs, matrix: str) -> None:
    page = f"{matrix} cm BT /F1 12 Tf 0 0 Td (one) Tj 0 -20 Td (two) Tj ET"
    assert shared.text(pdf_file(page)).text == "one\ntwo"


def test_text_in_several_directions_and_slanted_text_are_refused(shared: Pdfs) -> None:
    turned = "BT /F1 12 Tf 0 1 -1 0 300 300 Tm (turned) Tj ET"
    with pytest.raises(BadDocument, match="text in several directions"):
        shared.text(pdf_file(at(72, 700, "upright") + turned))
    with pytest.raises(BadDocument, match="slanted text"):
        shared.text(pdf_file("BT /F1 12 Tf .7 .7 -.7 .7 300 300 Tm (DRAFT) Tj ET"))


def test_text_that_is_painted_twice_to_be_bold_is_read_once(shared: Pdfs) -> None:
    assert shared.text(pdf_file(at(72, 700, "bold") + at(72.3, 700, "bold"))).text == "bold"


def test_readings_above_characters_are_not_read(shared: Pdfs) -> None:
    page = at(72, 700, codes(1, 2), 20) + at(72, 722, codes(3, 4), 9)
    assert shared.text(font_file(page, japanese("要件よう"))).text == "要件"


@pytest.mark.parametrize(
    ("encoding", "python"),
    [
        ("UniJIS-UTF16-H", "utf-16-be"),
        ("UniJIS-UCS2-HW-H", "utf-16-be"),
        ("90ms-RKSJ-H", "cp932"),
        ("90msp-RKSJ-H", "cp932"),
        ("EUC-H", "euc_jp"),
    ],
)
def test_fonts_in_an_encoding_of_characters_are_read(
    shared: Pdfs, encoding: str, python: str
) -> None:
    page = at(72, 700, f"<{'要件が変わった'.encode(python).hex()}>")
    table = japanese("", to_unicode=False, encoding=encoding)
    assert shared.text(font_file(page, table)).text == "要件が変わった"


@pytest.mark.parametrize("name", ["ABCDEF+SymbolMT", "OpenSymbol"])
def test_bullets_of_symbol_fonts_are_read(shared: Pdfs, name: str) -> None:
    table = japanese("\uf0b7要").replace("BaseFont/Mincho", f"BaseFont/{name}")
    assert shared.text(font_file(at(72, 700, codes(1, 2)), table)).text == "•要"


UNKNOWN = r"page 1: the font \S+ does not say which characters it shows"
EMBEDDED = "/FontDescriptor<</Type/FontDescriptor/FontName/A/Flags 4/FontFile2 20 0 R>>"


@pytest.mark.parametrize(
    "table",
    [
        japanese("要件", to_unicode=False),
        japanese("要"),  # of two glyphs, one is in the table
        japanese("要\ue000"),
        japanese("要\ufffd"),
    ],
)
def test_codes_that_may_be_any_character_are_refused(shared: Pdfs, table: str) -> None:
    with pytest.raises(BadDocument, match=UNKNOWN):
        shared.text(font_file(at(72, 700, codes(1, 2)), table))


@pytest.mark.parametrize(
    "font",
    [
        f"<</Type/Font/Subtype/TrueType/BaseFont/A{EMBEDDED}>>",
        "<</Type/Font/Subtype/Type1/BaseFont/A/Encoding<</Differences[97/g12/g13]>>>>",
        "<</Type/Font/Subtype/Type3/FontBBox[0 0 1 1]/FontMatrix[1 0 0 1 0 0]"
        "/CharProcs<</g1 20 0 R>>/Encoding<</Differences[97/g1]>>"
        "/FirstChar 97/LastChar 97/Widths[1]>>",
    ],
)
def test_names_of_glyphs_are_no_characters(shared: Pdfs, font: str) -> None:
    with pytest.raises(BadDocument, match=UNKNOWN):
        shared.text(pdf_file(at(72, 700, "a"), fonts=f"/F1 {font}", more=[stream(b"")]))


def test_a_page_that_names_no_font_is_refused(shared: Pdfs) -> None:
    with pytest.raises(BadDocument, match=UNKNOWN):
        shared.text(pdf_file(at(72, 700, "a", font="F9")))


@pytest.mark.parametrize(
    ("page", "reason"),
    [
        (f"3 Tr {at(72, 700, 'scanned')}", "page 1: invisible text, as text recognition"),
        (f"1 g {at(72, 700, 'white')}", "page 1: white text"),
        (f"1 1 1 rg {at(72, 700, 'white')}", "page 1: white text"),
        (f"/DeviceGray cs 1 scn {at(72, 700, 'white')}", "page 1: white text"),
        (f"0.98 g {at(72, 700, 'nearly white')}", "page 1: white text"),
        (f"1 Tr 1 1 1 RG {at(72, 700, 'white outline')}", "page 1: white text"),
        (f"/Clear gs {at(72, 700, 'transparent')}", "page 1: invisible text"),
        (f"0 Tz {at(72, 700, 'squeezed')}", "page 1: invisible text"),
        (at(72, 700, "tiny", size=0.5), "page 1: text too small to be seen"),
        (at(72, 900, "above"), "page 1: text outside of the page"),
        (at(-200, 700, "beside"), "page 1: text outside of the page"),
    ],
)
def test_text_that_nobody_sees_is_refused(shared: Pdfs, page: str, reason: str) -> None:
    with pytest.raises(BadDocument, match=reason):
        shared.text(pdf_file(at(72, 720, "seen") + page, resources="/ExtGState<</Clear<</ca 0>>>>"))


def test_ink_of_full_strength_is_not_white(shared: Pdfs) -> None:
    spaces = "/ColorSpace<</Black[/Separation/Black/DeviceGray 20 0 R]>>"
    page = f"q 1 g Q /Black cs 1 scn {at(72, 700, 'seen')}"
    assert shared.text(pdf_file(page, resources=spaces, more=[stream(b"")])).text == "seen"


LAYERS = "/OCProperties<</OCGs[20 0 R 21 0 R]/D<</OFF[20 0 R]>>>>"


def test_hidden_layers_and_running_headers_are_not_read(shared: Pdfs) -> None:
    page = (
        f"/OC /Off BDC {at(72, 700, 'hidden')} EMC /OC /On BDC {at(72, 680, 'seen')} EMC"
        f" /Artifact <</Type/Pagination>> BDC {at(72, 40, 'page 1')} EMC"
        f" /Artifact BMC {at(72, 660, 'too')} EMC"
    )
    layer = "<</Type/OCG/Name(a)>>"
    file = pdf_file(
        page,
        resources="/Properties<</Off 20 0 R/On 21 0 R>>",
        root=LAYERS,
        more=[layer, layer],
    )
    assert shared.text(file).text == "seen\ntoo"


def test_page_numbers_that_are_not_marked_as_such_are_left_out_and_named(shared: Pdfs) -> None:
    pages = [at(72, 700, f"answer {n}") + at(300, 40, f"- {n} -") for n in (1, 2)]
    essay = shared.text(pdf_file(*pages))
    assert essay.text == "answer 1\nanswer 2"
    assert essay.notes == ["a page number or running header was not read: - 1 -"]
    only = shared.text(pdf_file(pages[0]))
    assert only.text == "answer 1\n- 1 -"
    assert only.notes == ["a line that may be a page number or a running header was read: - 1 -"]


def test_a_picture_is_not_passed_for_a_page_because_of_its_number(shared: Pdfs) -> None:
    file = pdf_file(
        at(72, 700, "answer") + at(300, 40, "1"),
        "/I Do\n" + at(300, 40, "2"),
        resources=f"/XObject<</I {FIRST_MORE} 0 R>>",
        more=[IMAGE],
    )
    with pytest.raises(BadDocument, match="page 2: a picture"):
        shared.text(file)


def test_text_inside_forms_is_read_where_it_stands(shared: Pdfs) -> None:
    form = stream(at(0, 0, "inside").encode(), "/Type/XObject/Subtype/Form/Matrix[1 0 0 1 72 690]")
    page = f"{at(72, 660, 'below')} q 1 0 0 1 0 10 cm /X Do Q {at(72, 720, 'above')}"
    file = pdf_file(page, resources="/XObject<</X 20 0 R>>", more=[form])
    assert shared.text(file).text == "above\ninside\nbelow"


def test_forms_that_paint_themselves_and_very_many_are_bounded(shared: Pdfs) -> None:
    form = stream(b"/X Do", "/Type/XObject/Subtype/Form/Resources 3 0 R")
    resources = "/XObject<</X 20 0 R>>"
    assert shared.text(pdf_file(f"{at(72, 700, 'a')} /X Do", resources=resources, more=[form]))
    with pytest.raises(BadDocument, match="takes too much"):
        shared.text(pdf_file("/X Do " * 1001, resources=resources, more=[form]))


IMAGE = stream(
    b"\0", "/Type/XObject/Subtype/Image/Width 1/Height 1/ColorSpace/DeviceGray/BitsPerComponent 8"
)


def test_a_page_that_is_a_picture_is_named(shared: Pdfs) -> None:
    resources = "/XObject<</I 20 0 R>>"
    with pytest.raises(BadDocument, match="page 2: a picture instead of text"):
        shared.text(pdf_file(at(72, 700, "a"), "/I Do", resources=resources, more=[IMAGE]))
    with pytest.raises(BadDocument, match="page 2: a picture instead of text"):
        shared.text(pdf_file(at(72, 700, "a"), "0 0 m " + "1 1 2 2 3 3 c " * 101 + "f"))
    with pytest.raises(BadDocument, match="no text layer"):
        shared.text(pdf_file("/I Do", resources=resources, more=[IMAGE]))
    blank_at_the_end = pdf_file(at(72, 700, "a"), "0 0 9 9 re S")
    assert shared.text(blank_at_the_end).text == "a"


WIDGET = "<</Type/Annot/Subtype/Widget/Rect[72 600 300 620]{}>>"


ANSWER = "要件が\n変わった"


def with_notes(*notes: str, page: str | None = None, root: str = "") -> bytes:
    """A file with a printed question and annotations."""
    references = " ".join(f"{FIRST_MORE + number} 0 R" for number in range(len(notes)))
    print_ = at(72, 700, "the question") if page is None else page
    return pdf_file(print_, page=f"/Annots[{references}]", more=notes, root=root)


def field(value: str, name: str = "answer", more: str = "") -> str:
    return WIDGET.format(f"/FT/Tx/T({name})/V{text_of(value)}{more}")


def free_text(text: str, top: int, more: str = "") -> str:
    rectangle = f"/Rect[72 {top - 20} 300 {top}]"
    return f"<</Type/Annot/Subtype/FreeText{rectangle}/Contents{text_of(text)}{more}>>"


@pytest.mark.parametrize(
    "notes",
    [
        [field(ANSWER)],
        [free_text(ANSWER, 600)],
        [free_text("変わった", 500), free_text("要件が", 600)],
        [field(ANSWER), field("", "comment"), free_text("", 500)],
        [field(ANSWER), field("old", "hidden", "/F 2")],
        [field(ANSWER), field("secret", "password", "/Ff 8192")],
        [
            WIDGET.format("/Parent 21 0 R"),
            f"<</FT/Tx/T(a)/V{text_of(ANSWER)}>>",
        ],
        [field(ANSWER), WIDGET.format("/FT/Btn/T(box)/AS/Off")],
        [field(ANSWER), "<</Type/Annot/Subtype/Link/Rect[0 0 1 1]>>"],
    ],
)
def test_what_was_typed_is_the_answer_and_not_the_printed_question(
    shared: Pdfs, notes: list[str]
) -> None:
    essay = shared.text(with_notes(*notes))
    assert essay.text == ANSWER
    assert essay.notes == ["only its fields and notes were read, not the print"]


@pytest.mark.parametrize(
    ("notes", "reason"),
    [
        ([field("a", "name"), field("b")], r"several fields are filled in \(name, answer\)"),
        ([field("")], "its fields are empty"),
        ([WIDGET.format("/FT/Btn/T(agree)/AS/Yes")], r"page 1: a check box is marked \(agree\)"),
        (["<</Type/Annot/Subtype/Ink/Rect[0 0 9 9]>>"], r"a note that is no text .*\(Ink\)"),
        (["<</Type/Annot/Subtype/StrikeOut/Rect[0 0 9 9]>>"], r"\(StrikeOut\)"),
        (["<</Type/Annot/Subtype/Text/Rect[0 0 9 9]/Contents(a)>>"], r"\(Text\)"),
        (["<</Type/Annot/Subtype/Highlight/Rect[0 0 9 9]/Contents(a)>>"], r"\(Highlight\)"),
        (["<</Type/Annot/Subtype/Square/Rect[0 0 9 9]/Contents(a)>>"], r"\(Square\)"),
        (["<</Type/Annot/Subtype/Square/Rect[0 0 9 9]/IC[1 1 1]>>"], r"\(Square\)"),
        (["<</Type/Annot/Subtype/Line/L[0 4 9 4]/Rect[0 0 9 9]>>"], r"\(Line\)"),
        (["<</Type/Annot/Subtype/FreeText/Rect[0 0 9 9]/RC(<p>a</p>)>>"], r"\(FreeText\)"),
    ],
)
def test_what_was_typed_and_is_not_certain_is_refused(
    shared: Pdfs, notes: list[str], reason: str
) -> None:
    with pytest.raises(BadDocument, match=reason):
        shared.text(with_notes(*notes))


def test_forms_and_collections_that_only_their_programs_show_are_refused(shared: Pdfs) -> None:
    with pytest.raises(BadDocument, match="a form of the kind XFA"):
        shared.text(with_notes(root="/AcroForm<</XFA[(template) 3 0 R]>>"))
    with pytest.raises(BadDocument, match="a collection of files"):
        shared.text(with_notes(root="/Collection<</View/D>>"))


def test_it_reads_the_text_layer_of_a_pdf_file_and_says_when_there_is_none(pdfs: Pdfs) -> None:
    assert pdfs.text(pdf("the scope grew")).text == "the scope grew"
    child = pdfs.child
    with pytest.raises(BadDocument, match="no text layer"):
        pdfs.text(pdf(""))
    with pytest.raises(BadDocument, match="not a readable PDF"):
        pdfs.text(b"%PDF-1.4 nothing")
    long = pdf("long " * 200_000).replace(BOX.encode(), b"[0 0 9000000 792]")
    assert pdfs.text(long).text.startswith("long long")
    assert pdfs.child is child


def test_it_says_that_a_pdf_file_is_encrypted_or_has_too_many_pages(pdfs: Pdfs) -> None:
    secret = f"/Encrypt<</Filter/Standard/V 1/R 2/P -1/O<{'00' * 32}>/U<{'00' * 32}>>>"
    with pytest.raises(BadDocument, match="an encrypted PDF file"):
        pdfs.text(pdf("secret", secret))
    with pytest.raises(BadDocument, match="more than 100 pages"):
        pdfs.text(bomb(b"", 101))


def test_a_pdf_file_that_unfolds_beyond_bounds_is_not_read(pdfs: Pdfs) -> None:
    with pytest.raises(BadDocument, match="not a readable PDF"):
        pdfs.text(bomb(b" " * 75_000_000, 1))


@pytest.mark.parametrize(
    ("bound", "data", "reason"),
    [
        (
            "program.MOST_MEMORY = 64 << 20",
            bomb(b"BT /F1 12 Tf (%s) Tj ET" % (b"a" * 15_000_000), 1),
            "takes too much time or memory",
        ),
        ("reading.MOST_TEXT = 10", pdf("eleven signs"), "over 10 bytes"),
    ],
)
def test_a_pdf_file_that_takes_too_much_memory_or_holds_too_much_text_is_told_of(
    pdfs: Pdfs,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    bound: str,
    data: bytes,
    reason: str,
) -> None:
    program = tmp_path / "bounded.py"
    program.write_text(
        f"import sys; sys.path.append({str(ROOT)!r})\n"
        "from scoring.pdf import __main__ as program, reading\n"
        f"{bound}; program.main()"
    )
    monkeypatch.setattr("scoring.documents.pdfs.PROGRAM", program)
    with pytest.raises(BadDocument, match=reason):
        pdfs.text(data)
    assert pdfs.text(pdf("next")).text == "next"


def test_when_the_process_that_reads_is_killed_the_next_file_has_a_new_one(pdfs: Pdfs) -> None:
    pdfs.text(pdf("one"))
    assert pdfs.child
    pdfs.child.kill()
    with pytest.raises(BadDocument, match="takes too much"):
        pdfs.text(pdf("two"))
    assert pdfs.text(pdf("three")).text == "three"


def test_it_is_no_fault_of_the_file_when_the_process_does_not_start(
    pdfs: Pdfs, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("scoring.documents.pdfs.PROGRAM", tmp_path / "nowhere.py")
    with pytest.raises(ChildProcessError):
        pdfs.text(pdf("one"))
