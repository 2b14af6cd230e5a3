"""HTML is read as a browser shows it, or refused."""

from contextlib import suppress

import pytest

from scoring.documents import BadDocument
from scoring.documents.markup import shown

pytestmark = pytest.mark.usefixtures("english")


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("<p>要件が</p><p>変わった</p>", "要件が\n変わった"),
        ('<p dir="ltr" style="text-align: left;">要件が<br>変わった<br></p>', "要件が\n変わった"),
        ("<DIV>一</DIV><div><div>二</div></div>三", "一\n二\n三"),
        ("a &lt; b &amp;&nbsp;c &#x8981;&#20214;", "a < b &\xa0c 要件"),
        ("a < b and 1 <2", "a < b and 1 <2"),
        ("one\n two\t<b>three</b> <i> four</i>", "one two three four"),
        ("<pre>a\n  b</pre>", "a\n  b"),
        ("<ol><li>一</li><li><p>二</p></ol><ul><li>点</ul>", "1. 一\n2. 二\n• 点"),
        ('<ol type="a" start="3"><li>x<li value="7">y</ol>', "c. x\ng. y"),
        ("<table><tr><td>左<td>右</table>", "左\n右"),
        ("<ruby>要<rp>(</rp><rt>よう</rt></ruby>件", "要件"),
        ("10<sup>2</sup>人", "102人"),
        ("<p title='a > b'>文</p>", "文"),
        ("要件<!-- 覚え書き -->の<?xml?>変更<!DOCTYPE html>", "要件の変更"),
        ("<html><head><title>題</title></head><body>文</body></html>", "文"),
        ("<script>if (a < b) {'</p>'}</script>文<style>p > a {}</style>", "文"),
        ("<SCRIPT>a</script>文", "文"),
        ('<p hidden>隠</p><span style="Display: none">隠<span>し</span></span>文', "文"),
        ('<span style="opacity:0.5">薄</span>', "薄"),
        ("<q>合意</q>がない", "“合意”がない"),
        ('<p style="background-color: #fff; line-height: 0.9; max-width: 0.5em">文</p>', "文"),
        ('<p style="font-size: 0.9em; margin-left: -10px; color: #fffaaa">文</p>', "文"),
        ('<p style="color: rgb(29, 33, 37); background-color: rgb(255, 255, 255)">文</p>', "文"),
        ('<p style="color: rgb(255, 255, 0); font-size: 120%">文</p>', "文"),
        ('<p style="color: #f0a; font-size: 85%; border-color: #fff">文</p>', "文"),
        ("", ""),
        ("<p><br></p>", ""),
    ],
)
def test_it_is_read_as_a_browser_shows_it(source: str, text: str) -> None:
    assert shown(source).text == text


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ('<span style="COLOR: #FFF">隠</span>', "the element span has a style"),
        ("<font color=white>隠</font>", "the element font has a style"),
        ('<p style="color: rgb(255, 255, 255)">隠</p>', "the element p has a style"),
        ('<p style="text-indent: -9999px">隠</p>', "the element p has a style"),
        ('<p style="position:absolute; left:-999em">隠</p>', "the element p has a style"),
        ('<p style="height:0;overflow:hidden">隠</p>', "the element p has a style"),
        ('<p style="font-size: 1px">隠</p>', "the element p has a style"),
        ('<p style="color:#fefefe">隠</p>', "the element p has a style"),
        ('<p style="color: rgba(250, 255, 248, 1)">隠</p>', "the element p has a style"),
        ('<p style="background: #000; color:#000">隠</p>', "the element p has a style"),
        ('<p style="color:rgb(9, 9, 9);background-color:rgb(9,9,9)">隠</p>', "p has a style"),
        ('<p style="font-size: 0.1em">隠</p>', "the element p has a style"),
        ('<p style="font-size: 5%">隠</p>', "the element p has a style"),
        ('<p style="text-decoration: underline line-through">消</p>', "struck through"),
        ("<style>.x{display:none}</style><p class=x>隠</p>", "style sheet that may hide"),
        ("<ol reversed><li>甲<li>乙</ol>", "numbered backwards"),
        ("x <b y", "a tag at offset .* never ends"),
        ("x <b title='y>", "a tag at offset .* never ends"),
        ("<!-- x", "a tag at offset .* never ends"),
        ("<script>x", "a tag at offset 0 never ends"),
        ("<p hidden>x", "the element p, which is not shown, never ends"),
        ("if x<y and y>z", "the element y, which is not read"),
        ("<svg><text>字</text></svg>", "the element svg, which is not read"),
        ("<iframe src='x'></iframe>", "the element iframe, which is not read"),
        ("<del>消した</del>", "struck through"),
        ("<p><img src='x'></p>", "a picture instead of text"),
    ],
)
def test_what_is_shown_otherwise_or_is_no_html_is_refused(source: str, reason: str) -> None:
    with pytest.raises(BadDocument, match=reason):
        shown(source)


def test_pictures_beside_text_are_named() -> None:
    essay = shown("文<img src='x'>")
    assert (essay.text, essay.notes) == ("文", ["1 pictures were not read"])


@pytest.mark.parametrize(
    "piece",
    ["<!", "</", "<!--", "<a ", "<a b='", "<a b=", "&", "&#", "<![CDATA[", "<script>", "<?", "<"],
)
def test_pieces_of_tags_are_looked_at_once(piece: str) -> None:
    """Python's own parser takes over a minute for 10,000 of some of these."""
    with suppress(BadDocument):
        assert len(shown(piece * 100_000).text) <= len(piece) * 100_000
