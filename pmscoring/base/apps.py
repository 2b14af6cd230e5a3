"""The base as an app, for its templates, its static files and the admin of accounts."""

from django.apps import AppConfig


class BaseConfig(AppConfig):
    """Has no models of its own."""

    name = "pmscoring.base"
    label = "base"
