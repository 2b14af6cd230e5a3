"""What a notice says: events in the words of the vocabulary."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from opsconsole.models import Event

PRODUCT = "PM Scoring"
MOST_SHOWN = 20
LONGEST = 300


def title_of(events: Sequence[Event]) -> str:
    """One line for the subject."""
    if len(events) == 1:
        return f"{PRODUCT}: {_headline(events[0])}"
    words = ngettext("%(count)d event", "%(count)d events", len(events)) % {"count": len(events)}
    return f"{PRODUCT}: {words}"


def body_of(events: Sequence[Event]) -> str:
    """A paragraph for each event, the oldest first; of very many only the first ones."""
    paragraphs = [_paragraph(event) for event in events[:MOST_SHOWN]]
    more = len(events) - MOST_SHOWN
    if more > 0:
        words = ngettext("and %(count)d more event", "and %(count)d more events", more)
        paragraphs.append(words % {"count": more})
    return "\n\n".join(paragraphs) + "\n"


def _headline(event: Event) -> str:
    parts = (event.deed_name, event.object_name)
    return " ".join(": ".join(part for part in parts if part).split())


def _paragraph(event: Event) -> str:
    at = date_format(timezone.localtime(event.at), "Y-m-d H:i:s T")
    lines = [_headline(event), at]
    if event.actor:
        lines.append(_("by %(who)s") % {"who": event.actor})
    lines += [f"{name}: {_short(value)}" for name, value in event.named_details if _says(value)]
    if page := _page_of(event):
        lines.append(page)
    return "\n".join(lines)


def _page_of(event: Event) -> str:
    """Where the event's object is shown; "" where it has no page.

    The address is that of the settings, and never of a row: a link in a notice is believed.
    """
    try:
        path = reverse(f"admin:opsconsole_{event.object_type}_change", args=[event.object_id])
    except NoReverseMatch:
        return ""
    whole = [origin for origin in settings.CSRF_TRUSTED_ORIGINS if "*" not in origin]
    return f"{whole[0]}{path}" if whole else path


def _says(value: Any) -> bool:
    """Whether there is something to say; that nothing failed is, too."""
    return bool(value) or type(value) is int


def _short(value: Any) -> str:
    return f"{value:.1f}" if isinstance(value, float) else str(value)[:LONGEST]
