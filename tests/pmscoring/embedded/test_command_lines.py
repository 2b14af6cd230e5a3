"""Which command lines of manage.py are pointed at the installation of VAR_DIR."""

import pytest

from pmscoring.embedded.commands import command_of, needs_database


@pytest.mark.parametrize(
    ("line", "needs"),
    [
        ("run", False),
        ("run production check --deploy", True),
        ("run --json production check", True),
        ("run --help", False),
        ("demo", False),
        ("environments", True),
        ("environments status production", True),
        ("", False),
    ],
)
def test_only_what_asks_a_database_is(line: str, needs: bool) -> None:
    assert needs_database(*command_of(["manage.py", *line.split()])) is needs
