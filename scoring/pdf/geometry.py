"""Where text stands on a page: matrices, and the runs that are painted by them."""

from typing import Any, NamedTuple

Matrix = tuple[float, float, float, float, float, float]
IDENTITY: Matrix = (1, 0, 0, 1, 0, 0)


class Run(NamedTuple):
    """A piece of text: the ends of its base line, its height, and whether it runs downwards."""

    text: str
    start: tuple[float, float]
    end: tuple[float, float]
    up: tuple[float, float]
    size: float
    is_vertical: bool


def times(first: Matrix, second: Matrix) -> Matrix:
    """The matrix that does first the one and then the other."""
    a, b, c, d, e, f = first
    p, q, r, s, t, u = second
    return (
        *(a * p + b * r, a * q + b * s, c * p + d * r, c * q + d * s),
        *(e * p + f * r + t, e * q + f * s + u),
    )


def matrix_of(numbers: Any) -> Matrix:
    """The matrix of six numbers."""
    a, b, c, d, e, f = (float(number) for number in numbers)
    return a, b, c, d, e, f
