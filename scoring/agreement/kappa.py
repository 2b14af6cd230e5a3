"""Agreement of two markers: exact, within a step, quadratic weighted kappa, mean error, bias."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import atanh, exp, lgamma, log, sqrt, tanh
from random import Random

Pairs = Sequence[tuple[float, float]]
"""The points that the first and the second marker gave the same answer."""
Z95 = 1.959964
"""The 97.5 % quantile of the standard normal distribution."""
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
    """The agreement in `pairs`, of which there is at least one; the scale's step is in points."""
    count = len(pairs)
    distances = [abs(first - second) for first, second in pairs]
    return Agreement(
        count=count,
        exact=sum(distance < step / 2 for distance in distances) / count,
        adjacent=sum(distance < step * 1.5 for distance in distances) / count,
        kappa=quadratic_kappa(pairs),
        mae=sum(distances) / count,
        bias=sum(first - second for first, second in pairs) / count,
    )


def quadratic_kappa(pairs: Pairs) -> float | None:
    """Cohen's kappa with squared distances as weights (Cohen 1968).

    None where it is undefined: either marker gives every answer the same points.
    """
    firsts, seconds = Counter(first for first, _ in pairs), Counter(second for _, second in pairs)
    if len(firsts) < 2 or len(seconds) < 2:
        return None
    observed = sum((first - second) ** 2 for first, second in pairs)
    expected = sum(
        first_count * second_count * (first - second) ** 2
        for first, first_count in firsts.items()
        for second, second_count in seconds.items()
    )
    return 1 - observed * len(pairs) / expected


def mean_kappa(kappas: Sequence[float]) -> float | None:
    """The mean through Fisher's z, as the ASAP competition averaged kappas over its data sets.

    Kappas are limited to ±0.999, for z is infinite at ±1. None where there are none.
    """
    if not kappas:
        return None
    return tanh(sum(atanh(max(-0.999, min(kappa, 0.999))) for kappa in kappas) / len(kappas))


def kappa_interval(pairs: Pairs, seed: int = 0, draws: int = DRAWS) -> tuple[float, float] | None:
    """The 95 % percentile interval of the kappa, by a Poisson bootstrap of the confusion counts.

    Each cell's count is drawn from a Poisson distribution whose mean is the observed count, which
    for many pairs equals drawing the pairs anew with replacement (Hanley and MacGibbon 2006). None
    where the kappa is undefined, for `pairs` or in a tenth of the draws.
    """
    if quadratic_kappa(pairs) is None:
        return None
    cells = sorted(Counter(pairs).items())
    draws = max(min(draws, MOST_WORK // len(cells)), draws // 5)
    # The kappa needs these five sums of a draw only: n, Σx, Σy, Σ(x² + y²) and Σxy.
    counts, firsts, seconds, squares, products = ([0.0] * draws for _ in range(5))
    random = Random(seed)  # noqa: S311  a simulation
    for (first, second), observed in cells:
        for index, drawn in enumerate(_poisson(random, observed, draws)):
            if drawn:
                counts[index] += drawn
                firsts[index] += drawn * first
                seconds[index] += drawn * second
                squares[index] += drawn * (first * first + second * second)
                products[index] += drawn * first * second
    kappas = []
    for n, x, y, xx, xy in zip(counts, firsts, seconds, squares, products, strict=True):
        expected = expected_squares(n, x, y, xx)
        if expected > 0:
            kappas.append(1 - (xx - 2 * xy) / expected)
    return _percentile_interval(kappas) if len(kappas) > draws * 0.9 else None


def expected_squares(count: float, firsts: float, seconds: float, squares: float) -> float:
    """The sum of squared distances that chance would give, from n, Σx, Σy and Σ(x² + y²).

    The same as a sum over all pairs of their points: Σᵢⱼ(xᵢ − yⱼ)²/n = Σx² + Σy² − 2ΣxΣy/n.
    """
    return squares - 2 * firsts * seconds / count if count else 0.0


def _poisson(random: Random, mean: int, draws: int) -> list[int]:
    """Inverse transform sampling; beyond ten standard deviations the probabilities are left out."""
    least = max(0, int(mean - 10 * sqrt(mean)) - 1)
    most = int(mean + 10 * sqrt(mean)) + 10
    probabilities = (exp(k * log(mean) - mean - lgamma(k + 1)) for k in range(least, most))
    cumulative = list(accumulate(probabilities))
    return random.choices(range(least, most), cum_weights=cumulative, k=draws)


def _percentile_interval(values: list[float]) -> tuple[float, float]:
    values.sort()
    last = len(values) - 1
    return values[round(last * 0.025)], values[round(last * 0.975)]


def wilson_interval(hits: float, count: int) -> tuple[float, float]:
    """Wilson's 95 % score interval of a share (1927); (0, 1) where nothing was counted."""
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
    mean_x, mean_y = sum(x for x, _ in pairs) / count, sum(y for _, y in pairs) / count
    products = sum((x - mean_x) * (y - mean_y) for x, y in pairs)
    squares = sum((x - mean_x) ** 2 for x, _ in pairs) * sum((y - mean_y) ** 2 for _, y in pairs)
    return products / sqrt(squares) if squares > 1e-12 else None
