"""`manage.py restore ID|PATH`: restore a backup in this process."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.management.base import CommandError

from opsconsole.backups import beside, recovery, restore
from opsconsole.deployments import cloning
from opsconsole.engines.base import EngineError
from opsconsole.management.ops_command import USAGE, OpsCommand
from opsconsole.models import Backup, Environment, Restore


class Command(OpsCommand):
    """Also where there is no database yet, or a broken one."""

    help = "Restore a backup into a new database, which then takes the live one's place"
    failures = (*OpsCommand.failures, *restore.FAILURES, EngineError)
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("backup", nargs="?", metavar="ID|PATH", help="its name, or its folder")
        parser.add_argument("--identity", type=Path, help="the file of the age identity")
        parser.add_argument("--only", metavar="PARTS", help="database,uploads or one of them")
        parser.add_argument(
            "--no-safety-backup", action="store_true", help="needs --reason; nothing is backed up"
        )
        parser.add_argument("--reason", default="", help="kept in the events")
        parser.add_argument("--yes", action="store_true", help="confirm without a terminal")
        parser.add_argument("--tables", help="only these, with --into; replaces nothing")
        parser.add_argument("--into", metavar="NAME", help="the new database for --tables")
        parser.add_argument(
            "--to",
            metavar="ENV",
            help="a scrubbed copy, in that environment; or in a database for one of that kind",
        )
        parser.add_argument(
            "--drop-previous", metavar="ID", help="drop what the restore of this id replaced"
        )
        parser.add_argument(
            "--back", metavar="ID", help="go back to what the restore of this id replaced"
        )
        parser.add_argument(
            "--recover", action="store_true", help="finish or undo restores that broke off"
        )

    def do(self, options: dict[str, Any]) -> Any:
        """The restore's document, or what was recovered or dropped."""
        if options["recover"]:
            return {"recovered": recovery.recover()}
        if options["drop_previous"]:
            return self.drop(options)
        if options["back"]:
            return self.go_back(options)
        if not options["backup"]:
            raise CommandError("name a backup", returncode=USAGE)
        if bool(options["tables"]) != bool(options["into"]):
            raise CommandError("--tables and --into go together", returncode=USAGE)
        folder = self.folder(options["backup"])
        if options["tables"] or options["to"]:
            return self.beside(self.here(folder, options), options)
        row = None if folder else self.row(options["backup"])
        name = folder.name if folder else str(row)
        self.confirm(name, f"{name} takes the place of what is live", options)
        done = restore.restore_now(
            folder,
            row,
            caller=self.caller(),
            parts=options["only"].split(",") if options["only"] else None,
            identity=options["identity"],
            safety=not options["no_safety_backup"],
            why=options["reason"],
            say=self.bar("restore"),
        )
        return document(done)

    def beside(self, folder: Path, options: dict[str, Any]) -> Any:
        """A database beside the live one; nothing is replaced, so nothing is confirmed."""
        identity, caller, say = options["identity"], self.caller(), self.bar("restore")
        if environment := self.laid_out(options["to"]):
            return cloning.clone(
                folder,
                environment,
                identity=identity,
                caller=caller,
                why=options["reason"],
                say=say,
            )
        if options["to"]:
            return beside.clone(folder, to=options["to"], identity=identity, caller=caller, say=say)
        names, into = options["tables"].split(","), options["into"]
        return beside.tables(
            folder, names=names, into=into, identity=identity, caller=caller, say=say
        )

    def laid_out(self, code: str | None) -> Environment | None:
        """The environment of that code, if there is one."""
        return Environment.objects.kept().filter(code=code).first() if code else None

    def folder(self, word: str) -> Path | None:
        """The folder that a path, a name or an id means; None where it is not on this machine."""
        if is_backup(Path(word)):
            return Path(word).resolve()
        there = Path(settings.BACKUP_DIR).glob(f"*{short(word)}*")
        folders = [path for path in there if is_backup(path) and not path.suffix]
        if len(folders) > 1:
            raise CommandError(f"{word}: several backups: {', '.join(p.name for p in folders)}")
        return folders[0].resolve() if folders else None

    def row(self, word: str) -> Backup:
        """The backup of that name or id in the catalogue."""
        rows = Backup.objects.kept().filter(name__contains=short(word))
        if len(rows) != 1:
            raise CommandError(f"{word}: {len(rows)} backups of that name, and no folder of one")
        return rows[0]

    def here(self, folder: Path | None, options: dict[str, Any]) -> Path:
        """The folder, which must be on this machine."""
        if folder is None:
            raise CommandError(f"{options['backup']}: not on this machine")
        return folder

    def go_back(self, options: dict[str, Any]) -> Any:
        """Restore what a restore replaced."""
        old = self.earlier(options["back"])
        self.confirm(str(old.uid)[:8], f"{old.previous} takes the place of what is live", options)
        done = restore.go_back(
            old,
            caller=self.caller(),
            safety=not options["no_safety_backup"],
            why=options["reason"],
            say=self.bar("restore"),
        )
        return document(done)

    def drop(self, options: dict[str, Any]) -> Any:
        """Drop what a restore replaced."""
        old = self.earlier(options["drop_previous"])
        self.confirm(str(old.uid)[:8], f"{old.previous} is dropped for good", options)
        restore.drop_previous(old, caller=self.caller())
        return {"dropped": old.previous}

    def earlier(self, word: str) -> Restore:
        """The restore whose id begins so."""
        rows = Restore.objects.filter(uid__startswith=word)
        if len(rows) != 1:
            raise CommandError(f"{word}: {len(rows)} restores of that id")
        return rows[0]

    def show(self, result: Any) -> None:
        """What is there now, and what a person should look at."""
        for name, value in result.items():
            if isinstance(value, dict):
                self.show({f"{name} {part}": of_part for part, of_part in value.items()})
            elif value not in (None, "", []):
                self.stdout.write(f"{name}: {value}")


def is_backup(folder: Path) -> bool:
    """Whether there is a manifest."""
    return (folder / "manifest.json").is_file()


def short(word: str) -> str:
    """What the name of a backup has of its id; the word itself, if that is no id."""
    try:
        return UUID(word).hex[:8]
    except ValueError:
        return word


def document(done: Restore) -> dict[str, Any]:
    """What `--json` prints of a restore."""
    names = ("rows", "deleted_by_date", "missing_files", "orphan_files")
    return {
        "id": str(done.uid),
        "state": done.status,
        "seconds": done.seconds,
        "database": done.database,
        "previous": done.previous,
        "safety_backup": str(done.safety_backup.uid) if done.safety_backup else None,
        **{name: done.report.get(name) for name in names},
    }
