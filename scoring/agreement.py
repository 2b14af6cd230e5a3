"""How well two markers agree: exact, within a step, quadratic weighted kappa, mean error."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Agreement:
    """Shares in [0, 1]; `mae` in points; `kappa` None where either marker gives one mark only."""

    count: int
    exact: float
    adjacent: float
    kappa: float | None
    mae: float


def agreement(pairs: Sequence[tuple[float, float]], step: float) -> Agreement:
    """Of pairs of points (not empty) on a scale of this step."""
    count = len(pairs)
    apart = [abs(one - other) for one, other in pairs]
    return Agreement(
        count=count,
        exact=sum(distance < step / 2 for distance in apart) / count,
        adjacent=sum(distance < step * 1.5 for distance in apart) / count,
        kappa=quadratic_kappa(pairs),
        mae=sum(apart) / count,
    )


def quadratic_kappa(pairs: Sequence[tuple[float, float]]) -> float | None:
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
