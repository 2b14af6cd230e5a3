"""How long a text may be at a question."""

from typing import Any

import pytest

from pmscoring.base import lengths


def question(least: int | None, most: int | None, *sections: int | None) -> dict[str, Any]:
    return {
        "limits": {"min": least, "max": most},
        "sections": [{"limits": {"min": None, "max": bound}} for bound in sections],
    }


@pytest.mark.parametrize(
    ("limits", "longest"),
    [
        ((None, 60), 2_000),
        ((None, 800), 3_200),
        ((None, 1600, 800, 900), 6_400),
        ((None, None, 800, 1600, 1200), 14_400),
        ((None, None, 800, None), 20_000),
        ((None, None), 20_000),
        ((6_000, None), 24_000),
        ((None, 100_000), 50_000),
        ((100_000, None), 50_000),
    ],
)
def test_it_takes_texts_some_times_as_long_as_its_limits_allow(
    limits: tuple[int | None, ...], longest: int
) -> None:
    least, most, *sections = limits
    assert lengths.longest(question(least, most, *sections)) == longest


@pytest.mark.parametrize(
    ("text", "size"),
    [("要件", 2), ("\ufdfa", 18), ("か\u3099", 2), (" " * 50, 50), ("\ufdfa" * 60_000, 60_000)],
)
def test_the_size_is_that_of_the_longer_form(text: str, size: int) -> None:
    assert lengths.size(text) == size
