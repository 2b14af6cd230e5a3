"""The app's name, as people read it."""

from dataclasses import asdict

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ScoringConfig(AppConfig):
    """Exams, answers and marks."""

    name = "scoring"
    verbose_name = _("Scoring")

    def ready(self) -> None:
        """A restored backup may hold answers whose date for deletion has come since."""
        from pmscoring.base import restored
        from scoring import personal
        from scoring.exams.retention import delete_due

        restored.register_deletions(self.name, lambda: [asdict(exam) for exam in delete_due()])
        personal.register()
