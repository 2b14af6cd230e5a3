"""Groups texts that say nearly the same: leaders, and what lies within a distance of each.

This is leader clustering (Hartigan 1975). A text's vector is the mean of its tokens', each weighed
by how rare it is in the language. Texts whose numbers or negations differ never come together: a
single word reverses an answer, and moves the vector hardly at all. docs/review.md has the figures.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import regex

from inference_server.arrays import Floats
from inference_server.marking.matching import LEAST_RARITY, Reading
from inference_server.scorer import Scorer
from pmscoring.base import texts

PART = 256
"""Texts that are read together; between two parts other requests have their turn."""
MAX_MEMBERS = 50
"""Distinct texts of a group; nobody checks more at a glance."""
NUMBER = regex.compile(
    r"\d+(?:[.,]\d+)*|[〇零一二三四五六七八九十百千万億兆]+"
    r"|(?<![a-z])(?:zero|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen"
    r"|(?:four|fif|six|seven|eigh|nine)teen|(?:twen|thir|for|fif|six|seven|eigh|nine)ty"
    r"|(?:hundred|thousand|million|billion|dozen)s?|half|halves|once|twice|double|triple"
    r"|first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth"
    r"|[ivx]{2,}|[vx])(?![a-z])",  # Folding makes II of Ⅱ; a lone I is a word.
    regex.IGNORECASE,
)
"""Also where it is no number, as in 一部 or the pronoun one: that only keeps texts apart."""
NEGATION = regex.compile(
    r"な(?:い|く|かっ|けれ|し)|ません|ず(?=に|[、。,.\s]|$)|ぬ|未|不|無|非"
    r"|\b(?:no|not|never|none|nor|cannot|without|neither)\b|n['’]t\b",
    regex.IGNORECASE,
)
Guard = tuple[str | int, ...]


@dataclass
class Group:
    """Ids, the leader's first, and their cosine distances to the leader, the first 0."""

    ids: list[str]
    distances: list[float]


class Leaders:
    """Groups whose texts agree in numbers and negations.

    `vectors` [groups, width] are the leaders', of unit length.
    """

    def __init__(self, width: int) -> None:
        self.groups: list[Group] = []
        self.vectors: Floats = np.zeros((0, width), np.float32)

    def place(self, ids: Sequence[str], vectors: Floats, max_distance: float) -> None:
        """Put each text into the nearest group that has room, or at the head of a new one.

        `vectors` [texts, width] have unit length.
        """
        to_leaders, to_texts = 1 - vectors @ self.vectors.T, 1 - vectors @ vectors.T
        new_leaders: list[int] = []
        for row, text_id in enumerate(ids):
            distances = np.concatenate([to_leaders[row], to_texts[row, new_leaders]])
            index = self._nearest(distances, max_distance)
            if index is None:
                self.groups.append(Group([text_id], [0.0]))
                new_leaders.append(row)
            else:
                self.groups[index].ids.append(text_id)
                self.groups[index].distances.append(round(max(float(distances[index]), 0.0), 4))
        self.vectors = np.concatenate([self.vectors, vectors[new_leaders]])

    def _nearest(self, distances: Floats, max_distance: float) -> int | None:
        near = np.flatnonzero(distances <= max_distance)
        for index in near[np.argsort(distances[near], kind="stable")]:
            if len(self.groups[index].ids) < MAX_MEMBERS:
                return int(index)
        return None


def group(
    scorer: Scorer, sources: Sequence[tuple[str, str]], max_distance: float
) -> Iterator[dict[str, Any]]:
    """Lines of `{stage, fraction}` and last `{model, groups}`, from pairs of id and text.

    Earlier texts lead, so the caller sends first what should represent a group. A group of a single
    text is left out. Raises TooLarge.
    """
    leaders: dict[Guard, Leaders] = {}
    for start in range(0, len(sources), PART):
        _place(scorer, sources[start : start + PART], max_distance, leaders)
        done = min(start + PART, len(sources))
        yield {"stage": "grouping", "fraction": round(done / len(sources), 4)}
    groups = [group for guarded in leaders.values() for group in guarded.groups]
    yield {
        "model": scorer.encoder.model,
        "groups": [
            {"ids": group.ids, "distances": group.distances}
            for group in groups
            if len(group.ids) > 1
        ],
    }


def _place(
    scorer: Scorer,
    sources: Sequence[tuple[str, str]],
    max_distance: float,
    leaders: dict[Guard, Leaders],
) -> None:
    folded = [(text_id, texts.folded(text)) for text_id, text in sources]
    distinct = list({text: 0 for _, text in folded if text})
    vectors = scorer.read_patiently(distinct, _pooled)
    by_guard: dict[Guard, list[tuple[str, Floats]]] = {}
    for text_id, text in folded:
        if text in vectors:
            by_guard.setdefault(_guard(text), []).append((text_id, vectors[text]))
    for guard, members in by_guard.items():
        matrix = np.stack([vector for _, vector in members])
        guarded = leaders.setdefault(guard, Leaders(matrix.shape[1]))
        guarded.place([text_id for text_id, _ in members], matrix, max_distance)


def _pooled(reading: Reading) -> Floats:
    """[width]: the mean of the token vectors by rarity, of unit length."""
    weighted = reading.vectors * np.maximum(reading.rarity, LEAST_RARITY)[:, None]
    whole = weighted.sum(axis=0)
    vector: Floats = whole / max(float(np.linalg.norm(whole)), 1e-12)
    return vector


def _guard(text: str) -> Guard:
    """What must be the same in two texts of a group, whatever their vectors say.

    Numbers in their order, for 2人 and 3人 may have changed places, and how many negations.
    """
    numbers = [number.casefold() for number in NUMBER.findall(text)]
    return (*numbers, len(NEGATION.findall(text)))
