"""The closing lines of a run: what was checked, with its figures, and what was not."""

from collections import Counter
from collections.abc import Iterator, Sequence

import pytest

Report = tuple[str, pytest.TestReport | pytest.CollectReport]
"""How a test ended, and what pytest knows of it."""


def lines(
    reports: Sequence[Report], themes: Sequence[str], not_started: Sequence[str] | None
) -> Iterator[str]:
    """A line a theme, then what failed or was left out, then what was never started."""
    for theme in themes:
        if of_theme := [one for one in reports if f"/test_{theme}.py" in one[1].nodeid]:
            yield _line(theme, of_theme)
    for word, report in reports:
        if word != "passed":
            yield f"NOT CHECKED ({word}): {report.nodeid.split('::', 1)[-1]}{_why(report)}"
    if not_started is None:
        yield "The stack was not started at all."
    else:
        left_out = ", ".join(not_started) or "nothing"
        yield f"Not started, for their images cannot be had here: {left_out}."


def _line(theme: str, reports: Sequence[Report]) -> str:
    counts = Counter(word for word, _ in reports)
    numbers = ", ".join(f"{count} {word}" for word, count in counts.items())
    figures = [
        str(value)
        for _, report in reports
        for name, value in getattr(report, "user_properties", [])
        if name == "told"
    ]
    return f"{theme}: {numbers}. {'; '.join(figures)}".rstrip()


def _why(report: pytest.TestReport | pytest.CollectReport) -> str:
    told = report.longrepr
    return f": {told[2]}" if isinstance(told, tuple) else ""
