"""`manage.py run`: the whole product on this machine, without Docker."""

import os
import sys
from typing import Any

from django.core.management.base import BaseCommand


class Command(BaseCommand):
    """Becomes the supervisor, so that signals reach it and no Django process waits beside it."""

    help = "Start PostgreSQL, Valkey, inference, worker, beat and web server; Ctrl-C stops them"
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        """Does not return."""
        argv = [sys.executable, "-m", "pmscoring.embedded"]
        os.execv(sys.executable, argv)  # noqa: S606
