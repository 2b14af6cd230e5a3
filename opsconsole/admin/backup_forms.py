"""Forms of the pages of backups."""

from typing import Any

from django import forms
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from opsconsole.admin.fields import PartsField, RecipientsField, StoresField
from opsconsole.models import Backup
from pmscoring.base.admin import theme


class BackUpForm(forms.Form):
    """What is backed up now, and where to."""

    parts = PartsField(label=capfirst(gettext_lazy("parts")))
    stores = StoresField(label=gettext_lazy("Copies in other stores"))
    recipients = RecipientsField(label=gettext_lazy("Encrypt for"))
    note = forms.CharField(
        label=capfirst(gettext_lazy("note")),
        max_length=200,
        required=False,
        widget=theme.TextInput,
        help_text=gettext_lazy("Why, for instance: before the exam of 1 April."),
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        stores: Any = self.fields["stores"]
        stores.offer([])


class ArchiveForm(forms.Form):
    """An archive of a backup to take in."""

    file = forms.FileField(
        label=gettext_lazy("Archive"),
        widget=theme.FileInput(attrs={"accept": ".tar"}),
        help_text=gettext_lazy("The .tar file saved by “Download” on a backup's page."),
    )


class TypedNameForm(forms.Form):
    """A deed is confirmed by typing a name."""

    typed = forms.CharField(
        max_length=255,
        widget=theme.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )

    def __init__(self, name: str, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.name = name
        self.fields["typed"].label = _("Type “%s” to confirm") % name

    def clean_typed(self) -> str:
        """The name without spaces at its ends, as a copied one may have."""
        typed: str = self.cleaned_data["typed"].strip()
        if typed != self.name:
            raise forms.ValidationError(_("The name does not match; nothing was done."))
        return typed


class RestoreForm(TypedNameForm):
    """What is restored; whatever makes it riskier wants a reason."""

    parts = PartsField(label=gettext_lazy("What is restored"))
    safety = forms.BooleanField(
        label=gettext_lazy("Make a safety backup of the present state first"),
        initial=True,
        required=False,
        widget=theme.Checkbox,
        help_text=gettext_lazy("Skip it only if the present database can no longer be read."),
    )
    why = forms.CharField(
        label=capfirst(gettext_lazy("reason")),
        max_length=200,
        required=False,
        widget=theme.TextInput,
    )
    field_order = ("parts", "safety", "why", "typed")

    def __init__(self, backup: Backup, *args: Any, **options: Any) -> None:
        super().__init__(backup.name, *args, **options)
        self.backup = backup
        held = [part for part in backup.parts if part in ("database", "uploads")]
        field: Any = self.fields["parts"]
        field.choices = [choice for choice in field.choices if choice[0] in held]
        field.initial, field.help_text = held, ""
        self.fields["why"].help_text = (
            _("Required without a safety backup; the event records it.")
            if backup.verified_at
            else _("Required because this backup is not verified; the event records it.")
        )

    def clean(self) -> dict[str, Any]:
        """A reason is needed for an unverified backup, and without a safety backup."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        risky = self.backup.verified_at is None or not cleaned.get("safety")
        if risky and not cleaned.get("why", "").strip():
            self.add_error("why", _("Enter a reason: this restore has less to fall back on."))
        return cleaned
