"""`manage.py backup`: make a backup now, in this process."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError
from django.template.defaultfilters import filesizeformat

from opsconsole.backups import take
from opsconsole.backups.summary import summary
from opsconsole.gateways import stores
from opsconsole.management.ops_command import FAILED, USAGE, OpsCommand
from opsconsole.models import LOCAL, Backup, BackupPlan
from opsconsole.models.backups import PARTS
from pmscoring.base.lifecycle import WrongState


class Command(OpsCommand):
    """No worker is needed. Exit 75 while another backup is being made."""

    help = "Back up database, uploaded files and configuration, and verify that it restores."
    failures = (WrongState, *take.EXPECTED)

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--plan", help="the plan that says what and where to")
        parser.add_argument(
            "--only", metavar="PARTS", help=f"of {','.join(PARTS)}, with commas between them"
        )
        parser.add_argument(
            "--to", metavar="STORE", action="append", help="a store beside the local folder"
        )
        parser.add_argument(
            "--encrypt-to", metavar="RECIPIENT", action="append", help="a public key of age"
        )
        parser.add_argument("--note", default="", help="what the backup is for")

    def do(self, options: dict[str, Any]) -> dict[str, Any]:
        """Make the backup and return what `--json` prints of it."""
        backup = take.at_once(
            self.bar("backup"),
            caller=self.caller(),
            plan=self.plan(options["plan"]),
            parts=options["only"].split(",") if options["only"] else None,
            stores=self.stores(options["to"]),
            recipients="\n".join(options["encrypt_to"] or ()),
            note=options["note"],
        )
        return summary(backup)

    def plan(self, name: str | None) -> BackupPlan | None:
        """The plan of that name."""
        if not name:
            return None
        plan = BackupPlan.objects.filter(name=name).first()
        if not plan:
            raise CommandError(f"there is no plan {name}", returncode=USAGE)
        return plan

    def stores(self, names: list[str] | None) -> list[str] | None:
        """The local folder and the stores of these names."""
        if unknown := sorted(set(names or ()) - {LOCAL, *stores.names()}):
            raise CommandError(f"there is no store {', '.join(unknown)}", returncode=USAGE)
        return list(dict.fromkeys([LOCAL, *names])) if names else None

    def show(self, result: dict[str, Any]) -> None:
        """Print what was made, or why not."""
        if self.status(result):
            self.stderr.write(self.style.ERROR(f"the backup failed: {result['reason']}"))
            return
        self.stdout.write(f"{result['path']}  {filesizeformat(result['bytes'])}")
        for part in result["parts"]:
            rows = f", {part['rows']} rows" if "rows" in part else ""
            self.stdout.write(f"  {part['name']}: {filesizeformat(part['bytes'])}{rows}")
        if result["verified"]:
            self.stdout.write(f"  verified: restored in {result['verify_seconds']:.1f} s")

    def status(self, result: dict[str, Any]) -> int:
        """1 where it is not stored in every store."""
        return 0 if result["state"] == Backup.Status.STORED else FAILED
