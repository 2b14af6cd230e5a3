"""`make manage` runs a command of manage.py in ops, or in a web container where that is away."""

import subprocess

from tests.paths import ROOT
from tests.stack.callers import Api
from tests.stack.engine import wait_for
from tests.stack.stack import Stack


def manage(stack: Stack, arguments: str) -> subprocess.CompletedProcess[str]:
    """As somebody types it in the folder of the installation, but without a terminal."""
    overlays = " ".join(stack.overlays)
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


def test_it_runs_where_the_clients_of_the_database_are(stack: Stack) -> None:
    script = "import shutil; print(shutil.which('pg_dump'))"
    done = manage(stack, f'shell -v 0 -c "{script}"')

    assert (done.returncode, done.stdout) == (0, "/usr/bin/pg_dump\n"), done.stderr


def test_it_runs_in_a_web_container_where_the_operations_worker_does_not_run(stack: Stack) -> None:
    stack.compose("stop", "ops", timeout=240)
    try:
        script = "import shutil; print(shutil.which('pg_dump'))"
        done = manage(stack, f'shell -v 0 -c "{script}"')
    finally:
        stack.compose("start", "ops")
        wait_for(stack.all_are_healthy, 120, "ops is healthy again")

    assert (done.returncode, done.stdout) == (0, "None\n"), done.stderr
