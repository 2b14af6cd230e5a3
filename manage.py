#!/usr/bin/env python
"""Django's command line."""

import os
import sys

from pmscoring.embedded import volumes
from pmscoring.embedded.commands import database_for

if __name__ == "__main__":
    # Before Django is loaded, which would end in a traceback of a module that cannot be mapped.
    volumes.main()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pmscoring.settings")
    # The settings read the environment when they are imported.
    with database_for(sys.argv):
        from django.core.management import execute_from_command_line

        execute_from_command_line(sys.argv)
