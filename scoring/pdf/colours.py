"""Colours, as shares of red, green and blue."""

from collections.abc import Sequence
from typing import Any

Colour = tuple[float, float, float]
BLACK: Colour = (0.0, 0.0, 0.0)
NEARLY = 0.05
"""The difference of each share up to which nobody tells two colours apart."""


def colour_of(operands: Sequence[Any]) -> Colour | None:
    """The colour of one share of grey, three of light or four of ink; None for a pattern."""
    try:
        shares = [float(operand) for operand in operands]
    except (TypeError, ValueError):
        return None
    if len(shares) == 1:
        return shares[0], shares[0], shares[0]
    if len(shares) == 3:
        return shares[0], shares[1], shares[2]
    if len(shares) == 4:
        cyan, magenta, yellow, black = shares
        return 1 - min(1, cyan + black), 1 - min(1, magenta + black), 1 - min(1, yellow + black)
    return None


def are_alike(first: Colour | None, second: Colour | None) -> bool:
    """Whether two colours, both of which are known, cannot be told apart."""
    if first is None or second is None:
        return False
    return all(abs(a - b) <= NEARLY for a, b in zip(first, second, strict=True))


def is_white(colour: Colour | None) -> bool:
    """Whether the colour cannot be told from that of the page."""
    return are_alike(colour, (1.0, 1.0, 1.0))
