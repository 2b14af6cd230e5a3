"""Texts that earn nothing, made of a question's own words: what a calibration learns besides marks.

People mark honest answers, so that their marks alone say nothing of a text that no honest candidate
writes: a learner gives it what its words usually earn. Words in disorder, lists of keywords, copies
of the passage and texts about something else are therefore learned as texts without points. They
are in no figure, and a shuffled answer is left out together with the answer.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import islice
from typing import Any

import numpy as np
import regex

from inference_server.arrays import Doubles
from inference_server.fitting.folds import ALWAYS, fold_of
from pmscoring.base import texts

LEAST, MOST = 6, 30
"""Texts of each kind: a tenth of the examples, within these bounds."""
TYPICAL = 40
"""Words that are typical of full marks."""
WORD = regex.compile(r"[\p{Han}\p{Katakana}ー]{2,}|[\p{Hiragana}]+|[\p{L}\p{N}']+")
CONTENT = regex.compile(r"[\p{Han}\p{Katakana}ー]{2,}|(?![\p{Han}\p{Hiragana}])[\p{L}]{4,}")
PIECE = regex.compile(r"\s*[\p{Han}\p{Hiragana}\p{Katakana}ー]{1,2}|\s*[^\s\p{Han}\p{Hiragana}]+")
SENTENCE = regex.compile(r"[^。．.！!？?\n]+[。．.！!？?]?")
SHORTEST = 12
"""Characters of an answer that can be brought into disorder."""


@dataclass(frozen=True)
class Worthless:
    """A folded text, and the fold it is left out with; ALWAYS for none."""

    text: str
    fold: int = ALWAYS


def made_of(
    question: dict[str, Any], answers: Sequence[str], points: Doubles, foreign: Sequence[str]
) -> list[Worthless]:
    """Some of each kind, from distinct folded `answers` with their `points` [answers].

    `foreign` are texts that answer other questions.
    """
    count = min(max(len(answers) // 10, LEAST), MOST)
    best = _best(answers, points)
    length = int(np.median([len(text) for text in best])) if best else 0
    lists = [_fitted(words, length) for words in _lists(question, best, answers)]
    copies = _copies(question, lists, length, count)
    kinds: Iterable[Iterable[Worthless]] = (
        islice(_shuffled(best), count),
        map(Worthless, lists),
        map(Worthless, copies),
        map(Worthless, (texts.folded(text)[: 4 * length] for text in _spread(foreign, count))),
    )
    known = set(answers)
    made = {one.text: one for kind in kinds for one in kind if one.text}
    return [one for text, one in made.items() if text not in known]


def _best(answers: Sequence[str], points: Doubles) -> list[str]:
    """Answers of the most points, longest first among equals, that are long enough."""
    order = sorted(range(len(answers)), key=lambda i: (-points[i], -len(answers[i]), answers[i]))
    middle = float(np.median(points))
    return [answers[i] for i in order if points[i] >= middle and len(answers[i]) >= SHORTEST]


def _shuffled(best: Sequence[str]) -> Iterator[Worthless]:
    """Pieces of the answers in another order: words, or one or two characters."""
    for text in best:
        pieces = PIECE.findall(text)
        _random(text).shuffle(pieces)
        yield Worthless("".join(pieces).strip(), fold_of(text))


def _lists(
    question: dict[str, Any], best: Sequence[str], answers: Sequence[str]
) -> Iterator[list[str]]:
    """Keywords in a row, the words most typical of the best answers, and some answers' words."""
    keywords = [word for one in question["criteria"] for word in one["keywords"]]
    references = [
        word
        for one in question["criteria"]
        for text in one["references"]
        for word in CONTENT.findall(text)
    ]
    yield [texts.folded(word) for word in keywords]
    yield [texts.folded(word) for word in dict.fromkeys([*keywords, *references])]
    everywhere = Counter(word for text in answers for word in set(CONTENT.findall(text)))
    among = Counter(word for text in best for word in set(CONTENT.findall(text)))
    typical = sorted(among, key=lambda word: (-(among[word] ** 2) / everywhere[word], word))[
        :TYPICAL
    ]
    yield typical
    for text in best[:LEAST]:
        yield list(dict.fromkeys(CONTENT.findall(text)))
    for seed in range(LEAST):
        drawn = _random(f"{seed}{''.join(typical)}").permutation(typical).tolist()
        yield [str(word) for word in drawn[: max(len(drawn) // 2, 1)]]


def _fitted(words: Sequence[str], length: int) -> str:
    """The words in a row, over again until they are as long as an answer."""
    joint = " " if all(word.isascii() for word in words) else "、"
    row = joint.join(words)
    times = -(-length // max(len(row), 1)) if row else 0
    return texts.folded(joint.join([row] * min(times, 3)))


def _copies(
    question: dict[str, Any], lists: Sequence[str], length: int, count: int
) -> Iterator[str]:
    """Sentences of passage and prompt as long as an answer, every other one with keywords."""
    source = texts.folded(f"{question['passage']}\n{question['prompt']}")
    sentences = [text.strip() for text in SENTENCE.findall(source) if len(text.strip()) >= SHORTEST]
    for index, start in enumerate(_spread(range(len(sentences)), count)):
        copy = ""
        while len(copy) < length and start < len(sentences):
            copy, start = f"{copy}{sentences[start]}", start + 1
        yield f"{copy}{lists[0]}" if index % 2 and lists else copy


def _spread(items: Sequence[Any], count: int) -> list[Any]:
    """So many of the items, from all over."""
    return (
        [items[int(i)] for i in np.unique(np.linspace(0, len(items) - 1, count).astype(int))]
        if items
        else []
    )


def _random(text: str) -> np.random.Generator:
    return np.random.default_rng(int.from_bytes(sha256(text.encode()).digest()[:8]))
