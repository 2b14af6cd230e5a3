"""Answers that copy the question or its passage word for word.

A run of eight letters in Japanese and Chinese, or of five words in English, that the source has too
counts as copied, unless a reference has it: a question may ask for words of the passage. Keywords
count neither way, so that a few of them behind a copied sentence change nothing. docs/scoring.md
has what run and share were measured on.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

import regex

from pmscoring.base import texts

BETWEEN = regex.compile(r"\W+")
WORD = regex.compile(r"[\w']+")
RUN = {"ja": 8, "en": 5}
FEWEST = {"ja": 12, "en": 8}
"""Letters or words of which an answer can be called a copy: a shorter one may quote a term."""
COPIED = 0.7
"""The share of an answer above which it is a copy."""

Symbols = str | tuple[str, ...]
"""A text's letters and digits, or its words, in lower case."""
Runs = Mapping[int, frozenset[Symbols]]
"""Runs of letters or words, by their length."""


@dataclass(frozen=True)
class Sources:
    """What answers may copy from, and what they may repeat, as runs.

    `passage` has the prompt's runs too. `own` are those of references and model answers.
    """

    language: str
    prompt: Runs
    passage: Runs
    own: Runs
    keywords: Runs

    @classmethod
    def of(
        cls, question: Mapping[str, Any], references: Iterable[str], keywords: Iterable[str]
    ) -> Self:
        """The sources of a question with these folded references and keywords."""
        language = question["language"]
        prompt, passage = (texts.folded(question[name]) for name in ("prompt", "passage"))
        return cls(
            language,
            _runs([prompt], language),
            _runs([prompt, passage], language),
            _runs(references, language, shorter=True),
            _wholes(keywords, language),
        )


def copied_from(folded: str, sources: Sources) -> str | None:
    """The flag of a folded text that copies the prompt or the passage; None of any other."""
    symbols, run = _symbols(folded, sources.language), RUN[sources.language]
    if len(symbols) < FEWEST[sources.language]:
        return None
    copied = _places(symbols, sources.passage)
    if not copied:
        return None
    keywords = _places(symbols, sources.keywords)
    free = _places(symbols, sources.own) | keywords
    enough = COPIED * (len(symbols) - len(keywords))
    from_prompt = _places(symbols, sources.prompt)
    # All of it may be in the prompt, although the prompt says much of what a reference says.
    handed_back = len(from_prompt) == len(symbols)
    if len(from_prompt - free) > enough or (handed_back and len(from_prompt - free) >= run):
        return "copied_prompt"
    return "copied_passage" if len(copied - free) > enough else None


def _symbols(folded: str, language: str) -> Symbols:
    """Words in English, letters and digits elsewhere."""
    lowered = folded.lower()
    return tuple(WORD.findall(lowered)) if language == "en" else BETWEEN.sub("", lowered)


def _runs(sources: Iterable[str], language: str, *, shorter: bool = False) -> Runs:
    """All runs in the texts; with `shorter` a text that is too short for one is a run itself."""
    length = RUN[language]
    by_length: dict[int, set[Symbols]] = defaultdict(set)
    for source in sources:
        symbols = _symbols(source, language)
        if shorter and 0 < len(symbols) < length:
            by_length[len(symbols)].add(symbols)
        starts = range(len(symbols) - length + 1)
        by_length[length].update(symbols[start : start + length] for start in starts)
    return {size: frozenset(runs) for size, runs in by_length.items() if runs}


def _wholes(sources: Iterable[str], language: str) -> Runs:
    """Each text as one run."""
    by_length: dict[int, set[Symbols]] = defaultdict(set)
    for source in sources:
        if symbols := _symbols(source, language):
            by_length[len(symbols)].add(symbols)
    return {size: frozenset(runs) for size, runs in by_length.items()}


def _places(symbols: Symbols, runs: Runs) -> set[int]:
    """The indices of the symbols that stand in one of the runs."""
    return {
        place
        for length, known in runs.items()
        for start in range(len(symbols) - length + 1)
        if symbols[start : start + length] in known
        for place in range(start, start + length)
    }
