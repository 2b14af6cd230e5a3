"""The encoding of a text file, which is read as its sender saw it or refused.

CP932 assigns a character to nearly every sequence of bytes, so a file that decodes as CP932 need
not be CP932: UTF-8 that was cut inside a character, EUC-JP and Windows-1252 decode too, to other
characters, and ISO-2022-JP even passes for ASCII. Each of them is recognised and refused.
"""

import codecs
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from pmscoring.base.words import words as _
from scoring.documents.base import BLOCK, BadDocument

UTF_8, UTF_16, CP932, EUC_JP = "utf-8-sig", "utf-16", "cp932", "euc_jp"
NAMES = {UTF_8: "UTF-8", UTF_16: "UTF-16", CP932: "CP932"}
KINDS = {
    b"pk\x03\x04": "ZIP, XLSX, DOCX",
    b"\xd0\xcf\x11\xe0": "XLS, DOC",
    b"%pdf-": "PDF",
    b"{\\rtf": "RTF",
    b"<!doctype html": "HTML",
    b"<html": "HTML",
}
"""How files begin that are no text, or text with marks that its sender does not see."""
NOT_ASCII = re.compile(rb"[\x80-\xff]")
UTF_8_SEQUENCE = re.compile(rb"[\xe1-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
"""A character of three or four bytes, as all Japanese ones have."""
CUT_SEQUENCE = re.compile(rb"(?<![\x80-\xff])[\xe2-\xe9\xef][\x80-\xbf](?![\x80-\xff])")
"""What is left of such a character where the last byte is lost."""
UTF_8_RUN = re.compile(
    rb"(?<![\x80-\xff])(?:[\xe3-\xe9][\x80-\xbf]{2}|\xef[\xbc-\xbe][\x80-\xbf]){2,}(?![\x80-\xff])"
)
"""Japanese characters in UTF-8, with nothing but ASCII on both sides."""
UNLIKELY = re.compile("[\uff61-\uff9f\u0370-\u04ff\u2190-\u22ff]")
"""What CP932 makes of UTF-8 and hardly any Japanese text has beside kanji."""
ISO_2022 = re.compile(rb"\x1b[$(]")
"""A switch between character sets. The bytes that follow it are those of ASCII characters."""
CP932_PAIR = re.compile(rb"[\x81-\x9f\xe0-\xfc](?:([\x40-\x7e])|[\x80-\xfc])")
JAPANESE = re.compile("[\u3000-\u30ff\u3400-\u9fff]")
KANA_OR_SIGN = re.compile("[\u3000-\u30ff\uff00-\uffef]")
KANA = re.compile("[\u3041-\u3096\u30a1-\u30fc]")
JAPANESE_ONLY = re.compile("[\u3000-\u30ff\u4e00-\u9fff\uff00-\uffef]{3,}")
ADJACENT = re.compile("[^\x00-\x7f]{2}")
INSIDE_WORD = re.compile(rb"[a-z][\x80-\xff][a-z]")
UNASSIGNED = re.compile("[\x80\xa0\uf8f0-\uf8f3]")
"""What Python decodes the bytes to that CP932 does not assign: 80, A0 and FD to FF."""
Blocks = Callable[[], Iterable[bytes]]


def decoded(data: bytes, *, is_html: bool = False) -> str:
    """The text of a whole file. Raises BadDocument as `encoding_of` does."""
    return data.decode(_encoding(lambda: [data], is_html=is_html))


def encoding_of(path: Path) -> str:
    """The encoding that decodes the whole file: UTF-8, with or without BOM, UTF-16 or CP932.

    Raises BadDocument, with the byte and the line where one is at fault, for any other.
    """
    return _encoding(lambda: _blocks(path))


def _blocks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            yield block


def _encoding(blocks: Blocks, *, is_html: bool = False) -> str:
    head = next(iter(blocks()), b"")
    if head.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        raise _looks_like("UTF-32")
    kind = _kind(head)
    if kind and not (is_html and kind == "HTML"):
        raise BadDocument(_("no plain text but %s; give the name that ending") % kind)
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        _refuse_faulty(blocks, UTF_16, _("byte %(byte)d (line %(line)d) is not UTF-16"))
        return UTF_16
    if b"\0" in head:
        raise BadDocument(
            _("U+0000 in the text, or UTF-16 without a byte order mark; save it as UTF-8")
        )
    if _is_utf_16(head):
        raise _looks_like("UTF-16")
    if any(ISO_2022.search(block) for block in blocks()):
        raise _looks_like("ISO-2022-JP")
    if _first_fault(blocks, "utf-8") is None:
        return UTF_8
    if head.startswith(codecs.BOM_UTF8) or _is_mostly_utf_8(blocks):
        reason = _("byte %(byte)d (line %(line)d) is not UTF-8; save the file again as UTF-8")
        _refuse_faulty(blocks, "utf-8", reason)
    if _first_fault(blocks, EUC_JP) is None and JAPANESE.search(head.decode(EUC_JP, "ignore")):
        raise _looks_like("EUC-JP")
    reason = _("neither UTF-8 nor CP932 (byte %(byte)d, line %(line)d); save it as UTF-8")
    _refuse_faulty(blocks, CP932, reason)
    if _is_western(head):
        raise _looks_like("Windows-1252")
    _refuse_mixed(blocks)
    return CP932


def _kind(head: bytes) -> str:
    """The kind of file that begins like this, if it is none of plain text."""
    start = head[:100].removeprefix(codecs.BOM_UTF8).lstrip().lower()
    return next((kind for first, kind in KINDS.items() if start.startswith(first)), "")


def _refuse_faulty(blocks: Blocks, encoding: str, reason: str) -> None:
    offset = _first_fault(blocks, encoding)
    if offset is None:
        return
    raise BadDocument(reason % {"byte": offset + 1, "line": _line_of(blocks, offset)})


def _line_of(blocks: Blocks, offset: int) -> int:
    line = 1
    for block in blocks():
        line += block[: max(offset, 0)].count(b"\n")
        offset -= len(block)
    return line


def _first_fault(blocks: Blocks, encoding: str) -> int | None:
    """The offset of the first byte that `encoding` does not decode, or None."""
    decoder = codecs.getincrementaldecoder(encoding)()
    offset = 0
    for block in (*blocks(), b""):
        pending = len(decoder.getstate()[0])
        try:
            decoder.decode(block, final=not block)
        except UnicodeDecodeError as error:
            return offset - pending + error.start
        offset += len(block)
    return None


def _refuse_mixed(blocks: Blocks) -> None:
    """Refuse a CP932 text with a piece of UTF-8, as where files were put together."""
    start = 0
    for block in blocks():
        for run in UTF_8_RUN.finditer(block):
            # Three characters are no accident; two may be three kanji, such as a name.
            is_long = run.end() - run.start() >= 9
            if is_long or UNLIKELY.search(run[0].decode(CP932, "replace")):
                offset = start + run.start()
                reason = _(
                    "byte %(byte)d (line %(line)d) is UTF-8 in a CP932 text; save all as UTF-8"
                )
                raise BadDocument(reason % {"byte": offset + 1, "line": _line_of(blocks, offset)})
        start += len(block)


def _is_utf_16(head: bytes) -> bool:
    """Whether a text without ASCII is UTF-16 without its mark, and so has no zero byte either."""
    for encoding in ("utf-16-le", "utf-16-be"):
        try:
            text = head.decode(encoding)
        except UnicodeDecodeError:
            continue
        if JAPANESE_ONLY.fullmatch(text) and 3 * len(KANA.findall(text)) >= len(text):
            return True
    return False


def _is_mostly_utf_8(blocks: Blocks) -> bool:
    """Whether most bytes beyond ASCII are those of UTF-8, as never in a Japanese CP932 text.

    Where there is none but of characters that were cut, those count.
    """
    valid = other = cut = 0
    for block in blocks():
        valid += sum(map(len, UTF_8_SEQUENCE.findall(block)))
        cut += sum(map(len, CUT_SEQUENCE.findall(block)))
        other += len(NOT_ASCII.findall(block))
    return 2 * valid > other or 0 < other == cut


def _is_western(head: bytes) -> bool:
    """Whether a CP932 text is one of Windows-1252, whose `’s` would be read as a kanji."""
    text = head.decode(CP932, "ignore")
    pairs = [pair.group(1) for pair in CP932_PAIR.finditer(head)]
    is_kanji_only = all(pairs) and not KANA_OR_SIGN.search(text)
    is_alone = is_kanji_only or not ADJACENT.search(text)
    return bool(UNASSIGNED.search(text) or (is_alone and INSIDE_WORD.search(head)))


def _looks_like(encoding: str) -> BadDocument:
    return BadDocument(_("neither UTF-8 nor CP932, but probably %s; save it as UTF-8") % encoding)
