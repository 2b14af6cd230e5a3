"""In place of pmscoring.wsgi: a tenth of the requests fail, but for those of health checks."""

import itertools
import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pmscoring.settings")
answered = get_wsgi_application()
numbers = itertools.count(1)


def application(environ, start_response):  # type: ignore[no-untyped-def]
    """What gunicorn calls."""
    is_check = environ["PATH_INFO"].startswith("/health")
    if is_check or next(numbers) % 10:
        return answered(environ, start_response)
    start_response("500 Internal Server Error", [("Content-Length", "0")])
    return [b""]
