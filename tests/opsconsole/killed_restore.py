"""`python -m tests.opsconsole.killed_restore FOLDER NOTE PARTS`: a restore that dies at a note."""

import os
import signal
import sys
from pathlib import Path

import django


def main(folder: str, note: str, parts: str) -> None:
    """Restore `folder`, and be killed as soon as the restore says `note`."""
    django.setup()
    from django.utils import translation

    from opsconsole.backups.restore import restore_now
    from opsconsole.models import Caller

    def say(fraction: float, said: str) -> None:
        print(said)
        if said.startswith(note):
            os.kill(os.getpid(), signal.SIGKILL)

    caller = Caller("tester", "command")
    with translation.override("en"):
        restore_now(
            Path(folder),
            caller=caller,
            parts=parts.split(","),
            safety=False,
            why="a test",
            say=say,
        )


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pmscoring.settings")
    main(*sys.argv[1:])
