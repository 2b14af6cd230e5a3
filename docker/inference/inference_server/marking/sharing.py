"""Points per criterion that go with the total: as near as may be to what each is expected to have.

The total is min(sum, most). With squared distances the cheapest step again and again is the best.
"""

from collections.abc import Sequence


def shared(
    total: float, expected: Sequence[float], points: Sequence[float], step: float, most: float
) -> list[float]:
    """Points of each criterion, on the step and at most `points`, that make up the total.

    Where no points of the criteria make the total, their sum comes as near as it can.
    """
    tops = [int(one / step + 1e-9) for one in points]
    wanted = [min(max(one / step, 0.0), top) for one, top in zip(expected, tops, strict=True)]
    given = [min(int(one + 0.5), top) for one, top in zip(wanted, tops, strict=True)]
    goal = round(total / step)
    is_capped = total >= most
    while (total_now := sum(given)) != goal and not (is_capped and total_now > goal):
        by = 1 if total_now < goal else -1
        open_still = [i for i, n in enumerate(given) if 0 <= n + by <= tops[i]]
        if not open_still:
            break
        best = min(
            open_still, key=lambda i: (given[i] + by - wanted[i]) ** 2 - (given[i] - wanted[i]) ** 2
        )
        given[best] += by
    return [one * step for one in given]
