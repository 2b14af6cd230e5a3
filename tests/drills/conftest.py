"""Drills want a Docker Engine, and tell their figures at the end."""

import os
from collections.abc import Callable
from inspect import getsourcelines
from itertools import groupby

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


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A module that imports another one's tests tries them in the order in which they stand there.

    Its own order would be that of the names imported, and each test goes on from the one before.
    """
    items[:] = [
        item
        for module, own in groupby(items, lambda item: item.path)
        for item in (sorted(own, key=_line) if "drills" in module.parts else own)
    ]


def _line(item: pytest.Item) -> int:
    """Where the test stands in the module that defines it."""
    return getsourcelines(item.function)[1]  # type: ignore[attr-defined]


def pytest_terminal_summary(terminalreporter: TerminalReporter, config: pytest.Config) -> None:
    """What was seen, in figures."""
    for figure in config.stash.get(FIGURES, []):
        terminalreporter.write_line(figure)
