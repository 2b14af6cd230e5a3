"""How well two markers agree: exact, within a step, quadratic weighted kappa, mean error, bias."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import atanh, exp, lgamma, log, sqrt, tanh
from random import Random

Pairs = Sequence[tuple[float, float]]
Z95 = 1.959964
DRAWS = 1000
MOST_WORK = 200_000
"""Cells times draws: beyond it fewer draws are made, but never fewer than a fifth."""


@dataclass(frozen=True)
class Agreement:
    """Shares in [0, 1]; `mae` in points; `kappa` None where either marker gives one mark only.

    `bias` is by how many points the first marker gives more than the second, on average.
    """

    count: int
    exact: float
    adjacent: float
    kappa: float | None
    mae: float
    bias: float


def agreement(pairs: Pairs, step: float) -> Agreement:
    """Of pairs of points (not empty) on a scale of this step."""
    count = len(pairs)
    apart = [abs(one - other) for one, other in pairs]
    return Agreement(
        count=count,
        exact=sum(distance < step / 2 for distance in apart) / count,
        adjacent=sum(distance < step * 1.5 for distance in apart) / count,
        kappa=quadratic_kappa(pairs),
        mae=sum(apart) / count,
        bias=sum(one - other for one, other in pairs) / count,
    )


def quadratic_kappa(pairs: Pairs) -> float | None:
    """Cohen's kappa with squared distances as weights (Cohen 1968); None where undefined."""
    ones, others = Counter(one for one, _ in pairs), Counter(other for _, other in pairs)
    seen = sum((one - other) ** 2 for one, other in pairs)
    by_chance = sum(
        left * right * (one - other) ** 2
        for one, left in ones.items()
        for other, right in others.items()
    )
    if len(ones) < 2 or len(others) < 2:
        return None
    return 1 - seen * len(pairs) / by_chance


def mean_kappa(kappas: Sequence[float]) -> float | None:
    """Through Fisher's z, as the ASAP competition averaged; a perfect one counts as 0.999."""
    if not kappas:
        return None
    return tanh(sum(atanh(max(-0.999, min(kappa, 0.999))) for kappa in kappas) / len(kappas))


def kappa_interval(pairs: Pairs, seed: int = 0, draws: int = DRAWS) -> tuple[float, float] | None:
    """The 95 % percentile interval of the kappa, by a bootstrap of the confusion counts.

    Each cell's count is drawn from a Poisson distribution around what was seen, which for many
    pairs is drawing the pairs anew with replacement (Hanley and MacGibbon 2006). None where the
    kappa is undefined, or is in a tenth of the draws.
    """
    if quadratic_kappa(pairs) is None:
        return None
    cells = sorted(Counter(pairs).items())
    draws = max(min(draws, MOST_WORK // len(cells)), draws // 5)
    count, ones, others, squares, products = ([0.0] * draws for _ in range(5))
    random = Random(seed)  # noqa: S311  a simulation
    for (one, other), seen in cells:
        for index, drawn in enumerate(_poisson(random, seen, draws)):
            if drawn:
                count[index] += drawn
                ones[index] += drawn * one
                others[index] += drawn * other
                squares[index] += drawn * (one * one + other * other)
                products[index] += drawn * one * other
    drawn_kappas = []
    for n, x, y, xx, xy in zip(count, ones, others, squares, products, strict=True):
        by_chance = squared_by_chance(n, x, y, xx)
        if by_chance > 0:
            drawn_kappas.append(1 - (xx - 2 * xy) / by_chance)
    return _percentiles(drawn_kappas) if len(drawn_kappas) > draws * 0.9 else None


def squared_by_chance(count: float, ones: float, others: float, squares: float) -> float:
    """Squared distances that chance would bring about, from the sums of both markers' points.

    The same as summing over all pairs of their points, for Σᵢⱼ(xᵢ − yⱼ)²/n = Σx² + Σy² − 2ΣxΣy/n.
    """
    return squares - 2 * ones * others / count if count else 0.0


def _poisson(random: Random, mean: int, draws: int) -> list[int]:
    """By looking up uniform numbers in the distribution's sums."""
    least = max(0, int(mean - 10 * sqrt(mean)) - 1)
    most = int(mean + 10 * sqrt(mean)) + 10
    chances = (exp(k * log(mean) - mean - lgamma(k + 1)) for k in range(least, most))
    sums = list(accumulate(chances))
    values = range(least, most)
    return random.choices(values, cum_weights=sums, k=draws)


def _percentiles(values: list[float]) -> tuple[float, float]:
    values.sort()
    last = len(values) - 1
    return values[round(last * 0.025)], values[round(last * 0.975)]


def share_interval(hits: float, count: int) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson 1927); (0, 1) where nothing was counted."""
    if not count:
        return 0.0, 1.0
    share, z2 = hits / count, Z95 * Z95
    middle = (share + z2 / (2 * count)) / (1 + z2 / count)
    half = Z95 * sqrt(share * (1 - share) / count + z2 / (4 * count**2)) / (1 + z2 / count)
    return max(middle - half, 0.0), min(middle + half, 1.0)


def correlation(pairs: Pairs) -> float | None:
    """Pearson's r; None where either side does not vary."""
    count = len(pairs)
    if count < 2:
        return None
    x, y = sum(one for one, _ in pairs) / count, sum(other for _, other in pairs) / count
    both = sum((one - x) * (other - y) for one, other in pairs)
    squares = sum((one - x) ** 2 for one, _ in pairs) * sum((other - y) ** 2 for _, other in pairs)
    return both / sqrt(squares) if squares > 1e-12 else None
