"""What looks for processes that are left running finds them."""

import subprocess
import sys

from tests.fresh.reaper import LEFT
from tests.paths import ROOT


def reaped(script: str) -> tuple[int, str]:
    """Status and stderr of a shell's script under the reaper."""
    argv = [sys.executable, "-m", "tests.fresh.reaper", "sh", "-c", script]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)
    return done.returncode, done.stderr


def test_it_names_and_ends_a_process_that_has_left_its_session_and_its_parent() -> None:
    assert reaped("setsid sleep 600 & exit 3") == (3, f"{LEFT} sleep 600 \n")


def test_it_says_nothing_of_a_command_that_leaves_nothing() -> None:
    assert reaped("true & sleep 0.1") == (0, "")
