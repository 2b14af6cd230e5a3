"""States as coloured labels. Each model's admin says which colour a state of its model has."""

from collections.abc import Iterable

from django.template.loader import render_to_string
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

TEMPLATE = "unfold/helpers/label.html"


def labels(pairs: Iterable[tuple[str, str]]) -> SafeString:
    """Labels beside each other, from pairs of colour and text.

    Colours are the theme's: default, info, primary, success, warning, danger.
    """
    html = (render_to_string(TEMPLATE, {"text": text, "type": colour}) for colour, text in pairs)
    return format_html_join(" ", "{}", ((label,) for label in html))
