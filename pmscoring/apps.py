"""The project as an app, so that Celery is set up wherever Django is."""

from django.apps import AppConfig


class ProjectConfig(AppConfig):
    """Imports the Celery application once the settings are there."""

    name = "pmscoring"

    def ready(self) -> None:
        """Make shared tasks bind to the application."""
        from pmscoring import celery  # noqa: F401
