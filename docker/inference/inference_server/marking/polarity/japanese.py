"""Clauses of Japanese: predicates come last, so that negators deny what stands before them."""

import re
from collections.abc import Iterator
from itertools import pairwise

from inference_server.marking.polarity import japanese_words as words
from inference_server.marking.polarity.phrases import Clause, Negator, Word

PREFIX = "[未不非無](?=[一-龯々])"
DENYING = re.compile("|".join((words.LACKS, words.PREVENTS, words.VERBS, PREFIX)))
KINDS = {
    "keeps": words.KEEPS,
    "lacks": words.LACKS,
    "prevents": words.PREVENTS,
    "verb": words.VERBS,
    "prefix": PREFIX,
    "question": words.QUESTIONS,
    "condition": words.CONDITIONS,
    "boundary": words.BOUNDARIES,
    "last_denial": words.LAST_DENIALS,
    "denial": words.DENIALS,
    "kanji": "[一-龯々]+",
    "other": "[ァ-ヴー]{2,}|[a-z0-9]+",
}
ITEM = re.compile("|".join(f"(?P<{kind}>{pattern})" for kind, pattern in KINDS.items()))
BETWEEN_LACKS = re.compile("[や・と]?")
ENDS = frozenset(("boundary", "last_denial", "question", "condition"))
NEUTRAL_ENDS = frozenset(("question", "condition"))
LIGHT = re.compile(words.LIGHT)


def clauses(text: str) -> Iterator[Clause]:
    """The clauses of a folded text in lower case."""
    items: list[Word | Negator] = []
    prefix: Negator | None = None
    last_lack, place = -1, 0
    follows_condition = False
    while match := ITEM.search(text, place):
        kind, start, place = match.lastgroup, match.start(), match.end()
        if kind in ENDS:
            if kind == "last_denial":
                items.append(Negator(start, place))
            is_neutral = follows_condition or kind in NEUTRAL_ENDS
            yield Clause(items, is_neutral)
            follows_condition = kind == "condition" or (follows_condition and not items)
            items, last_lack = [], -1
        elif kind == "lacks":
            if last_lack < 0 or not BETWEEN_LACKS.fullmatch(text, last_lack, start):
                items.append(Negator(start, place))
            items.append(Word(start, place, match.group()))
            last_lack = place
        elif kind == "prevents":
            items += [Negator(start, place), Word(start, place, match.group())]
        elif kind in ("verb", "denial"):
            items.append(Negator(start, place))
        elif kind == "prefix":
            prefix = Negator(start, place)
        elif kind == "kanji":
            place = _end(text, start, place)
            items += _words(text[start:place], start)
            if prefix and prefix.end == start:
                items.append(prefix)
        elif kind == "other":
            items.append(Word(start, place, match.group()))
    yield Clause(items, follows_condition)


def _end(text: str, start: int, end: int) -> int:
    """Where the compound at `start` ends: before a word that denies."""
    denying = DENYING.search(text, start + 1, min(end + 3, len(text)))
    return denying.start() if denying and denying.start() < end else end


def _words(compound: str, start: int) -> Iterator[Word]:
    """The words of a compound: of two characters each, the last of up to three."""
    cuts = [*range(0, max(len(compound) - 2, 1), 2), len(compound)]
    for left, right in pairwise(cuts):
        stem = compound[left:right]
        yield Word(start + left, start + right, stem, bool(LIGHT.fullmatch(stem)))
