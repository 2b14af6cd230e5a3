"""The confidence from which the machine's marks agree with people's often enough.

Trying every cut-off on the marked answers and taking the loosest that looks good enough tests the
same data too often: on new answers the agreement is lower. `threshold` uses tests that are fixed
beforehand, so that its guarantee holds with probability 1 - alpha over the draw of the marked
answers, for any number of them:

- The cut-offs are at fixed ranks of confidence (twentieths of the answers), the strictest first.
- Each is tested with the exact binomial bound (Clopper and Pearson 1934) on the share of answers
  that disagree.
- The tests share alpha by the fallback procedure (Wiens 2003): half of it is spent at the strictest
  cut-off, a quarter each at a quarter and at half of the ranks, and a test that succeeds passes its
  share on to the next. So a chance disagreement among the few surest answers does not end the
  search.
- The loosest cut-off whose test succeeded is the threshold.

This assumes that the answers are a random sample, or one of less sure answers, and that surer
answers do not disagree more often than less sure ones.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

Pair = tuple[float, bool]
"""The machine's confidence, and whether its points equal those that people gave."""
CUTS = 20
ENTRIES = ((0.0, 0.5), (0.25, 0.25), (0.5, 0.25))
"""Pairs of a place along the cut-offs, in [0, 1), and the share of alpha spent there."""


@dataclass(frozen=True)
class Cut:
    """The answers of at least this confidence: how many, their share, and the share that agrees.

    `bound` is the lower bound of their agreement with probability 1 - alpha; 0 where none was
    computed.
    """

    threshold: float
    count: int
    coverage: float
    agreement: float
    bound: float = 0.0


def curve(pairs: Sequence[Pair]) -> list[Cut]:
    """A cut for each confidence that occurs, the strictest first."""
    ranked = sorted(pairs, key=lambda pair: -pair[0])
    cuts, agreeing = [], 0
    for count, (confidence, agrees) in enumerate(ranked, start=1):
        agreeing += agrees
        if count == len(ranked) or ranked[count][0] != confidence:
            cuts.append(Cut(confidence, count, count / len(ranked), agreeing / count))
    return cuts


def threshold(pairs: Sequence[Pair], target: float, alpha: float = 0.05) -> Cut | None:
    """The loosest cut above which at least the share `target` of new answers will agree, too.

    None where the marked answers do not support any cut. `target` and `alpha` are in (0, 1).
    """
    cuts = curve(pairs)
    best, passed_on = None, 0.0
    for rank, share in _plan(len(pairs), target, alpha):
        level = passed_on + share
        cut = next(cut for cut in cuts if cut.count >= rank)
        agreeing = round(cut.agreement * cut.count)
        passed_on = 0.0
        if level and binomial_cdf(cut.count - agreeing, cut.count, 1 - target) <= level:
            passed_on = level
            bound = lower_bound(agreeing, cut.count, level)
            best = Cut(cut.threshold, cut.count, cut.coverage, cut.agreement, bound)
    return best


def fewest_answers(target: float, alpha: float = 0.05) -> int:
    """The number of answers below which no cut is accepted, even if all of them agree."""
    return math.ceil(math.log(alpha * ENTRIES[0][1]) / math.log(target))


def _plan(count: int, target: float, alpha: float) -> list[tuple[int, float]]:
    """The ranks to test and the share of alpha spent at each.

    This must not depend on the marks, or the guarantee would not hold.
    """
    first = fewest_answers(target, alpha)
    if first > count:
        return []
    ranks = sorted({max(first, round(count * (i + 1) / CUTS)) for i in range(CUTS)})
    shares = dict.fromkeys(range(len(ranks)), 0.0)
    for place, share in ENTRIES:
        shares[int(place * len(ranks))] += share * alpha
    return [(rank, shares[index]) for index, rank in enumerate(ranks)]


def binomial_cdf(successes: int, count: int, probability: float) -> float:
    """P(X <= successes), where X is the number of successes in `count` independent trials."""
    if probability <= 0 or successes >= count:
        return 1.0
    if probability >= 1:
        return 0.0
    log_success, log_failure = math.log(probability), math.log1p(-probability)
    term = count * log_failure
    total = math.exp(term)
    for k in range(1, successes + 1):
        term += math.log((count - k + 1) / k) + log_success - log_failure
        total += math.exp(term)
    return min(total, 1.0)


def lower_bound(successes: int, count: int, alpha: float = 0.05) -> float:
    """The one-sided lower bound on the share of successes (Clopper and Pearson 1934)."""
    low, high = 0.0, 1.0
    while high - low > 1e-9:
        middle = (low + high) / 2
        # If so few failures are improbable under this share, the share is too low.
        if binomial_cdf(count - successes, count, 1 - middle) <= alpha:
            low = middle
        else:
            high = middle
    return low
