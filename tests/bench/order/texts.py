"""Honest texts of a folder and of the sample exam, and the texts without order made of them."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from inference_server.marking.stuffing import FEWEST_CHARACTERS, FEWEST_WORDS
from pmscoring.base import texts
from tests.bench import sample
from tests.bench.agreement.datasets import POINTS, QUESTION, rows_of
from tests.bench.order import disorder
from tests.bench.order.disorder import Cut

GOOD = 0.6
"""The share of the points from which on an answer is worth a cheat's trouble."""
PAIR = ("a", "b")
"""The columns of a file of sentence pairs, which answer no question."""
CHARACTERS = 400
"""Of longer texts fewer are taken, so that essays take no longer to read than short answers."""
FREQUENT_FROM = 10
"""Answers from which on a question has words that are typical of it."""


@dataclass(frozen=True)
class Made:
    """A folded text; `kind` is honest or how it was made, `source` the file it comes from."""

    source: str
    question: str
    kind: str
    share: float
    text: str

    @property
    def is_honest(self) -> bool:
        """Whether a person wrote it so."""
        return self.kind == "honest"


def gather(folder: Path, most: int, made_of: int, cut: Cut) -> Iterator[list[Made]]:
    """By file at most so many honest texts, and what is made of so many good ones of them.

    The texts' own hashes choose. The sample exam comes last.
    """
    sources = [_rows(folder, path) for path in sorted(folder.rglob("*.csv"))]
    for rows in [*sources, list(_sample())]:
        honest = _chosen(rows, most)
        if honest:
            good = list(_some((one for one in honest if one.share >= GOOD), made_of))
            shuffled = [one for each in good for one in _disordered(each, cut)]
            yield [*honest, *shuffled, *_frequent(honest, cut)]


def _rows(folder: Path, path: Path) -> list[Made]:
    rows = rows_of(path)
    has = set(rows[0]) if rows else set()
    name = str(path.relative_to(folder))
    question = next((column for column in QUESTION if column in has), None)
    points = next((column for column in POINTS if column in has), None)
    if has >= set(PAIR) and not question:
        return [Made(name, "", "honest", 1.0, row[column]) for row in rows for column in PAIR]
    if question is None or points is None or "text" not in has:
        return []
    most: dict[str, float] = defaultdict(float)
    marked = [row for row in rows if row[points]]
    for row in marked:
        most[row[question]] = max(most[row[question]], float(row[points]))
    return [
        Made(name, own, "honest", float(row[points]) / (most[own] or 1), row["text"])
        for row in marked
        if (own := row[question])
    ]


def _sample() -> Iterator[Made]:
    for one in sample.questions():
        for text, points in zip(one.texts, one.points, strict=True):
            yield Made("sample", one.code, "honest", points / one.wire["max_points"], text)


def _chosen(rows: Sequence[Made], most: int) -> list[Made]:
    """The first by the hash of the text, long enough, each text once, folded."""
    distinct = {row.text: row for row in rows}
    ordered = sorted(distinct, key=lambda text: hashlib.sha256(text.encode()).digest())
    folded = ((text, texts.folded(text)) for text in ordered)
    enough = (replace(distinct[raw], text=text) for raw, text in folded if is_long_enough(text))
    return list(_some(enough, most))


def _some(honest: Iterable[Made], most: int) -> Iterator[Made]:
    """The first of them, so many or fewer long ones."""
    characters = 0
    for one in islice(honest, most):
        characters += len(one.text)
        if characters > most * CHARACTERS:
            return
        yield one


def is_long_enough(text: str) -> bool:
    """Whether it has enough words, or letters where words do not stand apart."""
    return disorder.size(text) >= (FEWEST_WORDS if disorder.is_spaced(text) else FEWEST_CHARACTERS)


def _disordered(honest: Made, cut: Cut) -> Iterator[Made]:
    for kind, make in disorder.KINDS.items():
        text = texts.folded(make(honest.text, cut))
        if text != honest.text and is_long_enough(text):
            yield replace(honest, kind=kind, text=text)


def _frequent(honest: Sequence[Made], cut: Cut) -> Iterator[Made]:
    """Of each question the words that most answers have, once and three times over."""
    by_question: dict[str, list[str]] = defaultdict(list)
    for one in honest:
        if one.question:
            by_question[one.question].append(one.text)
    for question, own in by_question.items():
        if len(own) >= FREQUENT_FROM:
            words = disorder.frequent(own, cut)
            for times in (1, 3):
                text = (" " if disorder.is_spaced(own[0]) else "、").join(words * times)
                if is_long_enough(text):
                    yield Made(honest[0].source, question, "frequent", 1.0, texts.folded(text))
