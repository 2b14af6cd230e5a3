"""`manage.py releases [ENV]`: what ran in an environment, the newest first."""

from argparse import ArgumentParser
from typing import Any

from opsconsole.deployments.summary import release_summary
from opsconsole.management.naming import environment_named
from opsconsole.management.ops_command import OpsCommand


class Command(OpsCommand):
    """`rollback ENV --to ID` runs one of them again."""

    help = "List the releases of an environment"

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "environment", metavar="ENV", nargs="?", help="its code; without it: this installation"
        )

    def do(self, options: dict[str, Any]) -> list[dict[str, Any]]:
        """A document for each."""
        environment = environment_named(options["environment"])
        rows = environment.releases.select_related("environment")
        return [release_summary(release) for release in rows]

    def show(self, result: list[dict[str, Any]]) -> None:
        """A line for each."""
        for each in result:
            mark = "*" if each["live"] else " "
            self.stdout.write(
                f"{mark} {each['id'][:8]}  {each['recorded']:%F %T}  {each['version']}"
            )
        if not result:
            self.stdout.write("none yet: the operations worker records what runs at its start")
