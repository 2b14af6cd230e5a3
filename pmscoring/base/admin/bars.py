"""Progress bars, and the parts of a page that are fetched anew while work goes on."""

from collections.abc import Iterable

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString


def progress_bar(title: str, percent: int, parts: Iterable[tuple[str, float]]) -> SafeString:
    """A bar that says `percent` (0 to 100); each part has a kind and its width in percent.

    The kind is the end of a class of the style sheet: `pms-bar-scored`, `pms-bar-failed`.
    """
    pieces = format_html_join(
        "",
        '<i class="pms-bar-{}" style="width:{}%"></i>',
        ((kind, format(width, ".2f")) for kind, width in parts),
    )
    return format_html(
        '<span class="pms-progress" title="{}"><span class="pms-bar" role="progressbar"'
        ' aria-label="{}" aria-valuenow="{}" aria-valuemin="0" aria-valuemax="100">{}</span>'
        "<b>{}%</b></span>",
        title,
        title,
        percent,
        pieces,
        percent,
    )


def live(name: str, content: str, alive: bool = True) -> SafeString:
    """The content under the id `name`; while it is alive, live.js fetches it every 3 s."""
    attribute = "data-live" if alive else ""
    return format_html('<span id="{}" {}>{}</span>', name, attribute, content)
