"""The apostrophe by which exports keep a text from being run as a formula, and the way back."""

import re

ESCAPED = re.compile(r"'(?='*[=+@＝＋－＠\t\r\n-])")
FORMULA = re.compile(r"'*[=+@＝＋－＠\t\r\n-]")


def escaped(text: str) -> str:
    """The text with an apostrophe before what a spreadsheet would run.

    Before one that looks as if it had been escaped already, too, so that `unescaped` is exact.
    """
    return f"'{text}" if FORMULA.match(text) else text


def unescaped(text: str) -> str:
    """The text that was escaped."""
    return text[1:] if ESCAPED.match(text) else text
