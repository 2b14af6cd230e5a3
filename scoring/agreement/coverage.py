"""From which confidence on the machine agrees with people often enough: curve, cut-off, promise.

Whoever tries every cut-off on the marked answers and takes the loosest that looks good enough has
looked too often: on new answers it agrees less. `threshold` chooses by tests that were laid down
beforehand, so that its promise holds with probability 1 - alpha over the draw of the marked
answers, for any number of them:

- The tried cut-offs are at fixed ranks of confidence (twentieths of the answers), strictest first.
- Each is tested by the exact binomial (Clopper-Pearson) bound on the share of disagreement.
- The tests share alpha as in Wiens's fallback procedure (2003): half of it enters at the strictest
  cut-off, a quarter each a quarter and a half of the way down, and a test that succeeds hands its
  share on to the next. So a chance disagreement among the few surest answers is not the end.
- The loosest cut-off whose test succeeded is the threshold.

It is assumed that the answers are a random sample, or one of less sure answers, and that surer
answers do not disagree more often than less sure ones.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

Pair = tuple[float, bool]
"""Confidence, and whether the machine's points are exactly people's."""
CUTS = 20
ENTRIES = ((0.0, 0.5), (0.25, 0.25), (0.5, 0.25))
"""How far down the cut-offs a share of alpha enters, and which."""


@dataclass(frozen=True)
class Cut:
    """The answers of at least this confidence: how many, their share, and how many agree of them.

    `bound` is what their agreement is at least, with probability 1 - alpha; 0 where not asked for.
    """

    threshold: float
    count: int
    coverage: float
    agreement: float
    bound: float = 0.0


def curve(pairs: Sequence[Pair]) -> list[Cut]:
    """A cut for each confidence that occurs, the strictest first."""
    ranked = sorted(pairs, key=lambda pair: -pair[0])
    found, agreeing = [], 0
    for count, (confidence, agrees) in enumerate(ranked, start=1):
        agreeing += agrees
        if count == len(ranked) or ranked[count][0] != confidence:
            found.append(Cut(confidence, count, count / len(ranked), agreeing / count))
    return found


def threshold(pairs: Sequence[Pair], target: float, alpha: float = 0.05) -> Cut | None:
    """The loosest cut above which at least the share `target` agrees, also of answers to come.

    None where the marked answers do not show that for any cut. `target` and `alpha` are in (0, 1).
    """
    cuts = curve(pairs)
    best, handed_on = None, 0.0
    for rank, share in _planned(len(pairs), target, alpha):
        level = handed_on + share
        cut = next(one for one in cuts if one.count >= rank)
        agreeing = round(cut.agreement * cut.count)
        handed_on = 0.0
        if level and at_most(cut.count - agreeing, cut.count, 1 - target) <= level:
            handed_on = level
            bound = lower_bound(agreeing, cut.count, level)
            best = Cut(cut.threshold, cut.count, cut.coverage, cut.agreement, bound)
    return best


def fewest(target: float, alpha: float = 0.05) -> int:
    """Answers of which none may disagree, so that the strictest cut can be accepted at all."""
    return math.ceil(math.log(alpha * ENTRIES[0][1]) / math.log(target))


def _planned(count: int, target: float, alpha: float) -> list[tuple[int, float]]:
    """Ranks to be tried with the share of alpha that enters there; nothing here knows the marks."""
    first = fewest(target, alpha)
    if first > count:
        return []
    ranks = sorted({max(first, round(count * (i + 1) / CUTS)) for i in range(CUTS)})
    shares = dict.fromkeys(range(len(ranks)), 0.0)
    for place, share in ENTRIES:
        shares[int(place * len(ranks))] += share * alpha
    return [(rank, shares[index]) for index, rank in enumerate(ranks)]


def at_most(successes: int, count: int, probability: float) -> float:
    """P(X <= successes) for X binomial of `count` trials."""
    if probability <= 0 or successes >= count:
        return 1.0
    if probability >= 1:
        return 0.0
    one, other = math.log(probability), math.log1p(-probability)
    term = count * other
    total = math.exp(term)
    for k in range(1, successes + 1):
        term += math.log((count - k + 1) / k) + one - other
        total += math.exp(term)
    return min(total, 1.0)


def lower_bound(successes: int, count: int, alpha: float = 0.05) -> float:
    """Clopper and Pearson's one-sided lower bound (1934) on the share of successes."""
    low, high = 0.0, 1.0
    while high - low > 1e-9:
        middle = (low + high) / 2
        # Few failures are improbable under a share that is too low.
        if at_most(count - successes, count, 1 - middle) <= alpha:
            low = middle
        else:
            high = middle
    return low
