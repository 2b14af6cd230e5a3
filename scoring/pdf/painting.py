"""What a page paints: the runs of its text, where they stand, and its images (ISO 32000-1, 8, 9).

Text that is painted but not seen is refused, since its sender may not know of it: invisible, white
or tiny text, text outside the page, and what other shapes cover, cut off or strike. What a hidden
layer paints is not read, and neither are running headers and footers that the file marks as such.
"""

from copy import copy
from dataclasses import dataclass, field
from math import hypot
from typing import Any

from pypdf import PageObject, PdfReader
from pypdf.generic import ContentStream

from scoring.pdf.colours import is_white
from scoring.pdf.fonts import Font, Glyph, Unknown
from scoring.pdf.geometry import IDENTITY, Matrix, Run, matrix_of, times
from scoring.pdf.objects import array, dictionary, entry
from scoring.pdf.refused import Refused
from scoring.pdf.shapes import Box, Path, Shapes, box_of, is_cut, placed, rectangle
from scoring.pdf.state import State

MOST_FORMS = 1000
FILLS, STROKES = ("f", "F", "B", "b"), ("S", "s")
"""Operations that fill a path, and that draw its lines alone."""
MASKS = ("/SMask", "/Mask", "/ImageMask")
"""What lets a part of an image be seen through."""
INVISIBLE = (3, 7)
"""Modes of painting text that leave nothing on the page."""
SMALLEST = 1.0
"""The least size of text, in points, that can be seen."""
LEAST_OPACITY, LEAST_SCALE = 0.1, 0.1
"""Shares of full colour and of full width, below which nobody sees the text."""


@dataclass
class Painting:
    """What was painted on a page; `curves` tell of text that was turned into outlines."""

    runs: list[Run] = field(default_factory=list)
    images: int = 0
    curves: int = 0


class Painter:
    """Paints the pages of a file."""

    def __init__(self, reader: PdfReader) -> None:
        self.reader = reader
        self.fonts: dict[int, Font] = {}
        layers = dictionary(dictionary(reader.root_object, "/OCProperties"), "/D")
        self.hidden_layers = {_key(layer) for layer in array(layers, "/OFF")}

    def paint(self, page: PageObject, number: int) -> Painting:
        """Paint a page. Raises Refused."""
        sheet = _Sheet(self, page, number)
        content = page.get_contents()
        if content is not None:
            sheet.paint(content, dictionary(page, "/Resources"), IDENTITY)
            sheet.shapes.check(number)
        return sheet.painting

    def font(self, resources: Any, name: str) -> Font:
        """The font that resources name. Raises Unknown."""
        resource = dictionary(dictionary(resources, "/Font"), name)
        if not resource:
            raise Unknown
        if id(resource) not in self.fonts:
            try:
                self.fonts[id(resource)] = Font(resource)
            except MemoryError:
                raise
            except Exception as error:  # pypdf raises nearly anything
                raise Unknown from error
        return self.fonts[id(resource)]


