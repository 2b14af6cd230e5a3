"""`make manage` runs a command of manage.py in a web container of the stack."""

import subprocess

from tests.paths import ROOT
from tests.stack.callers import Api
from tests.stack.stack import FILES, Stack


def manage(stack: Stack, arguments: str) -> subprocess.CompletedProcess[str]:
    """As somebody types it in the folder of the installation, but without a terminal."""
    overlays = " ".join(name for name in FILES if name != "compose")
    own = [f"{name}={value}" for name, value in stack.environment.items() if name != "MAKEFLAGS"]
    argv = ["make", "-s", "manage", f"ARGS={arguments}", f"OVERLAYS={overlays}", *own]
    return subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)


def test_it_prints_what_the_command_prints(stack: Stack, api: Api) -> None:
    done = manage(stack, "agreement PM-2026")

    assert (done.returncode, done.stderr) == (0, "")
    assert [line.split()[0] for line in done.stdout.splitlines()][:2] == ["question", "Q1"]


def test_it_fails_when_the_command_fails(stack: Stack, api: Api) -> None:
    done = manage(stack, "agreement NO-SUCH-EXAM")

    assert done.returncode != 0
    assert "there is no exam NO-SUCH-EXAM" in done.stderr
    assert "Error 1" in done.stderr
