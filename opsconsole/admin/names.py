"""What people call the services."""

from django.utils.translation import gettext as _


def service(name: str) -> str:
    """The service's name with what it does; one that is not ours by its name alone."""
    does = {
        "web": _("web (pages and REST)"),
        "worker": _("worker (scoring)"),
        "inference": _("inference (the scoring model)"),
        "ops": _("ops (the console's worker)"),
        "beat": _("beat (the clock)"),
    }
    return does.get(name, name)
