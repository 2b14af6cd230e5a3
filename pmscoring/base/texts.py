"""How a text is counted, cut into sections, judged for length and told apart, for both services."""

import hashlib
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from typing import Any, Literal
from unicodedata import normalize

import regex

from pmscoring.base import lookalikes
from pmscoring.base.folding import (
    FOLDING,
    GRAPHEME,
    INVISIBLE,
    MOST_MARKS,
    Folded,
    fold,
    folded,
    graphemes,
    move_span,
    written,
)

__all__ = [
    "FOLDING",
    "LONGEST_ID",
    "Folded",
    "Refusal",
    "Verdict",
    "beginning",
    "composed",
    "count",
    "fold",
    "folded",
    "graphemes",
    "identifier",
    "is_blank",
    "move_span",
    "read_part",
    "refused_character",
    "refused_identifier",
    "section_counts",
    "sections",
    "text_key",
    "unstorable_character",
    "verdict",
    "within_limit",
]

Verdict = Literal["ok", "blank", "too_short", "too_long"]
SECTION_BREAK = "\f"
FRAME = " []()<>{}【】《》〈〉〔〕「」『』■□●○◆◇▼▽★☆※・*#:.-="
"""What stands around headings, as it is folded."""
SEPARATOR = regex.compile(r"\s+|[:：、】\])）］〉》]|[.．](?!\d)")
"""What stands between a heading's label and its title."""
LONGEST_HEADING = 60
"""Code points of a line that may be a label with a title."""
LINE_BREAK = regex.compile(r"[\r\n\u000b\u000c\u0085\u2028\u2029]+")
HALF_WIDTH_RUN = regex.compile(r"[0-9A-Za-z]+")
LONGEST_ID = 100
OF_IDENTIFIERS = {sign: form for sign, form in lookalikes.TABLE.items() if form != "\u00a5"}
TOO_MANY_MARKS = regex.compile(rf"\p{{M}}{{{MOST_MARKS + 1}}}")


class Refusal(str):
    """Why a text is refused, in English, with the sentence and the values that say so.

    It is translated by pmscoring/base/words.py, of which the inference service has no need.
    """

    sentence: str
    values: Mapping[str, int]

    def __new__(cls, sentence: str, **values: int) -> "Refusal":
        """The sentence with its values."""
        refusal = super().__new__(cls, sentence % values)
        refusal.sentence, refusal.values = sentence, values
        return refusal


