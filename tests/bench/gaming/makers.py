"""Dishonest texts of each kind, made from a question and from marked answers to it and to others.

A maker takes what a candidate may have, and yields texts; two runs make the same. Where a text is
another one spoilt, that one is its origin.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from math import log, sqrt
from random import Random
from typing import Any

import regex

from pmscoring.base.texts import SECTION_BREAK
from tests.bench.gaming import written
from tests.bench.gaming.words import Language, sentences

TYPICAL_WORDS, TIMES = 40, 3
FILLER_CHARACTERS = 1000
FEWEST_WORDS, FEWEST_CHARACTERS = 8, 12
"""Of shorter answers no order can be told, so that they are not spoilt."""
AUXILIARY = regex.compile(
    r"\b(am|is|are|was|were|do|does|did|has|have|had|can|could|will|would|shall|should|may|might"
    r"|must)\b(?!\s+not\b|n['’]t)",
    regex.IGNORECASE,
)


@dataclass(frozen=True)
class Made:
    """A text of a kind; `origin` is the answer whose points it should not have any more."""

    kind: str
    text: str
    origin: str | None = None


@dataclass(frozen=True)
class Material:
    """What the makers work from.

    `good` are answers of many points, the best first; `full` and `rest` those with and without all
    of them; `others` right answers to the next question, `foreign` answers to all others.
    """

    language: Language
    wire: dict[str, Any]
    good: Sequence[str]
    full: Sequence[str]
    rest: Sequence[str]
    others: Sequence[str]
    foreign: Sequence[str]

    @property
    def keywords(self) -> list[str]:
        """The question's, or the content words of its references where it names none."""
        criteria = self.wire["criteria"]
        if named := [word for one in criteria for word in one["keywords"]]:
            return list(dict.fromkeys(named))
        texts = [text for one in criteria for text in one["references"]]
        return list(dict.fromkeys(w for text in texts for w in self.language.content_words(text)))

    @property
    def length(self) -> int:
        """Characters of an answer that the question allows, or that answers have."""
        usual = sorted(map(len, self.good))[len(self.good) // 2] if self.good else 100
        return int(self.wire["limits"]["max"] or usual)


Texts = Iterator[str | tuple[str, str]]
Maker = Callable[[Material, Random], Texts]


def keywords(material: Material, random: Random) -> Texts:
    """The question's keywords in a row, once and three times over."""
    del random
    for gap in (material.language.comma, " "):
        for times in (1, TIMES):
            yield gap.join(material.keywords * times)


def typical_words(material: Material, random: Random) -> Texts:
    """The words most typical of full marks, three times over: as ranked, then in other orders."""
    words = most_typical(material.language, material.full, material.rest)
    while words:
        yield material.language.comma.join(words * TIMES)
        random.shuffle(words)


def most_typical(language: Language, full: Sequence[str], rest: Sequence[str]) -> list[str]:
    """By log odds of standing in an answer of full marks against others, over their error."""
    if not full or not rest:
        return []
    inside, outside = (
        Counter(word for text in texts for word in dict.fromkeys(language.words(text)))
        for texts in (full, rest)
    )

    def score(word: str) -> float:
        has, other = inside[word] + 0.5, outside[word] + 0.5
        odds = log(has / (len(full) - has + 1)) - log(other / (len(rest) - other + 1))
        return odds / sqrt(1 / has + 1 / other)

    return sorted(inside, key=lambda word: (-score(word), word))[:TYPICAL_WORDS]


def shuffled_words(material: Material, random: Random) -> Texts:
    """Good answers, their words in another order."""
    for text in _long_enough(material):
        yield by_section(text, lambda part: _shuffled_words(material.language, part, random)), text


def _shuffled_words(language: Language, text: str, random: Random) -> str:
    tokens = language.tokens(text)
    random.shuffle(tokens)
    return language.gap.join(tokens)


def shuffled_characters(material: Material, random: Random) -> Texts:
    """Good answers, their characters in another order."""
    for text in _long_enough(material):
        yield by_section(text, lambda part: "".join(random.sample(part, len(part)))), text


def word_list(material: Material, random: Random) -> Texts:
    """The content words of good answers, in a row."""
    del random
    language = material.language

    def listed(part: str) -> str:
        return language.comma.join(language.content_words(part))

    for text in _long_enough(material):
        yield by_section(text, listed), text


def copied_passage(material: Material, random: Random) -> Texts:
    """Neighbouring sentences of the passage, as much as an answer may have."""
    return iter(_excerpts(material, random, material.length))


def passage_and_keywords(material: Material, random: Random) -> Texts:
    """The same, and the keywords after it."""
    row = material.language.comma.join(material.keywords)
    if row:
        for text in _excerpts(material, random, material.length - len(row) - 1):
            yield f"{text} {row}" if material.language.gap else f"{text}、{row}"


def _excerpts(material: Material, random: Random, most: int) -> list[str]:
    every = sentences(material.wire["passage"])
    gap = material.language.gap
    starts = random.sample(range(len(every)), len(every))
    return [gap.join(every[start:])[:most].strip() for start in starts if most > 0]


def filler(material: Material, random: Random) -> Texts:
    """A thousand characters about something else."""
    every = list(written.FILLER.get(material.language.code, material.foreign))
    while every:
        random.shuffle(every)
        yield material.language.gap.join(every)[:FILLER_CHARACTERS]


def other_question(material: Material, random: Random) -> Texts:
    """Right answers to the next question."""
    del random
    yield from material.others


def inserted_not(material: Material, random: Random) -> Texts:
    """Good English answers with "not" after every auxiliary."""
    del random
    for text in material.good if material.language.code == "en" else ():
        negated = AUXILIARY.sub(r"\1 not", text)
        if negated != text:
            yield negated, text


def no_answer(material: Material, random: Random) -> Texts:
    """What people write who answer nothing."""
    phrases = list(written.NO_ANSWER[material.language.code])
    random.shuffle(phrases)
    yield from phrases


MAKERS: dict[str, Maker] = {
    maker.__name__: maker
    for maker in (
        keywords,
        typical_words,
        shuffled_words,
        shuffled_characters,
        word_list,
        copied_passage,
        passage_and_keywords,
        filler,
        other_question,
        inserted_not,
        no_answer,
    )
}


def made(material: Material, kind: str, most: int, seed: str) -> list[Made]:
    """At most so many different texts of the kind, the same for the same seed."""
    drawn = islice(MAKERS[kind](material, Random(f"{seed} {kind}")), 2 * most)
    origins: dict[str, str | None] = {}
    for one in drawn:
        text, origin = one if isinstance(one, tuple) else (one, None)
        origins.setdefault(text, origin)
    return [
        Made(kind, _for_sections(text, material), origin)
        for text, origin in islice(origins.items(), most)
        if text.strip() and text != origin
    ]


def by_section(text: str, spoilt: Callable[[str], str]) -> str:
    """The text with each of its sections spoilt by itself."""
    return SECTION_BREAK.join(map(spoilt, text.split(SECTION_BREAK)))


def _for_sections(text: str, material: Material) -> str:
    """The text once for each section, where the question has sections and the text has none."""
    count = len(material.wire["sections"])
    return SECTION_BREAK.join([text] * count) if count and SECTION_BREAK not in text else text


def _long_enough(material: Material) -> Iterator[str]:
    language = material.language
    for text in material.good:
        if language.code == "en":
            is_long = len(language.words(text)) >= FEWEST_WORDS
        else:
            is_long = len(text) >= FEWEST_CHARACTERS
        if is_long:
            yield text
