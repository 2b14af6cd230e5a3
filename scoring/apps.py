"""The app's name, as people read it."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ScoringConfig(AppConfig):
    """Exams, answers and marks."""

    name = "scoring"
    verbose_name = _("Scoring")
