"""Form fields that plans and single backups share: parts, stores and recipients."""

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from opsconsole.admin import words
from opsconsole.gateways import age, stores
from opsconsole.models import LOCAL, default_parts
from pmscoring.base.admin import theme

PRIVATE = "AGE-SECRET-KEY"
"""What a private key of age begins with."""


class PartsField(forms.MultipleChoiceField):
    """The parts of a backup; at least one."""

    widget = theme.CheckboxSelectMultiple

    def __init__(self, **options: Any) -> None:
        super().__init__(
            choices=words.part_choices,
            initial=default_parts,
            help_text=gettext_lazy(
                "Redis holds only messages that are sent again anyway; a backup does not need it."
            ),
            **options,
        )


class StoresField(forms.MultipleChoiceField):
    """The stores besides the backup folder, in which every backup is made.

    Choices are the stores that STORES_DIR describes, and those of `kept` that it describes no more,
    so that saving a form does not silently take them away.
    """

    widget = theme.CheckboxSelectMultiple

    def __init__(self, **options: Any) -> None:
        super().__init__(required=False, **options)

    def offer(self, kept: list[str]) -> None:
        """Read which stores there are; each form does so, for they change."""
        described = stores.names()
        gone = [name for name in kept if name not in (LOCAL, *described)]
        self.choices = [
            *((name, name) for name in described),
            *((name, _("%s (no longer set up)") % name) for name in gone),
        ]
        self.help_text = (
            _("Every backup is kept in this server's backup folder and copied to each of these.")
            if self.choices
            else _(
                "No store is set up yet: backups lie in the backup folder of this server alone, and"
                " are lost with it. See “Stores” in docs/operations.md."
            )
        )

    def clean(self, value: Any) -> list[str]:
        """The backup folder first, then the stores that were chosen."""
        return [LOCAL, *super().clean(value)]

    def prepare_value(self, value: Any) -> Any:
        return [name for name in value or [] if name != LOCAL]

    def has_changed(self, initial: Any, data: Any) -> bool:
        return super().has_changed(self.prepare_value(initial), data)


class PublicKeys(theme.Textarea):  # type: ignore[misc, valid-type]
    """Shows no private key again that somebody pasted by mistake."""

    def format_value(self, value: Any) -> str:
        """The lines that are no private key."""
        lines = (super().format_value(value) or "").splitlines()
        return "\n".join(line for line in lines if PRIVATE not in line.upper())


class RecipientsField(forms.CharField):
    """Public keys of age, one a line; each is checked."""

    def __init__(self, **options: Any) -> None:
        super().__init__(
            required=False,
            widget=PublicKeys(attrs={"rows": 2, "placeholder": "age1…"}),
            help_text=gettext_lazy(
                "Public keys (age1…), one a line, each with a comment after # if you like. Only who"
                " has one of their private keys can read the backup; keep those away from this"
                " server. Without any, the backup is not encrypted and leaves out the secrets."
            ),
            **options,
        )

    def clean(self, value: Any) -> str:
        """The lines that say something; comments (#) may name whose key it is."""
        text: str = super().clean(value)
        try:
            age.recipients(text)
        except age.AgeError as error:
            raise forms.ValidationError(str(error)) from error
        return "\n".join(line.strip() for line in text.splitlines() if line.strip())
