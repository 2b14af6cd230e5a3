"""The form of a backup plan: every choice in words, none to be typed but names and numbers."""

from datetime import time
from typing import Any

from django import forms
from django.conf import settings
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from opsconsole.admin import schedules
from opsconsole.admin.fields import PartsField, RecipientsField, StoresField
from opsconsole.models import BackupPlan
from pmscoring.base.admin import theme

AS_IT_IS = "as-it-is"


class PlanForm(theme.ModelForm):
    """What, when, where to, and how long it is kept."""

    times = forms.ChoiceField(label=gettext_lazy("How often"), widget=theme.Select)
    at = forms.TimeField(
        label=gettext_lazy("First at"),
        widget=theme.TextInput(attrs={"type": "time"}),
        help_text=gettext_lazy("A quiet hour, such as 02:00."),
    )
    days = forms.MultipleChoiceField(
        label=capfirst(gettext_lazy("days")),
        choices=schedules.day_choices,
        widget=theme.CheckboxSelectMultiple,
    )
    parts = PartsField(label=capfirst(gettext_lazy("parts")))
    stores = StoresField(label=gettext_lazy("Copies in other stores"))
    recipients = RecipientsField(label=gettext_lazy("Encrypt for"))

    class Meta:
        model = BackupPlan
        fields = (
            *("name", "enabled", "parts", "stores", "recipients", "verify"),
            *("keep_last", "keep_daily", "keep_weekly", "keep_monthly", "most_hours", "successes"),
        )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        fields: dict[str, Any] = dict(self.fields)
        fields["stores"].offer(self.instance.stores)
        present = self.instance.schedule if self.instance.schedule_id else None
        timing = schedules.timing(present) if present else schedules.Timing(time(2))
        choices = schedules.times_choices()
        if present and timing is None:
            fields["times"].initial = AS_IT_IS
            kept = _("unchanged: %s") % schedules.in_words(present)
            choices.insert(0, (AS_IT_IS, kept))
            fields["at"].required = fields["days"].required = False
        fields["times"].choices = choices
        if timing:
            fields["times"].initial = str(timing.times)
            fields["at"].initial = timing.at
            fields["days"].initial = [str(day) for day in timing.days]

    def save(self, commit: bool = True) -> Any:
        """The plan, with a schedule that says what was chosen."""
        chosen = self.cleaned_data
        if chosen["times"] != AS_IT_IS:
            days = tuple(sorted(int(day) for day in chosen["days"])) or schedules.EVERY_DAY
            wanted = schedules.Timing(chosen["at"], int(chosen["times"]), days)
            present = self.instance.schedule if self.instance.schedule_id else None
            zone = present.timezone if present else settings.TIME_ZONE
            self.instance.schedule = schedules.crontab_of(wanted, zone)
        return super().save(commit)

    def clean(self) -> dict[str, Any]:
        """A time is needed but where the schedule stays as it is."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if cleaned.get("times") != AS_IT_IS and not cleaned.get("at"):
            self.add_error("at", _("Enter the first time of the day."))
        return cleaned
