"""The app's name, as people read it."""

from django.apps import AppConfig
from django.db.models.signals import post_save
from django.utils.translation import gettext_lazy as _


class OpsConsoleConfig(AppConfig):
    """Installation, backups, restores, events and channels."""

    name = "opsconsole"
    verbose_name = _("Operations")

    def ready(self) -> None:
        """Have channels told of events, whoever records them, and Prometheus of backups."""
        from opsconsole import metrics, personal, tasks
        from opsconsole.models import Event
        from pmscoring.base import collectors

        collectors.register(self.name, metrics.collect)
        post_save.connect(tasks.event_recorded, Event)
        personal.register()
