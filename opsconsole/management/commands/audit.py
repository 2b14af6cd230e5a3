"""`manage.py audit`: verify the chain of events, or write it to a file that verifies alone."""

from argparse import ArgumentParser
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from opsconsole.management.ops_command import FAILED, USAGE, OpsCommand
from opsconsole.models import Event, Installation
from opsconsole.models.chain_files import NotAnExport, Verdict, exported, verdict, verified
from pmscoring.base.files import write_whole
from pmscoring.base.lifecycle import WrongState

EVERY = 1000


class Command(OpsCommand):
    """Verification is what it does without an option."""

    help = "Verify that no event was changed, removed or moved, or export all events."
    failures = (WrongState, NotAnExport, OSError)

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        deed = parser.add_mutually_exclusive_group()
        deed.add_argument("--verify", action="store_true", help="verify the chain; the default")
        deed.add_argument("--export", type=Path, metavar="FILE", help="write all events as NDJSON")
        parser.add_argument(
            "--from",
            type=Path,
            dest="source",
            metavar="FILE",
            help="verify this exported file instead of the database, which is not needed",
        )

    def do(self, options: dict[str, Any]) -> Verdict:
        """The verdict on the database or the file, or on what was exported."""
        if options["export"] and options["source"]:
            raise CommandError("--export and --from exclude each other", returncode=USAGE)
        if options["export"]:
            return self.export(options["export"])
        if options["source"]:
            return verified(self.read(options["source"]))
        broken_at = Event.objects.broken_at(say=self.bar("events"))
        return verdict(Installation.objects.here().events, broken_at)

    def export(self, path: Path) -> Verdict:
        """Write the file, and verify what was written as it is read again."""
        write_whole(path, self.counted(exported()))
        Event.objects.record("events.exported", None, self.caller())
        return verified(self.read(path))

    def counted(self, lines: Iterable[bytes]) -> Iterator[bytes]:
        """The lines, while a bar shows how far they are."""
        most, say = Installation.objects.here().events + 1, self.bar("exported")
        for number, line in enumerate(lines, 1):
            yield line
            if number % EVERY == 0:
                say(min(number / most, 0.99), f"{number}/{most}")
        say(1.0, "")

    def read(self, path: Path) -> Iterator[bytes]:
        """The file's lines, while a bar shows how much of it was read."""
        size, done, say = path.stat().st_size, 0, self.bar("verified")
        with path.open("rb") as file:
            for number, line in enumerate(file, 1):
                yield line
                done += len(line)
                if number % EVERY == 0:
                    say(min(done / size, 0.99), f"{number}")
        say(1.0, "")

    def show(self, result: Verdict) -> None:
        """In one sentence."""
        if result["intact"]:
            self.stdout.write(f"{result['events']} events, none changed, missing or moved")
        else:
            at, count = result["broken_at"], result["events"]
            self.stdout.write(f"{count} events; event {at} was changed, removed or moved")

    def status(self, result: Verdict) -> int:
        """A broken chain is a failure."""
        return 0 if result["intact"] else FAILED
