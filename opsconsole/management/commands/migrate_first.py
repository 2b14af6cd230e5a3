"""Internal: `manage.py migrate_first` migrates while the old containers still serve."""

from typing import Any

from django.core.management import call_command
from django.db import DatabaseError

from opsconsole.deployments import migrate_first
from opsconsole.management.ops_command import OpsCommand


class Command(OpsCommand):
    """Run by compose/migrate-first.sh in a container of the new version; not meant for people."""

    help = "Internal: migrate, unless this version is older, or something else is under way"
    failures = (*OpsCommand.failures, DatabaseError)
    requires_system_checks = []

    def do(self, options: dict[str, Any]) -> None:
        """Look first, then migrate; a migration that fails leaves its own words."""
        with migrate_first.alone():
            migrate_first.refuse_while_busy()
            migrate_first.refuse_backwards()
            migrate_first.refuse_dangerous()
            call_command("migrate", interactive=False, verbosity=1)

    def show(self, result: Any) -> None:
        """Nothing: `migrate` has said what it did."""
