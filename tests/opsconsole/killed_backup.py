"""`python -m tests.opsconsole.killed_backup NAME STAGE`: a worker that dies in a stage."""

import os
import signal
import sys

import django


def main(name: str, stage: str) -> None:
    """Take the backup; the first word on that stage is the last."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "pmscoring.settings"
    django.setup()
    from django.utils import translation

    from opsconsole.backups import progress, take
    from opsconsole.models import Backup

    progress.BEAT_SECONDS = 0.0
    backup = Backup.objects.get(name=name)
    backup.language = "en"

    def say(fraction: float, words: str) -> None:
        if stage in words:
            os.kill(os.getpid(), signal.SIGKILL)

    with translation.override("en"):
        take.take(backup, say)


if __name__ == "__main__":
    main(*sys.argv[1:])