class _Sheet:
    """One page while it is painted."""

    def __init__(self, painter: Painter, page: PageObject, number: int) -> None:
        self.painter, self.page, self.number = painter, page, number
        self.painting = Painting()
        self.shapes = Shapes()
        self.path = Path()
        self.clips = False
        self.forms = 0
        self.open_forms: list[int] = []
        self.state = State()
        self.saved: list[State] = []
        self.resources: Any = {}
        self.marks: list[bool] = []
        self.text: Matrix = IDENTITY
        self.line: Matrix = IDENTITY

    def paint(self, content: Any, resources: Any, matrix: Matrix) -> None:
        """Paint a stream of operations, of the page or of a form on it."""
        outer = (self.state, self.saved, self.resources, self.marks, self.text, self.line)
        self.state = copy(self.state)
        self.state.matrix = times(matrix, self.state.matrix)
        self.saved, self.resources, self.marks = [], resources, list(self.marks)
        for operands, operator in ContentStream(content, self.painter.reader, "bytes").operations:
            self._operation(operator.decode("latin-1"), operands)
        self.state, self.saved, self.resources, self.marks, self.text, self.line = outer

    def _operation(self, name: str, operands: Any) -> None:
        state = self.state
        match name:
            case "q":
                self.saved.append(copy(state))
            case "Q" if self.saved:
                self.state = self.saved.pop()
            case "cm":
                state.matrix = times(matrix_of(operands), state.matrix)
            case "BT":
                self.text = self.line = IDENTITY
            case "Tf":
                state.size = float(operands[1])
                state.font = self._font(operands[0])
            case "Td":
                self._move(*operands)
            case "TD":
                state.leading = -float(operands[1])
                self._move(*operands)
            case "Tm":
                self.text = self.line = matrix_of(operands)
            case "T*":
                self._move(0, -state.leading)
            case "Tj":
                self._show(operands[0])
            case "'":
                self._move(0, -state.leading)
                self._show(operands[0])
            case '"':
                state.word_spacing, state.spacing = float(operands[0]), float(operands[1])
                self._move(0, -state.leading)
                self._show(operands[2])
            case "TJ":
                self._show_array(operands[0])
            case "Do":
                self._external(operands[0])
            case "INLINE IMAGE":
                self.painting.images += not self._is_hidden()
            case "m" | "l" | "c" | "v" | "y" | "h" | "re":
                self._draw(name, [float(operand) for operand in operands])
            case "f" | "F" | "f*" | "B" | "B*" | "b" | "b*" | "S" | "s" | "n":
                self._end_path(name)
            case "W" | "W*":
                self.clips = True
            case "cs":
                state.colour = None
                state.is_tint = self._is_tint(operands[0])
            case "gs":
                self._graphics_state(operands[0])
            case "BMC":
                self.marks.append(False)
            case "BDC":
                self.marks.append(self._is_unseen(*operands))
            case "EMC" if self.marks:
                self.marks.pop()
            case _:
                state.set(name, operands)

    def _font(self, name: str) -> Font | None:
        try:
            return self.painter.font(self.resources, name)
        except Unknown:
            return None

    def _graphics_state(self, name: str) -> None:
        font = array(dictionary(dictionary(self.resources, "/ExtGState"), name), "/Font")
        if font:
            self.state.size = float(font[1])
            self.state.font = Font(font[0].get_object())

        self.state.blend(dictionary(dictionary(self.resources, "/ExtGState"), name))

    def _is_tint(self, name: str) -> bool:
        """Whether 1 is the full colour of an ink in this colour space, and not white."""
        if name in ("/DeviceGray", "/DeviceRGB", "/DeviceCMYK"):
            return False
        space = array(dictionary(self.resources, "/ColorSpace"), name)
        return not space or space[0] not in ("/ICCBased", "/CalGray", "/CalRGB")

    def _is_hidden(self) -> bool:
        return any(self.marks)

    def _is_unseen(self, tag: str, properties: Any) -> bool:
        """Whether marked content is a running header or footer, or on a hidden layer."""
        if isinstance(properties, str):
            named = dictionary(self.resources, "/Properties")
            properties = dict.get(named, properties, named)
        if tag == "/OC":
            return self._is_on_hidden_layer(properties)
        return tag == "/Artifact" and entry(properties.get_object(), "/Type") == "/Pagination"

    def _is_on_hidden_layer(self, layer: Any) -> bool:
        if _key(layer) in self.painter.hidden_layers:
            return True
        group = layer.get_object()
        members = array(group, "/OCGs") or [group[key] for key in ("/OCGs",) if key in group]
        return bool(members) and all(_key(each) in self.painter.hidden_layers for each in members)

    def _move(self, x: float, y: float) -> None:
        self.text = self.line = times((1, 0, 0, 1, float(x), float(y)), self.line)

    def _show_array(self, pieces: Any) -> None:
        for piece in pieces:
            if isinstance(piece, bytes):
                self._show(piece)
            elif not isinstance(piece, str):
                self._advance(-float(piece) / 1000 * self.state.size)

    def _advance(self, by: float) -> None:
        if self.state.font and self.state.font.is_vertical:
            self.text = times((1, 0, 0, 1, 0, -by), self.text)
        else:
            self.text = times((1, 0, 0, 1, by * self.state.scale, 0), self.text)

    def _show(self, codes: bytes) -> None:
        state, font = self.state, self.state.font
        if self._is_hidden() or not codes:
            return
        if font is None:
            raise Refused("font", self.number, "?")
        try:
            glyphs = font.glyphs(codes)
        except Unknown as error:
            raise Refused("font", self.number, font.name) from error
        placed = times((1, 0, 0, 1, 0, state.rise), times(self.text, state.matrix))
        self._advance(sum(self._width(glyph, font) for glyph in glyphs))
        after = times((1, 0, 0, 1, 0, state.rise), times(self.text, state.matrix))
        text = "".join(glyph.text for glyph in glyphs)
        up = (placed[2], placed[3])
        size = abs(state.size) * hypot(*up)
        run = Run(text, placed[4:], after[4:], up, size, font.is_vertical)
        if text.strip():
            self._check(run)
        self.painting.runs.append(run)

    def _width(self, glyph: Glyph, font: Font) -> float:
        is_space = glyph.code == 0x20 and not font.is_composite
        extra = self.state.spacing + (self.state.word_spacing if is_space else 0)
        # In vertical writing a glyph is as high as it is wide in horizontal.
        return (1.0 if font.is_vertical else glyph.width) * self.state.size + extra

    def _check(self, run: Run) -> None:
        """Refuse text that leaves nothing on the page."""
        if self.state.mode in INVISIBLE:
            raise Refused("invisible", self.number)
        if is_white(self.state.text_colour):
            raise Refused("white", self.number)
        if self.state.opacity < LEAST_OPACITY or abs(self.state.scale) < LEAST_SCALE:
            raise Refused("invisible", self.number)
        if run.size < SMALLEST:
            raise Refused("tiny", self.number)
        page = self.page.cropbox
        if is_cut(run, Box(*map(float, (page.left, page.bottom, page.right, page.top)))):
            raise Refused("outside", self.number)
        if is_cut(run, self.state.clip):
            raise Refused("cut", self.number)
        self.shapes.write(run, self.state.text_colour)

    def _draw(self, name: str, numbers: list[float]) -> None:
        matrix = self.state.matrix
        if name in ("c", "v", "y"):
            self.painting.curves += not self._is_hidden()
            self.path.is_curved = True
        if name == "re":
            self.path.add(rectangle(matrix, *numbers), starts=True)
        elif name == "h":
            self.path.close()
        else:
            points = [placed(matrix, *pair) for pair in zip(*[iter(numbers)] * 2, strict=True)]
            self.path.add(points, starts=name == "m")

    def _end_path(self, name: str) -> None:
        """Fill or stroke the path, and use it to clip where that is asked for."""
        state, path = self.state, self.path
        if state.is_opaque and not self._is_hidden():
            for box in path.rectangles() if name.rstrip("*") in FILLS else ():
                self.shapes.paint(box, state.clip, state.colour)
            if name == "s":
                path.close()
            width = state.line_width * hypot(state.matrix[0], state.matrix[1])
            for box in path.strokes(width) if name in STROKES else ():
                self.shapes.paint(box, state.clip, state.line_colour)
        if self.clips and (area := path.box()):
            state.clip = area.within(state.clip)
        self.path, self.clips = Path(), False

    def _external(self, name: str) -> None:
        """Paint an image or a form, which has operations and resources of its own."""
        item = dictionary(dictionary(self.resources, "/XObject"), name)
        if not item or ("/OC" in item and self._is_on_hidden_layer(item["/OC"])):
            return
        if entry(item, "/Subtype") == "/Image":
            self._image(item)
        elif entry(item, "/Subtype") == "/Form" and id(item) not in self.open_forms:
            self.forms += 1
            if self.forms > MOST_FORMS:
                raise Refused("heavy", self.number)
            self.open_forms.append(id(item))
            resources = dictionary(item, "/Resources") or self.resources
            self.paint(item, resources, matrix_of(array(item, "/Matrix") or IDENTITY))
            self.open_forms.pop()

    def _image(self, image: Any) -> None:
        """Paint an image, which covers what is below it unless it has a mask."""
        if self._is_hidden():
            return
        self.painting.images += 1
        state = self.state
        if state.is_opaque and not any(entry(image, name) for name in MASKS):
            self.shapes.paint(box_of(rectangle(state.matrix, 0, 0, 1, 1)), state.clip, None)


def _key(item: Any) -> object:
    """The same for all references to one object."""
    reference = item if hasattr(item, "idnum") else getattr(item, "indirect_reference", None)
    return reference.idnum if reference is not None else id(item)
