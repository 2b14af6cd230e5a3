"""The journal of a restore: a file beside what it has staged, by which another process goes on.

It says what was intended. What has happened is not in it but where it happened: in the names of
databases and files. So no crash can make the two differ.

    preparing   a new database and staged files are being made; nothing live has been touched
    swapping    live files and databases may be moved; pg_database says whether they are swapped
    undoing     whatever was moved goes back; the new database may be gone already
    committed   the swap holds; rows and events are still to be written
"""

import json
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Self

from django.core.serializers.json import DjangoJSONEncoder

from opsconsole.backups.media import JOURNAL, Media
from opsconsole.gateways.postgres.swap import Names
from opsconsole.models import Backup, Caller, Restore
from pmscoring.base.files import write_whole


class State(StrEnum):
    """How far a restore was to go when the journal was written."""

    PREPARING = "preparing"
    SWAPPING = "swapping"
    UNDOING = "undoing"
    COMMITTED = "committed"


@dataclass
class Journal:
    """One restore. Where `has_row` is false there was no table to keep it in.

    `staged` are the names of the entries that the exchange of files moves. `history` says whose
    tables of the console the new database has.
    """

    uid: str
    live: str
    backup_name: str
    parts: list[str]
    actor: str
    source: str
    address: str
    why: str
    safety: bool
    started_at: str
    state: State = State.PREPARING
    safety_backup: str = ""
    staged: list[str] = field(default_factory=list)
    history: str = ""
    report: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, restore: Restore, live: str, caller: Caller) -> Self:
        """The journal of a restore that begins."""
        return cls(
            uid=str(restore.uid),
            live=live,
            backup_name=restore.backup_name,
            parts=restore.parts,
            actor=caller.name,
            source=caller.source,
            address=caller.address,
            why=restore.why,
            safety=restore.safety,
            started_at=(restore.started_at or restore.requested_at).isoformat(),
            safety_backup=restore.safety_backup.name if restore.safety_backup else "",
        )

    @classmethod
    def read(cls, path: Path) -> Self:
        """Raises OSError and ValueError."""
        journal = cls(**json.loads(path.read_text("utf-8")))
        journal.state = State(journal.state)
        return journal

    def write(self, root: Path, state: State) -> None:
        """Write the journal to the disk, with its new state."""
        self.state = state
        path = self.media(root).staging / JOURNAL
        write_whole(path, json.dumps(asdict(self), cls=DjangoJSONEncoder))

    @property
    def key(self) -> str:
        """What the restore's databases and folders have in their names."""
        return self.uid[:8]

    @property
    def names(self) -> Names:
        """Its databases."""
        return Names.of(self.live, self.key)

    @property
    def has_database(self) -> bool:
        """Whether a database is swapped, or files alone."""
        return "database" in self.parts

    @property
    def caller(self) -> Caller:
        """Who asked for it."""
        return Caller(self.actor, self.source, self.address)

    def media(self, root: Path) -> Media:
        """Its folders below the folder of uploads."""
        return Media(root, self.key)

    def row(self) -> Restore:
        """The row of this restore; a new one where the database in use has none."""
        row = Restore.objects.filter(uid=self.uid).first()
        return row or Restore(
            uid=self.uid,
            backup=Backup.objects.filter(name=self.backup_name).first(),
            backup_name=self.backup_name,
            parts=self.parts,
            why=self.why,
            safety=self.safety,
            requested_by=self.actor,
            started_at=datetime.fromisoformat(self.started_at),
            tries=1,
        )
