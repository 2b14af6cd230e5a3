"""The colour in which a state is shown."""

from collections.abc import Iterable

from django.template.loader import render_to_string
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

LABELS = {
    "waiting": "info",
    "scoring": "primary",
    "scored": "success",
    "failed": "danger",
    "queued": "info",
    "claimed": "primary",
    "marked": "success",
    "disputed": "danger",
    "adjudicated": "success",
    "draft": "default",
    "trial": "info",
    "marking": "primary",
    "fixed": "warning",
    "published": "success",
    "read": "success",
    "reading": "primary",
    "refused": "danger",
    "fitting": "primary",
    "ready": "success",
}


def labels(states: Iterable[tuple[str, str]]) -> SafeString:
    """Pairs of state and name, each in its colour."""
    template = "unfold/helpers/label.html"
    html = (render_to_string(template, {"text": n, "type": LABELS[s]}) for s, n in states)
    return format_html_join(" ", "{}", ((one,) for one in html))
