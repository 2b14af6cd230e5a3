"""In place of pmscoring.wsgi: each request takes five times as long, but for health checks."""

import os
import time

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pmscoring.settings")
answered = get_wsgi_application()
LEAST = 0.3
"""Seconds. What is quick takes even longer than five times, to be seen on a busy machine too."""


def application(environ, start_response):  # type: ignore[no-untyped-def]
    """What gunicorn calls."""
    began = time.monotonic()
    answer = answered(environ, start_response)
    if not environ["PATH_INFO"].startswith("/health"):
        time.sleep(max(4 * (time.monotonic() - began), LEAST))
    return answer
