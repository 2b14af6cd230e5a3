"""Shapes of a PDF page that cover its text, strike it, cut it off or have its colour."""

from collections.abc import Iterator
from contextlib import closing

import pytest

from scoring.documents import BadDocument
from scoring.documents.pdfs import Pdfs
from tests.scoring.documents.pdf_files import at, pdf_file, stream

pytestmark = pytest.mark.usefixtures("english")

TEXT = at(72, 700, "the scope grew")
"""From x = 72 to 151, and 12 points high."""
IMAGE = "/Type/XObject/Subtype/Image/Width 1/Height 1/BitsPerComponent 8/ColorSpace/DeviceGray"


@pytest.fixture(scope="module")
def pdfs() -> Iterator[Pdfs]:
    with closing(Pdfs()) as each:
        yield each


def with_image(page: str, head: str = "") -> bytes:
    image = stream(b"\xff", IMAGE + head)
    return pdf_file(page, resources="/XObject<</I 20 0 R>>", more=[image])


@pytest.mark.parametrize(
    "box",
    [
        "1 g 60 690 200 30 re f",
        "0 0 1 rg 60 690 200 30 re B",
        "1 g 60 690 m 260 690 l 260 720 l 60 720 l h f*",
        "q 200 0 0 30 60 690 cm 1 g 0 0 1 1 re f Q",
    ],
)
def test_text_below_a_box_is_refused(pdfs: Pdfs, box: str) -> None:
    with pytest.raises(BadDocument, match="page 1: text that something is painted over"):
        pdfs.text(pdf_file(TEXT + box))
    assert pdfs.text(pdf_file(box.replace("1 g", ".9 g") + " 0 g " + TEXT)).text


def test_text_below_an_image_is_refused(pdfs: Pdfs) -> None:
    over = "q 200 0 0 30 60 690 cm /I Do Q "
    with pytest.raises(BadDocument, match="text that something is painted over"):
        pdfs.text(with_image(TEXT + over))
    assert pdfs.text(with_image(over + TEXT)).text == "the scope grew"
    assert pdfs.text(with_image(TEXT + over, "/Mask[255 255]")).text == "the scope grew"


@pytest.mark.parametrize("state", ["<</ca .4>>", "<</BM/Multiply>>"])
def test_text_below_a_highlighter_is_read(pdfs: Pdfs, state: str) -> None:
    page = f"{TEXT}/GS gs 1 1 0 rg 60 690 200 30 re f"
    file = pdf_file(page, resources=f"/ExtGState<</GS {state}>>")
    assert pdfs.text(file).text == "the scope grew"


@pytest.mark.parametrize(
    "around",
    [
        "60 690 200 30 re S",
        "60 690 200 30 re 50 680 220 50 re f*",
        "0 0 0 rg 60 600 200 80 re f",
        "72 690 200 4 re f",
    ],
)
def test_text_in_a_frame_and_beside_a_box_is_read(pdfs: Pdfs, around: str) -> None:
    assert pdfs.text(pdf_file(TEXT + around)).text == "the scope grew"


def test_text_in_the_colour_of_what_is_behind_it_is_refused(pdfs: Pdfs) -> None:
    with pytest.raises(BadDocument, match="text in the colour of what is behind it"):
        pdfs.text(pdf_file(f"0 g 60 690 200 30 re f {TEXT}"))
    nearly = ".5 .5 .5 rg 60 690 200 30 re f .51 .5 .5 rg "
    with pytest.raises(BadDocument, match="text in the colour of what is behind it"):
        pdfs.text(pdf_file(nearly + TEXT))
    again = "0 g 60 690 200 30 re f .9 g 60 690 200 30 re f 0 g "
    assert pdfs.text(pdf_file(again + TEXT)).text == "the scope grew"


@pytest.mark.parametrize(
    "line", ["72 704 m 130 704 l S", "72 703.6 58 .8 re f", ".4 w 90 703 m 99 703 l s"]
)
def test_text_that_is_struck_by_a_line_is_refused(pdfs: Pdfs, line: str) -> None:
    for page in (TEXT + line, f"{line} {TEXT}"):
        with pytest.raises(BadDocument, match="text that is struck through"):
            pdfs.text(pdf_file(page))


@pytest.mark.parametrize(
    "line",
    [
        "72 698.5 m 130 698.5 l S",
        "72 711 m 130 711 l S",
        "60 704 m 71 704 l S",
        "100 640 m 100 760 l S",
        "1 G 72 704 m 130 704 l S",
    ],
)
def test_underlines_and_lines_of_tables_strike_nothing(pdfs: Pdfs, line: str) -> None:
    assert pdfs.text(pdf_file(TEXT + line)).text == "the scope grew"


@pytest.mark.parametrize("frame", ["60 600 200 60", "60 690 40 30", "100 690 200 30"])
def test_text_that_its_frame_cuts_off_is_refused(pdfs: Pdfs, frame: str) -> None:
    with pytest.raises(BadDocument, match="page 1: text that its frame cuts off"):
        pdfs.text(pdf_file(f"q {frame} re W n {TEXT} Q"))
    with pytest.raises(BadDocument, match="text that its frame cuts off"):
        pdfs.text(pdf_file(f"q 0 0 612 792 re W n {frame} re W* n {TEXT} Q"))


def test_text_in_its_frame_and_behind_it_is_read(pdfs: Pdfs) -> None:
    page = f"q 71 697 81 14 re W n {TEXT} Q " + at(72, 400, "agreed")
    assert pdfs.text(pdf_file(page)).text == "the scope grew\nagreed"


def test_a_line_that_runs_off_the_page_is_refused(pdfs: Pdfs) -> None:
    with pytest.raises(BadDocument, match="text outside of the page"):
        pdfs.text(pdf_file(at(72, 700, "long " * 40)))


def test_many_shapes_and_texts_are_looked_through_in_bands(pdfs: Pdfs) -> None:
    rows = range(20, 780, 2)
    boxes = "".join(f"300 {y} 4 1 re f " * 20 for y in rows)
    texts = "".join(at(20 + 60 * n, y, "w", 1.5) for y in rows for n in range(4))
    assert pdfs.text(pdf_file(boxes + texts)).text.count("w") == 4 * len(rows)
