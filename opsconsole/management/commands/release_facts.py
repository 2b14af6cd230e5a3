"""`manage.py release_facts`: what this version is made of, and what it would migrate here."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError
from django.db import Error

from opsconsole.deployments import migrations
from opsconsole.management.ops_command import USAGE, OpsCommand


class Command(OpsCommand):
    """A deployment runs it in the new version's image, before that is to replace anything."""

    help = "Tell which migrations the database lacks, and which of them the old code cannot bear"
    failures = (*OpsCommand.failures, Error)
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--back-to", nargs="*", default=[], metavar="APP.NAME",
            help="the last migrations of an earlier version: what came after them is told as well",
        )  # fmt: skip

    def do(self, options: dict[str, Any]) -> dict[str, Any]:
        """The facts."""
        pairs = [word.partition(".") for word in options["back_to"]]
        if not all(app and name for app, _dot, name in pairs):
            raise CommandError("--back-to wants APP.NAME", returncode=USAGE)
        return migrations.facts({app: name for app, _dot, name in pairs})

    def show(self, result: dict[str, Any]) -> None:
        """Print the migrations that are missing, and those that this version does not know."""
        for each in result["missing"]:
            marks = [*each["incompatible"], *(["irreversible"] if each["irreversible"] else [])]
            note = f"  ({'; '.join(marks)})" if marks else ""
            self.stdout.write(f"missing: {each['app']}.{each['name']}{note}")
        for name in result["ahead"]:
            self.stdout.write(f"not known to this version: {name}")
