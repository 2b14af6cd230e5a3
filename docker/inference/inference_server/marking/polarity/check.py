"""A question prepared for finding answers that turn its references around."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from inference_server.marking.matching import Match, Reading
from inference_server.marking.points import LEAST
from inference_server.marking.polarity.comparing import Doubt, doubt
from inference_server.marking.polarity.english import denials_throughout
from inference_server.marking.polarity.outlines import (
    DENIES,
    Outline,
    is_readable,
    lowered,
    may_turn,
)
from inference_server.marking.polarity.quantities import Quantity, quantities
from inference_server.marking.sheet import answering_label
from pmscoring.base import texts

AS_NEAR = 0.05
"""References that an answer comes nearly as near to as to the nearest must all be turned around."""

ALSO_MEANT = 0.08
"""A criterion that the answer is further from than from the nearest is not what it speaks of."""
FEWEST_DENIALS = 3
"""So many times "not" in a text that denies throughout are odd whatever the references say."""


@dataclass(frozen=True)
class Check:
    """What answers to a question are compared with.

    `references` has the outlines of each criterion's references in the order of the rubric, None
    for one of several windows, and for a label: it may name a topic and say nothing of it, and
    `units` those of the numbers that each criterion's references name. `known` has the quantities
    that references, model answers, prompt and passage name, `right` those of the first two; `plain`
    the texts that are right as they are, and `denies` says whether one of these may deny something.
    """

    language: str
    references: Sequence[Sequence[Outline | None]]
    units: Sequence[frozenset[str]]
    known: Sequence[Quantity]
    right: Sequence[Quantity]
    plain: frozenset[str]
    denies: bool

    @classmethod
    def of(cls, question: dict[str, Any], readings: Sequence[Sequence[Reading]]) -> Self:
        """The check of a question, with the readings of each criterion as the rubric has them."""
        references = [
            _outlines(
                own, question["language"], ends_in_label=bool(answering_label(criterion, question))
            )
            for own, criterion in zip(readings, question["criteria"], strict=True)
        ]
        sources = [
            *question["model_answers"],
            *(text for criterion in question["criteria"] for text in criterion["references"]),
        ]
        plain = frozenset(map(texts.folded, sources))
        language = question["language"]
        setting = [texts.folded(question[name]) for name in ("prompt", "passage")]
        right, others = (_quantities(own, language) for own in (sorted(plain), setting))
        units = [
            frozenset(each.unit for each in _quantities(criterion["references"], language))
            for criterion in question["criteria"]
        ]
        denies = any(DENIES[language](lowered(text)) for text in plain)
        return cls(language, references, units, [*right, *others], right, plain, denies)

    def doubts(self, reading: Reading, matches: Sequence[Match]) -> Mapping[int, Doubt]:
        """Why people should look at an answer that may earn points, by the criterion's index."""
        if reading.text in self.plain or not is_readable(reading):
            return {}
        least = max(match.strength for match in matches) - ALSO_MEANT
        near = [
            self._nearest(index, match) if match.strength >= max(least, LEAST) else []
            for index, match in enumerate(matches)
        ]
        text = lowered(reading.text)
        return (
            self._renumbered(text, near)
            | self._denied(text, near)
            | self._turned(reading, text, near)
        )

    def _renumbered(self, text: str, near: Sequence[Sequence[Outline]]) -> dict[int, Doubt]:
        """The criteria that are doubted because of a number that nothing names.

        Only a unit that something names is compared, and one number that is named excuses others.
        Of a unit that the criterion's references name, right texts alone name numbers: those of
        prompt and passage may be what is confused with them.
        """
        said = quantities(text, self.language)
        unnamed = {
            index: self._unnamed(said, units)
            for index, units in enumerate(self.units)
            if near[index]
        }
        return {
            index: Doubt("number", each.start, each.end) for index, each in unnamed.items() if each
        }

    def _unnamed(self, said: Sequence[Quantity], units: frozenset[str]) -> Quantity | None:
        """The first that nothing names, at a criterion whose references name these units."""
        named = {
            quantity.unit
            for quantity in said
            if any(map(quantity.is_same, self.right if quantity.unit in units else self.known))
        }
        compared = {quantity.unit for quantity in self.known} - named
        return next((each for each in said if each.unit in compared), None)

    def _turned(
        self, reading: Reading, text: str, near: Sequence[Sequence[Outline]]
    ) -> dict[int, Doubt]:
        """The criteria whose nearest references the answer turns around."""
        every = [outline for outlines in near for outline in outlines]
        if not may_turn(text, self.language, every):
            return {}
        answer = Outline.of(reading, self.language)
        doubts = {
            index: doubt(outlines, answer, self.known)
            for index, outlines in enumerate(near)
            if outlines
        }
        return {index: each for index, each in doubts.items() if each}

    def _denied(self, text: str, near: Sequence[Sequence[Outline]]) -> dict[int, Doubt]:
        """The criteria that are doubted because the text denies all that it says.

        One "not" is enough where nothing that would be right denies anything: it may belong to
        another criterion.
        """
        if self.language != "en" or not (denials := denials_throughout(text)):
            return {}
        denial = Doubt("negation", denials[0][0], denials[-1][1])
        return {
            index: denial
            for index, outlines in enumerate(near)
            if len(denials) >= FEWEST_DENIALS or (outlines and not self.denies)
        }

    def _nearest(self, criterion: int, match: Match) -> list[Outline]:
        """The references of the criterion that the answer is nearest to."""
        strengths = [
            (strength, outline)
            for strength, outline in zip(
                match.by_reference, self.references[criterion], strict=True
            )
            if outline
        ]
        best = max((strength for strength, _ in strengths), default=0.0)
        return [outline for strength, outline in strengths if strength >= best - AS_NEAR]


def _quantities(sources: Iterable[str], language: str) -> list[Quantity]:
    return [each for text in sources for each in quantities(lowered(texts.folded(text)), language)]


def _outlines(
    readings: Sequence[Reading], language: str, *, ends_in_label: bool
) -> list[Outline | None]:
    """The outlines of a criterion's references; None for its label, which may be the last."""
    count = len(readings) - ends_in_label
    return [
        Outline.of(reading, language) if index < count and is_readable(reading) else None
        for index, reading in enumerate(readings)
        if len(reading.vectors)
    ]
