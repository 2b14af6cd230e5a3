"""`manage.py run`: the whole product on this machine, without Docker.

`manage.py run ENV COMMAND …`: an allowed command of manage.py in a container of its own.
"""

import os
import sys
from argparse import REMAINDER, ArgumentParser
from typing import Any, NoReturn

from django.core.management.base import CommandError

from opsconsole.environments import allowed, operate
from opsconsole.management.naming import environment_named
from opsconsole.management.ops_command import FAILED, USAGE, OpsCommand
from opsconsole.models import Operation


class Command(OpsCommand):
    """Without words it becomes the supervisor: signals reach it, no Django process waits beside it.

    With them the output is shown as it comes, and kept; the exit is the command's own.
    """

    help = (
        "Start PostgreSQL, Valkey, inference, workers, beat and web server; Ctrl-C stops them. "
        f"With ENV, run one of these there: {', '.join(allowed.COMMANDS)}"
    )
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--reason", default="", help="kept in the events")
        parser.add_argument("environment", nargs="?", metavar="ENV")
        parser.add_argument("inner", nargs="?", metavar="COMMAND")
        parser.add_argument("words", nargs=REMAINDER, metavar="…", help="its arguments")

    def do(self, options: dict[str, Any]) -> dict[str, Any]:
        """Run it, and return what `--json` prints."""
        if not options["environment"]:
            serve()
        if not options["inner"]:
            raise CommandError("name the command to run", returncode=USAGE)
        environment = environment_named(options["environment"])
        output = self.stderr if options["json"] else self.stdout
        done = operate.at_once(
            lambda: operate.run(
                environment,
                options["inner"],
                options["words"],
                caller=self.caller(),
                why=options["reason"],
            ),
            say=output.write,
        )
        return {
            "environment": environment.code,
            "command": " ".join([options["inner"], *options["words"]]),
            "state": done.status,
            "reason": done.reason,
            "exit_code": done.exit_code,
            "seconds": done.seconds,
            "output": done.output,
        }

    def show(self, result: dict[str, Any]) -> None:
        if result["state"] != Operation.Status.DONE:
            self.stderr.write(self.style.ERROR(f"not run: {result['reason']}"))

    def status(self, result: dict[str, Any]) -> int:
        """The command's own exit; 1 where it could not be run to its end."""
        if result["state"] != Operation.Status.DONE:
            return FAILED
        return int(result["exit_code"] or 0)


def serve() -> NoReturn:
    """Become the supervisor of the embedded installation."""
    argv = [sys.executable, "-m", "pmscoring.embedded"]
    os.execv(sys.executable, argv)  # noqa: S606
