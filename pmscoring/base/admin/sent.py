"""What a browser sends for a form that nobody has touched, read from the form as it is drawn.

Each widget knows how it writes a value, and in how many inputs: two for a time, one for each box to
tick. So what was shown is compared with what is sent without knowing any widget.
"""

from collections.abc import Iterable
from html.parser import HTMLParser
from typing import Any

from django import forms

Sent = dict[str, list[str]]
"""The values of each name, with line breaks as LF."""
NOT_SENT = ("submit", "button", "image", "reset", "file")


def untouched(bound_fields: Iterable[forms.BoundField]) -> Sent:
    """What is sent for the fields of an unbound form."""
    reader = _Reader()
    for bound in bound_fields:
        reader.feed(bound.as_widget())
    reader.close()
    return reader.sent


def lines(values: Iterable[str]) -> list[str]:
    """The values with LF for each line break; browsers send CR LF."""
    return [value.replace("\r\n", "\n").replace("\r", "\n") for value in values]


class _Reader(HTMLParser):
    """Collects inputs, text areas and selects as a browser would send them."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.sent: Sent = {}
        self.text: tuple[str, list[str]] | None = None
        self.select: tuple[str, bool, list[str], list[str]] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes: dict[str, Any] = dict(attrs)
        name = attributes.get("name") or ""
        if tag == "option" and self.select is not None:
            value = attributes.get("value") or ""
            self.select[2].append(value)
            if "selected" in attributes:
                self.select[3].append(value)
        elif not name or "disabled" in attributes:
            return
        elif tag == "input":
            self._input(name, attributes)
        elif tag == "textarea":
            self.text = (name, [])
        elif tag == "select":
            self.select = (name, "multiple" in attributes, [], [])

    def _input(self, name: str, attributes: dict[str, Any]) -> None:
        kind = (attributes.get("type") or "text").lower()
        is_box = kind in ("checkbox", "radio")
        if kind not in NOT_SENT and (not is_box or "checked" in attributes):
            value = attributes.get("value")
            self._add(name, ("on" if is_box else "") if value is None else value)

    def handle_data(self, data: str) -> None:
        if self.text is not None:
            self.text[1].append(data)

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea" and self.text is not None:
            name, pieces = self.text
            # Django writes a line break after the tag, which is no part of the value.
            self._add(name, "".join(pieces).replace("\r\n", "\n").removeprefix("\n"))
            self.text = None
        elif tag == "select" and self.select is not None:
            name, multiple, values, selected = self.select
            for value in selected or ([] if multiple else values[:1]):
                self._add(name, value)
            self.select = None

    def _add(self, name: str, value: str) -> None:
        self.sent.setdefault(name, []).extend(lines([value]))
