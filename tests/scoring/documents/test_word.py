"""Word documents are read as their senders saw them, or refused with what to do."""

import io

import pytest
from docx import Document

from scoring.documents import BadDocument
from scoring.documents.numerals import NUMERALS
from scoring.documents.word import docx_text
from tests.scoring.documents.word_files import archive, docx, field, item, p, r

pytestmark = pytest.mark.usefixtures("english")
BOMB = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;">]>'


def text(body: str, **parts: str) -> str:
    return docx_text(docx(body, **parts)).text


def test_it_reads_a_word_file_with_tables_line_breaks_and_corrections() -> None:
    body = (
        p(r("一"), "<w:tabs><w:tab w:pos='1'/></w:tabs>")
        + f"<w:tbl><w:tr><w:tc>{p(r('二'))}</w:tc><w:tc>{p(r('三'))}</w:tc></w:tr></w:tbl>"
        + p(r("四") + "<w:r><w:br/></w:r>" + r("五") + "<w:r><w:br w:type='page'/></w:r>" + r("六"))
        + p(f"<w:ins>{r('足した')}</w:ins><w:del><w:r><w:delText>消した</w:delText></w:r></w:del>")
        + p(f"<w:ruby><w:rt>{r('よみ')}</w:rt><w:rubyBase>{r('読')}</w:rubyBase></w:ruby>")
    )
    assert text(body) == "一\n二\n三\n四\n五\n六\n足した\n読"


def test_it_reads_what_a_word_library_writes() -> None:
    document, out = Document(), io.BytesIO()
    document.add_paragraph("要件が\n変わった")
    document.add_table(1, 1).cell(0, 0).text = "合意"
    document.save(out)
    assert docx_text(out.getvalue()).text == "要件が\n変わった\n合意"


def test_it_refuses_entities_in_a_word_file() -> None:
    with pytest.raises(BadDocument, match="declares entities"):
        docx_text(docx(p(r("&b;")), head=BOMB))
    with pytest.raises(BadDocument, match="not a readable DOCX"):
        docx_text(archive(**{"word/document.xml": "<x/>"}))


def test_it_bounds_what_a_small_file_can_unfold_to() -> None:
    with pytest.raises(BadDocument, match="too much time or memory"):
        text("".join(f"<w:p w:n='{n}'/>" for n in range(600_000)))
    with pytest.raises(BadDocument, match="not a readable DOCX"):
        text("<w:ins>" * 20_000 + "</w:ins>" * 20_000)


def test_an_encrypted_or_old_file_is_called_so() -> None:
    with pytest.raises(BadDocument, match="encrypted or old Office file"):
        docx_text(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600))


PLACEHOLDER = (
    "<w:sdt><w:sdtPr><w:showingPlcHdr{}/></w:sdtPr><w:sdtContent>{}</w:sdtContent></w:sdt>"
)


def test_a_placeholder_is_no_answer() -> None:
    assert text(PLACEHOLDER.format("", p(r("ここをクリックして入力")))) == ""
    assert text(p(PLACEHOLDER.format("", r("ここをクリックして入力")))) == ""
    filled = PLACEHOLDER.format(' w:val="0"', p(r("答え")))
    assert text(filled) == "答え"


def test_the_question_beside_a_field_that_is_not_filled_in_is_no_answer() -> None:
    with pytest.raises(BadDocument, match=r"a field was not filled in .*ここに入力"):
        text(p(r("設問1")) + PLACEHOLDER.format("", p(r("ここに入力"))))


@pytest.mark.parametrize(
    ("kind", "reference"), [("footnotes", "footnoteReference"), ("endnotes", "endnoteReference")]
)
def test_notes_follow_the_paragraph_that_refers_to_them(kind: str, reference: str) -> None:
    body = p(r("一") + f'<w:r><w:{reference} w:id="2"/></w:r>') + p(r("二"))
    name = kind.removesuffix("s")
    notes = f'<w:{name} w:id="2">{p(r(" 注"))}{p(r("続き"))}</w:{name}><w:{name} w:id="3"/>'
    assert text(body, **{kind: notes}) == "一\n注\n続き\n二"
    with pytest.raises(BadDocument, match="not a readable DOCX"):
        text(body)


