"""`manage.py prune`: removes the backups that no plan asks to keep."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from opsconsole.backups import prune
from opsconsole.backups.summary import named
from opsconsole.management.ops_command import USAGE, OpsCommand


class Command(OpsCommand):
    """Removes by retention, or one backup by name."""

    dry_run = False
    help = "Remove the backups that no plan asks to keep; each one that stays has its reason"

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--dry-run", action="store_true", help="only say what would happen")
        parser.add_argument(
            "--remove", metavar="ID", help="remove this backup, such as one of no plan"
        )
        parser.add_argument("--yes", action="store_true", help="with --remove: confirm it")
        parser.add_argument(
            "--reason", default="", help="overrides an exam window; kept in the events"
        )

    def do(self, options: dict[str, Any]) -> dict[str, Any]:
        if options["remove"]:
            return self._remove(options)
        dry_run = self.dry_run = options["dry_run"]
        outcome = prune.prune(
            caller=self.caller(), say=self.bar("prune"), dry_run=dry_run, why=options["reason"]
        )
        return prune.report(outcome)

    def _remove(self, options: dict[str, Any]) -> dict[str, Any]:
        backup = named(options["remove"])
        if backup is None:
            raise CommandError(f"there is no backup {options['remove']}", returncode=USAGE)
        if options["dry_run"]:
            raise CommandError("--remove has no --dry-run", returncode=USAGE)
        self.confirm(backup.name, f"{backup.name} and its copies are removed for good", options)
        removed = prune.remove(backup, caller=self.caller(), why=options["reason"])
        return prune.report(removed)

    def show(self, result: dict[str, Any]) -> None:
        for removed in result["removed"]:
            self.stdout.write(f"{'would go' if self.dry_run else 'removed '} {removed['name']}")
        for kept in result["kept"]:
            self.stdout.write(f"kept     {kept['name']}: {kept['because']}")
