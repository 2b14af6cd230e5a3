"""Environments beside the running one: adding, protecting and removing them."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from opsconsole.admin.backup_actions import EXPECTED
from opsconsole.admin.environment_deeds import to_environment
from opsconsole.admin.roll_out import RollOut
from opsconsole.admin.roll_out_forms import RemovalForm
from opsconsole.callers import caller_of
from opsconsole.deployments import removal
from opsconsole.environments import add, shape
from opsconsole.models import Environment, Operation
from pmscoring.base.admin import theme
from pmscoring.base.admin.pages import page

PORT = "HAPROXY_PORT"


class AddForm(forms.Form):
    """An environment beside the running one; what is left empty is chosen."""

    code = forms.SlugField(
        label=capfirst(gettext_lazy("code")),
        max_length=30,
        widget=theme.TextInput(attrs={"autocomplete": "off"}),
        help_text=gettext_lazy("Small letters, digits and hyphens, such as staging."),
    )
    kind = forms.ChoiceField(
        label=capfirst(gettext_lazy("kind")),
        choices=Environment.Kind.choices,
        initial=Environment.Kind.STAGING,
        widget=theme.Select,
    )
    overlays = forms.MultipleChoiceField(
        label=gettext_lazy("Further overlays"),
        choices=[(name, name) for name in shape.OPTIONAL],
        required=False,
        widget=theme.CheckboxSelectMultiple,
        help_text=gettext_lazy("See docs/containers.md; usually none."),
    )
    port = forms.IntegerField(
        label=gettext_lazy("Port on this host"),
        min_value=1,
        max_value=65535,
        required=False,
        widget=theme.NumberInput,
        help_text=gettext_lazy("Under which it is reached. Empty: the next free one from 8180."),
    )
    subnet = forms.CharField(
        label=gettext_lazy("First two numbers of its networks"),
        max_length=7,
        required=False,
        widget=theme.TextInput,
        help_text=gettext_lazy("Such as 172.30. Empty: the next free ones."),
    )
    base_url = forms.URLField(
        label=capfirst(gettext_lazy("address")),
        required=False,
        assume_scheme="https",
        widget=theme.TextInput,
        help_text=gettext_lazy("Where people reach it, if that is not the port on this host."),
    )

    def wanted(self) -> add.Wanted:
        """What was chosen."""
        chosen = self.cleaned_data
        return add.Wanted(
            code=chosen["code"],
            kind=chosen["kind"],
            subnet=chosen["subnet"].strip(),
            ports={PORT: chosen["port"]} if chosen["port"] else {},
            overlays=chosen["overlays"],
            base_url=chosen["base_url"],
        )


class EnvironmentBeside(RollOut):
    """The pages that add an environment and remove one."""

    actions_list = ("add_environment",)

    def views(self) -> dict[str, Callable[..., HttpResponseBase]]:
        return {**super().views(), "protect": self.protect_view, "remove": self.remove_view}

    @theme.action(
        description=gettext_lazy("Add an environment"),
        icon="add",
        permissions=["operate"],
        url_path="new",
    )
    def add_environment(self, request: HttpRequest) -> HttpResponse:
        """A form; the new environment's page then says how it is laid out."""
        form = AddForm(request.POST if request.method == "POST" else None)
        context: dict[str, Any] = {}
        if form.is_valid():
            try:
                return to_environment(add.add(form.wanted(), caller=caller_of(request)))
            except EXPECTED as error:
                context["refusal"] = str(error)
        context |= {
            "form": form,
            "back": reverse("admin:opsconsole_environment_changelist"),
            "verb": _("Add"),
            "lead": _(
                "It runs on the same engine beside this installation, with networks, volumes and"
                " secrets of its own. Adding it creates nothing yet; its first deployment does."
            ),
        }
        title = _("Add an environment")
        return page(self, request, "opsconsole/deed.html", title, None, **context)

    def protect_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """POST keeps the environment from being removed, or lets it be."""
        environment = self.operated(request, pk)
        if request.method == "POST":
            on = bool(request.POST.get("protected"))
            add.protect(environment, on=on, caller=caller_of(request))
        return to_environment(environment)

    def remove_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """GET says what is lost and what is kept; POST with the typed code asks for it."""
        environment = self.operated(request, pk)
        form = RemovalForm(environment, request.POST if request.method == "POST" else None)

        def ask(wanted: Any) -> Operation:
            return removal.request(
                environment,
                confirmed=wanted["typed"],
                caller=caller_of(request),
                why=wanted["why"].strip(),
                without_backup=wanted["without_backup"],
            )

        lead = _(
            "Its containers, networks, volumes and secrets are removed: all data in it. A last"
            " backup is made in it before, verified, and kept here under Backups. Its deployments"
            " and events stay listed. There is no other way back."
        )
        context = {"lead": lead, "verb": _("Remove"), "variant": "danger"}
        title = _("Remove %s?") % environment.code
        return self.asked(request, environment, form, ask, title=title, **context)
