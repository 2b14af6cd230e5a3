"""Clauses of Japanese: predicates come last, so that negators deny what stands before them."""

import re
from collections.abc import Iterator
from itertools import pairwise

from inference_server.marking.polarity import japanese_words as words
from inference_server.marking.polarity.phrases import Clause, Negator, Word

HAN = "一-龯々"
PREFIX = f"[未不非無](?=[{HAN}])"
DENYING = "|".join(
    (
        words.KEEPS,
        words.RISKS,
        words.LACKS,
        words.PREVENTS,
        words.VERBS,
        words.BADLY,
        words.MENDS,
        PREFIX,
    )
)


def _begins(alternatives: str) -> str:
    """The set of characters with which one of the alternatives may begin."""
    return f"[{''.join(sorted(set(re.findall(r'(?:^|[|(])([ぁ-ん一-龯々])', alternatives))))}]"


def _quick(alternatives: str) -> str:
    """The alternatives, which all begin with a letter, behind a glance at that letter."""
    return f"(?={_begins(alternatives)})(?:{alternatives})"


KINDS = {
    "keeps": words.KEEPS,
    "risk": words.RISKS,
    "lacks": _quick(words.LACKS),
    "prevents": _quick(words.PREVENTS),
    "verb": _quick(words.VERBS),
    "badly": _quick(words.BADLY),
    "mends": _quick(words.MENDS),
    "prefix": PREFIX,
    "question": words.QUESTIONS,
    "contrast": words.CONTRASTS,
    "condition": words.CONDITIONS,
    "if": words.IFS,
    "strong": words.STRONG,
    "boundary": words.BOUNDARIES,
    "last_denial": words.LAST_DENIALS,
    "denial": words.DENIALS,
    "other": "間に合|[ァ-ヴー]{2,}|[a-z0-9]+",
    "kanji": f"[{HAN}](?:(?!{_begins(DENYING)}|[未不非無])[{HAN}]|(?!{DENYING})[{HAN}])*",
}
ITEM = re.compile("|".join(f"(?P<{kind}>{pattern})" for kind, pattern in KINDS.items()))
ENDS = frozenset(("boundary", "if", "strong", "last_denial", "question", "contrast", "condition"))
NEUTRAL_ENDS = frozenset(("question", "contrast", "condition"))
BETWEEN_LACKS = re.compile("[や・と]?")
APART = tuple("にでへ")
"""Particles that keep a word from being what is prevented: 繁忙期に停止する."""
HIRAGANA = re.compile("[ぁ-ん]")
LIGHT = re.compile(words.LIGHT)
SIGN = re.compile(
    "|".join(
        (
            _quick(words.LACKS),
            _quick(words.PREVENTS),
            _quick(words.VERBS),
            PREFIX,
            words.LAST_DENIALS,
            words.DENIALS,
        )
    )
)


def denies(text: str) -> bool:
    """Whether anything in the folded text may deny."""
    return bool(SIGN.search(text))


def clauses(text: str) -> Iterator[Clause]:
    """The clauses of a folded text in lower case; none of one without hiragana, as in Chinese."""
    return _Reader(text).clauses() if HIRAGANA.search(text) else iter(())


class _Reader:
    """Reads a text item by item.

    `items` are those of the present clause, `waiting` the clauses before it that a word for what
    may happen would make neutral.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.items: list[Word | Negator] = []
        self.waiting: list[Clause] = []
        self.prefix: Negator | None = None
        self.last_lack = -1
        self.follows_condition = self.is_risk = self.is_badly = False

    def clauses(self) -> Iterator[Clause]:
        """The clauses in their order."""
        for match in ITEM.finditer(self.text):
            kind = str(match.lastgroup)
            self._take(kind, *match.span())
            if kind in ENDS:
                self._end_clause(kind)
            if kind == "strong":
                yield from self._settled()
        self._end_clause("strong")
        yield from self._settled()

    def _take(self, kind: str, start: int, end: int) -> None:
        word = Word(start, end, self.text[start:end])
        if kind == "risk":
            self.is_risk = True
        elif kind == "lacks":
            if self.last_lack < 0 or not BETWEEN_LACKS.fullmatch(self.text, self.last_lack, start):
                self.items.append(Negator(start, end))
            self.items.append(word)
            self.last_lack = end
        elif kind in ("prevents", "verb"):
            is_apart = self.text.endswith(APART, 0, start)
            self.items.append(Negator(start, end, is_apart=is_apart))
            self.items += [word] if kind == "prevents" else []
        elif kind in ("badly", "mends"):
            self.is_badly |= kind == "badly"
            self.waiting.append(Clause(self.items, is_neutral=True))
            self.items = [word]
        elif kind in ("denial", "last_denial"):
            self.items.append(Negator(start, end))
        elif kind == "prefix":
            self.prefix = Negator(start, end)
        elif kind == "kanji":
            self.items += _words(word.stem, start)
        elif kind == "other":
            self.items.append(word)
        if self.prefix and self.prefix.end == start:
            self.items.append(self.prefix)

    def _end_clause(self, kind: str) -> None:
        is_neutral = self.follows_condition or kind in NEUTRAL_ENDS
        self.waiting.append(Clause(self.items, is_neutral))
        self.follows_condition = (
            kind == "condition"
            or (kind == "if" and self.is_badly)
            or (self.follows_condition and not self.items)
        )
        self.items, self.last_lack, self.is_badly = [], -1, False

    def _settled(self) -> list[Clause]:
        """The clauses that wait, neutral where they say what may happen."""
        settled = [Clause(items, neutral or self.is_risk) for items, neutral in self.waiting]
        self.waiting, self.is_risk = [], False
        return settled


def _words(compound: str, start: int) -> Iterator[Word]:
    """The words of a compound: of two characters each, the last of up to three."""
    cuts = [*range(0, max(len(compound) - 2, 1), 2), len(compound)]
    for left, right in pairwise(cuts):
        stem = compound[left:right]
        yield Word(start + left, start + right, stem, bool(LIGHT.fullmatch(stem)))