def count(text: str, way: str) -> int:
    """The length as on the answer sheet, of what is seen there.

    Line breaks, white space at the ends of lines and invisible characters are not counted.

    `characters`: user-perceived characters. `cells`: a run of half-width letters or digits takes
    half as many cells, rounded up, and anything else one.
    """
    lines = [line.rstrip() for line in LINE_BREAK.split(written(text))]
    total = sum(len(graphemes(line)) for line in lines)
    if way == "cells":
        runs = (run.group() for line in lines for run in HALF_WIDTH_RUN.finditer(line))
        total -= sum(len(run) // 2 for run in runs)
    return total


def is_blank(text: str) -> bool:
    """Whether nothing is seen of the text."""
    return not written(text).strip()


def sections(text: str, labels: Sequence[str]) -> list[tuple[int, int]]:
    """The spans of an essay's sections, in order: one for each label.

    A form feed, or a line that is a section's label, begins a section; so does a line that is a
    label with a short title behind it, which belongs to the section. What stands before the first
    label line belongs to section one where that has no label line, else to the section that the
    line begins; sections that are not there are empty.
    """
    if not labels:
        return [(0, len(text))]
    if SECTION_BREAK in text:
        return _padded(_by_form_feed(text, len(labels)), len(labels), len(text))
    return _by_label(text, [folded(label) for label in labels])


def _by_form_feed(text: str, most: int) -> list[tuple[int, int]]:
    spans, start = [], 0
    for part in text.split(SECTION_BREAK, most - 1):
        spans.append((start, start + len(part)))
        start += len(part) + 1
    return spans


def _padded(spans: list[tuple[int, int]], size: int, end: int) -> list[tuple[int, int]]:
    return spans + [(end, end)] * (size - len(spans))


def _by_label(text: str, labels: list[str]) -> list[tuple[int, int]]:
    heads = _heads(text, labels)
    if not heads:
        return _padded([(0, len(text))], len(labels), len(text))
    bounds = [*sorted(start for start, _ in heads.values()), len(text)]
    spans = [(len(text), len(text)) for _ in labels]
    for index, (start, end) in heads.items():
        spans[index] = (end, next(bound for bound in bounds if bound > start))
    if 0 not in heads:
        spans[0] = (0, bounds[0])
    elif text[: bounds[0]].strip():
        head = min(heads, key=lambda index: heads[index])
        spans[head] = (0, spans[head][1])
    return spans


def _heads(text: str, labels: list[str]) -> dict[int, tuple[int, int]]:
    """By label: where its first line begins, and where the section itself does.

    A line that is nothing but the label comes before one with a title.
    """
    plain: dict[int, tuple[int, int]] = {}
    titled: dict[int, tuple[int, int]] = {}
    for line in regex.finditer(r"[^\n]*\n?", text):
        name = folded(line.group())
        label = name if name in labels else name.strip(FRAME)
        if label in labels:
            plain.setdefault(labels.index(label), line.span())
        elif head := _titled(line.group(), labels):
            titled.setdefault(head[0], (line.start(), line.start() + head[1]))
    return titled | plain


def _titled(line: str, labels: list[str]) -> tuple[int, int] | None:
    """The label that the line begins with, and where its title begins; None for other lines."""
    if len(line) > LONGEST_HEADING:
        return None
    for separator in SEPARATOR.finditer(line):
        label = folded(line[: separator.start()])
        label = label if label in labels else label.strip(FRAME)
        title = line[separator.end() :].strip()
        if label and label in labels and _is_title(label, separator.group(), title):
            return labels.index(label), separator.end()
    return None


def _is_title(label: str, separator: str, title: str) -> bool:
    """Whether this is a heading, and not the beginning of a sentence such as "Part A is ..."."""
    if not title or "。" in title or title[-1] in "、，,;":
        return False
    in_sentence = label[-1].isascii() and title[0].isascii() and not title[0].isdigit()
    return not separator.isspace() or (len(label) > 1 and not in_sentence)


def within_limit(text: str, most: int | None, way: str) -> str:
    """The longest beginning of `text` that counts no more than `most`."""
    return _within(text, most, lambda end: count(text[:end], way))


def _within(text: str, most: int | None, counted: Callable[[int], int]) -> str:
    """The same, where `counted` tells how much stands before an offset."""
    if most is None or counted(len(text)) <= most:
        return text
    ends = [0, *(match.end() for match in GRAPHEME.finditer(text))]
    return text[: ends[bisect_right(ends, most, key=counted) - 1]]


def read_part(text: str, question: Mapping[str, Any]) -> str:
    """What of the text is judged: all, or what lies within the limit where the rest is cut off.

    It is counted as by the verdict: of sections only what stands in them.
    """
    limits = question["limits"]
    if limits["over_limit"] != "truncate":
        return text
    if not question.get("sections"):
        return within_limit(text, limits["max"], limits["count"])
    spans = sections(text, _labels(question))
    return _within(text, limits["max"], lambda end: sum(_counts(text[:end], spans, limits)))


def _labels(question: Mapping[str, Any]) -> list[str]:
    return [section["label"] for section in question.get("sections") or []]


def _counts(text: str, spans: Sequence[tuple[int, int]], limits: Mapping[str, Any]) -> list[int]:
    return [count(text[start:end].strip(), limits["count"]) for start, end in spans]


def section_counts(text: str, question: Mapping[str, Any]) -> list[int]:
    """The count of each section (of the whole text where there are none)."""
    return _counts(text, sections(text, _labels(question)), question["limits"])


def verdict(text: str, question: Mapping[str, Any]) -> Verdict:
    """How the text as submitted stands to the limits of the question and of its sections."""
    if is_blank(text):
        return "blank"
    limits = question["limits"]
    checks = [(count(text, limits["count"]), limits)]
    parts = question.get("sections") or []
    if parts:
        whole = section_counts(text, question)
        checks = [(sum(whole), limits)]
        checks += [(n, part["limits"]) for n, part in zip(whole, parts, strict=True)]
    if any(bound["max"] is not None and n > bound["max"] for n, bound in checks):
        return "too_long"
    if any(bound["min"] is not None and n < bound["min"] for n, bound in checks):
        return "too_short"
    return "ok"


def text_key(text: str, question: Mapping[str, Any]) -> str:
    """SHA-256 by which two texts are the same: folded text and length verdict.

    What is judged of them is folded too, since folding may move the limit at which it is cut, and
    so is each section, since folding the whole loses their bounds.
    """
    parts = [folded(text)]
    if (judged := read_part(text, question)) != text:
        parts.append(folded(judged))
    if labels := _labels(question):
        parts += [folded(text[start:end]) for start, end in sections(text, labels)]
    content = "\0".join([verdict(text, question), *parts])
    return hashlib.sha256(content.encode()).hexdigest()


def beginning(text: str, most: int) -> str:
    """The first `most` user-perceived characters of a text, with an ellipsis where it goes on.

    It looks at no more than four code points a character. Django's Truncator normalises the whole
    text, whatever its length.
    """
    ends = [match.end() for match in islice(GRAPHEME.finditer(text[: 4 * most]), most)]
    end = ends[-1] if ends else 0
    return text if end == len(text) else text[:end] + "…"


def composed(text: str) -> str:
    """NFC, or the text itself where it has more combining marks in a row than intake accepts."""
    return text if TOO_MANY_MARKS.search(text) else normalize("NFC", text)


def identifier(text: str) -> str:
    """The one form of identifiers that look alike, such as a candidate's; `LONGEST_ID` bounds it.

    They are folded like texts, except that a space between words stays in any script and that a
    backslash is no yen sign.
    """
    return " ".join(normalize("NFKC", INVISIBLE.sub("", text).translate(OF_IDENTIFIERS)).split())


def refused_identifier(text: str) -> Refusal | None:
    """Why the identifier is not accepted, or None."""
    if reason := refused_character(text):
        return reason
    if not 0 < len(identifier(text)) <= LONGEST_ID:
        return Refusal("1 to %(most)d visible characters are needed", most=LONGEST_ID)
    return None


def refused_character(text: str) -> Refusal | None:
    """Why intake does not accept the text, or None.

    No writing system puts more combining marks in a row than UAX #15 lets a stream have, and they
    slow down whatever normalises, in browsers and libraries too.
    """
    if reason := unstorable_character(text):
        return reason
    if run := TOO_MANY_MARKS.search(text):
        return Refusal(
            "more than %(most)d combining marks in a row at offset %(offset)d are refused",
            most=MOST_MARKS,
            offset=run.start(),
        )
    return None


def unstorable_character(text: str) -> Refusal | None:
    """Why the text cannot be stored (U+0000 or a lone surrogate), or None."""
    if "\0" in text:
        return Refusal("U+0000 at offset %(offset)d is refused", offset=text.index("\0"))
    try:
        text.encode()
    except UnicodeEncodeError as error:
        return Refusal("a lone surrogate at offset %(offset)d is refused", offset=error.start)
    return None