def level(number: int, kind: str, label: str, more: str = "") -> str:
    return (
        f'<w:lvl w:ilvl="{number}"><w:start w:val="1"/><w:numFmt w:val="{kind}"/>{more}'
        f'<w:lvlText w:val="{label}"/></w:lvl>'
    )


def lists(levels: str, more: str = "") -> str:
    """The definitions of lists 1 and 2, which count together."""
    return (
        f'<w:abstractNum w:abstractNumId="7">{levels}</w:abstractNum>'
        '<w:num w:numId="1"><w:abstractNumId w:val="7"/></w:num>'
        f'<w:num w:numId="2"><w:abstractNumId w:val="7"/>{more}</w:num>'
    )


def test_automatic_numbers_are_read() -> None:
    numbering = lists(level(0, "aiueoFullWidth", "設問%1") + level(1, "decimal", "%1-%2."))
    body = (
        p("", item())
        + p(r("一"), item(level=1))
        + p(r("二"), item(level=1))
        + p("", item())
        + p(r("三"), item(level=1))
        + p(r("四"), item(number=0))
    )
    read = text(body, numbering=numbering)
    assert read == "設問ア\nア-1. 一\nア-2. 二\n設問イ\nイ-1. 三\n四"


def test_numbers_start_again_where_a_list_says_so() -> None:
    again = '<w:lvlOverride w:ilvl="0"><w:startOverride w:val="5"/></w:lvlOverride>'
    numbering = lists(level(0, "decimal", "%1)"), again)
    body = p(r("a"), item()) + p(r("b"), item(number=2)) + p(r("c"), item(number=2))
    assert text(body, numbering=numbering) == "1) a\n5) b\n6) c"


def test_numbers_that_a_style_gives_are_read() -> None:
    styles = (
        f'<w:style w:type="paragraph" w:styleId="H"><w:pPr>{item()}</w:pPr></w:style>'
        '<w:style w:type="paragraph" w:styleId="H2"><w:basedOn w:val="H"/></w:style>'
    )
    numbering = lists(level(0, "japaneseCounting", "第%1章", '<w:suff w:val="nothing"/>'))
    style = '<w:pStyle w:val="{}"/>'
    body = p(r("序"), style.format("H")) + p(r("結"), style.format("H2"))
    assert text(body, numbering=numbering, styles=styles) == "第一章序\n第二章結"


def test_a_bullet_is_the_sign_that_its_font_shows() -> None:
    ticks = level(0, "bullet", "\uf0fc", '<w:rPr><w:rFonts w:ascii="Wingdings"/></w:rPr>')
    assert text(p(r("a"), item()), numbering=lists(ticks)) == "✓ a"
    unknown = level(0, "bullet", "\uf001")
    assert text(p(r("a"), item()), numbering=lists(unknown)) == "• a"


def test_numbers_of_an_unknown_kind_are_refused() -> None:
    with pytest.raises(BadDocument, match="of the kind hebrew1 cannot be read; type the numbers"):
        text(p(r("a"), item()), numbering=lists(level(0, "hebrew1", "%1")))


@pytest.mark.parametrize(
    ("kind", "number", "written"),
    [
        ("decimalZero", 7, "07"),
        ("decimalFullWidth", 12, "１２"),
        ("upperRoman", 1994, "MCMXCIV"),
        ("lowerRoman", 4, "iv"),
        ("upperLetter", 27, "AA"),
        ("ordinal", 13, "13th"),
        ("ordinal", 22, "22nd"),
        ("iroha", 2, "ロ"),
        ("aiueo", 46, "ン"),
        ("aiueoFullWidth", 47, "アア"),
        ("decimalEnclosedCircle", 20, "⑳"),
        ("decimalEnclosedCircle", 21, "21"),
        ("decimalEnclosedParen", 1, "⑴"),
        ("ideographEnclosedCircle", 3, "㊂"),
        ("ideographTraditional", 3, "丙"),
        ("ideographDigital", 10, "一〇"),
        ("japaneseCounting", 110, "百十"),
        ("japaneseCounting", 2345, "二千三百四十五"),
        ("chineseCountingThousand", 110, "一百一十"),
        ("japaneseLegal", 21, "弐拾壱"),
    ],
)
def test_numbers_are_written_as_their_format_says(kind: str, number: int, written: str) -> None:
    assert NUMERALS[kind](number) == written


