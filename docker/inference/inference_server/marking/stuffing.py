"""Answers that string keywords together: words without what holds sentences together.

Japanese sentences are held together by hiragana, English ones by function words. Where a text has
next to none, it is a list, or an honest answer in note form. What is nothing but the question's
keywords is no answer. docs/scoring.md has what the thresholds were measured on.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self

import regex

JAPANESE = regex.compile(r"[\p{Hiragana}\p{Katakana}\p{Han}]")
HIRAGANA = regex.compile(r"\p{Hiragana}")
LETTER = regex.compile(r"[\p{L}\p{N}]")
WORD = regex.compile(r"[\p{L}\p{M}']+")
FEWEST_CHARACTERS, FEWEST_WORDS = 12, 8
"""Of shorter answers nothing can be said: a term may be all that is asked for."""
TERM_WORDS = 3
"""The most words of a term in English."""
LEAST_HIRAGANA, LEAST_FUNCTION_WORDS = 0.2, 0.15
MOST_FOREIGN = 0.02
"""The share of Han characters unknown to Japanese from which on a text is Chinese, not a list."""
ENGLISH = """
a about above after again all also am an and any are as at be because been before being below
between both but by can cannot could did do does doing down during each either else ever every few
for from further had has have having he her here hers him his how i if in into is it its itself just
like may me might more most must my no nor not now of off on once one only or other our out over own
same shall she should since so some such than that the their them then there these they this those
though through to too under until up upon us very was we were what when where whether which while
who whom whose why will with within without would yet you your
"""
FUNCTION_WORDS = frozenset(ENGLISH.split())


@dataclass(frozen=True)
class KeywordRows:
    """Texts that are nothing but keywords of the question in a row, of any length.

    `keyword` finds one of them in lower case; it is None where there are none, and where a right
    answer is itself nothing but keywords, for such a question asks for terms.
    """

    keyword: "regex.Pattern[str] | None"

    @classmethod
    def of(cls, keywords: Iterable[str], right: Iterable[str]) -> Self:
        """From keywords in lower case and folded texts that are right."""
        # The longest first: one keyword may begin with another.
        words = sorted(set(keywords), key=lambda word: (-len(word), word))
        if not words:
            return cls(None)
        rows = cls(regex.compile("|".join(map(regex.escape, words))))
        return cls(None) if any(rows._count(text) for text in right) else rows

    def has(self, folded: str) -> bool:
        """Whether the folded text is two keywords or more and no other letter or digit."""
        return self._count(folded) > 1

    def _count(self, folded: str) -> int:
        """Of how many keywords the text consists; 0 where there is anything else."""
        if self.keyword is None:
            return 0
        rest, count = self.keyword.subn(" ", folded.lower())
        return 0 if LETTER.search(rest) else count


def is_long_enough(folded: str) -> bool:
    """Whether the text has enough words, or letters of Japanese or Chinese, to say anything."""
    letters = len(JAPANESE.findall(folded))
    return letters >= FEWEST_CHARACTERS or len(WORD.findall(folded)) >= FEWEST_WORDS


def may_be_listed(right: str, language: str) -> bool:
    """Whether a folded text that is right is a list, or a term of which answers list several."""
    if language == "ja":
        # A longer text without hiragana that is no list is Chinese.
        is_short = len(JAPANESE.findall(right)) < FEWEST_CHARACTERS
        return _lacks_kana(right) or (is_short and not HIRAGANA.search(right))
    words = WORD.findall(right.lower())
    is_short = len(words) <= TERM_WORDS and not JAPANESE.search(right)
    return _lack_function_words(words) or (is_short and FUNCTION_WORDS.isdisjoint(words))


def is_stuffed(folded: str, language: str) -> bool:
    """Whether the folded text is a list of keywords rather than sentences of the language."""
    if language == "ja":
        return _lacks_kana(folded)
    words = WORD.findall(folded.lower())
    return _lack_function_words(words) or _are_short_list(words)


def _lacks_kana(folded: str) -> bool:
    letters = JAPANESE.findall(folded)
    if len(letters) < FEWEST_CHARACTERS:
        return False
    if len(HIRAGANA.findall(folded)) >= LEAST_HIRAGANA * len(letters):
        return False
    return sum(map(_is_foreign, letters)) < MOST_FOREIGN * len(letters)


def _is_foreign(letter: str) -> bool:
    """Whether Japanese computers of old had no code for it, as for simplified Chinese letters."""
    try:
        letter.encode("cp932")
    except UnicodeEncodeError:
        return True
    return False


def _lack_function_words(words: Sequence[str]) -> bool:
    function_words = sum(word in FUNCTION_WORDS for word in words)
    return len(words) >= FEWEST_WORDS and function_words < LEAST_FUNCTION_WORDS * len(words)


def _are_short_list(words: Sequence[str]) -> bool:
    """Whether more words than a term has, and too few to count, are without a function word.

    A right answer may be such a sentence: it does not make lists what a question asks for.
    """
    return TERM_WORDS < len(words) < FEWEST_WORDS and FUNCTION_WORDS.isdisjoint(words)
