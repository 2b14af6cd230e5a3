"""`manage.py backups`: lists the backups, copies one again, or gains the list from a store."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from opsconsole.backups import again, catalogue
from opsconsole.backups.copies import Missing
from opsconsole.backups.summary import named, summary
from opsconsole.gateways.stores import StoreError
from opsconsole.management.ops_command import USAGE, OpsCommand
from opsconsole.models import Backup

UNITS = ("B", "kB", "MB", "GB", "TB")


class Command(OpsCommand):
    """Lists them, the newest first."""

    help = "List the backups; with --rebuild enter those of a store that the list does not have"
    failures = (*OpsCommand.failures, StoreError, Missing)

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--rebuild",
            metavar="STORE",
            help="enter the backups of this store, or of the folder with: local",
        )
        parser.add_argument(
            "--copy-again", metavar="ID", help="copy this backup to the stores that lack it"
        )
        parser.add_argument("--all", action="store_true", help="also those that were removed")

    def do(self, options: dict[str, Any]) -> list[dict[str, Any]]:
        if options["rebuild"]:
            self._rebuild(options["rebuild"])
        if options["copy_again"]:
            self._copy_again(options["copy_again"])
        rows = Backup.objects.all() if options["all"] else Backup.objects.kept()
        return [summary(row) for row in rows.select_related("plan").prefetch_related("copies")]

    def _rebuild(self, store: str) -> None:
        rebuilt = catalogue.rebuild(store, caller=self.caller(), say=self.bar("rebuild"))
        if rebuilt.entered:
            self.stderr.write(
                f"{len(rebuilt.entered)} entered, not verified here: manage.py verify"
            )
        else:
            self.stderr.write("nothing that is not in the list already")
        for place, reason in rebuilt.passed_over:
            self.stderr.write(f"passed over {place}: {reason}")

    def _copy_again(self, text: str) -> None:
        backup = named(text)
        if backup is None:
            raise CommandError(f"there is no backup {text}", returncode=USAGE)
        bar = self.bar("copy")
        again.copy_again(backup, caller=self.caller(), say=bar)
        bar(1.0, "done")

    def show(self, result: list[dict[str, Any]]) -> None:
        if not result:
            self.stdout.write("there is no backup yet; manage.py backup makes one")
        for backup in result:
            self.stdout.write(_line(backup))
            if backup["reason"] and backup["state"] == Backup.Status.FAILED:
                self.stdout.write(f"    {backup['reason']}")


def _line(backup: dict[str, Any]) -> str:
    verified = f"verified {backup['verified']:%Y-%m-%d %H:%M}" if backup["verified"] else "-"
    stores = ", ".join(
        store["name"] if store["state"] == "stored" else f"{store['name']} ({store['state']})"
        for store in backup["stores"]
    )
    state = "removed" if backup["removed_at"] else backup["state"]
    held = " held" if backup["held"] else ""
    size = _size(backup["bytes"])
    return f"{backup['name']}  {state:<8} {size:>8}  {verified:<25} {stores}{held}"


def _size(count: int | None) -> str:
    if count is None:
        return "-"
    value, unit = float(count), 0
    while value >= 1000 and unit < len(UNITS) - 1:
        value, unit = value / 1000, unit + 1
    return f"{value:.0f} {UNITS[unit]}" if unit == 0 else f"{value:.1f} {UNITS[unit]}"
