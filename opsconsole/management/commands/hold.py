"""`manage.py hold`: keeps a backup from being removed."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from opsconsole.backups import hold
from opsconsole.backups.summary import named, summary
from opsconsole.management.ops_command import USAGE, OpsCommand


class Command(OpsCommand):
    """Holds a backup, or lets it go."""

    help = "Keep a backup from being removed by retention, or with --off let retention have it"

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("id", help="id or name of the backup")
        parser.add_argument("--off", action="store_true", help="hold it no longer")

    def do(self, options: dict[str, Any]) -> dict[str, Any]:
        backup = named(options["id"])
        if backup is None:
            raise CommandError(f"there is no backup {options['id']}", returncode=USAGE)
        hold.hold(backup, caller=self.caller(), on=not options["off"])
        return summary(backup)

    def show(self, result: dict[str, Any]) -> None:
        state = "held" if result["held"] else "not held"
        self.stdout.write(f"{result['name']}: {state}")
