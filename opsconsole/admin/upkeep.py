"""What keeps an environment in order: another value of a secret, old images removed."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from opsconsole.admin.environment_deeds import EnvironmentDeeds
from opsconsole.admin.environment_forms import WhyField
from opsconsole.callers import caller_of
from opsconsole.environments import operate, rotation
from opsconsole.models import Operation
from pmscoring.base.admin import theme


class RotateForm(forms.Form):
    """The secret that gets another value."""

    secret = forms.ChoiceField(
        label=capfirst(gettext_lazy("secret")),
        choices=[(name, name) for name in rotation.NAMES],
        widget=theme.Select,
    )
    why = WhyField()


class PruneForm(forms.Form):
    """Why images are removed."""

    why = WhyField()


class Upkeep(EnvironmentDeeds):
    """The pages of both."""

    def views(self) -> dict[str, Callable[..., HttpResponseBase]]:
        return {**super().views(), "rotate": self.rotate_view, "prune": self.prune_view}

    def rotate_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """A form for the secret; its new value is never shown."""
        environment = self.operated(request, pk)
        form = RotateForm(request.POST if request.method == "POST" else None)

        def ask(wanted: Any) -> Operation:
            why = wanted["why"].strip()
            return operate.rotate(environment, wanted["secret"], caller=caller_of(request), why=why)

        lead = _(
            "A new value is written and tried, and the old one is dropped only then. People go on"
            " working. Nobody sees the value, here or elsewhere."
        )
        context = {"title": _("Rotate a secret"), "lead": lead, "verb": _("Rotate")}
        return self.asked(request, environment, form, ask, **context)

    def prune_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """GET says what goes and what stays; POST asks for it."""
        environment = self.operated(request, pk)
        form = PruneForm(request.POST if request.method == "POST" else None)

        def ask(wanted: Any) -> Operation:
            return operate.prune(environment, caller=caller_of(request), why=wanted["why"].strip())

        lead = _(
            "The images of releases that nobody goes back to are removed from the engine. Those of"
            " the newest releases stay, and so does whatever is not ours."
        )
        context = {"title": _("Remove old images"), "lead": lead, "verb": _("Remove")}
        return self.asked(request, environment, form, ask, **context)
