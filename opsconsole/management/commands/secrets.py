"""`manage.py secrets rotate NAME`: a new value for a secret, without a request that fails."""

from argparse import ArgumentParser
from typing import Any

from opsconsole.environments import operate, rotation
from opsconsole.environments.enter import enter
from opsconsole.management.ops_command import FAILED, OpsCommand
from opsconsole.models import Environment, Operation


class Command(OpsCommand):
    """It is done in this process, which must have the engine: the operations worker's container."""

    help = "Give a secret of this installation a new value while its readers go on"

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("deed", choices=["rotate"])
        parser.add_argument("name", choices=rotation.NAMES, metavar="NAME", help=NAMES)
        parser.add_argument("--reason", default="", help="kept in the events")

    def do(self, options: dict[str, Any]) -> dict[str, Any]:
        """Rotate it, and return what `--json` prints."""
        enter()
        here = Environment.objects.here()
        done = operate.at_once(
            lambda: operate.rotate(
                here, options["name"], caller=self.caller(), why=options["reason"]
            ),
            say=self.stderr.write,
        )
        return {
            "environment": here.code,
            "secret": options["name"],
            "state": done.status,
            "reason": done.reason,
            "seconds": done.seconds,
        }

    def show(self, result: dict[str, Any]) -> None:
        if result["state"] == Operation.Status.DONE:
            self.stdout.write(f"{result['secret']} has a new value")
        else:
            self.stderr.write(self.style.ERROR(f"not rotated: {result['reason']}"))

    def status(self, result: dict[str, Any]) -> int:
        """1 where both values are still good."""
        return 0 if result["state"] == Operation.Status.DONE else FAILED


NAMES = ", ".join(rotation.NAMES)
