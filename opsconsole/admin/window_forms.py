"""The form of an exam window: its times in the installation's zone, its floors as numbers."""

from datetime import datetime
from typing import Any

from django import forms
from django.conf import settings
from django.utils.timezone import localtime, now
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from opsconsole.admin import names
from opsconsole.models import ExamWindow
from pmscoring.base.admin import theme

TYPED = "%Y-%m-%dT%H:%M"
"""What a browser sends for an input of the type datetime-local."""
FLOORS = ("web", "worker", "inference")
"""Services of which there may be several."""
MOST = 99


class LocalMoment(theme.TextInput):  # type: ignore[misc, valid-type]
    """Date and time, chosen in the browser's own picker; without one they are typed."""

    input_type = "datetime-local"

    def format_value(self, value: Any) -> str | None:
        """As the browser wants it."""
        return value.strftime(TYPED) if isinstance(value, datetime) else value


class MomentField(forms.DateTimeField):
    """A time in the installation's zone."""

    widget = LocalMoment

    def __init__(self, **options: Any) -> None:
        super().__init__(input_formats=[TYPED, "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M"], **options)


class WindowForm(theme.ModelForm):
    """When an exam is marked, and how many replicas there are then at least."""

    starts_at = MomentField(label=gettext_lazy("Starts"))
    ends_at = MomentField(label=gettext_lazy("Ends"))

    class Meta:
        model = ExamWindow
        fields = ("name", "starts_at", "ends_at")

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        for name in ("starts_at", "ends_at"):
            self.fields[name].help_text = _("In the zone of this installation, %s.") % zone()
        for service in FLOORS:
            self.fields[f"floor_{service}"] = forms.IntegerField(
                label=_("At least: %s") % names.service(service),
                min_value=0,
                max_value=MOST,
                required=False,
                initial=(self.instance.floors or {}).get(service),
                widget=theme.NumberInput,
            )

    def save(self, commit: bool = True) -> Any:
        """The window, with the floors that were given."""
        kept = {
            name: value
            for name, value in (self.instance.floors or {}).items()
            if name not in FLOORS
        }
        given = {service: self.cleaned_data.get(f"floor_{service}") for service in FLOORS}
        self.instance.floors = kept | {name: value for name, value in given.items() if value}
        return super().save(commit)


def zone() -> str:
    """The installation's zone, with its present offset: `Asia/Tokyo (JST, UTC+09:00)`."""
    here = localtime(now())
    offset = f"{here:%z}"
    return f"{settings.TIME_ZONE} ({here:%Z}, UTC{offset[:3]}:{offset[3:]})"
