"""What every command of the console has in common: JSON, confirmation, progress and exits.

Exits: 0 done, 1 failed, 2 wrong usage, 3 refused by a guard, 75 busy (try later).
"""

import getpass
import json
import sys
from argparse import ArgumentParser
from collections.abc import Callable
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.core.serializers.json import DjangoJSONEncoder
from django.utils import translation

from opsconsole.models import Caller
from pmscoring.base.lifecycle import WrongState
from pmscoring.base.progress import ProgressBar
from pmscoring.base.refusals import Busy, Refused

FAILED, USAGE, REFUSED, BUSY = 1, 2, 3, 75


class OpsCommand(BaseCommand):
    """A command that does one deed in this process and prints what came of it.

    A subclass does it in `do`, which returns the document of `--json`, and prints the same for
    people in `show`. Expected failures are those that the gateways and verbs raise; `failures`
    names them.
    """

    failures: tuple[type[Exception], ...] = (WrongState,)

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--json", action="store_true", help="print one JSON document; progress on stderr"
        )

    def execute(self, *args: Any, **options: Any) -> str | None:
        """In English, as everything on the command line; also what the deed writes into rows."""
        with translation.override("en"):
            return super().execute(*args, **options)

    def handle(self, *args: Any, **options: Any) -> None:
        """Raise CommandError with the exit status of the failure."""
        try:
            result = self.do(options)
        except Refused as error:
            raise CommandError(str(error), returncode=REFUSED) from error
        except Busy as error:
            raise CommandError(str(error), returncode=BUSY) from error
        except self.failures as error:
            raise CommandError(str(error), returncode=FAILED) from error
        if options["json"]:
            self.stdout.write(json.dumps(result, cls=DjangoJSONEncoder, ensure_ascii=False))
        else:
            self.show(result)
        if status := self.status(result):
            sys.exit(status)

    def do(self, options: dict[str, Any]) -> Any:
        """The deed; returns what `--json` prints."""
        raise NotImplementedError

    def show(self, result: Any) -> None:
        """Print the result for people."""
        raise NotImplementedError

    def status(self, result: Any) -> int:
        """The exit of a deed that was done but did not come out well."""
        return 0

    def caller(self) -> Caller:
        """The account that runs the command."""
        return Caller(getpass.getuser(), "command")

    def bar(self, label: str) -> Callable[[float, str], None]:
        """A progress bar on stderr: called with a fraction (0 to 1) and a note."""
        bar = ProgressBar(self.stderr, label)

        def show(fraction: float, note: str) -> None:
            bar.show(fraction, note, done=fraction >= 1.0)

        return show

    def confirm(self, name: str, meaning: str, options: dict[str, Any]) -> None:
        """Let a person type the name on a terminal; elsewhere `--yes` is wanted."""
        if options["yes"]:
            return
        if not sys.stdin.isatty():
            raise CommandError(f"{meaning}; without a terminal, --yes confirms", returncode=USAGE)
        self.stderr.write(f"{meaning}. Type {name} to go on: ", ending="")
        self.stderr.flush()
        if sys.stdin.readline().strip() != name:
            raise CommandError("nothing was done", returncode=USAGE)
