"""A copy for another environment is an installation of its own: its console begins empty."""

from django.apps import apps

from pmscoring.base.personal import emptied


def register() -> None:
    """No plan runs in a copy, no channel is told, and no backup or event is its own."""
    models = apps.get_app_config("opsconsole").get_models(include_auto_created=True)
    emptied(*(model._meta.label for model in models))
