"""The form of an exam window: its zone, its times in that zone, its floors as numbers."""

from datetime import datetime
from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.timezone import localtime, now
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from opsconsole.admin import names
from opsconsole.environments import bounds, windows
from opsconsole.models import ExamWindow
from pmscoring.base import zones
from pmscoring.base.admin import theme

TYPED = "%Y-%m-%dT%H:%M"
"""What a browser sends for an input of the type datetime-local."""
TIMES = ("starts_at", "ends_at")


class LocalMoment(theme.TextInput):  # type: ignore[misc, valid-type]
    """Date and time, chosen in the browser's own picker; without one they are typed."""

    input_type = "datetime-local"

    def format_value(self, value: Any) -> str | None:
        """As the browser wants it."""
        return value.strftime(TYPED) if isinstance(value, datetime) else value


class LocalTimeField(forms.Field):
    """A naive time: what the clocks of a zone show that the form has in another field."""

    widget = LocalMoment

    def to_python(self, value: Any) -> Any:
        """The naive time; raises ValidationError where it is none."""
        if not value or isinstance(value, datetime):
            return value or None
        try:
            typed = datetime.fromisoformat(value.strip())
        except ValueError:
            typed = None
        if typed is None or typed.tzinfo is not None or not 1970 < typed.year < 9999:
            raise ValidationError(_("A date and a time such as 2027-04-01T09:00 are expected."))
        return typed


class WindowForm(theme.ModelForm):
    """When an exam is marked, and how many replicas there are then at least.

    `notices` says, once the form is valid, what clocks that are put back made of its times.
    """

    zone = forms.ChoiceField(
        label=gettext_lazy("Time zone"),
        required=False,
        widget=theme.Select,
        help_text=gettext_lazy("Where the exam is held. The times are those of its clocks."),
    )
    starts_at = LocalTimeField(label=gettext_lazy("Starts"))
    ends_at = LocalTimeField(label=gettext_lazy("Ends"))
    follows = forms.BooleanField(
        label=gettext_lazy("Follow the exam's own dates"),
        required=False,
        widget=theme.Checkbox,
        help_text=gettext_lazy("Without this, the window stays at the times that you set here."),
    )

    class Meta:
        model = ExamWindow
        fields = ("name", "zone", "starts_at", "ends_at", "follows")

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.notices: list[str] = []
        window = self.instance
        self.before = {name: getattr(window, name) for name in ("zone", *TIMES)}
        zone: Any = self.fields["zone"]
        zone.choices = zone_choices(window.zone)
        for name in TIMES:
            if at := self.before[name]:
                self.initial[name] = window.local(at).replace(tzinfo=None)
        if not window.exam:
            del self.fields["follows"]
        for service in bounds.MOST:
            self.fields[f"floor_{service}"] = forms.IntegerField(
                label=_("At least: %s") % names.service(service),
                min_value=0,
                max_value=bounds.most(service),
                required=False,
                initial=(window.floors or {}).get(service),
                widget=theme.NumberInput,
            )

    def clean(self) -> dict[str, Any]:
        """Make moments of the times that were typed."""
        cleaned = super().clean() or self.cleaned_data
        zone = zones.zone(cleaned.get("zone") or settings.TIME_ZONE)
        for name in TIMES:
            if isinstance(cleaned.get(name), datetime):
                try:
                    cleaned[name] = self._moment(name, cleaned[name], zone)
                except zones.Skipped as error:
                    self.add_error(name, str(error))
        return cleaned

    def _moment(self, name: str, typed: datetime, zone: Any) -> datetime:
        """The moment; of two a start is the earlier and an end the later, lest it be too short."""
        if typed == self.initial.get(name) and self.cleaned_data["zone"] == self.before["zone"]:
            at: datetime = self.before[name]
            return at
        at = zones.moment(typed, zone, later=name == "ends_at")
        if zones.occurs_twice(typed, zone):
            words = {"zone": zone.key, "time": f"{typed:%Y-%m-%d %H:%M}"}
            self.notices.append(
                (
                    _("Clocks in %(zone)s show %(time)s twice: the window starts with the first.")
                    if name == "starts_at"
                    else _("Clocks in %(zone)s show %(time)s twice: the window ends at the second.")
                )
                % words
            )
        return at

    def _post_clean(self) -> None:
        """Check the window as a whole, also against the exam that it follows."""
        super()._post_clean()  # type: ignore[misc]
        if self.errors:
            return
        try:
            windows.refuse_moved(self.instance)
        except ValidationError as error:
            self.add_error(None, error)

    def save(self, commit: bool = True) -> Any:
        """The window, with the floors that the form has."""
        kept = {
            name: value
            for name, value in (self.instance.floors or {}).items()
            if name not in bounds.MOST
        }
        asked = {service: self.cleaned_data.get(f"floor_{service}") for service in bounds.MOST}
        self.instance.floors = kept | {name: value for name, value in asked.items() if value}
        return super().save(commit)


def zone_choices(present: str) -> list[tuple[str, str]]:
    """The installation's zone, then all others, and the window's where it has another name."""
    known = zones.names()
    others = known if present in ("", *known) else [present, *known]
    return [("", _("this installation's: %s") % zone()), *((name, name) for name in others)]


def zone() -> str:
    """The installation's zone, with its present offset: `Asia/Tokyo (JST, UTC+09:00)`."""
    here = localtime(now())
    offset = f"{here:%z}"
    return f"{settings.TIME_ZONE} ({here:%Z}, UTC{offset[:3]}:{offset[3:]})"
