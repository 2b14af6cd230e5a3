"""How far the scoring of exams, questions and batches is, counted by the database."""

from typing import Any

from django.db.models import Count, Q, QuerySet
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from scoring.models import Answer

STATES = tuple(Answer.Status.values)


def with_counts(rows: "QuerySet[Any]", answers: str) -> "QuerySet[Any]":
    """Each row with `waiting`, `scoring`, `scored`, `failed`: its answers by status."""
    counts = {state: Count(answers, filter=Q(**{f"{answers}__status": state})) for state in STATES}
    found: QuerySet[Any] = rows.annotate(**counts)
    return found


def counts(row: Any) -> dict[str, int]:
    """What `with_counts` found."""
    return {state: getattr(row, state) for state in STATES}


def share(part: int, whole: int) -> int:
    """Whole percents, 100 only when nothing is left."""
    return part * 100 // whole if whole else 0


def bar(found: dict[str, int]) -> SafeString:
    """A progress bar of the scored answers; failed ones and those at work show beside them."""
    total = sum(found.values())
    if not total:
        return format_html('<span class="pms-none">{}</span>', _("no answers"))
    parts = format_html_join(
        "",
        '<i class="pms-bar-{}" style="width:{}%"></i>',
        (
            (state, format(100 * found[state] / total, ".2f"))
            for state in ("scored", "failed", "scoring")
        ),
    )
    done = share(found["scored"], total)
    title = _("%(scored)d of %(total)d scored, %(failed)d failed") % {**found, "total": total}
    return format_html(
        '<span class="pms-progress" title="{}"><span class="pms-bar" role="progressbar"'
        ' aria-label="{}" aria-valuenow="{}" aria-valuemin="0" aria-valuemax="100">{}</span>'
        "<b>{}%</b></span>",
        title,
        title,
        done,
        parts,
        done,
    )


def live(row: Any, name: str) -> SafeString:
    """The same, fetched anew by the page while answers wait."""
    alive = "data-live" if row.waiting or row.scoring else ""
    return format_html('<span id="{}" {}>{}</span>', name, alive, bar(counts(row)))