def test_each_format_writes_each_number() -> None:
    assert all(numeral(n) for numeral in NUMERALS.values() for n in range(1, 10_001))


HIDDEN = "<w:vanish/>"
STYLE = '<w:style w:type="{}" w:styleId="{}"><w:rPr>{}</w:rPr></w:style>'


def test_hidden_text_is_not_read() -> None:
    styles = STYLE.format("character", "c", HIDDEN) + STYLE.format("paragraph", "p", HIDDEN)
    by_run, by_none = '<w:rStyle w:val="c"/>', '<w:vanish w:val="0"/>'
    body = p(
        r("見える") + r("隠した", HIDDEN) + r("様式で", by_run) + r("出した", by_run + by_none)
    )
    assert text(body, styles=styles) == "見える出した"
    # The two styles switch it alternately: what is hidden twice is seen.
    inside = r("段落で隠した") + r("二度", by_run) + r("出した", by_none)
    assert text(p(inside, '<w:pStyle w:val="p"/>'), styles=styles) == "二度出した"


def test_properties_that_a_tracked_change_replaced_do_not_count() -> None:
    change = f"<w:rPrChange><w:rPr>{HIDDEN}</w:rPr></w:rPrChange>"
    assert text(p(r("見える", change))) == "見える"


@pytest.mark.parametrize("mark", ["<w:rPr><w:del/></w:rPr>", f"<w:rPr>{HIDDEN}</w:rPr>"])
def test_paragraphs_whose_mark_is_gone_are_one(mark: str) -> None:
    body = p(r("要件が"), mark) + p("", mark) + p(r("変わった")) + p(r("次"))
    assert text(body) == "要件が変わった\n次"


def test_moved_text_is_read_where_it_stands_now() -> None:
    body = p(f"<w:moveFrom>{r('動いた')}</w:moveFrom>") + p(f"<w:moveTo>{r('動いた')}</w:moveTo>")
    assert text(body) == "\n動いた"


def test_deleted_and_hidden_rows_and_continued_cells_are_not_read() -> None:
    def row(cell: str, properties: str = "", of_cell: str = "") -> str:
        inside = f"<w:tc><w:tcPr>{of_cell}</w:tcPr>{p(r(cell))}</w:tc>"
        return f"<w:tr><w:trPr>{properties}</w:trPr>{inside}</w:tr>"

    rows = (
        row("一", of_cell='<w:vMerge w:val="restart"/>')
        + row("二", of_cell="<w:vMerge/>")
        + row("三", "<w:del/>")
        + row("四", "<w:hidden/>")
        + row("五")
    )
    assert text(f"<w:tbl>{rows}</w:tbl>") == "一\n五"


BOX = "<w:txbxContent>{}</w:txbxContent>"


def test_a_text_box_follows_its_paragraph_and_is_read_once() -> None:
    choice = f"<mc:Choice Requires='wps'>{BOX.format(p(r('箱')))}</mc:Choice>"
    fallback = f"<mc:Fallback><w:pict>{BOX.format(p(r('箱')))}</w:pict></mc:Fallback>"
    both = f"<w:r><mc:AlternateContent>{choice}{fallback}</mc:AlternateContent></w:r>"
    old = f"<w:r><mc:AlternateContent>{fallback}</mc:AlternateContent></w:r>"
    assert text(p(r("前") + both + r("後"))) == "前後\n箱"
    assert text(p(r("前") + old + r("後"))) == "前後\n箱"


def test_of_fields_the_result_is_read_and_not_the_code() -> None:
    code = "<w:r><w:instrText>IF 1 = </w:instrText></w:r>"
    inner = field("<w:r><w:instrText>PAGE</w:instrText></w:r>", result=r("1"))
    assert text(p(field(code, inner, result=r("結果")))) == "結果"
    simple = f'<w:fldSimple w:instr="DATE">{r("11月")}</w:fldSimple>'
    assert text(p(simple)) == "11月"


