"""The app's name, as people read it."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class OpsConsoleConfig(AppConfig):
    """Installation, backups, restores, events and channels."""

    name = "opsconsole"
    verbose_name = _("Operations")
