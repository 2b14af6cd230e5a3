"""`manage.py verify ID|PATH`: see whether a backup restores."""

from argparse import ArgumentParser
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from opsconsole.backups import manifest, verify
from opsconsole.backups.summary import named
from opsconsole.gateways.postgres.server import Server
from opsconsole.management.ops_command import FAILED, USAGE, OpsCommand
from opsconsole.models import LOCAL
from pmscoring.base.lifecycle import WrongState


class Command(OpsCommand):
    """Of a backup that is encrypted, without `--identity`, hashes alone are compared."""

    help = "Restore a backup into a scratch database and compare it with its manifest."
    failures = (WrongState, manifest.ManifestError, *verify.FAILURES)

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("backup", metavar="ID|PATH", help="id, name or folder of a backup")
        parser.add_argument("--identity", type=Path, metavar="FILE", help="age identity")
        parser.add_argument("--store", default=LOCAL, help="verify the copy in this store")

    def do(self, options: dict[str, Any]) -> dict[str, Any]:
        """Verify, and return what `--json` prints."""
        backup, bar = named(options["backup"]), self.bar("verify")
        if backup:
            done = verify.verify(
                backup,
                store=options["store"],
                identity=options["identity"],
                caller=self.caller(),
                say=bar,
            )
            bar(1.0, "done")
            return {
                "id": str(backup.uid),
                "verified": done.ok and done.complete,
                "ok": done.ok,
                "checks": done.checks,
            }
        report = verify.verify_folder(
            self.folder(options["backup"]),
            identity=options["identity"],
            server=Server.from_settings(),
            say=bar,
        )
        bar(1.0, "done")
        return {
            "id": report.id,
            "verified": report.ok and report.read,
            "ok": report.ok,
            "checks": [asdict(check) for check in report.checks],
        }

    def folder(self, text: str) -> Path:
        """The folder that was named, of a backup without a row."""
        path = Path(text)
        if path.is_dir():
            return path
        raise CommandError(f"there is no backup {text}", returncode=USAGE)

    def show(self, result: dict[str, Any]) -> None:
        """Print every check."""
        for check in result["checks"]:
            mark = "ok " if check["ok"] else "BAD"
            self.stdout.write(f"{mark} {check['name']}: {check['says']}")
        if result["ok"] and not result["verified"]:
            self.stdout.write("hashes alone were compared; --identity FILE lets it be restored")

    def status(self, result: dict[str, Any]) -> int:
        """1 where a check has failed."""
        return 0 if result["ok"] else FAILED