@pytest.mark.parametrize(
    ("form", "shown"),
    [
        ('<w:checkBox><w:default w:val="0"/><w:checked/></w:checkBox>', "☒"),
        ('<w:checkBox><w:default w:val="1"/></w:checkBox>', "☒"),
        ("<w:checkBox/>", "☐"),
        (
            '<w:ddList><w:result w:val="1"/><w:listEntry w:val="ア"/>'
            '<w:listEntry w:val="イ"/></w:ddList>',
            "イ",
        ),
    ],
)
def test_boxes_and_lists_of_a_form_are_read_as_they_show(form: str, shown: str) -> None:
    begin = f'<w:fldChar w:fldCharType="begin"><w:ffData>{form}</w:ffData></w:fldChar>'
    assert text(p(f'<w:r>{begin}</w:r><w:r><w:fldChar w:fldCharType="end"/></w:r>')) == shown


def sym(font: str, code: str) -> str:
    return f'<w:r><w:sym w:font="{font}" w:char="{code}"/></w:r>'


def test_signs_of_symbol_fonts_are_the_characters_that_they_look_like() -> None:
    body = p(sym("Wingdings", "F0FC") + sym("Symbol", "F061") + sym("MS Mincho", "2460"))
    assert text(body) == "✓α①"
    fonts = '<w:rFonts w:ascii="Wingdings" w:hAnsi="Wingdings"/>'
    assert text(p(r("ü", fonts))) == "✓"


@pytest.mark.parametrize(
    "body", [sym("Wingdings", "F04A"), sym("Gaiji", "E000"), sym("Gaiji", "F8FF")]
)
def test_a_sign_that_is_no_character_is_refused(body: str) -> None:
    with pytest.raises(BadDocument, match=r"a sign of the font .* type it as text"):
        text(p(body))


def test_small_and_all_capitals_are_capitals() -> None:
    assert text(p(r("erp", "<w:caps/>") + r("pmo", "<w:smallCaps/>"))) == "ERPPMO"


def test_hyphens_are_read_where_they_are_seen() -> None:
    assert text(p("<w:r><w:t>a</w:t><w:softHyphen/><w:t>b</w:t><w:noBreakHyphen/></w:r>")) == "ab-"


EQUATION = "<m:oMath>{}</m:oMath>"


def test_an_equation_on_one_line_is_read_and_any_other_refused() -> None:
    assert text(p(EQUATION.format("<m:r><m:t>a=b</m:t></m:r>"))) == "a=b"
    fraction = "<m:f><m:num><m:r><m:t>1</m:t></m:r></m:num><m:den/></m:f>"
    with pytest.raises(BadDocument, match="an equation; type it in one line"):
        text(p(EQUATION.format(fraction)))


GRAPHIC = '<w:r><w:drawing><a:graphicData uri="http://x/{}">{}</a:graphicData></w:drawing></w:r>'


def test_pictures_are_named_beside_text_and_refused_in_its_place() -> None:
    picture = GRAPHIC.format("picture", "<a:blip/>")
    essay = docx_text(docx(p(r("答え") + picture)))
    assert (essay.text, essay.notes) == ("答え", ["1 pictures were not read"])
    with pytest.raises(BadDocument, match="a picture instead of text"):
        text(p(picture))


@pytest.mark.parametrize(
    "inside",
    [
        GRAPHIC.format("chart", ""),
        GRAPHIC.format("diagram", ""),
        "<w:r><w:object/></w:r>",
        "<w:r><w:contentPart/></w:r>",
    ],
)
def test_text_that_is_kept_elsewhere_is_refused(inside: str) -> None:
    with pytest.raises(BadDocument, match="an embedded object or drawing"):
        text(p(r("答え") + inside))


def test_an_embedded_document_is_refused() -> None:
    with pytest.raises(BadDocument, match="an embedded object or drawing"):
        text(p(r("答え")) + "<w:altChunk/>")


def test_text_that_is_struck_through_is_refused() -> None:
    with pytest.raises(BadDocument, match="struck through"):
        text(p(r("消した", "<w:strike/>")))
    assert text(p(r("消さない", '<w:strike w:val="false"/>'))) == "消さない"


