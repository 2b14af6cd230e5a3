"""A cell of a table: its text, or why that is not certain."""

from pmscoring.base.words import words as _


class NoText:
    """A cell whose text is not certain; `content` says what it contains. It counts as empty."""

    def __init__(self, content: str) -> None:
        self.content = content

    def __str__(self) -> str:
        return ""


class Merged(str):
    """The text of the first cell of a merged range, in each of the range's rows."""


class Covered(NoText):
    """A cell below another that is merged with it: whatever stands there is not seen."""

    def __init__(self) -> None:
        super().__init__(_("a part of a merged cell; write each value in a cell of its own"))


Cell = str | NoText


def is_filled(cell: Cell) -> bool:
    """Whether something stands in the cell."""
    return isinstance(cell, NoText) or bool(cell.strip())


def column_letters(column: int) -> str:
    """A for 0, AA for 26."""
    letters = ""
    column += 1
    while column:
        column, digit = divmod(column - 1, 26)
        letters = chr(ord("A") + digit) + letters
    return letters


def column_number(letters: str) -> int:
    """0 for A, 26 for AA."""
    number = 0
    for letter in letters:
        number = 26 * number + ord(letter) - ord("A") + 1
    return number - 1
