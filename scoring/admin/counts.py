"""How far the scoring of exams, questions and batches is, counted by the database."""

from typing import Any

from django.db.models import Count, Q, QuerySet
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from pmscoring.base.admin import bars
from scoring.models import Answer

STATES = tuple(Answer.Status.values)


def with_counts(rows: "QuerySet[Any]", answers: str) -> "QuerySet[Any]":
    """Each row with `waiting`, `scoring`, `scored`, `failed`: its answers by status."""
    counts = {state: Count(answers, filter=Q(**{f"{answers}__status": state})) for state in STATES}
    counted: QuerySet[Any] = rows.annotate(**counts)
    return counted


def counts(row: Any) -> dict[str, int]:
    """What `with_counts` found."""
    return {state: getattr(row, state) for state in STATES}


def share(part: int, whole: int) -> int:
    """Whole percents, 100 only when nothing is left."""
    return part * 100 // whole if whole else 0


def bar(tally: dict[str, int]) -> SafeString:
    """A progress bar of the scored answers; failed ones and those at work show beside them."""
    total = sum(tally.values())
    if not total:
        return format_html('<span class="pms-none">{}</span>', _("no answers"))
    title = _("%(scored)d of %(total)d scored, %(failed)d failed") % {**tally, "total": total}
    parts = [(state, 100 * tally[state] / total) for state in ("scored", "failed", "scoring")]
    return bars.progress_bar(title, share(tally["scored"], total), parts)


def live(row: Any, name: str) -> SafeString:
    """The same, fetched anew by the page while answers wait."""
    return bars.live(name, bar(counts(row)), alive=bool(row.waiting or row.scoring))