@pytest.mark.parametrize(
    ("properties", "reason"),
    [
        ('<w:rStyle w:val="Gone"/>', "struck through"),
        ('<w:color w:val="ffffff"/>', "white text"),
        ('<w:sz w:val="2"/>', "too small"),
        ('<w:color w:val="FEFEFE"/>', "white text"),
        ('<w:rStyle w:val="White"/>', "white text"),
        ('<w:rStyle w:val="Tiny"/>', "too small"),
        ('<w:highlight w:val="black"/>', "in the colour of what is behind it"),
        ('<w:color w:val="FFFFFF"/><w:shd w:fill="FFFFFF"/>', "in the colour of what is behind it"),
        ('<w:color w:val="000000"/><w:shd w:fill="050505"/>', "in the colour of what is behind it"),
    ],
)
def test_text_that_may_not_be_seen_is_refused(properties: str, reason: str) -> None:
    styles = {
        "Gone": "<w:strike/>",
        "White": '<w:color w:val="FFFFFF"/>',
        "Tiny": '<w:sz w:val="3"/>',
    }
    style = "".join(
        f'<w:style w:styleId="{name}"><w:rPr>{properties}</w:rPr></w:style>'
        for name, properties in styles.items()
    )
    with pytest.raises(BadDocument, match=reason):
        text(p(r("要件") + r("隠", properties)), styles=style)


def test_white_text_on_a_colour_is_read() -> None:
    shaded = '<w:color w:val="FFFFFF"/><w:shd w:fill="000000"/>'
    assert text(p(r("要件", shaded))) == "要件"
    assert text(p(r("要件", '<w:shd w:fill="000000"/>'))) == "要件"
    assert text(p(r("要件", '<w:highlight w:val="yellow"/>'))) == "要件"
    assert (
        text(p(r("要件", '<w:color w:val="auto"/><w:shd w:val="clear" w:fill="auto"/>'))) == "要件"
    )


def test_a_paragraph_in_a_white_style_is_refused() -> None:
    style = '<w:style w:styleId="W"><w:rPr><w:color w:val="FFFFFF"/></w:rPr></w:style>'
    with pytest.raises(BadDocument, match="white text"):
        text(p(r("要件"), '<w:pStyle w:val="W"/>'), styles=style)
    black = '<w:color w:val="000000"/>'
    assert text(p(r("要件", black), '<w:pStyle w:val="W"/>'), styles=style) == "要件"


@pytest.mark.parametrize(
    "code", ["EQ \\f(1,2)", " eq \\o\\ad(\\s\\up 9(よう),要)", "SYMBOL 252", "AUTONUM", "LISTNUM"]
)
def test_a_field_that_shows_its_code_is_refused(code: str) -> None:
    char = '<w:r><w:fldChar w:fldCharType="{}"/></w:r>'
    instruction = f"<w:r><w:instrText>{code}</w:instrText></w:r>"
    with pytest.raises(BadDocument, match="a field of the kind"):
        text(p(char.format("begin") + instruction + char.format("end") + r("要件")))


def test_a_date_that_the_program_fills_in_is_refused() -> None:
    with pytest.raises(BadDocument, match="a date that the program fills in"):
        text(p("<w:r><w:monthLong/><w:t>に</w:t></w:r>"))


def test_signs_of_a_paragraphs_font_are_those_that_it_shows() -> None:
    fonts = '<w:rPr><w:rFonts w:ascii="Wingdings"/></w:rPr>'
    style = f'<w:style w:styleId="Signs">{fonts}</w:style>'
    assert text(p(r("l 要件"), '<w:pStyle w:val="Signs"/>'), styles=style) == "● 要件"


def test_what_stands_around_the_text_is_named() -> None:
    inside = p(r("続き"))
    essay = docx_text(
        docx(p(r("要件")), comments=f"<w:comment>{inside}</w:comment>", header=inside)
    )
    assert essay.text == "要件"
    assert essay.notes == ["comments were not read", "the header or footer was not read"]


def test_word_art_is_read() -> None:
    assert text(p('<w:r><w:pict><v:textpath string="飾り"/></w:pict></w:r>')) == "飾り"


def test_comments_headers_and_footers_are_no_part_of_the_answer() -> None:
    mark = '<w:commentRangeStart w:id="1"/><w:r><w:commentReference w:id="1"/></w:r>'
    parts = {kind: p(r(kind)) for kind in ("comments", "header", "footer")}
    body = p(mark + r("答え")) + "<w:sectPr><w:headerReference/></w:sectPr>"
    assert text(body, **parts) == "答え"
