"""Which texts say nearly the same: leaders, and what lies within a distance of each.

A text's vector is the mean of its tokens', each weighed by how rare it is in the language. Texts
whose numbers or negations differ never come together: one word turns an answer round, and moves
the vector hardly at all. docs/review.md has the figures.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import regex

from inference_server.arrays import Floats
from inference_server.encoding.batching import Overloaded
from inference_server.marking.matching import Reading
from inference_server.scorer import Scorer
from pmscoring.base import texts

AT_ONCE = 256
"""Texts that are read at once; in between others have their turn."""
MOST_MEMBERS = 50
"""Distinct texts of a group; nobody checks more at a glance."""
PATIENCE = 0.2
NUMBER = regex.compile(
    r"\d+(?:[.,]\d+)*|[〇零一二三四五六七八九十百千万億兆]+"
    r"|(?<![a-z])(?:zero|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen"
    r"|(?:four|fif|six|seven|eigh|nine)teen|(?:twen|thir|for|fif|six|seven|eigh|nine)ty"
    r"|(?:hundred|thousand|million|billion|dozen)s?|half|halves|once|twice|double|triple"
    r"|first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth"
    r"|[ivx]{2,}|[vx])(?![a-z])",  # Folding makes II of Ⅱ; a lone I is a word.
    regex.IGNORECASE,
)
"""Also where it counts nothing, as in 一部 or the pronoun one: that only keeps texts apart."""
NEGATION = regex.compile(
    r"な(?:い|く|かっ|けれ|し)|ません|ず(?=に|[、。,.\s]|$)|ぬ|未|不|無|非"
    r"|\b(?:no|not|never|none|nor|cannot|without|neither)\b|n['’]t\b",
    regex.IGNORECASE,
)
Told = dict[str, Any]


@dataclass
class Group:
    """The first id is the leader's, and the first distance 0."""

    ids: list[str]
    distances: list[float]


class Leaders:
    """Groups whose texts agree in numbers and negations; a row of `vectors` leads each."""

    def __init__(self, width: int) -> None:
        self.groups: list[Group] = []
        self.vectors: Floats = np.zeros((0, width), np.float32)

    def place(self, names: Sequence[str], vectors: Floats, distance: float) -> None:
        """Each into the nearest group that has room, or at the head of a new one."""
        known, among = 1 - vectors @ self.vectors.T, 1 - vectors @ vectors.T
        fresh: list[int] = []
        for row, name in enumerate(names):
            away = np.concatenate([known[row], among[row, fresh]])
            index = self._nearest(away, distance)
            if index is None:
                self.groups.append(Group([name], [0.0]))
                fresh.append(row)
            else:
                self.groups[index].ids.append(name)
                self.groups[index].distances.append(round(max(float(away[index]), 0.0), 4))
        self.vectors = np.concatenate([self.vectors, vectors[fresh]])

    def _nearest(self, away: Floats, distance: float) -> int | None:
        near = np.flatnonzero(away <= distance)
        for index in near[np.argsort(away[near], kind="stable")]:
            if len(self.groups[index].ids) < MOST_MEMBERS:
                return int(index)
        return None


def group(scorer: Scorer, named: Sequence[tuple[str, str]], distance: float) -> Iterator[Told]:
    """Lines of `{stage, fraction}` and last `{model, groups}` of the pairs of id and text.

    Earlier ones lead, so the caller sends first what should represent a group. A group of one is
    left out. Raises TooLarge.
    """
    leaders: dict[Any, Leaders] = {}
    for start in range(0, len(named), AT_ONCE):
        _place(scorer, named[start : start + AT_ONCE], distance, leaders)
        done = min(start + AT_ONCE, len(named))
        yield {"stage": "grouping", "fraction": round(done / len(named), 4)}
    found = [one for several in leaders.values() for one in several.groups if len(one.ids) > 1]
    yield {
        "model": scorer.encoder.model,
        "groups": [{"ids": one.ids, "distances": one.distances} for one in found],
    }


def _place(
    scorer: Scorer, named: Sequence[tuple[str, str]], distance: float, leaders: dict[Any, Leaders]
) -> None:
    part = [(name, texts.folded(text)) for name, text in named]
    vectors = _patiently(scorer, list({text: 0 for _, text in part if text}))
    guarded: dict[Any, list[tuple[str, Floats]]] = {}
    for name, text in part:
        if text in vectors:
            guarded.setdefault(_guard(text), []).append((name, vectors[text]))
    for guard, several in guarded.items():
        matrix = np.stack([vector for _, vector in several])
        into = leaders.setdefault(guard, Leaders(matrix.shape[1]))
        into.place([name for name, _ in several], matrix, distance)


def _patiently(scorer: Scorer, sources: list[str]) -> dict[str, Floats]:
    """The vectors; where the queue is full, answers to be scored go first."""
    while True:
        try:
            return scorer.read(sources, _pooled)
        except Overloaded:
            time.sleep(PATIENCE)


def _pooled(reading: Reading) -> Floats:
    whole = (reading.vectors * np.maximum(reading.rarity, 0.1)[:, None]).sum(axis=0)
    vector: Floats = whole / max(float(np.linalg.norm(whole)), 1e-12)
    return vector


def _guard(text: str) -> tuple[Any, ...]:
    """What must be the same in two texts, whatever their vectors say: numbers in their order,
    for 2人 and 3人 may have changed places, and how many negations.
    """
    numbers = [number.casefold() for number in NUMBER.findall(text)]
    return (*numbers, len(NEGATION.findall(text)))
