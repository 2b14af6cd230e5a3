"""`manage.py scale ENV SERVICE N`: run so many replicas of a service."""

import re
from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import CommandError

from opsconsole.environments import operate
from opsconsole.management.naming import environment_named
from opsconsole.management.ops_command import FAILED, USAGE, OpsCommand
from opsconsole.models import Operation

UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


class Command(OpsCommand):
    """In this process; the number is kept by deployments."""

    help = "Run N replicas of a service, within its bounds; with --for, the earlier number after it"

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("environment", metavar="ENV")
        parser.add_argument("service", metavar="SERVICE")
        parser.add_argument("replicas", metavar="N", type=int)
        parser.add_argument("--for", dest="lasting", metavar="D", help="30m, 2h or 1d")
        parser.add_argument("--reason", default="", help="kept in the events")

    def do(self, options: dict[str, Any]) -> dict[str, Any]:
        """Scale, and return what `--json` prints."""
        environment = environment_named(options["environment"])
        lasting = duration(options["lasting"]) if options["lasting"] else None
        done = operate.at_once(
            lambda: operate.scale(
                environment,
                options["service"],
                options["replicas"],
                caller=self.caller(),
                why=options["reason"],
                lasting=lasting,
            ),
            say=self.stderr.write,
        )
        return {
            "environment": environment.code,
            "service": done.target,
            "replicas": done.arguments["replicas"],
            "state": done.status,
            "reason": done.reason,
            "seconds": done.seconds,
        }

    def show(self, result: dict[str, Any]) -> None:
        if self.status(result):
            self.stderr.write(self.style.ERROR(f"not scaled: {result['reason']}"))
            return
        self.stdout.write(f"{result['service']}: {result['replicas']}")

    def status(self, result: dict[str, Any]) -> int:
        """1 where the engine did not do it."""
        return 0 if result["state"] == Operation.Status.DONE else FAILED


def duration(word: str) -> timedelta:
    """A time such as 90s, 30m, 2h or 1d."""
    match = re.fullmatch(r"([1-9][0-9]{0,5})([smhd])", word)
    if not match:
        raise CommandError(f"{word} is no time such as 30m, 2h or 1d", returncode=USAGE)
    return timedelta(**{UNITS[match[2]]: int(match[1])})
