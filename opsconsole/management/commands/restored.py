"""Internal: `manage.py restored` readies the database and the files that its settings name."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.core.serializers.json import DjangoJSONEncoder

from opsconsole.backups import readied


class Command(BaseCommand):
    """Run by a restore in a process of its own; not meant for people."""

    help = "Internal: migrate a restored database, delete what was due, and look at it"
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Options of the restore that runs it."""
        parser.add_argument("--scrub", action="store_true", help="replace what is personal")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print the report as JSON."""
        report = readied.ready(scrub=options["scrub"])
        self.stdout.write(json.dumps(report, cls=DjangoJSONEncoder))
