"""`manage.py heal`: one look at all environments, as beat asks for every 15 seconds."""

from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from opsconsole.healing.turn import turn
from opsconsole.management.ops_command import FAILED, OpsCommand


class Command(OpsCommand):
    """Restarts what is unhealthy for long enough, or only says what it would do."""

    help = "Restart what runs and is unhealthy, and say what is done about each sick replica"

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--dry-run", action="store_true", help="only say what would happen")

    def do(self, options: dict[str, Any]) -> list[dict[str, str]]:
        return [asdict(done) for done in turn(caller=self.caller(), dry_run=options["dry_run"])]

    def show(self, result: list[dict[str, str]]) -> None:
        for done in result:
            where = " ".join(filter(None, (done["environment"], done["replica"])))
            self.stdout.write(f"{where}: {done['seen']}: {done['did']}")
        if not result:
            self.stdout.write("nothing is sick")

    def status(self, result: list[dict[str, str]]) -> int:
        """1 where an environment could not be looked at."""
        return 0 if all(done["replica"] for done in result) else FAILED
