"""The graphics state, by which a page paints its text and shapes (ISO 32000-1, 8.4 and 9.3)."""

from dataclasses import dataclass
from typing import Any

from scoring.pdf.colours import BLACK, Colour, colour_of
from scoring.pdf.fonts import Font
from scoring.pdf.geometry import IDENTITY, Matrix
from scoring.pdf.objects import entry
from scoring.pdf.shapes import EVERYWHERE, Box

OPAQUE = 0.9
"""The opacity from which nothing shines through."""
OUTLINES = (1, 5)
"""Modes of painting text by the outlines of its characters alone."""


@dataclass
class State:
    """What `q` keeps and `Q` brings back. Colours are None where they are not known."""

    matrix: Matrix = IDENTITY
    font: Font | None = None
    size: float = 0
    spacing: float = 0
    word_spacing: float = 0
    scale: float = 1
    leading: float = 0
    rise: float = 0
    mode: int = 0
    opacity: float = 1
    is_blended: bool = False
    line_width: float = 1
    line_colour: Colour | None = BLACK
    colour: Colour | None = BLACK
    is_tint: bool = False
    clip: Box = EVERYWHERE

    @property
    def text_colour(self) -> Colour | None:
        """The colour that text is painted in."""
        return self.line_colour if self.mode in OUTLINES else self.colour

    @property
    def is_opaque(self) -> bool:
        """Whether nothing shines through what is painted."""
        return self.opacity >= OPAQUE and not self.is_blended

    def blend(self, graphics: Any) -> None:
        """Take over opacity and blending from a dictionary of graphics parameters."""
        self.opacity = float(entry(graphics, "/ca", self.opacity))
        mode, mask = entry(graphics, "/BM"), entry(graphics, "/SMask")
        if mode is not None or mask is not None:
            self.is_blended = mode not in (None, "/Normal") or mask not in (None, "/None")

    def set(self, name: str, operands: Any) -> None:
        """Do an operation that sets one number or colour; any other does nothing."""
        match name:
            case "Tc":
                self.spacing = float(operands[0])
            case "Tw":
                self.word_spacing = float(operands[0])
            case "Tz":
                self.scale = float(operands[0]) / 100
            case "TL":
                self.leading = float(operands[0])
            case "Ts":
                self.rise = float(operands[0])
            case "Tr":
                self.mode = int(operands[0])
            case "w":
                self.line_width = float(operands[0])
            case "g" | "rg" | "k":
                self.colour = colour_of(operands)
            case "G" | "RG" | "K":
                self.line_colour = colour_of(operands)
            case "CS":
                self.line_colour = None
            case "sc" | "scn":
                self.colour = None if self.is_tint else colour_of(operands)
