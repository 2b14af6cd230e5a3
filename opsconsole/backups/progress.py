"""How far a backup is: into its row, which is its heartbeat, and to whoever watches."""

from time import monotonic

from opsconsole.models import Backup
from pmscoring.base.progress import Say

BEAT_SECONDS = 2.0


class Progress:
    """The stages of one backup. Each call raises WrongState where another worker has it."""

    def __init__(self, backup: Backup, say: Say) -> None:
        self.backup, self.say = backup, say
        self.stage, self.start, self.end, self.since = "", 0.0, 0.0, 0.0

    def begin(self, stage: str, until: float) -> None:
        """Begin a stage, which ends with the fraction `until` of the whole."""
        self.stage, self.start, self.end, self.since = stage, self.end, until, 0.0
        self.alive()

    def alive(self) -> None:
        """Say that the stage goes on."""
        self.tell(0.0)

    def tell(self, fraction: float, note: str = "") -> None:
        """Say how far the stage is, 0 to 1, with a word on where; at most every BEAT_SECONDS."""
        if monotonic() - self.since < BEAT_SECONDS:
            return
        self.since = monotonic()
        whole = self.start + (self.end - self.start) * min(max(fraction, 0.0), 1.0)
        stage = f"{self.stage}: {note}" if note else self.stage
        self.backup.beat(stage=stage[:100], fraction=whole)
        self.say(whole, stage)
