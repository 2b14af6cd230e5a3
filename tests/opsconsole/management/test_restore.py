"""`manage.py restore`: what it prints for people."""

import io

from opsconsole.management.commands.restore import Command


def test_what_an_environments_own_restore_says_is_printed_a_line_each() -> None:
    out = io.StringIO()
    done = {"state": "done", "missing_files": [], "rows": 296}
    Command(stdout=out).show({"environment": "staging", "scrubbed": 46, "restore": done})
    assert out.getvalue().splitlines() == [
        "environment: staging", "scrubbed: 46", "restore state: done", "restore rows: 296",
    ]  # fmt: skip
