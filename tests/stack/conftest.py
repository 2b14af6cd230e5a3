"""One stack for all tests of this folder, their order, and a summary of what was checked."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from _pytest.terminal import TerminalReporter
from django.utils import translation

from tests.stack import summary
from tests.stack.callers import Api
from tests.stack.engine import EngineError, why_not
from tests.stack.exams import load_exam
from tests.stack.stack import Stack, free_prefix

HERE = Path(__file__).parent
# One stack serves all but the first four: first what only looks, last what takes it down.
ORDER = (
    "compose_engine",
    "swarm_engine",
    "registry",
    "marks",
    "start",
    "confinement",
    "networks",
    "secrets",
    "postgres",
    "redis",
    "scoring",
    "commands",
    "backups",
    "doors",
    "scaling",
    "kills",
    "keeping",
    "healing",
    "transfer",
    "panels",
    "sampling",
    "engine",
    "not_started",
    "removal",
    "data_dir",
    "egress",
    "swarm",
)
Told = Callable[[str], None]
NOT_STARTED = pytest.StashKey[list[str] | None]()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Put ours in order, and skip them where no engine answers."""
    ours = [item for item in items if item.path.is_relative_to(HERE)]
    if not ours:
        return
    reason = why_not()
    if reason and os.environ.get("STACK_REQUIRED"):
        pytest.exit(f"the stack tests must run here, but: {reason}", returncode=1)
    items[:] = [item for item in items if item not in ours] + sorted(ours, key=_place)
    for item in ours if reason else []:
        item.add_marker(pytest.mark.skip(reason=reason))


def _place(item: pytest.Item) -> int:
    return ORDER.index(item.path.stem.removeprefix("test_"))


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    """What engines and verbs say in this process is read by the tests."""
    with translation.override("en"):
        yield


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Iterator[Stack]:
    """The running stack."""
    made = Stack(tmp_path_factory.mktemp("stack"), free_prefix())
    made.down("--volumes")
    try:
        made.write_secrets()
        try:
            made.started_in = made.up()
        except EngineError as error:
            print(error, made.last_words(), sep="\n")
            pytest.fail(f"the stack did not start: {str(error).splitlines()[-1]}", pytrace=False)
        pytestconfig.stash[NOT_STARTED] = sorted(made.not_started)
        yield made
    finally:
        made.down("--volumes")


@pytest.fixture(scope="session")
def api(stack: Stack) -> Api:
    """The REST API behind HAProxy, with a token and an exam."""
    made = Api(f"http://127.0.0.1:{stack.ports['HAPROXY']}", stack.issue_token())
    load_exam(made)
    return made


@pytest.fixture
def told(record_property: Callable[[str, object], None]) -> Told:
    """Takes a figure for the summary."""
    return lambda figure: record_property("told", figure)


def pytest_terminal_summary(terminalreporter: TerminalReporter, config: pytest.Config) -> None:
    """What was checked and what was not started."""
    reports = [
        (word, report)
        for word in ("passed", "failed", "error", "skipped")
        for report in terminalreporter.stats.get(word, [])
        if report.nodeid.startswith("tests/stack/")
    ]
    if reports:
        terminalreporter.section("the stack test")
        for line in summary.lines(reports, ORDER, config.stash.get(NOT_STARTED, None)):
            terminalreporter.write_line(line)
