"""Forms of the deeds on environments: restart, scale, run a command, read logs."""

import shlex
from datetime import timedelta
from typing import Any

from django import forms
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from opsconsole.admin import names, seen
from opsconsole.environments import allowed, bounds
from opsconsole.environments.performing import MOST_LINES
from opsconsole.models import Environment
from pmscoring.base.admin import theme


class WhyField(forms.CharField):
    """A reason, which the event keeps."""

    def __init__(self, **options: Any) -> None:
        super().__init__(
            label=capfirst(gettext_lazy("reason")),
            max_length=200,
            widget=theme.TextInput,
            **{
                "required": False,
                "help_text": gettext_lazy("The event keeps it."),
                **options,
            },
        )


class RestartForm(forms.Form):
    """Why a replica is restarted; what rests meanwhile has to be confirmed."""

    why = WhyField()

    def __init__(self, rests: str, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        if rests:
            self.fields["rests"] = forms.BooleanField(
                label=_("Restart it all the same"), help_text=rests, widget=theme.Checkbox
            )


class ScaleForm(forms.Form):
    """How many replicas of a service, and for how long."""

    service = forms.ChoiceField(label=capfirst(gettext_lazy("service")), widget=theme.Select)
    replicas = forms.IntegerField(
        label=capfirst(gettext_lazy("replicas")), min_value=1, widget=theme.NumberInput
    )
    hours = forms.IntegerField(
        label=gettext_lazy("For how many hours"),
        min_value=1,
        max_value=720,
        required=False,
        widget=theme.NumberInput,
        help_text=gettext_lazy("Then the present number is put back. Empty: it stays."),
    )
    why = WhyField()

    def __init__(self, environment: Environment, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        present = {service.name: service.wanted for service in seen.services(environment)}
        most = {name: bounds.most(name, environment.engine) for name in bounds.MOST}
        several = [name for name in most if most[name] > 1 and name in present]
        field: Any = self.fields["service"]
        field.choices = [
            (
                name,
                _("%(name)s: now %(now)d, at most %(most)d")
                % {"name": names.service(name), "now": present[name], "most": most[name]},
            )
            for name in several
        ]
        self.fields["replicas"].initial = present[several[0]] if several else 1

    @property
    def lasting(self) -> timedelta | None:
        """For how long, None for good."""
        hours = self.cleaned_data.get("hours")
        return timedelta(hours=hours) if hours else None


class RunForm(forms.Form):
    """One of the allowed commands, with its arguments as they are typed in a terminal."""

    command = forms.ChoiceField(
        label=capfirst(gettext_lazy("command")),
        choices=lambda: [(name, _usage(name)) for name in allowed.COMMANDS],
        widget=theme.Select,
    )
    words = forms.CharField(
        label=capfirst(gettext_lazy("arguments")),
        max_length=500,
        required=False,
        widget=theme.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        help_text=gettext_lazy("As in a terminal; what is not allowed is refused."),
    )
    why = WhyField()

    def clean_words(self) -> list[str]:
        """The words; quotes hold together what belongs together."""
        try:
            return shlex.split(self.cleaned_data["words"])
        except ValueError as error:
            raise forms.ValidationError(_("A quote is not closed.")) from error


def _usage(name: str) -> str:
    """Such as `migrate --check [--plan]`."""
    command = allowed.COMMANDS[name]
    wanted = sorted(command.wanted)
    flags = [f"[{flag}]" for flag in sorted(command.flags - command.wanted)]
    options = [f"[{option} …]" for option in command.options]
    return " ".join([name, *wanted, *flags, *options, *("…" for _word in command.words)])


class LogsForm(forms.Form):
    """Which lines of which replica."""

    replica = forms.ChoiceField(label=capfirst(gettext_lazy("replica")), widget=theme.Select)
    tail = forms.IntegerField(
        label=gettext_lazy("Last lines"),
        min_value=1,
        max_value=MOST_LINES,
        initial=200,
        widget=theme.NumberInput,
    )
    search = forms.CharField(
        label=gettext_lazy("Only lines with"),
        max_length=200,
        required=False,
        widget=theme.TextInput,
    )
    follow = forms.BooleanField(
        label=gettext_lazy("Follow: read on every few seconds"),
        required=False,
        widget=theme.Checkbox,
    )

    def __init__(self, environment: Environment, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        field: Any = self.fields["replica"]
        field.choices = [
            (replica.id, f"{service.name}: {replica.name}")
            for service in seen.services(environment)
            for replica in service.replicas
        ]
