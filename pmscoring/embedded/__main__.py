"""`python -m pmscoring.embedded`: start all parts; serve until stopped, or run one command."""

import argparse
import shutil
import subprocess
import sys
from pathlib import Path

from pmscoring.base import env
from pmscoring.embedded.cluster import remove_data
from pmscoring.embedded.errors import CannotStart
from pmscoring.embedded.folders import ROOT, make_folders, var_folder, write_ports
from pmscoring.embedded.leftovers import end_leftovers
from pmscoring.embedded.lock import exclusive
from pmscoring.embedded.passwords import password_in
from pmscoring.embedded.plan import Plan, plan
from pmscoring.embedded.running import DiesTooOften, Installation, running
from pmscoring.embedded.signals import StopRequested, listen_to_signals
from pmscoring.embedded.supervisor import Supervisor
from pmscoring.embedded.terminal import Terminal

WEB_PORT = 8000


def say(sentence: str) -> None:
    """Print a line of our own between those of the parts."""
    print(f"pmscoring: {sentence}", flush=True)  # noqa: T201


def main(words: list[str]) -> int:
    """0 after a clean stop, the command's status, or 1 with the reason on stderr."""
    options = _options(words)
    listen_to_signals()
    try:
        folder = var_folder()
        var = folder / options.under
        run, logs = make_folders(var)
        with exclusive(run):
            for sentence in end_leftovers(run):
                say(sentence)
            if options.fresh and options.under:
                remove_data(var)
                shutil.rmtree(var / "valkey", ignore_errors=True)
            plan_ = plan(var, folder / "models", web_port=0 if options.command else WEB_PORT)
            return _go(plan_, logs, options.command)
    except StopRequested as request:
        say(f"stopped after {request}")
        return 0
    except (CannotStart, DiesTooOften, env.BadSetting) as error:
        print(f"pmscoring: {error}", file=sys.stderr, flush=True)  # noqa: T201
        return 1


def _go(plan_: Plan, logs: Path, command: list[str]) -> int:
    write_ports(plan_.run, plan_.used_ports)
    password = password_in(plan_.run / "secrets" / "supervisor")
    supervisor = Supervisor(plan_.run, logs, plan_.ports["supervisor"], password)
    installation = Installation(supervisor, plan_.work, say)
    names = [part.name for part in plan_.parts]
    terminal = None if command else Terminal(logs, names)
    with running(installation, plan_.environment, terminal):
        if terminal is None:
            return _run(command, plan_, installation)
        if installation.shown:
            _show_last(installation.shown, terminal)
        say(f"ready: {plan_.web}/ (Ctrl-C stops)")
        installation.watch(over=lambda: False)
    return 0


def _show_last(shown: str, terminal: Terminal) -> None:
    """Show the first password again, where no line of a log pushes it off the screen."""
    terminal.close()
    line = "─" * max(map(len, shown.splitlines()))
    print(f"\n{line}\n{shown.rstrip()}\n{line}\n", flush=True)  # noqa: T201
    say(f"logs go on in {terminal.logs}; from the next start on they are shown here too")


def _run(command: list[str], plan_: Plan, installation: Installation) -> int:
    environment = plan_.environment | {"PMS_URL": plan_.web}
    with subprocess.Popen(command, env=environment, cwd=ROOT) as process:  # noqa: S603
        try:
            installation.watch(over=lambda: process.poll() is not None)
        finally:
            process.terminate()
    return process.returncode


def _options(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m pmscoring.embedded", description=__doc__)
    parser.add_argument("--under", default="", metavar="FOLDER", help="keep all in var/FOLDER")
    parser.add_argument(
        "--fresh", action="store_true", help="with --under: begin with empty databases"
    )
    parser.add_argument(
        "command",
        nargs=argparse.REMAINDER,
        help="run this when all parts answer, with PMS_URL in its environment, then stop",
    )
    return parser.parse_args(words)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
