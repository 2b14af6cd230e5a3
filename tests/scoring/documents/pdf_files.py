"""PDF files, written as their objects."""

import zlib
from collections.abc import Sequence

HELVETICA = "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"
BOX = "[0 0 612 792]"
FIRST_MORE = 20
"""The number of the first further object."""


def stream(data: bytes, head: str = "") -> str:
    return f"<<{head}/Length {len(data)}>>stream\n{data.decode('latin-1')}\nendstream"


def at(x: float, y: float, text: str, size: float = 12, font: str = "F1") -> str:
    """The operations that paint a text; of ASCII, or hexadecimal codes in angle brackets."""
    shown = text if text.startswith("<") else f"({text})"
    return f"BT /{font} {size} Tf 1 0 0 1 {x} {y} Tm {shown} Tj ET\n"


def pdf_file(
    *pages: str,
    fonts: str = f"/F1 {HELVETICA}",
    resources: str = "",
    page: str = "",
    root: str = "",
    more: Sequence[str] = (),
    trailer: str = "",
) -> bytes:
    """A file of pages with these operations; `more` objects are numbered from FIRST_MORE on."""
    contents = {100 + number: stream(page.encode("latin-1")) for number, page in enumerate(pages)}
    kids = " ".join(f"{200 + number} 0 R" for number in range(len(pages)))
    objects = {
        1: f"<</Type/Catalog/Pages 2 0 R{root}>>",
        2: f"<</Type/Pages/Kids[{kids}]/Count {len(pages)}>>",
        3: f"<</Font<<{fonts}>>{resources}>>",
        **{FIRST_MORE + number: each for number, each in enumerate(more)},
        **contents,
        **{
            key + 100: f"<</Type/Page/Parent 2 0 R/MediaBox{BOX}/Contents {key} 0 R"
            f"/Resources 3 0 R{page}>>"
            for key in contents
        },
    }
    out, table = b"%PDF-1.7\n", b""
    for number, content in sorted(objects.items()):
        table += b"%d 1\n%010d 00000 n \n" % (number, len(out))
        out += b"%d 0 obj%s endobj\n" % (number, content.encode("latin-1"))
    head = f"trailer<</Size 400/Root 1 0 R{trailer}>>\nstartxref\n{len(out)}\n%%EOF"
    return out + b"xref\n0 1\n0000000000 65535 f \n" + table + head.encode()


def pdf(text: str, trailer: str = "") -> bytes:
    """A file of one page, with a text layer where there is a text."""
    return pdf_file(at(72, 720, text) if text else "0 0 9 9 re f", trailer=trailer)


def bomb(operators: bytes, pages: int) -> bytes:
    """A small file that unfolds to much work, the same on each page."""
    packed = stream(zlib.compress(operators, 9), "/Filter/FlateDecode")
    kids = " ".join(["200 0 R"] * pages)
    file = pdf_file("", more=[packed]).decode("latin-1")
    return (
        file.replace("/Kids[200 0 R]/Count 1", f"/Kids[{kids}]/Count {pages}")
        .replace("/Contents 100 0 R", f"/Contents {FIRST_MORE} 0 R")
        .encode("latin-1")
    )


def japanese(text: str, *, to_unicode: bool = True, encoding: str = "Identity-H") -> str:
    """A composite font whose glyphs 1, 2, … are the characters of a text."""
    pairs = "\n".join(
        f"<{code:04x}> <{sign.encode('utf-16-be').hex()}>" for code, sign in enumerate(text, 1)
    )
    cmap = (
        "begincmap 1 begincodespacerange <0000> <ffff> endcodespacerange\n"
        f"{len(text)} beginbfchar\n{pairs}\nendbfchar endcmap"
    )
    table = f"/ToUnicode {FIRST_MORE} 0 R" if to_unicode else ""
    font = (
        f"<</Type/Font/Subtype/Type0/BaseFont/Mincho/Encoding/{encoding}{table}/DescendantFonts"
        "[<</Type/Font/Subtype/CIDFontType2/BaseFont/Mincho/DW 1000>>]>>"
    )
    return f"{stream(cmap.encode())}\0{font}"


def codes(*numbers: int) -> str:
    """Codes of two bytes, as a page shows them."""
    return f"<{''.join(f'{number:04x}' for number in numbers)}>"


def text_of(text: str) -> str:
    """A text as a string of a dictionary."""
    return f"<{(chr(0xFEFF) + text).encode('utf-16-be').hex()}>"
