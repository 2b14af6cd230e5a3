"""`manage.py canary`: whether the inference service, called from here, marks as it should."""

import json
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from scoring.inference import Inference
from scoring.machine import canary


class Command(BaseCommand):
    """A deployment runs it inside a new container, before that gets much to do.

    It uses the product's own client, settings and secret, and neither the database nor the cache.
    """

    help = "Have the inference service mark a fixed answer; exit status 0 where the marks are good"
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        """Print the marks as one line of JSON."""
        try:
            marks = canary.sing(Inference.from_settings())
        except canary.CanaryFailed as error:
            raise CommandError(str(error)) from error
        self.stdout.write(json.dumps(asdict(marks)))
