"""Forms of deployments: what to deploy, the typed confirmation, and reasons."""

from typing import Any

from django import forms
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from opsconsole.admin import states
from opsconsole.admin.backup_forms import TypedNameForm
from opsconsole.admin.environment_forms import WhyField
from opsconsole.deployments import bundles
from opsconsole.environments import windows
from opsconsole.models import Environment, Release
from pmscoring.base.admin import theme


class MaintenanceField(forms.BooleanField):
    """Whether the application shows the maintenance page meanwhile."""

    def __init__(self, **options: Any) -> None:
        super().__init__(
            label=gettext_lazy("Show the maintenance page meanwhile"),
            required=False,
            widget=theme.Checkbox,
            help_text=gettext_lazy(
                "Only if the plan says that the running version cannot live with the migrations of"
                " the new one. People cannot work meanwhile."
            ),
            **options,
        )


class WhatForm(forms.Form):
    """The version that goes in: by its tag, or by a bundle that lies with the installation."""

    version = forms.CharField(
        label=capfirst(gettext_lazy("version")),
        max_length=128,
        required=False,
        widget=theme.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        help_text=gettext_lazy("The tag of its images, such as 1.4.0."),
    )
    bundle = forms.ChoiceField(
        label=gettext_lazy("Or a bundle"),
        required=False,
        choices=lambda: [("", "–"), *((name, name) for name in bundles.names())],
        widget=theme.Select,
        help_text=gettext_lazy("Archives in the folder “bundles” of the installation."),
    )

    def clean(self) -> dict[str, Any]:
        """One of the two."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if not self.errors and bool(cleaned["version"]) == bool(cleaned["bundle"]):
            self.add_error("version", _("Enter a version, or choose a bundle."))
        return cleaned


class VersionForm(WhatForm):
    """The same, with or without the maintenance page."""

    maintenance = MaintenanceField()


class ReleaseForm(forms.Form):
    """The earlier release to go back to."""

    release: Any = forms.ModelChoiceField(
        label=capfirst(gettext_lazy("release")), queryset=None, widget=theme.Select
    )
    maintenance = MaintenanceField()

    def __init__(self, environment: Environment, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        rows = environment.releases.ran()
        if environment.release_id:
            rows = rows.exclude(pk=environment.release_id)
        field: Any = self.fields["release"]
        field.queryset = rows
        field.label_from_instance = _release_name


def _release_name(release: Release) -> str:
    words = {"release": release, "time": states.moment(release.created_at)}
    return _("%(release)s, recorded %(time)s") % words


class ConfirmForm(TypedNameForm):
    """A deployment is confirmed by typing the code of its environment."""

    why = WhyField()
    field_order: tuple[str, ...] = ("why", "typed")

    def __init__(self, environment: Environment, *args: Any, **options: Any) -> None:
        super().__init__(environment.code, *args, **options)
        window = windows.holding()
        if window:
            self.fields["why"].required = True
            self.fields["why"].help_text = (
                _("Required: the exam window “%s” holds. The event keeps it.") % window.name
            )


class RemovalForm(ConfirmForm):
    """What becomes of the data of an environment that is removed."""

    without_backup = forms.BooleanField(
        label=gettext_lazy("Make no last backup"),
        required=False,
        widget=theme.Checkbox,
        help_text=gettext_lazy("Only if none can be made any more; needs a reason."),
    )
    field_order = ("without_backup", "why", "typed")

    def clean(self) -> dict[str, Any]:
        """Without a last backup there is no way back, so a reason is needed."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if cleaned.get("without_backup") and not cleaned.get("why", "").strip():
            self.add_error("why", _("Enter a reason: without a last backup there is no way back."))
        return cleaned


class ReasonForm(forms.Form):
    """A reason that must be given."""

    why = WhyField()

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["why"].required = True
