"""Shares a total out among the criteria, as near as possible to what each is expected to have.

The total is min(sum of the criteria, cap). With squared distances, taking the cheapest step again
and again finds the best division.
"""

from collections.abc import Sequence


def share_out(
    total: float, expected: Sequence[float], max_points: Sequence[float], step: float, cap: float
) -> list[float]:
    """Points of each criterion, on the step and at most its `max_points`, that make up the total.

    Where the criteria cannot make the total, their sum comes as near to it as it can.
    """
    max_steps = [int(points / step + 1e-9) for points in max_points]
    targets = [
        min(max(points / step, 0.0), most) for points, most in zip(expected, max_steps, strict=True)
    ]
    steps = [min(int(target + 0.5), most) for target, most in zip(targets, max_steps, strict=True)]
    goal = round(total / step)
    is_capped = total >= cap
    while (current := sum(steps)) != goal and not (is_capped and current > goal):
        change = 1 if current < goal else -1
        movable = [i for i, count in enumerate(steps) if 0 <= count + change <= max_steps[i]]
        if not movable:
            break
        cheapest = min(
            movable,
            key=lambda i: (steps[i] + change - targets[i]) ** 2 - (steps[i] - targets[i]) ** 2,
        )
        steps[cheapest] += change
    return [count * step for count in steps]
