"""Failures that are kept as codes, so that whoever reads them later reads their own language."""

from collections.abc import Mapping
from typing import ClassVar

from django.utils.functional import Promise

BETWEEN = ":"
"""Between a code and what it is about."""


class Coded(Exception):
    """A failure by its code, and what it is about: what another program said, or a name.

    `str` is the sentence in the active language; `recorded` is what a row keeps of it.
    """

    TEXTS: ClassVar[Mapping[str, Promise]] = {}
    """By the code, the sentence; with %s where what it is about belongs."""

    def __init__(self, code: str, about: object = "") -> None:
        super().__init__(code, about)
        self.code, self.about = code, str(about)

    def __str__(self) -> str:
        return in_words(self.TEXTS, self.recorded)

    @property
    def recorded(self) -> str:
        return recorded(self.code, self.about)


def recorded(code: str, about: str = "") -> str:
    """A code with what it is about."""
    return f"{code}{BETWEEN}{about}" if about else str(code)


def in_words(texts: Mapping[str, Promise], recorded: str) -> str:
    """The sentence of what `recorded` made; what has no code of these stays as it is."""
    code, _between, about = recorded.partition(BETWEEN)
    if code not in texts:
        return recorded
    text = str(texts[code])
    return text % about if "%s" in text else text
