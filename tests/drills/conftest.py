"""Drills want a Docker Engine, and tell their figures at the end."""

import os
from collections.abc import Callable

import pytest
from _pytest.terminal import TerminalReporter

from tests.stack.engine import why_not

Told = Callable[[str], None]
FIGURES = pytest.StashKey[list[str]]()


@pytest.fixture(scope="session", autouse=True)
def engine() -> None:
    """An engine that answers."""
    if reason := why_not():
        (pytest.fail if os.environ.get("STACK_REQUIRED") else pytest.skip)(reason)


@pytest.fixture
def told(pytestconfig: pytest.Config) -> Told:
    """Takes a figure for the summary."""
    return pytestconfig.stash.setdefault(FIGURES, []).append


def pytest_terminal_summary(terminalreporter: TerminalReporter, config: pytest.Config) -> None:
    """What was seen, in figures."""
    for figure in config.stash.get(FIGURES, []):
        terminalreporter.write_line(figure)
