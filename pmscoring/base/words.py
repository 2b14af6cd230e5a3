"""Messages that are kept and later read in another language than that of who caused them.

`words` takes the place of gettext where a message is stored. It returns the translated text, a str
that also knows its msgid and parameters; `kept` writes those as JSON, and `spoken` reads them in
the active language. A text that is in no catalogue, such as a file's name, is kept as it is.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Protocol, Self

from django.utils.translation import gettext

Kept = Any
"""A str, or `{say, with?}` with a msgid and its parameters, or `{join, parts}`."""


class Words(str):
    """A message in the language that was active when it was made, with what it was made of."""

    parts: Kept

    def __new__(cls, text: str, parts: Kept) -> Self:
        """The text, which was made of these parts."""
        words = super().__new__(cls, text)
        words.parts = parts
        return words

    def __getnewargs__(self) -> tuple[str, Kept]:  # type: ignore[override]
        return str(self), self.parts

    def __mod__(self, values: Any) -> "Words":
        """The message with its parameters, each of which may be Words itself."""
        return Words(super().__mod__(values), {**self.parts, "with": _kept_values(values)})


def words(msgid: str) -> Words:
    """The message in the active language, whose msgid is kept."""
    return Words(gettext(msgid), {"say": msgid})


class Sentence(Protocol):
    """A text in English that knows its sentence and values, as texts.Refusal does."""

    sentence: str
    values: Mapping[str, int]


def worded(refusal: Sentence) -> Words:
    """Why a text is refused, in the active language."""
    return words(refusal.sentence) % dict(refusal.values)


def joined(separator: str, parts: Iterable[str]) -> Words:
    """Several messages, each of which keeps its own words."""
    parts = list(parts)
    return Words(
        separator.join(parts), {"join": separator, "parts": [kept(part) for part in parts]}
    )


def kept(text: Any) -> Kept:
    """The message as JSON; numbers and texts that are no Words stay as they are."""
    if isinstance(text, Words):
        return text.parts
    return text if isinstance(text, (int, float)) else str(text)


def _kept_values(values: Any) -> Any:
    if isinstance(values, dict):
        return {name: kept(value) for name, value in values.items()}
    return [kept(value) for value in (values if isinstance(values, tuple) else (values,))]


def spoken(message: Kept) -> Words:
    """The kept message in the active language."""
    if not isinstance(message, dict):
        return Words(str(message), message)
    if "join" in message:
        return joined(message["join"], [spoken(part) for part in message["parts"]])
    text = words(message["say"])
    if "with" not in message:
        return text
    values = message["with"]
    if isinstance(values, dict):
        return text % {name: _value(value) for name, value in values.items()}
    return text % tuple(_value(value) for value in values)


def _value(value: Kept) -> Any:
    return spoken(value) if isinstance(value, dict) else value
