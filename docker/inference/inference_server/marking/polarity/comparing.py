"""Where an answer turns around a reference that it is otherwise near to."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from inference_server.arrays import Floats, Mask
from inference_server.marking.polarity.causes import Cause
from inference_server.marking.polarity.outlines import Outline
from inference_server.marking.polarity.quantities import Quantity

SAME = 0.3
"""What one stem of two and more characters adds to the cosine of two phrases."""
CANDIDATES = 0.08
"""Phrases of the answer that are nearly as near as the nearest may be meant as well."""
LEAST = 0.75
"""How near a phrase of the answer must be to one of the reference to be about the same."""
CROSSED = 0.3
"""How much nearer causes must be to effects than to causes to be taken for turned around."""
Reason = Literal["negation", "number", "cause"]


@dataclass(frozen=True)
class Doubt:
    """Why people should look at the code points [start, end) of a folded text."""

    reason: Reason
    start: int
    end: int


def doubt(
    references: Sequence[Outline], answer: Outline, known: Iterable[Quantity]
) -> Doubt | None:
    """Why the answer may turn around what each of the references says; None where one agrees.

    `known` are quantities that the answer may name.
    """
    first = None
    for reference in references:
        if not (other := _doubt(reference, answer, known)):
            return None
        first = first or other
    return first


def _doubt(reference: Outline, answer: Outline, known: Iterable[Quantity]) -> Doubt | None:
    if quantity := _other_quantity(reference.quantities, answer.quantities, known):
        return Doubt("number", quantity.start, quantity.end)
    has_causes = reference.causes and answer.causes
    has_denials = reference.denials.any() or answer.denials.any()
    if not (reference.phrases and answer.phrases and (has_causes or has_denials)):
        return None
    near = _similarities(reference, answer)
    if has_causes and (cause := _turned_cause(reference, answer, near)):
        return Doubt("cause", *cause.cause)
    return _turned_phrase(reference, answer, near) if has_denials else None


def _similarities(reference: Outline, answer: Outline) -> Floats:
    """[phrases of the reference, phrases of the answer]."""
    near: Floats = reference.vectors @ answer.vectors.T
    for column, phrase in enumerate(answer.phrases):
        if rows := reference.by_stem.get(phrase.word.stem):
            near[rows, column] += np.float32(SAME)
    return near


def _turned_phrase(reference: Outline, answer: Outline, near: Floats) -> Doubt | None:
    """The phrase that the answer denies and the reference affirms, or the other way round.

    Every phrase of either that may be meant by the other must disagree. The word that is denied
    must stand right at the negator: others of its clause are denied as well, but less surely.
    """
    best = near.max(axis=1)
    meant = near >= best[:, None] - CANDIDATES
    denied = meant & (reference.denials[:, None] | answer.denials)
    is_denied = denied.any(axis=1) & (best >= LEAST)
    if not is_denied.any():
        return None
    agree = reference.polarities[:, None] * answer.polarities != -1
    agrees = (agree & (near >= near.max(axis=0) - CANDIDATES)).any(axis=0)
    turned = is_denied & ~(meant & (agree | agrees)).any(axis=1)
    if not turned.any():
        return None
    row = int(np.where(turned, best, 0).argmax())
    phrase = answer.phrases[int(np.where(denied[row], near[row], 0).argmax())]
    return Doubt("negation", phrase.start, phrase.end)


def _turned_cause(reference: Outline, answer: Outline, near: Floats) -> Cause | None:
    """The cause in the answer that is the effect in the reference, with their effects likewise."""
    for ours in reference.causes:
        for theirs in answer.causes:
            rows = [reference.within(span) for span in (ours.cause, ours.effect)]
            columns = [answer.within(span) for span in (theirs.cause, theirs.effect)]
            if all(side.any() for side in (*rows, *columns)):
                straight, crossed = (
                    _nearness(near, rows, columns),
                    _nearness(near, rows, columns[::-1]),
                )
                if crossed >= LEAST and crossed - straight > CROSSED:
                    return theirs
    return None


def _nearness(near: Floats, rows: Sequence[Mask], columns: Sequence[Mask]) -> float:
    """How near the phrases of both sides come to those of the other text's, at the mean."""
    sides = [near[row][:, column].max(axis=1) for row, column in zip(rows, columns, strict=True)]
    return float(np.mean([side.mean() for side in sides]))


def _other_quantity(
    reference: Sequence[Quantity], answer: Sequence[Quantity], known: Iterable[Quantity]
) -> Quantity | None:
    """What the answer names in place of the reference's quantity of that unit."""
    for quantity in answer:
        own = [each for each in reference if each.unit == quantity.unit]
        is_said = any(each.is_same(other) for each in own for other in answer)
        if own and not is_said and not any(map(quantity.is_same, known)):
            return quantity
    return None
