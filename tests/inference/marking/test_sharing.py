"""A total among the criteria, followed by hand."""

import pytest

from inference_server.marking.sharing import share_out


@pytest.mark.parametrize(
    ("total", "expected", "points"),
    [
        (6, [4, 2], [4, 2]),
        (4, [3.9, 0.4], [4, 0]),
        (5, [3.9, 0.4], [4, 1]),
        (2, [1.2, 1.1], [1, 1]),
        (0, [4, 2], [0, 0]),
        (3, [0, 2], [1, 2]),
    ],
)
def test_the_total_is_shared_as_expected(
    total: float, expected: list[float], points: list[float]
) -> None:
    assert share_out(total, expected, [4, 2], 1, 6) == points


def test_more_than_the_cap_is_shared_freely() -> None:
    assert share_out(5, [4, 2], [4, 2], 1, 5) == [4, 2]
    assert share_out(5, [2, 2], [4, 2], 1, 5) == [3, 2]
    assert share_out(6, [0.2, 0], [2, 1], 0.5, 6) == [2, 1]
